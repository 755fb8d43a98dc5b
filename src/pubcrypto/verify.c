#include "pubcrypto/public_key.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/size.h"
#include "pubcrypto/public_key_body.h"

#define RSA_MODULUS_MAX_LEN 2048u
#define PKCS1_OVERHEAD 11u /* of both PKCS #1 v1.5 paddings */
#define ECDSA_DER_MAX 160u /* two numbers of 66 bytes with their heads */

static const EVP_MD *statement_hash(enum kq_key_type type)
{
    switch (type) {
    case KQ_KEY_EC_P384:
        return EVP_sha384();
    case KQ_KEY_EC_P521:
        return EVP_sha512();
    case KQ_KEY_DSA:
        return EVP_sha256();
    default:
        return NULL;
    }
}

kq_status kq_public_key_verify_statement(const struct kq_public_key *key, struct kq_slice message,
                                         struct kq_slice signature)
{
    const EVP_MD *hash = statement_hash(key->type);
    if (hash == NULL)
        return KQ_ERR_UNSUPPORTED;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool able = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, hash, NULL, key->pkey) == 1;
    bool good = able && EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    if (!able)
        return KQ_ERR_MEMORY;
    return good ? KQ_OK : KQ_ERR_SIGNATURE;
}

struct rsa_mechanism {
    uint64_t mechanism;
    int padding;
    const EVP_MD *(*hash)(void);
    size_t digest_len;
};
static const struct rsa_mechanism rsa_signatures[] = {
    {KQ_MECH_RSA_PKCS1_SHA256, RSA_PKCS1_PADDING, EVP_sha256, 32},
    {KQ_MECH_RSA_PKCS1_SHA384, RSA_PKCS1_PADDING, EVP_sha384, 48},
    {KQ_MECH_RSA_PKCS1_SHA512, RSA_PKCS1_PADDING, EVP_sha512, 64},
    {KQ_MECH_RSA_PSS_SHA256, RSA_PKCS1_PSS_PADDING, EVP_sha256, 32},
    {KQ_MECH_RSA_PSS_SHA384, RSA_PKCS1_PSS_PADDING, EVP_sha384, 48},
    {KQ_MECH_RSA_PSS_SHA512, RSA_PKCS1_PSS_PADDING, EVP_sha512, 64},
};
static const struct rsa_mechanism rsa_encryptions[] = {
    {KQ_MECH_RSA_OAEP_SHA1, RSA_PKCS1_OAEP_PADDING, EVP_sha1, 20},
    {KQ_MECH_RSA_OAEP_SHA256, RSA_PKCS1_OAEP_PADDING, EVP_sha256, 32},
};

static const struct rsa_mechanism *find_mechanism(const struct rsa_mechanism *table, size_t num_rows,
                                                  uint64_t mechanism)
{
    for (size_t i = 0; i < num_rows; i++)
        if (table[i].mechanism == mechanism)
            return &table[i];
    return NULL;
}

static kq_status verify_digest(EVP_PKEY_CTX *ctx, struct kq_slice digest, struct kq_slice signature)
{
    int verified = EVP_PKEY_verify(ctx, signature.data, signature.len, digest.data, digest.len);
    ERR_clear_error();
    return verified == 1 ? KQ_OK : KQ_ERR_SIGNATURE;
}

/* RFC 8017 9.2, without a DigestInfo: 00 01 ff ... 00 input. */
static kq_status verify_rsa_raw(const struct kq_public_key *key, struct kq_slice input, struct kq_slice signature)
{
    size_t len = (size_t)(key->bits + 7) / 8;
    uint8_t encoded[RSA_MODULUS_MAX_LEN];
    if (len > sizeof encoded || input.len + PKCS1_OVERHEAD > len)
        return KQ_ERR_ARGUMENT;
    if (signature.len != len)
        return KQ_ERR_SIGNATURE;
    memset(encoded, 0xff, len);
    encoded[0] = 0;
    encoded[1] = 1;
    encoded[len - input.len - 1] = 0;
    if (input.len > 0)
        memcpy(encoded + len - input.len, input.data, input.len);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool able = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1;
    kq_status status = able ? verify_digest(ctx, kq_slice_of(encoded, len), signature) : KQ_ERR_MEMORY;
    EVP_PKEY_CTX_free(ctx);
    return status;
}

static kq_status verify_rsa(const struct kq_public_key *key, uint64_t mechanism, struct kq_slice digest,
                            struct kq_slice signature)
{
    if (mechanism == KQ_MECH_RSA_PKCS1_RAW)
        return verify_rsa_raw(key, digest, signature);
    const struct rsa_mechanism *rsa = find_mechanism(rsa_signatures, KQ_COUNT_OF(rsa_signatures), mechanism);
    if (rsa == NULL || digest.len != rsa->digest_len)
        return KQ_ERR_ARGUMENT;
    if (signature.len != (key->bits + 7) / 8)
        return KQ_ERR_SIGNATURE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool able = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, rsa->padding) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, rsa->hash()) == 1;
    if (able && rsa->padding == RSA_PKCS1_PSS_PADDING)
        able = EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, rsa->hash()) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    kq_status status = able ? verify_digest(ctx, digest, signature) : KQ_ERR_MEMORY;
    EVP_PKEY_CTX_free(ctx);
    return status;
}

