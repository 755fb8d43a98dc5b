#ifndef HSM_SEAL_BLOB_H
#define HSM_SEAL_BLOB_H

#include "module/keys/handle.h"
#include "module/world/state.h"

/* Key blobs: a key sealed under the world's KM together with its ACL and its
 * place (docs/formats/key-blob.md). */

struct hsm_blob_request {
    const struct hsm_key *key;
    enum kq_origin origin;
    struct kq_slice acl;   /* encoded kq_acl */
    struct kq_slice place; /* encoded kq_place */
    bool is_counted;       /* the ACL has a use limit: this module's ESN goes into the blob */
};

/* Appends an encoded kq_key_blob. */
KQ_MUST_CHECK kq_status hsm_blob_seal(const struct hsm_state *state, const struct hsm_blob_request *request,
                                      struct kq_buffer *out);

/* Opens a working blob found at place.
 *
 * out_why   a sentence for the caller, "" when status says it all (static storage)
 * Errors    KQ_ERR_FORMAT, KQ_ERR_VERSION; KQ_ERR_MISMATCH (other world, other place, counted by another
 *           module); KQ_ERR_AUTH for anything behind the seal */
KQ_MUST_CHECK kq_status hsm_blob_open(const struct hsm_state *state, struct kq_slice blob, struct kq_slice place,
                                      struct hsm_loaded **out, const char **out_why);

/* Recovery blobs, under the world's recovery key: sealed with its public half
 * (an RSA or P-521 SubjectPublicKeyInfo), opened with the private one that a
 * card quorum brought out of the world file. The world's KM is mixed in, so
 * that nobody who has only the public half can make one. */
KQ_MUST_CHECK kq_status hsm_recovery_blob_seal(struct kq_slice recovery_public, struct kq_slice km,
                                               const struct hsm_blob_request *request, struct kq_buffer *out);
KQ_MUST_CHECK kq_status hsm_recovery_blob_open(const struct hsm_key *recovery_key, struct kq_slice km,
                                               struct kq_slice blob, struct kq_slice place, struct hsm_loaded **out,
                                               const char **out_why);

#endif
