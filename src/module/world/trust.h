#ifndef HSM_WORLD_TRUST_H
#define HSM_WORLD_TRUST_H

#include "module/world/state.h"

/* The two lists that decide a release: roots (a real module) and destination
 * worlds (whose). They live in the sealed state and are changed on a draft. */

/* Adds an entry, or gives the one with its hash the new label and mark;
 * since and generation of an existing entry stay. A world that was trusted
 * before begins with the newest generation seen of it.
 * Errors: KQ_ERR_TOO_LARGE when the list is full. */
KQ_MUST_CHECK kq_status hsm_trust_add(struct hsm_state *draft, enum kq_trust_list list,
                                      const struct hsm_trusted *entry);

/* Takes an entry off the list. The newest generation seen of a world stays
 * known (of the last HSM_TRUSTED_MAX that were taken off).
 * Errors: KQ_ERR_NOT_FOUND. */
KQ_MUST_CHECK kq_status hsm_trust_remove(struct hsm_state *draft, enum kq_trust_list list, const uint8_t hash[32]);

/* A new region's world trusts the root that its module was warranted under at
 * that time (for the origin of imports and for modules that join). From then on
 * the list grows under the quorum alone: a warrant installed later adds nothing.
 * An owner's world trusts none that no quorum put there.
 * Errors: KQ_ERR_FORMAT, KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status hsm_trust_own_root(struct hsm_state *draft, uint64_t now);

/* Fills label with printable text of at most its size; cut if longer. */
void hsm_trust_label(struct hsm_trusted *entry, struct kq_slice text);

#endif