/* r and s side by side become the library's DER form; 0 if they cannot. */
static size_t ecdsa_to_der(struct kq_slice signature, uint8_t out[ECDSA_DER_MAX])
{
    size_t half = signature.len / 2;
    BIGNUM *r = BN_bin2bn(signature.data, (int)half, NULL);
    BIGNUM *s = BN_bin2bn(signature.data + half, (int)half, NULL);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int len = 0;
    if (r != NULL && s != NULL && pair != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair's now */
        uint8_t *end = out;
        if (i2d_ECDSA_SIG(pair, NULL) <= (int)ECDSA_DER_MAX)
            len = i2d_ECDSA_SIG(pair, &end);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

static kq_status verify_ecdsa(const struct kq_public_key *key, struct kq_slice digest, struct kq_slice signature)
{
    bool is_curve = key->type >= KQ_KEY_EC_P256 && key->type <= KQ_KEY_EC_SECP256K1;
    bool is_digest = digest.len == 32 || digest.len == 48 || digest.len == 64;
    if (!is_curve || !is_digest)
        return KQ_ERR_ARGUMENT;
    if (signature.len != 2 * ((key->bits + 7) / 8))
        return KQ_ERR_SIGNATURE;
    uint8_t der[ECDSA_DER_MAX];
    size_t der_len = ecdsa_to_der(signature, der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool able = der_len > 0 && ctx != NULL && EVP_PKEY_verify_init(ctx) == 1;
    kq_status status = able ? verify_digest(ctx, digest, kq_slice_of(der, der_len)) : KQ_ERR_MEMORY;
    EVP_PKEY_CTX_free(ctx);
    return status;
}

kq_status kq_public_key_verify(const struct kq_public_key *key, uint64_t mechanism, struct kq_slice digest,
                               struct kq_slice signature)
{
    if (mechanism == KQ_MECH_ECDSA)
        return verify_ecdsa(key, digest, signature);
    return key->type == KQ_KEY_RSA ? verify_rsa(key, mechanism, digest, signature) : KQ_ERR_ARGUMENT;
}

/* The library takes the label's storage over. */
static bool set_label(EVP_PKEY_CTX *ctx, struct kq_slice label)
{
    if (label.len == 0)
        return true;
    void *copy = OPENSSL_memdup(label.data, label.len);
    if (copy == NULL || EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label.len) != 1) {
        OPENSSL_free(copy);
        return false;
    }
    return true;
}

static kq_status encrypt_oaep(EVP_PKEY_CTX *ctx, const struct rsa_mechanism *oaep, struct kq_slice label,
                              struct kq_slice data, size_t modulus_len, struct kq_buffer *out)
{
    bool able = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, oaep->padding) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md(ctx, oaep->hash()) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, oaep->hash()) == 1 && set_label(ctx, label);
    if (!able)
        return KQ_ERR_MEMORY;
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, modulus_len, &room));
    size_t len = modulus_len;
    if (EVP_PKEY_encrypt(ctx, room, &len, data.data, data.len) != 1 || len != modulus_len)
        return KQ_ERR_INTERNAL;
    out->len += len;
    return KQ_OK;
}

kq_status kq_public_key_oaep(const struct kq_public_key *key, uint64_t mechanism, struct kq_slice label,
                             struct kq_slice data, struct kq_buffer *out)
{
    const struct rsa_mechanism *oaep = find_mechanism(rsa_encryptions, KQ_COUNT_OF(rsa_encryptions), mechanism);
    if (key->type != KQ_KEY_RSA || oaep == NULL)
        return KQ_ERR_ARGUMENT;
    size_t modulus_len = (size_t)(key->bits + 7) / 8;
    if (data.len == 0 || data.len > modulus_len - 2 * oaep->digest_len - 2) /* RFC 8017 7.1.1 */
        return KQ_ERR_ARGUMENT;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    kq_status status = encrypt_oaep(ctx, oaep, label, data, modulus_len, out);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return status;
}

static kq_status encrypt_pkcs1(EVP_PKEY_CTX *ctx, struct kq_slice data, size_t modulus_len, struct kq_buffer *out)
{
    static const uint8_t nothing[1] = {0}; /* somewhere to point to */
    if (ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1)
        return KQ_ERR_MEMORY;
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, modulus_len, &room));
    size_t len = modulus_len;
    const uint8_t *from = data.len > 0 ? data.data : nothing;
    if (EVP_PKEY_encrypt(ctx, room, &len, from, data.len) != 1 || len != modulus_len)
        return KQ_ERR_INTERNAL;
    out->len += len;
    return KQ_OK;
}

kq_status kq_public_key_pkcs1_encrypt(const struct kq_public_key *key, struct kq_slice data, struct kq_buffer *out)
{
    size_t modulus_len = (size_t)(key->bits + 7) / 8;
    if (key->type != KQ_KEY_RSA || data.len + PKCS1_OVERHEAD > modulus_len)
        return KQ_ERR_ARGUMENT;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    kq_status status = encrypt_pkcs1(ctx, data, modulus_len, out);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return status;
}
