#ifndef HSM_WORLD_FILE_H
#define HSM_WORLD_FILE_H

#include "module/cards/card.h"
#include "module/world/secrets.h"
#include "module/world/state.h"

/* World files (docs/formats/world.md): read from outside, and how a state
 * takes up the world they describe. */

struct hsm_world_facts {
    struct kq_slice bytes; /* the file; everything below borrows from it */
    struct kq_world_file file;
    struct kq_world_binding binding;
    uint8_t hknso[32];
    uint8_t hkre[32]; /* zeros without recovery */
};

/* Reads a world file and verifies that its own KNSO signed the binding.
 *
 * out_why  static text, for every failure
 * Errors   KQ_ERR_FORMAT, KQ_ERR_VERSION, KQ_ERR_SIGNATURE, KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status hsm_world_file_read(struct kq_slice bytes, struct hsm_world_facts *out, const char **out_why);

/* The cards of a world file, and of a loaded world (borrows its commitments). */
void hsm_world_file_card_set(const struct hsm_world_facts *facts, struct hsm_card_set *out);
void hsm_world_card_set(const struct hsm_world *world, struct hsm_card_set *out);

/* Replaces the draft's world, and everything that belonged to the former one,
 * by this one. The KNSO stays in the state for region and factory worlds only;
 * in a region's world the module's own root is trusted from the start.
 * Errors: KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_world_adopt(struct hsm_state *draft, const struct hsm_world_facts *facts,
                                        const struct hsm_world_secrets *secrets, uint64_t now);

/* Refuses unless replaces names the loaded world, or is empty without one. */
KQ_MUST_CHECK kq_status hsm_world_check_replaces(struct hsm_call *call, struct kq_slice replaces);

/* hkm: SHA-256 of a label and KM. */
void hsm_km_hash(const uint8_t km[32], uint8_t out[32]);

#endif
