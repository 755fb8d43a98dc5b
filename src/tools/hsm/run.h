#ifndef KQ_TOOLS_HSM_RUN_H
#define KQ_TOOLS_HSM_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

struct kq_run_options {
    const char *folder; /* absolute */
    uint64_t idle_exit_s;
    uint64_t num_workers;
    uint64_t memory_mib;
    uint64_t socket_mode;
    uid_t module_uid;
    gid_t module_gid;
    uid_t hardserver_uid;
    gid_t hardserver_gid;
    bool allow_unlocked;
    bool is_daemon;
};

/* keyquay-hsm run: makes the folder where there is none, then keeps
 * hardserver and module running until told to stop (SIGTERM, SIGINT) or until
 * they have been idle. Returns the program's exit status. */
int kq_run(const struct kq_run_options *options);

#endif
