#include <openssl/rsa.h>

#include "base/wipe.h"
#include "module/privcrypto/key_body.h"
#include "module/privcrypto/seal.h"

#define OAEP_MODULUS_MAX 512u

static const char *oaep_hash(uint64_t mechanism)
{
    switch (mechanism) {
    case KQ_MECH_RSA_OAEP_SHA1:
        return "SHA1";
    case KQ_MECH_RSA_OAEP_SHA256:
        return "SHA256";
    default:
        return NULL;
    }
}

static bool start_oaep(EVP_PKEY_CTX *ctx, const char *hash, struct kq_slice label)
{
    if (ctx == NULL || EVP_PKEY_decrypt_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, hash, NULL) != 1)
        return false;
    if (label.len == 0)
        return true;
    void *copy = OPENSSL_memdup(label.data, label.len); /* the context takes it */
    if (copy == NULL)
        return false;
    if (EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label.len) == 1)
        return true;
    OPENSSL_free(copy);
    return false;
}

kq_status hsm_key_oaep_open(const struct hsm_key *key, uint64_t mechanism, struct kq_slice label,
                            struct kq_slice ciphertext, struct kq_buffer *out)
{
    const char *hash = oaep_hash(mechanism);
    if (key->type != KQ_KEY_RSA || hash == NULL || key->bits / 8 > OAEP_MODULUS_MAX)
        return KQ_ERR_ARGUMENT;
    if (ciphertext.len != key->bits / 8)
        return KQ_ERR_AUTH;
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (!start_oaep(ctx, hash, label))
        return hsm_failed(KQ_ERR_MEMORY);
    uint8_t plain[OAEP_MODULUS_MAX];
    size_t len = sizeof plain;
    kq_status status = KQ_ERR_AUTH;
    if (EVP_PKEY_decrypt(ctx, plain, &len, ciphertext.data, ciphertext.len) == 1)
        status = kq_buffer_append(out, plain, len);
    kq_wipe(plain, sizeof plain);
    return status == KQ_OK ? KQ_OK : hsm_failed(status);
}

/* ---- PKCS #1 v1.5 encryption --------------------------------------------------- */

/* The private operation alone, which OpenSSL blinds. */
static kq_status open_raw(const struct hsm_key *key, struct kq_slice ciphertext, uint8_t *encoded)
{
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    size_t len = ciphertext.len;
    if (ctx == NULL || EVP_PKEY_decrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1)
        return hsm_failed(KQ_ERR_MEMORY);
    if (EVP_PKEY_decrypt(ctx, encoded, &len, ciphertext.data, ciphertext.len) != 1)
        return hsm_failed(KQ_ERR_AUTH); /* not below the modulus, which everybody can see */
    return len == ciphertext.len ? KQ_OK : KQ_ERR_INTERNAL;
}

static kq_status open_pkcs1(const struct hsm_key *key, struct kq_slice ciphertext, uint8_t *encoded,
                            struct kq_buffer *out)
{
    size_t len;
    KQ_TRY(open_raw(key, ciphertext, encoded));
    KQ_TRY(hsm_pkcs1_unpad(key->pkcs1_secret, ciphertext, encoded, &len));
    return kq_buffer_append(out, encoded + ciphertext.len - len, len);
}

kq_status hsm_key_pkcs1_open(const struct hsm_key *key, struct kq_slice ciphertext, struct kq_buffer *out)
{
    uint8_t encoded[HSM_PKCS1_MODULUS_MAX];
    if (key->type != KQ_KEY_RSA || key->bits / 8 > sizeof encoded)
        return KQ_ERR_ARGUMENT;
    if (ciphertext.len != key->bits / 8)
        return KQ_ERR_AUTH;
    kq_status status = open_pkcs1(key, ciphertext, encoded, out);
    kq_wipe(encoded, sizeof encoded);
    return status;
}

/* ---- AES-GCM ------------------------------------------------------------------ */

