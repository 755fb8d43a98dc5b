#ifndef HSM_TRANSFER_PAYLOAD_H
#define HSM_TRANSFER_PAYLOAD_H

#include "module/privcrypto/key.h"

/* The ciphertext of a transfer: RSA-OAEP of a fresh AES-256 key under the
 * exchange key, then AES key wrap with padding of the PKCS#8 private key
 * (docs/protocols/transfer.md 5.2). The OAEP label ties it to H. */

/* Encrypts the key for the exchange key.
 *
 * header  the encoded H
 * out     initialised here
 * Errors  KQ_ERR_ARGUMENT, KQ_ERR_FORMAT (the exchange key), KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status hsm_payload_seal(struct kq_slice exchange_public, struct kq_slice header,
                                         const struct hsm_key *key, struct kq_buffer *out);

/* What H says of the key inside; public. */
struct hsm_payload_facts {
    enum kq_key_type type;
    uint64_t bits;
    struct kq_slice public_key;
};

/* Opens a ciphertext and validates the key in it.
 *
 * Errors  KQ_ERR_AUTH for whatever is wrong; the same work is done for a label or OAEP that fails as for one
 *         that opens to a wrong key (docs/formats/key-blob.md 5)
 * Timing  does not depend on whether OAEP opened; on the key inside as far as its validation does */
KQ_MUST_CHECK kq_status hsm_payload_open(const struct hsm_key *exchange_key, struct kq_slice header,
                                         struct kq_slice ciphertext, const struct hsm_payload_facts *facts,
                                         struct hsm_key **out);

#endif
