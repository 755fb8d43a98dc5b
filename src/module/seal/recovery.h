#ifndef HSM_SEAL_RECOVERY_H
#define HSM_SEAL_RECOVERY_H

#include "module/seal/blob.h"

/* What working and recovery blobs share. */

/* Appends an encoded record. */
KQ_MUST_CHECK kq_status hsm_blob_append(const struct kq_record_type *type, const void *record, struct kq_buffer *out);

/* The hash a blob carries: of the public key, empty for AES. */
struct kq_slice hsm_blob_public_hash(const struct hsm_key *key, uint8_t hash[32]);

/* What the open part of a blob says about the key inside. */
struct hsm_blob_inside {
    uint64_t key_type;
    uint64_t bits;
    uint64_t origin;
    struct kq_slice acl;
    struct kq_slice place;
    struct kq_slice public_hash;
};
/* Opens the unsealed key and demands that it is the one described.
 * Errors: KQ_ERR_AUTH, KQ_ERR_FORMAT, KQ_ERR_MEMORY (the caller folds them). */
KQ_MUST_CHECK kq_status hsm_blob_open_key(const struct hsm_blob_inside *inside, struct kq_slice plain,
                                          struct hsm_loaded **out);

#endif
