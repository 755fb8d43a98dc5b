#ifndef HSM_AUDIT_RECOVER_H
#define HSM_AUDIT_RECOVER_H

#include "module/world/state.h"

/* What a start-up finds in the audit log: the state says how the log was when
 * it was sealed (tree, length, records still to be written there); the log's
 * bytes from that length on may hold those records and, after them, uses. */
struct hsm_audit_recovery {
    struct hsm_audit_tree tree; /* as of what is kept */
    uint64_t log_len;           /* where the next entry goes; what lies behind is dropped */
    struct kq_buffer again;     /* bytes the log lacks, to be written at log_len */
    bool is_clean;              /* the last thing the module did was to stop cleanly */
    bool is_cut;                /* the log is shorter than the state knows it to have been */
    uint64_t num_dropped;       /* bytes after the last signed head that verifies */
};

void hsm_audit_recovery_clear(struct hsm_audit_recovery *recovery);
KQ_AUTO_DEFINE_VALUE(hsm_audit_recovery);

/* state     freshly unsealed
 * log_len   of the whole file
 * tail      the log's bytes from state->audit_log_len on (empty if it is shorter)
 * Errors    KQ_ERR_MEMORY; a damaged tail is not an error, it is dropped */
KQ_MUST_CHECK kq_status hsm_audit_recover(const struct hsm_state *state, uint64_t log_len, struct kq_slice tail,
                                          struct hsm_audit_recovery *out);

/* The tail is at most this long: a module seals its state again before the
 * log has grown by more. */
#define HSM_AUDIT_TAIL_MAX (4u * 1024 * 1024)
#define HSM_AUDIT_TAIL_CHECKPOINT (1024u * 1024)

#define HSM_AUDIT_EVENT_START "module-start"
#define HSM_AUDIT_EVENT_CLEAN_STOP "clean-stop"
#define HSM_AUDIT_EVENT_UNCLEAN_STOP "unclean-stop"
#define HSM_AUDIT_EVENT_LOG_CUT "log-cut"

#endif
