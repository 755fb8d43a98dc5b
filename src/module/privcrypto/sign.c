#include <openssl/rsa.h>

#include "base/wipe.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/key_body.h"

#define RSA_SIGNATURE_MAX 512u
#define DER_SIGNATURE_MAX 160u /* ECDSA on P-521: two integers of 66 bytes */

/* A way to sign a digest. md_name is NULL where the digest is taken as it is. RAW
 * signs what is padded before, so that its result is checked like the others,
 * the empty input's too. */
struct scheme {
    enum kq_key_type family; /* KQ_KEY_RSA, or KQ_KEY_EC_P256 for all that give r and s */
    int padding;
    const char *md_name;
    size_t digest_len; /* 0: 32, 48 or 64 */
};

static const struct scheme schemes[HSM_SIGN_SCHEMES] = {
    [KQ_MECH_RSA_PKCS1_SHA256 - 1] = {KQ_KEY_RSA, RSA_PKCS1_PADDING, "SHA256", 32},
    [KQ_MECH_RSA_PKCS1_SHA384 - 1] = {KQ_KEY_RSA, RSA_PKCS1_PADDING, "SHA384", 48},
    [KQ_MECH_RSA_PKCS1_SHA512 - 1] = {KQ_KEY_RSA, RSA_PKCS1_PADDING, "SHA512", 64},
    [KQ_MECH_RSA_PSS_SHA256 - 1] = {KQ_KEY_RSA, RSA_PKCS1_PSS_PADDING, "SHA256", 32},
    [KQ_MECH_RSA_PSS_SHA384 - 1] = {KQ_KEY_RSA, RSA_PKCS1_PSS_PADDING, "SHA384", 48},
    [KQ_MECH_RSA_PSS_SHA512 - 1] = {KQ_KEY_RSA, RSA_PKCS1_PSS_PADDING, "SHA512", 64},
    [KQ_MECH_ECDSA - 1] = {KQ_KEY_EC_P256, 0, NULL, 0},
    [KQ_MECH_RSA_PKCS1_RAW - 1] = {KQ_KEY_RSA, RSA_NO_PADDING, NULL, 0},
};

static bool digest_fits(const struct scheme *scheme, const struct hsm_key *key, size_t len)
{
    if (scheme->padding == RSA_NO_PADDING)
        return len + HSM_PKCS1_OVERHEAD <= key->bits / 8;
    if (scheme->digest_len != 0)
        return len == scheme->digest_len;
    return len == 32 || len == 48 || len == 64;
}

/* ---- prepared contexts ---------------------------------------------------- */

typedef int context_init(EVP_PKEY_CTX *ctx);

static EVP_PKEY_CTX *prepare(EVP_PKEY *pkey, const struct scheme *scheme, context_init *init)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool done = ctx != NULL && init(ctx) == 1;
    if (done && scheme->family == KQ_KEY_RSA)
        done = EVP_PKEY_CTX_set_rsa_padding(ctx, scheme->padding) == 1;
    if (done && scheme->md_name != NULL)
        done = EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(scheme->md_name)) == 1;
    if (done && scheme->padding == RSA_PKCS1_PSS_PADDING)
        done = EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    if (done)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* A context of the caller's own, copied from the one kept in *slot. Two
 * threads that find the slot empty both prepare one; the second is dropped. */
