#ifndef HSM_PRIVCRYPTO_KEY_BODY_H
#define HSM_PRIVCRYPTO_KEY_BODY_H

#include "module/privcrypto/key.h"
#include "module/privcrypto/openssl.h"
#include "module/privcrypto/pkcs1.h"

/* The body of struct hsm_key, for the files of this folder alone. */

#define HSM_AES_KEY_MAX 32u
#define HSM_SIGN_SCHEMES 8u /* kq_mechanism 1..8 */

struct hsm_key {
    enum kq_key_type type;
    uint64_t bits;
    int num_references; /* atomic */
    EVP_PKEY *pkey;     /* NULL for AES */
    uint8_t secret[HSM_AES_KEY_MAX];
    uint8_t pkcs1_secret[HSM_PKCS1_SECRET_LEN]; /* RSA: what a bad padding's noise comes from */
    struct kq_buffer public_key;
    uint8_t public_hash[32];
    /* Contexts ready to sign and to verify, one pair per mechanism, made at
     * the first use and published atomically. They are only ever duplicated:
     * setting one up costs more than a P-256 signature. */
    EVP_PKEY_CTX *signer[HSM_SIGN_SCHEMES];
    EVP_PKEY_CTX *verifier[HSM_SIGN_SCHEMES];
};

/* Makes a key around *pkey, which it takes on KQ_OK. */
KQ_MUST_CHECK kq_status hsm_key_of_pkey(enum kq_key_type type, uint64_t bits, EVP_PKEY **pkey, struct hsm_key **out);
KQ_MUST_CHECK kq_status hsm_key_of_secret(struct kq_slice secret, struct hsm_key **out);

/* Signs and verifies a fixed digest with a new key.  Errors: KQ_ERR_INTERNAL. */
KQ_MUST_CHECK kq_status hsm_key_check_pair(const struct hsm_key *key);

#endif
