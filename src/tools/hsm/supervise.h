#ifndef KQ_TOOLS_HSM_SUPERVISE_H
#define KQ_TOOLS_HSM_SUPERVISE_H

#include "tools/hsm/run.h"

/* Starts both children, starts them again when one dies (after 50 ms, then
 * longer and longer), ends them when told.
 *
 * started_fd  gets one byte when the module answers for the first time; closed then; -1: nobody waits
 * Returns     KQ_OK after an orderly end; KQ_ERR_STATE if the module refuses to start (it said why) */
KQ_MUST_CHECK kq_status kq_supervise(const struct kq_run_options *options, int listen_fd, int lock_fd, int started_fd);

#endif
