#ifndef KQ_TOOLS_HSM_CHILDREN_H
#define KQ_TOOLS_HSM_CHILDREN_H

#include "tools/hsm/run.h"

/* The supervisor's two children and the channel between them. */
struct kq_children {
    pid_t module;     /* 0: not there */
    pid_t hardserver; /* 0: not there */
    int ready_fd;     /* a byte comes here when the module answers; -1 after that */
};

/* Makes device key and first state where there are none (hsm-module --prepare).
 * Errors: KQ_ERR_STATE (the module said why), KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_children_prepare(const struct kq_run_options *options);

/* Starts both. listen_fd goes to the module, lock_fd to the hardserver.  Errors: KQ_ERR_IO; none is left then. */
KQ_MUST_CHECK kq_status kq_children_start(const struct kq_run_options *options, int listen_fd, int lock_fd,
                                          struct kq_children *out);

#endif
