#ifndef HSM_WORLD_SECRETS_H
#define HSM_WORLD_SECRETS_H

#include "module/service/call.h"
#include "wire/record.h"

/* What a world is made of: KM, which seals blobs; KNSO, which names and
 * certifies; the recovery key of an owner's world. In an owner's world KNSO
 * and the recovery key lie sealed in the world file and come out under a
 * quorum only; in a region's and a factory's the state keeps KNSO. */
struct hsm_world_secrets {
    uint8_t km[32];
    struct hsm_key *knso;     /* owned */
    struct hsm_key *recovery; /* owned; NULL without recovery */
};
void hsm_world_secrets_clear(struct hsm_world_secrets *secrets);
KQ_AUTO_DEFINE_VALUE(hsm_world_secrets);

/* The plain form, inside the module only, and sealed in a world file or an admission. */
#define KQ_WORLD_SECRETS_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    BYTES(km, 32, 32)                                                                                                  \
    BYTES(knso, 1, KQ_PRIVATE_MAX)     /* PKCS#8 */                                                                    \
    BYTES(recovery, 0, KQ_PRIVATE_MAX) /* PKCS#8; empty without recovery */
KQ_RECORD_DECLARE(kq_world_secrets, KQ_WORLD_SECRETS_FIELDS);

/* Brings the loaded world's secrets out.
 *
 * call  has a quorum (owner's world: its secret opens the world file)
 * out   clear with hsm_world_secrets_clear()
 * Errors  KQ_ERR_QUORUM, KQ_ERR_AUTH, KQ_ERR_FORMAT, KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status hsm_world_open_secrets(struct hsm_call *call, struct hsm_world_secrets *out);

struct hsm_world_facts; /* world/file.h */

/* Opens the sealed part of an owner's world file with its card set's secret,
 * and checks that what comes out is what the file's binding names.
 * Errors: KQ_ERR_AUTH, KQ_ERR_FORMAT, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_world_unseal(const struct hsm_world_facts *facts, struct kq_slice card_secret,
                                         struct hsm_world_secrets *out);

/* The sealed part for a world file whose other fields are complete. */
KQ_MUST_CHECK kq_status hsm_world_seal(const struct kq_world_file *file, struct kq_slice card_secret,
                                       const struct hsm_world_secrets *secrets, struct kq_buffer *out);

/* Plain form and back; decoding checks the parts against the facts. */
KQ_MUST_CHECK kq_status hsm_world_secrets_encode(const struct hsm_world_secrets *secrets, struct kq_buffer *out);
KQ_MUST_CHECK kq_status hsm_world_secrets_decode(struct kq_slice plain, const struct hsm_world_facts *facts,
                                                 struct hsm_world_secrets *out);

#endif