static EVP_PKEY_CTX *copy_prepared(EVP_PKEY_CTX **slot, EVP_PKEY *pkey, const struct scheme *scheme, context_init *init)
{
    EVP_PKEY_CTX *kept = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (kept == NULL) {
        EVP_PKEY_CTX *made = prepare(pkey, scheme, init);
        if (made == NULL)
            return NULL;
        if (__atomic_compare_exchange_n(slot, &kept, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            kept = made;
        else
            EVP_PKEY_CTX_free(made);
    }
    return EVP_PKEY_CTX_dup(kept);
}

/* The slots are the key's only mutable part, see key_body.h. */
static struct hsm_key *slots_of(const struct hsm_key *key)
{
    union {
        const struct hsm_key *fixed;
        struct hsm_key *open;
    } view = {.fixed = key};
    return view.open;
}

static kq_status sign_raw(const struct hsm_key *key, const struct scheme *scheme, struct kq_slice digest, uint8_t *out,
                          size_t *len)
{
    EVP_PKEY_CTX **slot = &slots_of(key)->signer[scheme - schemes];
    HSM_AUTO(EVP_PKEY_CTX) ctx = copy_prepared(slot, key->pkey, scheme, EVP_PKEY_sign_init);
    if (ctx == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    if (EVP_PKEY_sign(ctx, out, len, digest.data, digest.len) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    return KQ_OK;
}

static kq_status verify_raw(const struct hsm_key *key, const struct scheme *scheme, struct kq_slice digest,
                            struct kq_slice signature)
{
    EVP_PKEY_CTX **slot = &slots_of(key)->verifier[scheme - schemes];
    HSM_AUTO(EVP_PKEY_CTX) ctx = copy_prepared(slot, key->pkey, scheme, EVP_PKEY_verify_init);
    if (ctx == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    if (EVP_PKEY_verify(ctx, signature.data, signature.len, digest.data, digest.len) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    return KQ_OK;
}

/* ---- signatures over a digest --------------------------------------------- */

/* A wrong RSA result would give away a prime, so none leaves unchecked. */
static kq_status sign_rsa(const struct hsm_key *key, const struct scheme *scheme, struct kq_slice digest,
                          struct kq_buffer *out)
{
    uint8_t *room;
    size_t len = key->bits / 8;
    KQ_TRY(kq_buffer_reserve(out, len, &room));
    kq_status status = sign_raw(key, scheme, digest, room, &len);
    if (status == KQ_OK)
        status = verify_raw(key, scheme, digest, kq_slice_of(room, len));
    if (status == KQ_OK)
        out->len += len;
    else
        kq_wipe(room, key->bits / 8);
    return status;
}

static kq_status sign_rsa_raw(const struct hsm_key *key, const struct scheme *scheme, struct kq_slice input,
                              struct kq_buffer *out)
{
    uint8_t encoded[RSA_SIGNATURE_MAX];
    size_t len = key->bits / 8;
    if (len > sizeof encoded)
        return KQ_ERR_ARGUMENT;
    hsm_pkcs1_pad_signature(input, encoded, len);
    return sign_rsa(key, scheme, kq_slice_of(encoded, len), out);
}

/* Appends r and s, each as long as the order, from the DER form. */
static kq_status append_fixed(struct kq_slice der, size_t len, struct kq_buffer *out)
{
    struct kq_der_reader outer;
    kq_der_reader_init(&outer, der);
    struct kq_der_reader reader = kq_der_enter(&outer, KQ_DER_SEQUENCE);
    struct kq_slice r = kq_der_get_positive(&reader);
    struct kq_slice s = kq_der_get_positive(&reader);
    if (kq_der_finish(&reader) != KQ_OK || r.len > len || s.len > len)
        return KQ_ERR_INTERNAL;
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, 2 * len, &room));
    memset(room, 0, 2 * len);
    memcpy(room + len - r.len, r.data, r.len);
    memcpy(room + 2 * len - s.len, s.data, s.len);
    out->len += 2 * len;
    return KQ_OK;
}

static kq_status sign_ec(const struct hsm_key *key, const struct scheme *scheme, struct kq_slice digest,
                         struct kq_buffer *out)
{
    uint8_t der[DER_SIGNATURE_MAX];
    size_t len = sizeof der;
    KQ_TRY(sign_raw(key, scheme, digest, der, &len));
    return append_fixed(kq_slice_of(der, len), hsm_curve_of_type(key->type)->len, out);
}

bool hsm_key_can_sign(const struct hsm_key *key, uint64_t mechanism, size_t digest_len)
{
    if (mechanism < 1 || mechanism > HSM_SIGN_SCHEMES)
        return false;
    const struct scheme *scheme = &schemes[mechanism - 1];
    bool type_fits = scheme->family == KQ_KEY_RSA ? key->type == KQ_KEY_RSA : hsm_curve_of_type(key->type) != NULL;
    return type_fits && digest_fits(scheme, key, digest_len);
}

kq_status hsm_key_sign(const struct hsm_key *key, uint64_t mechanism, struct kq_slice digest, struct kq_buffer *out)
{
    if (!hsm_key_can_sign(key, mechanism, digest.len))
        return KQ_ERR_ARGUMENT;
    const struct scheme *scheme = &schemes[mechanism - 1];
    if (key->type != KQ_KEY_RSA)
        return sign_ec(key, scheme, digest, out);
    bool is_raw = scheme->padding == RSA_NO_PADDING;
    return is_raw ? sign_rsa_raw(key, scheme, digest, out) : sign_rsa(key, scheme, digest, out);
}

/* ---- statements ------------------------------------------------------------ */

/* The hash a statement key signs with; NULL for keys that sign none. */
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

kq_status hsm_key_sign_bytes(const struct hsm_key *key, struct kq_slice message, struct kq_buffer *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE], der[DER_SIGNATURE_MAX];
    unsigned digest_len;
    const EVP_MD *hash = statement_hash(key->type);
    if (hash == NULL)
        return KQ_ERR_ARGUMENT;
    if (EVP_Digest(message.data, message.len, digest, &digest_len, hash, NULL) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    size_t len = sizeof der;
    const struct scheme *scheme = &schemes[KQ_MECH_ECDSA - 1];
    KQ_TRY(sign_raw(key, scheme, kq_slice_of(digest, digest_len), der, &len));
    return kq_buffer_append(out, der, len);
}

kq_status hsm_key_sign_statement(const struct hsm_key *key, struct kq_slice body, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_buffer_init(&signature, KQ_SIGNATURE_MAX);
    kq_writer_init(&writer, KQ_SIGNED_MAX + 2 * KQ_SIGNATURE_MAX);
    KQ_TRY(hsm_key_sign_bytes(key, body, &signature));
    struct kq_signed statement = {.body = body, .signature = kq_buffer_slice(&signature)};
    kq_signed_put(&statement, &writer);
    struct kq_slice encoded;
    KQ_TRY(kq_writer_finish(&writer, &encoded));
    return kq_buffer_append(out, encoded.data, encoded.len);
}

/* ---- pairwise test ---------------------------------------------------------- */

kq_status hsm_key_check_pair(const struct hsm_key *key)
{
    static const uint8_t digest[32] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t signature[RSA_SIGNATURE_MAX];
    size_t len = sizeof signature;
    const struct scheme *scheme = &schemes[(key->type == KQ_KEY_RSA ? KQ_MECH_RSA_PKCS1_SHA256 : KQ_MECH_ECDSA) - 1];
    struct kq_slice input = kq_slice_of(digest, sizeof digest);
    if (sign_raw(key, scheme, input, signature, &len) != KQ_OK)
        return KQ_ERR_INTERNAL;
    return verify_raw(key, scheme, input, kq_slice_of(signature, len));
}
