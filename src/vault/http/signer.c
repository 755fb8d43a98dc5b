#include "vault/http/signer.h"

#include <stdlib.h>

#include <gnutls/crypto.h>

#define P256_BITS 256u
#define P256_BYTES 32u
#define SHA256_BYTES 32u

struct signer {
    vault_http_sign *sign;
    void *context;
};

static bool is_our_algorithm(gnutls_sign_algorithm_t algorithm)
{
    return algorithm == GNUTLS_SIGN_ECDSA_SHA256 || algorithm == GNUTLS_SIGN_ECDSA_SECP256R1_SHA256;
}

static int signer_info(gnutls_privkey_t key, unsigned flags, void *context)
{
    (void)key;
    (void)context;
    if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0)
        return GNUTLS_PK_ECDSA;
    if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0)
        return P256_BITS;
    if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0)
        return is_our_algorithm((gnutls_sign_algorithm_t)GNUTLS_FLAGS_TO_SIGN_ALGO(flags));
    return -1;
}

/* Asks for the signature and puts r and s into DER. */
static int sign_digest(const struct signer *signer, struct kq_slice digest, gnutls_datum_t *out)
{
    KQ_AUTO_VALUE(kq_buffer) raw = {0};
    kq_buffer_init(&raw, (size_t)2 * P256_BYTES);
    if (signer->sign(signer->context, digest, &raw) != KQ_OK || raw.len != (size_t)2 * P256_BYTES)
        return GNUTLS_E_PK_SIGN_FAILED;
    gnutls_datum_t r = {raw.data, P256_BYTES};
    gnutls_datum_t s = {raw.data + P256_BYTES, P256_BYTES};
    return gnutls_encode_rs_value(out, &r, &s);
}

static int signer_sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *context, unsigned flags,
                            const gnutls_datum_t *hash, gnutls_datum_t *out)
{
    (void)key;
    (void)flags;
    if (!is_our_algorithm(algorithm) || hash->size != SHA256_BYTES)
        return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
    return sign_digest(context, kq_slice_of(hash->data, hash->size), out);
}

static int signer_sign_data(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *context, unsigned flags,
                            const gnutls_datum_t *data, gnutls_datum_t *out)
{
    uint8_t digest[SHA256_BYTES];
    (void)key;
    (void)flags;
    if (!is_our_algorithm(algorithm))
        return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
    int result = gnutls_hash_fast(GNUTLS_DIG_SHA256, data->data, data->size, digest);
    return result < 0 ? result : sign_digest(context, kq_slice_of(digest, sizeof digest), out);
}

static void signer_free(gnutls_privkey_t key, void *context)
{
    (void)key;
    free(context);
}

kq_status vault_http_signer_new(vault_http_sign *sign, void *context, gnutls_privkey_t *out)
{
    gnutls_privkey_t key = NULL;
    struct signer *signer = malloc(sizeof *signer);
    if (signer == NULL || gnutls_privkey_init(&key) != GNUTLS_E_SUCCESS) {
        free(signer);
        return KQ_ERR_MEMORY;
    }
    *signer = (struct signer){sign, context};
    if (gnutls_privkey_import_ext4(key, signer, signer_sign_data, signer_sign_hash, NULL, signer_free, signer_info,
                                   0) != GNUTLS_E_SUCCESS) {
        gnutls_privkey_deinit(key);
        free(signer);
        return KQ_ERR_MEMORY;
    }
    *out = key;
    return KQ_OK;
}
