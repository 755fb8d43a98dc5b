#ifndef KQ_SANDBOX_FILTER_H
#define KQ_SANDBOX_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* One allowed system call. A condition compares (argument & mask) with value;
 * a mask of 0 is no condition. Several rows of one call are alternatives. */
struct kq_filter_condition {
    uint8_t argument;
    uint64_t mask;
    uint64_t value;
};

struct kq_filter_row {
    int call; /* SCMP_SYS(...) */
    struct kq_filter_condition conditions[2];
};

/* In a value: the number of the listening descriptor, put in when the filter is made. */
#define KQ_FILTER_LISTEN_FD UINT64_MAX

/* What a call outside the table meets: the end of the process, or EPERM. The
 * second is for programs of many libraries, where a rare path should fail
 * alone and not take the service with it. */
enum kq_filter_rest { KQ_FILTER_KILL = 1, KQ_FILTER_REFUSE = 2 };

/* Installs the table for all threads.
 * listen_fd is -1 for a table that does not name it. */
KQ_MUST_CHECK kq_status kq_filter_enter(const struct kq_filter_row *rows, size_t num_rows, int listen_fd,
                                        enum kq_filter_rest rest);

#endif
