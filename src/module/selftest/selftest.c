#include "module/selftest/selftest.h"

#include <stdio.h>

#include "base/size.h"
#include "base/text.h"
#include "module/privcrypto/key.h"
#include "module/privcrypto/seal.h"
#include "module/selftest/vectors.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"

#define VECTOR_MAX 1280u

/* One decoded number of vectors.h. */
struct vector {
    uint8_t bytes[VECTOR_MAX];
    size_t len;
};

static struct kq_slice decode(const char *hex, struct vector *out)
{
    struct kq_slice text = kq_slice_text(hex);
    out->len = text.len / 2;
    if (out->len > sizeof out->bytes || !kq_hex_decode(text, out->bytes, out->len))
        KQ_BUG("a malformed self-test vector");
    return kq_slice_of(out->bytes, out->len);
}

static kq_status expect(struct kq_slice got, const char *hex)
{
    struct vector vector;
    return kq_slice_is_equal(got, decode(hex, &vector)) ? KQ_OK : KQ_ERR_INTERNAL;
}

/* ---- hashes and derivation ------------------------------------------------------- */

static kq_status test_hash(enum kq_hash hash, const char *answer)
{
    const struct kq_slice abc = kq_slice_text("abc");
    uint8_t digest[KQ_HASH_MAX_LEN];
    size_t len = kq_hash_parts(hash, &abc, 1, digest);
    return expect(kq_slice_of(digest, len), answer);
}

static kq_status test_sha256(void)
{
    return test_hash(KQ_HASH_SHA256, sha256_abc);
}

static kq_status test_sha384(void)
{
    return test_hash(KQ_HASH_SHA384, sha384_abc);
}

/* RFC 5869 A.1 */
static kq_status test_hkdf(void)
{
    uint8_t secret[22], salt[13], out[42];
    memset(secret, 0x0b, sizeof secret);
    for (size_t i = 0; i < sizeof salt; i++)
        salt[i] = (uint8_t)i;
    KQ_TRY(hsm_derive(kq_slice_of(secret, sizeof secret), kq_slice_of(salt, sizeof salt),
                      "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", out, sizeof out));
    return expect(kq_slice_of(out, sizeof out), hkdf_okm);
}

/* ---- sealing ------------------------------------------------------------------------ */

static kq_status test_siv(void)
{
    struct vector key, aad, plain;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0}, again = {0};
    kq_buffer_init(&sealed, 64);
    kq_buffer_init(&again, 64);
    decode(siv_key, &key);
    struct kq_slice aad_bytes = decode(siv_aad, &aad);
    KQ_TRY(hsm_siv_seal(key.bytes, aad_bytes, decode(siv_plain, &plain), &sealed));
    KQ_TRY(expect(kq_buffer_slice(&sealed), siv_sealed));
    KQ_TRY(hsm_siv_unseal(key.bytes, aad_bytes, kq_buffer_slice(&sealed), &again));
    KQ_TRY(expect(kq_buffer_slice(&again), siv_plain));
    sealed.data[0] ^= 1;
    kq_status status = hsm_siv_unseal(key.bytes, aad_bytes, kq_buffer_slice(&sealed), &again);
    return status == KQ_ERR_AUTH ? KQ_OK : KQ_ERR_INTERNAL;
}

static kq_status test_kwp(void)
{
    uint8_t key_bytes[32];
    struct vector plain;
    KQ_AUTO_VALUE(kq_buffer) wrapped = {0}, again = {0};
    kq_buffer_init(&wrapped, 64);
    kq_buffer_init(&again, 64);
    for (size_t i = 0; i < sizeof key_bytes; i++)
        key_bytes[i] = (uint8_t)i;
    struct kq_slice key = kq_slice_of(key_bytes, sizeof key_bytes);
    KQ_TRY(hsm_kwp_wrap(key, decode(kwp_plain, &plain), &wrapped));
    KQ_TRY(expect(kq_buffer_slice(&wrapped), kwp_wrapped));
    KQ_TRY(hsm_kwp_unwrap(key, kq_buffer_slice(&wrapped), &again));
    KQ_TRY(expect(kq_buffer_slice(&again), kwp_plain));
    wrapped.data[0] ^= 1;
    kq_status status = hsm_kwp_unwrap(key, kq_buffer_slice(&wrapped), &again);
    return status == KQ_ERR_AUTH ? KQ_OK : KQ_ERR_INTERNAL;
}

/* A fixed key seals, opens, and notices a changed tag. */
static kq_status test_gcm(void)
{
    static const uint8_t key_bytes[32] = {1};
    const struct kq_slice text = kq_slice_text("abc");
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0}, again = {0};
    kq_buffer_init(&sealed, 64);
    kq_buffer_init(&again, 64);
    KQ_TRY(hsm_key_open(KQ_KEY_AES, kq_slice_of(key_bytes, sizeof key_bytes), &key));
    KQ_TRY(hsm_key_gcm_seal(key, text, text, &sealed));
    KQ_TRY(hsm_key_gcm_open(key, text, kq_buffer_slice(&sealed), &again));
    if (!kq_slice_is_equal(kq_buffer_slice(&again), text))
        return KQ_ERR_INTERNAL;
    sealed.data[sealed.len - 1] ^= 1;
    kq_status status = hsm_key_gcm_open(key, text, kq_buffer_slice(&sealed), &again);
    return status == KQ_ERR_AUTH ? KQ_OK : KQ_ERR_INTERNAL;
}

