#ifndef HSM_TRANSFER_DESTINATION_H
#define HSM_TRANSFER_DESTINATION_H

#include "module/service/call.h"
#include "trust/chain.h"

/* Whether a key may be released to the destination that two packages
 * describe (docs/protocols/transfer.md 3 and 4). Every refusal begins with
 * the name of the check that failed. The lists are those of call->draft. */

/* Verifies both packages inside this module. Slices of out borrow from them. */
KQ_MUST_CHECK kq_status hsm_destination_verify(struct hsm_call *call, struct kq_slice kek_package,
                                               struct kq_slice world_package, struct kq_destination *out);

/* Hashes that an officer typed for this act; empty where he typed none. */
struct hsm_typed_trust {
    struct kq_slice root;
    struct kq_slice world;
    bool is_rehearsal_named; /* he was told by name that the root is a rehearsal */
};

/* Root, world and generation against the lists and what was typed. What was
 * typed joins the draft's lists, and the generation seen is kept there.
 * Errors: KQ_ERR_UNTRUSTED, KQ_ERR_MISMATCH, KQ_ERR_ROLLBACK, KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status hsm_destination_accept(struct hsm_call *call, const struct kq_destination *destination,
                                               const struct hsm_typed_trust *typed);

/* The same against the lists alone; they stay as they are. */
KQ_MUST_CHECK kq_status hsm_destination_is_trusted(struct hsm_call *call, const struct kq_destination *destination);

#endif
