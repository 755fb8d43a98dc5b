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

/* Installs the table for all threads; everything else kills the process.
 * listen_fd is -1 for a table that does not name it. */
KQ_MUST_CHECK kq_status kq_filter_enter(const struct kq_filter_row *rows, size_t num_rows, int listen_fd);

#endif