/* ---- signatures and encryption with fixed keys ----------------------------------------- */

static kq_status open_pair(enum kq_key_type type, const char *hex, struct hsm_key **key,
                           struct kq_public_key **public_key)
{
    struct vector vector;
    KQ_TRY(hsm_key_open(type, decode(hex, &vector), key));
    return kq_public_key_new(hsm_key_public(*key), public_key);
}

/* Signs, verifies, and demands that another digest does not verify. */
static kq_status sign_and_verify(const struct hsm_key *key, const struct kq_public_key *public_key, uint64_t mechanism,
                                 struct kq_buffer *signature)
{
    uint8_t digest[32];
    kq_sha256(kq_slice_text("abc"), digest);
    struct kq_slice input = kq_slice_of(digest, sizeof digest);
    KQ_TRY(hsm_key_sign(key, mechanism, input, signature));
    KQ_TRY(kq_public_key_verify(public_key, mechanism, input, kq_buffer_slice(signature)));
    digest[0] ^= 1;
    kq_status status = kq_public_key_verify(public_key, mechanism, input, kq_buffer_slice(signature));
    return status == KQ_ERR_SIGNATURE ? KQ_OK : KQ_ERR_INTERNAL;
}

static kq_status test_rsa_sign(void)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(kq_public_key) public_key = NULL;
    KQ_AUTO_VALUE(kq_buffer) signature = {0}, pss = {0};
    kq_buffer_init(&signature, 512);
    kq_buffer_init(&pss, 512);
    KQ_TRY(open_pair(KQ_KEY_RSA, rsa_key, &key, &public_key));
    KQ_TRY(sign_and_verify(key, public_key, KQ_MECH_RSA_PKCS1_SHA256, &signature));
    KQ_TRY(expect(kq_buffer_slice(&signature), rsa_signature));
    return sign_and_verify(key, public_key, KQ_MECH_RSA_PSS_SHA256, &pss);
}

static kq_status test_oaep(void)
{
    const struct kq_slice label = kq_slice_text("label"), text = kq_slice_text("abc");
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(kq_public_key) public_key = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0}, again = {0};
    kq_buffer_init(&sealed, 512);
    kq_buffer_init(&again, 512);
    KQ_TRY(open_pair(KQ_KEY_RSA, rsa_key, &key, &public_key));
    KQ_TRY(kq_public_key_oaep(public_key, KQ_MECH_RSA_OAEP_SHA256, label, text, &sealed));
    KQ_TRY(hsm_key_oaep_open(key, KQ_MECH_RSA_OAEP_SHA256, label, kq_buffer_slice(&sealed), &again));
    if (!kq_slice_is_equal(kq_buffer_slice(&again), text))
        return KQ_ERR_INTERNAL;
    kq_status status = hsm_key_oaep_open(key, KQ_MECH_RSA_OAEP_SHA256, text, kq_buffer_slice(&sealed), &again);
    return status == KQ_ERR_AUTH ? KQ_OK : KQ_ERR_INTERNAL;
}

static kq_status test_curve(enum kq_key_type type, const char *hex)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(kq_public_key) public_key = NULL;
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&signature, 512);
    KQ_TRY(open_pair(type, hex, &key, &public_key));
    return sign_and_verify(key, public_key, KQ_MECH_ECDSA, &signature);
}

static kq_status test_p256(void)
{
    return test_curve(KQ_KEY_EC_P256, p256_key);
}

static kq_status test_p384(void)
{
    return test_curve(KQ_KEY_EC_P384, p384_key);
}

/* ---- all of them ------------------------------------------------------------------------- */

const struct hsm_selftest_case hsm_selftest_cases[] = {
    {"SHA-256", test_sha256},         {"SHA-384", test_sha384},       {"HKDF-SHA-256", test_hkdf},
    {"AES-256-SIV", test_siv},        {"AES-256 key wrap", test_kwp}, {"AES-256-GCM", test_gcm},
    {"RSA signature", test_rsa_sign}, {"RSA-OAEP", test_oaep},        {"ECDSA P-256", test_p256},
    {"ECDSA P-384", test_p384},
};
const size_t hsm_num_selftest_cases = KQ_COUNT_OF(hsm_selftest_cases);

kq_status hsm_selftest(void)
{
    for (size_t i = 0; i < hsm_num_selftest_cases; i++) {
        if (hsm_selftest_cases[i].run() == KQ_OK)
            continue;
        fprintf(stderr, "keyquay: self-test failed: %s\n", hsm_selftest_cases[i].name);
        return KQ_ERR_INTERNAL;
    }
    return KQ_OK;
}
