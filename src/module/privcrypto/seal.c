#include "module/privcrypto/seal.h"

#include "base/wipe.h"
#include "module/privcrypto/openssl.h"

#define SIV_TAG_LEN HSM_SEAL_OVERHEAD
#define KWP_KEY_LEN 32u
#define KWP_BLOCK_LEN 8u

kq_status hsm_derive(struct kq_slice secret, struct kq_slice salt, const char *label, uint8_t *out, size_t out_len)
{
    HSM_AUTO(EVP_KDF) kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    HSM_AUTO(EVP_KDF_CTX) ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    union { /* OSSL_PARAM points to what it only reads */
        const void *fixed;
        void *open;
    } key = {.fixed = secret.data}, salt_view = {.fixed = salt.data}, info = {.fixed = label};
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.open, secret.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.open, strlen(label)),
        salt.len == 0 ? OSSL_PARAM_construct_end()
                      : OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt_view.open, salt.len),
        OSSL_PARAM_construct_end(),
    };
    if (ctx == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    if (EVP_KDF_derive(ctx, out, out_len, params) == 1)
        return KQ_OK;
    kq_wipe(out, out_len);
    return hsm_failed(KQ_ERR_INTERNAL);
}

/* ---- AES-256-SIV --------------------------------------------------------------- */

enum direction { DIRECTION_OPEN = 0, DIRECTION_SEAL = 1 };

static EVP_CIPHER_CTX *start_siv(const uint8_t key[HSM_SIV_KEY_LEN], enum direction direction)
{
    HSM_AUTO(EVP_CIPHER) cipher = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
    HSM_AUTO(EVP_CIPHER_CTX) ctx = EVP_CIPHER_CTX_new();
    if (cipher == NULL || ctx == NULL || EVP_CipherInit_ex2(ctx, cipher, key, NULL, (int)direction, NULL) != 1)
        return NULL;
    return KQ_TAKE(ctx);
}

static bool run_siv(EVP_CIPHER_CTX *ctx, struct kq_slice aad, struct kq_slice in, uint8_t *out)
{
    int len = 0;
    return EVP_CipherUpdate(ctx, NULL, &len, aad.data, (int)aad.len) == 1 &&
           EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) == 1 && (size_t)len == in.len &&
           EVP_CipherFinal_ex(ctx, out + len, &len) == 1;
}

static bool lengths_are_right(struct kq_slice aad, struct kq_slice in)
{
    return aad.len > 0 && in.len > 0 && aad.len <= HSM_SEAL_MAX && in.len <= HSM_SEAL_MAX;
}

kq_status hsm_siv_seal(const uint8_t key[HSM_SIV_KEY_LEN], struct kq_slice aad, struct kq_slice plain,
                       struct kq_buffer *out)
{
    if (!lengths_are_right(aad, plain))
        return KQ_ERR_ARGUMENT;
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, SIV_TAG_LEN + plain.len, &room));
    HSM_AUTO(EVP_CIPHER_CTX) ctx = start_siv(key, DIRECTION_SEAL);
    if (ctx == NULL || !run_siv(ctx, aad, plain, room + SIV_TAG_LEN) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SIV_TAG_LEN, room) != 1) {
        kq_wipe(room, SIV_TAG_LEN + plain.len);
        return hsm_failed(KQ_ERR_INTERNAL);
    }
    out->len += SIV_TAG_LEN + plain.len;
    return KQ_OK;
}