#define GCM_NONCE_LEN 12u
#define GCM_TAG_LEN 16u

static const char *gcm_name(uint64_t bits)
{
    return bits == 128 ? "AES-128-GCM" : bits == 192 ? "AES-192-GCM" : "AES-256-GCM";
}

enum direction { DIRECTION_OPEN = 0, DIRECTION_SEAL = 1 };

static EVP_CIPHER_CTX *start_gcm(const struct hsm_key *key, const uint8_t nonce[GCM_NONCE_LEN], struct kq_slice aad,
                                 enum direction direction)
{
    HSM_AUTO(EVP_CIPHER) cipher = EVP_CIPHER_fetch(NULL, gcm_name(key->bits), NULL);
    HSM_AUTO(EVP_CIPHER_CTX) ctx = EVP_CIPHER_CTX_new();
    int len;
    if (cipher == NULL || ctx == NULL ||
        EVP_CipherInit_ex2(ctx, cipher, key->secret, nonce, (int)direction, NULL) != 1 ||
        (aad.len > 0 && EVP_CipherUpdate(ctx, NULL, &len, aad.data, (int)aad.len) != 1))
        return NULL;
    return KQ_TAKE(ctx);
}

static bool run_gcm(EVP_CIPHER_CTX *ctx, struct kq_slice in, uint8_t *out)
{
    int len = 0, last = 0;
    if (in.len > 0 && EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) != 1)
        return false;
    return EVP_CipherFinal_ex(ctx, out + len, &last) == 1 && (size_t)len + (size_t)last == in.len;
}

kq_status hsm_key_gcm_seal(const struct hsm_key *key, struct kq_slice aad, struct kq_slice plain, struct kq_buffer *out)
{
    if (key->type != KQ_KEY_AES || plain.len > KQ_DATA_MAX || aad.len > KQ_DATA_MAX)
        return KQ_ERR_ARGUMENT;
    size_t total = GCM_NONCE_LEN + plain.len + GCM_TAG_LEN;
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, total, &room));
    hsm_random(room, GCM_NONCE_LEN);
    HSM_AUTO(EVP_CIPHER_CTX) ctx = start_gcm(key, room, aad, DIRECTION_SEAL);
    uint8_t *tag = room + GCM_NONCE_LEN + plain.len;
    if (ctx == NULL || !run_gcm(ctx, plain, room + GCM_NONCE_LEN) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, tag) != 1) {
        kq_wipe(room, total);
        return hsm_failed(KQ_ERR_INTERNAL);
    }
    out->len += total;
    return KQ_OK;
}

kq_status hsm_key_gcm_open(const struct hsm_key *key, struct kq_slice aad, struct kq_slice sealed,
                           struct kq_buffer *out)
{
    if (key->type != KQ_KEY_AES || aad.len > KQ_DATA_MAX)
        return KQ_ERR_ARGUMENT;
    if (sealed.len < GCM_NONCE_LEN + GCM_TAG_LEN || sealed.len > KQ_DATA_MAX + GCM_NONCE_LEN + GCM_TAG_LEN)
        return KQ_ERR_AUTH;
    size_t len = sealed.len - GCM_NONCE_LEN - GCM_TAG_LEN;
    uint8_t tag[GCM_TAG_LEN];
    memcpy(tag, sealed.data + GCM_NONCE_LEN + len, sizeof tag);
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, len + 1, &room)); /* + 1: there is somewhere to point to for an empty plaintext */
    HSM_AUTO(EVP_CIPHER_CTX) ctx = start_gcm(key, sealed.data, aad, DIRECTION_OPEN);
    if (ctx == NULL || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) != 1 ||
        !run_gcm(ctx, kq_slice_of(sealed.data + GCM_NONCE_LEN, len), room)) {
        kq_wipe(room, len);
        return hsm_failed(KQ_ERR_AUTH);
    }
    out->len += len;
    return KQ_OK;
}
