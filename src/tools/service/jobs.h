#ifndef KQ_TOOLS_SERVICE_JOBS_H
#define KQ_TOOLS_SERVICE_JOBS_H

#include <stddef.h>

#include "base/status.h"

/* Work side by side, each piece in a process of its own (a tool holds one
 * connection and speaks for itself). */
struct kq_job {
    kq_status (*run)(const void *context);
    const void *context;
};
#define KQ_JOBS_MAX 64u

/* Runs them all and returns when the last has ended: KQ_OK, or the status of
 * the first that failed (each has said why). */
KQ_MUST_CHECK kq_status kq_jobs_run(const struct kq_job *jobs, size_t num_jobs);

#endif
