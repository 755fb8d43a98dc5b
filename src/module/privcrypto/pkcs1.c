#include "module/privcrypto/pkcs1.h"

#include <string.h>

#include <openssl/hmac.h>

#include "base/cleanup.h"
#include "base/ct.h"
#include "base/wipe.h"

#define PRF_LEN 32u           /* HMAC-SHA-256 */
#define NUM_LENGTHS 128u      /* candidates, two bytes each: all miss once in 2^128 at the worst */
#define FIRST_MESSAGE_BYTE 11 /* 00 02, at least eight bytes of padding, 00 */

kq_status hsm_pkcs1_secret(const EVP_PKEY *pkey, uint8_t out[HSM_PKCS1_SECRET_LEN])
{
    int len = (EVP_PKEY_get_bits(pkey) + 7) / 8;
    if (len < (int)HSM_PKCS1_MODULUS_MIN || len > (int)HSM_PKCS1_MODULUS_MAX)
        return KQ_ERR_ARGUMENT;
    HSM_AUTO(BIGNUM) exponent = NULL;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &exponent) != 1)
        return hsm_failed(KQ_ERR_ARGUMENT);
    uint8_t bytes[HSM_PKCS1_MODULUS_MAX];
    bool done =
        BN_bn2binpad(exponent, bytes, len) == len && EVP_Digest(bytes, (size_t)len, out, NULL, EVP_sha256(), NULL) == 1;
    kq_wipe(bytes, sizeof bytes);
    return done ? KQ_OK : hsm_failed(KQ_ERR_MEMORY);
}

/* ---- noise ----------------------------------------------------------------- */

static bool hmac(const uint8_t key[PRF_LEN], const uint8_t *data, size_t len, uint8_t out[PRF_LEN])
{
    return HMAC(EVP_sha256(), key, PRF_LEN, data, len, out, NULL) != NULL;
}

/* len bytes: HMAC blocks over counter, label and the number of bits wanted. */
static bool expand(const uint8_t key[PRF_LEN], const char *label, uint8_t *out, size_t len)
{
    uint8_t input[32], block[PRF_LEN];
    size_t label_len = strlen(label), bits = 8 * len;
    bool done = true;
    memcpy(input + 2, label, label_len);
    input[2 + label_len] = (uint8_t)(bits >> 8);
    input[3 + label_len] = (uint8_t)bits;
    for (size_t at = 0, counter = 0; done && at < len; at += PRF_LEN, counter++) {
        size_t take = len - at < PRF_LEN ? len - at : PRF_LEN;
        input[0] = (uint8_t)(counter >> 8);
        input[1] = (uint8_t)counter;
        done = hmac(key, input, label_len + 4, block);
        memcpy(out + at, block, take);
    }
    kq_wipe(block, sizeof block);
    return done;
}

/* The smallest 2^n - 1 that is not below max. */
static uint64_t mask_above(uint64_t max)
{
    uint64_t mask = 1;
    while (mask < max)
        mask = mask << 1 | 1;
    return mask;
}

/* The last candidate that is short enough, 0 if none is. */
static uint64_t choose_length(const uint8_t candidates[2 * NUM_LENGTHS], size_t modulus_len)
{
    uint64_t limit = modulus_len - (HSM_PKCS1_OVERHEAD - 1);
    uint64_t mask = mask_above(limit), length = 0;
    for (size_t i = 0; i < NUM_LENGTHS; i++) {
        uint64_t candidate = ((uint64_t)candidates[2 * i] << 8 | candidates[2 * i + 1]) & mask;
        length = kq_ct_select(kq_ct_is_less(candidate, limit), candidate, length);
    }
    return length;
}

struct noise {
    uint8_t message[HSM_PKCS1_MODULUS_MAX]; /* its end is used */
    uint64_t length;
};

static void noise_clear(struct noise *noise)
{
    kq_wipe(noise, sizeof *noise);
}
KQ_AUTO_DEFINE_VALUE(noise);

static kq_status make_noise(const uint8_t secret[HSM_PKCS1_SECRET_LEN], struct kq_slice ciphertext, struct noise *out)
{
    uint8_t key[PRF_LEN], candidates[2 * NUM_LENGTHS];
    bool done = hmac(secret, ciphertext.data, ciphertext.len, key) &&
                expand(key, "length", candidates, sizeof candidates) &&
                expand(key, "message", out->message, ciphertext.len);
    out->length = choose_length(candidates, ciphertext.len);
    kq_wipe(key, sizeof key);
    kq_wipe(candidates, sizeof candidates);
    return done ? KQ_OK : hsm_failed(KQ_ERR_INTERNAL);
}

/* ---- the choice --------------------------------------------------------------- */

/* All ones if the padding is right; then *out_start is where the message begins. */
static uint64_t check_padding(const uint8_t *encoded, size_t len, uint64_t *out_start)
{
    uint64_t start = 0, is_found = 0;
    for (size_t i = 2; i < len; i++) {
        uint64_t is_first = kq_ct_is_zero(encoded[i]) & ~is_found;
        start = kq_ct_select(is_first, i + 1, start);
        is_found |= is_first;
    }
    *out_start = start;
    return kq_ct_is_zero(encoded[0]) & kq_ct_is_equal(encoded[1], 2) & ~kq_ct_is_less(start, FIRST_MESSAGE_BYTE);
}

kq_status hsm_pkcs1_unpad(const uint8_t secret[HSM_PKCS1_SECRET_LEN], struct kq_slice ciphertext, uint8_t *encoded,
                          size_t *out_len)
{
    KQ_AUTO_VALUE(noise) noise = {.length = 0};
    size_t modulus_len = ciphertext.len;
    KQ_TRY(make_noise(secret, ciphertext, &noise));
    uint64_t start;
    uint64_t is_good = check_padding(encoded, modulus_len, &start);
    start = kq_ct_select(is_good, start, modulus_len - noise.length);
    kq_ct_select_bytes(is_good, encoded, noise.message, encoded, modulus_len);
    kq_ct_declassify(&start, sizeof start); /* the length of what the caller gets */
    *out_len = modulus_len - start;
    return KQ_OK;
}

/* ---- signatures ---------------------------------------------------------------- */

void hsm_pkcs1_pad_signature(struct kq_slice input, uint8_t *out, size_t len)
{
    size_t pad_len = len - 3 - input.len;
    out[0] = 0;
    out[1] = 1;
    memset(out + 2, 0xff, pad_len);
    out[2 + pad_len] = 0;
    if (input.len > 0)
        memcpy(out + 3 + pad_len, input.data, input.len);
}
