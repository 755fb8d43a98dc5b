#include <openssl/dsa.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "base/wipe.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/key_body.h"
#include "module/privcrypto/rsa.h"
#include "module/privcrypto/seal.h"

/* Stirs fresh kernel randomness into OpenSSL's generators before a key is
 * drawn from them: two copies of one process image must not make one key. */
static void stir_generators(void)
{
    uint8_t fresh[32];
    hsm_random(fresh, sizeof fresh);
    RAND_seed(fresh, sizeof fresh);
    kq_wipe(fresh, sizeof fresh);
}

/* 1024 is for the throw-away key of warm.c; no operation asks for it. */
static bool rsa_size_is_known(uint64_t bits)
{
    return bits == 1024 || bits == 2048 || bits == 3072 || bits == 4096;
}

static bool exponent_is_allowed(uint64_t e)
{
    return e >= 65537 && (e & 1) == 1;
}

static kq_status draw_rsa(uint64_t bits, uint64_t e, EVP_PKEY **out)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(e >> (8 * (7 - i)));
    HSM_AUTO(BIGNUM) exponent = BN_bin2bn(bytes, sizeof bytes, NULL);
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (exponent == NULL || ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) != 1 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent) != 1 || EVP_PKEY_generate(ctx, out) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    return KQ_OK;
}

static kq_status generate_rsa(uint64_t bits, uint64_t e, struct hsm_key **out)
{
    if (e == 0)
        e = 65537;
    if (!rsa_size_is_known(bits) || !exponent_is_allowed(e))
        return KQ_ERR_ARGUMENT;
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    KQ_TRY(draw_rsa(bits, e, &pkey));
    KQ_TRY(hsm_rsa_of_pkey(pkey, &rsa));
    if (hsm_rsa_check(&rsa, bits, HSM_RSA_ARITHMETIC) != KQ_OK)
        return KQ_ERR_INTERNAL;
    return hsm_key_of_pkey(KQ_KEY_RSA, bits, &pkey, out);
}

static kq_status generate_ec(const struct hsm_curve *curve, struct hsm_key **out)
{
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_group_name(ctx, curve->name) != 1 ||
        EVP_PKEY_generate(ctx, &pkey) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    return hsm_key_of_pkey(curve->type, curve->bits, &pkey, out);
}

static kq_status generate_aes(uint64_t bits, struct hsm_key **out)
{
    uint8_t secret[HSM_AES_KEY_MAX];
    if (bits != 128 && bits != 192 && bits != 256)
        return KQ_ERR_ARGUMENT;
    hsm_random(secret, bits / 8);
    kq_status status = hsm_key_of_secret(kq_slice_of(secret, bits / 8), out);
    kq_wipe(secret, sizeof secret);
    return status;
}

static kq_status draw_dsa(uint64_t bits, uint64_t group_bits, EVP_PKEY **out)
{
    HSM_AUTO(EVP_PKEY_CTX) group_ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    HSM_AUTO(EVP_PKEY) group = NULL;
    if (group_ctx == NULL || EVP_PKEY_paramgen_init(group_ctx) != 1 ||
        EVP_PKEY_CTX_set_dsa_paramgen_bits(group_ctx, (int)bits) != 1 ||
        EVP_PKEY_CTX_set_dsa_paramgen_q_bits(group_ctx, (int)group_bits) != 1 ||
        EVP_PKEY_generate(group_ctx, &group) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey(NULL, group, NULL);
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_generate(ctx, out) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    return KQ_OK;
}

kq_status hsm_key_generate_dsa(uint64_t bits, struct hsm_key **out)
{
    if (bits != 1024 && bits != 3072)
        return KQ_ERR_ARGUMENT;
    KQ_AUTO(hsm_key) key = NULL;
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    stir_generators();
    KQ_TRY(draw_dsa(bits, bits == 1024 ? 160 : 256, &pkey));
    KQ_TRY(hsm_key_of_pkey(KQ_KEY_DSA, bits, &pkey, &key));
    KQ_TRY(hsm_key_check_pair(key));
    *out = KQ_TAKE(key);
    return KQ_OK;
}

kq_status hsm_key_generate(enum kq_key_type type, uint64_t bits, uint64_t public_exponent, struct hsm_key **out)
{
    if (type == KQ_KEY_AES)
        return generate_aes(bits, out);
    KQ_AUTO(hsm_key) key = NULL;
    const struct hsm_curve *curve = hsm_curve_of_type(type);
    if (type != KQ_KEY_RSA && curve == NULL)
        return KQ_ERR_UNSUPPORTED;
    stir_generators();
    if (curve != NULL)
        KQ_TRY(generate_ec(curve, &key));
    else
        KQ_TRY(generate_rsa(bits, public_exponent, &key));
    KQ_TRY(hsm_key_check_pair(key));
    *out = KQ_TAKE(key);
    return KQ_OK;
}
