#ifndef HSM_ACL_ACL_H
#define HSM_ACL_ACL_H

#include "module/service/call.h"

/* The only place where an ACL decides. A request is allowed if some group
 * holds the action, its limits are not spent and its certifier (if any) is
 * satisfied by a quorum presented for this very call. */

/* One right of OpPermissions (kq_op_permission). A GLOBAL use limit of the
 * group that allows it is counted durably before this returns KQ_OK.
 * Two calls that race for the last use: exactly one gets it.
 * Errors: KQ_ERR_DENIED with the reason in call->detail (names the right);
 * those of hsm_call_change_state() when a use could not be counted. */
KQ_MUST_CHECK kq_status hsm_acl_use(struct hsm_call *call, const struct hsm_loaded *key, uint32_t permission);

/* The same question for an act of another kind, without counting; a group
 * with a GLOBAL limit therefore never allows one:
 * KQ_ACTION_MAKE_BLOB / MAKE_ARCHIVE_BLOB with the key hash it would go under,
 * KQ_ACTION_UNWRAP_FOR_IMPORT with a profile in bits,
 * KQ_ACTION_MAKE_TRANSFER_PACKAGE with kek, hknso, profile, template, date. */
struct hsm_acl_question {
    enum kq_acl_action_kind kind;
    uint32_t bits;
    struct kq_slice hash;
    const struct kq_acl_transfer *transfer; /* not_after: of the package asked for */
};
KQ_MUST_CHECK kq_status hsm_acl_ask(struct hsm_call *call, const struct hsm_loaded *key,
                                    const struct hsm_acl_question *question);

/* True if an encoded ACL holds a GLOBAL limit (its blob must name the counting module). */
bool hsm_acl_is_counted(struct kq_slice acl);

/* Starts a counter at 0 for each GLOBAL limit of an ACL; one that is there
 * keeps its count. A limit without a counter counts as spent: forgetting a
 * world does not give its keys new uses.
 * Errors: KQ_ERR_TOO_LARGE (HSM_COUNTERS_MAX), those of hsm_call_change_state(). */
KQ_MUST_CHECK kq_status hsm_acl_register(struct hsm_call *call, struct kq_slice acl);

/* Appends the uses left, 8 bytes big-endian, for each GLOBAL limit in ACL order, as kq_list items. */
void hsm_acl_uses_left(const struct hsm_state *state, struct kq_slice acl, struct kq_writer *items, size_t *out_num);

#endif