kq_status hsm_siv_unseal(const uint8_t key[HSM_SIV_KEY_LEN], struct kq_slice aad, struct kq_slice sealed,
                         struct kq_buffer *out)
{
    if (sealed.len <= SIV_TAG_LEN)
        return KQ_ERR_AUTH;
    struct kq_slice body = kq_slice_of(sealed.data + SIV_TAG_LEN, sealed.len - SIV_TAG_LEN);
    if (!lengths_are_right(aad, body))
        return KQ_ERR_AUTH;
    uint8_t tag[SIV_TAG_LEN], *room;
    memcpy(tag, sealed.data, sizeof tag);
    KQ_TRY(kq_buffer_reserve(out, body.len, &room));
    HSM_AUTO(EVP_CIPHER_CTX) ctx = start_siv(key, DIRECTION_OPEN);
    if (ctx == NULL || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SIV_TAG_LEN, tag) != 1 ||
        !run_siv(ctx, aad, body, room)) {
        kq_wipe(room, body.len);
        return hsm_failed(KQ_ERR_AUTH);
    }
    out->len += body.len;
    return KQ_OK;
}

kq_status hsm_seal(struct kq_slice secret, struct kq_slice salt, const char *label, struct kq_slice aad,
                   struct kq_slice plain, struct kq_buffer *out)
{
    uint8_t key[HSM_SIV_KEY_LEN];
    KQ_TRY(hsm_derive(secret, salt, label, key, sizeof key));
    kq_status status = hsm_siv_seal(key, aad, plain, out);
    kq_wipe(key, sizeof key);
    return status;
}

kq_status hsm_unseal(struct kq_slice secret, struct kq_slice salt, const char *label, struct kq_slice aad,
                     struct kq_slice sealed, struct kq_buffer *out)
{
    uint8_t key[HSM_SIV_KEY_LEN];
    KQ_TRY(hsm_derive(secret, salt, label, key, sizeof key));
    kq_status status = hsm_siv_unseal(key, aad, sealed, out);
    kq_wipe(key, sizeof key);
    return status;
}

/* ---- AES key wrap with padding --------------------------------------------------- */

static EVP_CIPHER_CTX *start_kwp(struct kq_slice key, enum direction direction)
{
    HSM_AUTO(EVP_CIPHER) cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
    HSM_AUTO(EVP_CIPHER_CTX) ctx = EVP_CIPHER_CTX_new();
    if (cipher == NULL || ctx == NULL)
        return NULL;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex2(ctx, cipher, key.data, NULL, (int)direction, NULL) != 1)
        return NULL;
    return KQ_TAKE(ctx);
}

/* Runs the cipher from in to at most max bytes at the end of out. */
static kq_status run_kwp(struct kq_slice key, struct kq_slice in, size_t max, enum direction direction,
                         struct kq_buffer *out)
{
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, max, &room));
    HSM_AUTO(EVP_CIPHER_CTX) ctx = start_kwp(key, direction);
    int len = 0, last = 0;
    if (ctx == NULL || EVP_CipherUpdate(ctx, room, &len, in.data, (int)in.len) != 1 || len <= 0 ||
        EVP_CipherFinal_ex(ctx, room + len, &last) != 1) {
        kq_wipe(room, max);
        return hsm_failed(KQ_ERR_AUTH);
    }
    out->len += (size_t)len + (size_t)last;
    return KQ_OK;
}

kq_status hsm_kwp_wrap(struct kq_slice key, struct kq_slice plain, struct kq_buffer *out)
{
    if (key.len != KWP_KEY_LEN || plain.len == 0 || plain.len > HSM_KWP_MAX)
        return KQ_ERR_ARGUMENT;
    return run_kwp(key, plain, plain.len + 2 * KWP_BLOCK_LEN, DIRECTION_SEAL, out);
}

kq_status hsm_kwp_unwrap(struct kq_slice key, struct kq_slice wrapped, struct kq_buffer *out)
{
    if (key.len != KWP_KEY_LEN)
        return KQ_ERR_ARGUMENT;
    if (wrapped.len < 2 * KWP_BLOCK_LEN || wrapped.len % KWP_BLOCK_LEN != 0 ||
        wrapped.len > HSM_KWP_MAX + 2 * KWP_BLOCK_LEN)
        return KQ_ERR_AUTH;
    return run_kwp(key, wrapped, wrapped.len, DIRECTION_OPEN, out);
}
