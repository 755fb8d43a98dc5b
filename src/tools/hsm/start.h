#ifndef KQ_TOOLS_HSM_START_H
#define KQ_TOOLS_HSM_START_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

/* Starting, stopping and asking after the module of an hsm folder, for every
 * tool. The work is keyquay-hsm's, which lies beside the calling program. */

struct kq_hsm_options {
    uint64_t idle_exit_s; /* 0: never */
    uint64_t num_workers; /* 0: as many as cores */
    bool allow_unlocked;
    const char *module_user;     /* NULL: the caller's own */
    const char *hardserver_user; /* NULL: the caller's own */
    bool is_shared;              /* other users may connect; the module decides whom it serves */
};

/* Makes sure that a module answers on folder/hardserver.sock: starts a
 * supervisor in the background unless one runs. Folder and module are made at
 * the first start. keyquay-hsm says on standard error what went wrong.
 * Errors: KQ_ERR_CONNECT (it did not start), KQ_ERR_NOT_FOUND (no keyquay-hsm beside us), KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_hsm_start(const char *folder, const struct kq_hsm_options *options);

/* Ends the folder's supervisor in an orderly way and waits until it is gone.
 * Errors: KQ_ERR_NOT_FOUND (none runs), KQ_ERR_WAIT (still there after timeout_s), KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_hsm_stop(const char *folder, unsigned timeout_s);

/* Does one run? out_pid: the supervisor's, 0 if it is not known (yet).
 * Errors: KQ_ERR_NOT_FOUND (none runs), KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_hsm_find(const char *folder, pid_t *out_pid);

/* The path of a program that lies beside the running one.  Errors: KQ_ERR_NOT_FOUND. */
#define KQ_PROGRAM_PATH_MAX 1024
KQ_MUST_CHECK kq_status kq_hsm_program(const char *name, char out[KQ_PROGRAM_PATH_MAX]);

#endif
