#include "module/privcrypto/jwk.h"

#include "base/text.h"
#include "base/wipe.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/key_body.h"
#include "module/privcrypto/rsa.h"

#define MEMBER_MAX_LEN (3 * KQ_JWK_MEMBER_MAX / 4) /* decoded */

static const char *const names[HSM_JWK_NUM_MEMBERS] = {"n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y"};

/* What each family has to have, and may have. */
struct family {
    uint32_t needed;
    uint32_t allowed;
};
#define BIT(member) (1u << HSM_JWK_##member)
static const struct family rsa_family = {
    BIT(N) | BIT(E) | BIT(D) | BIT(P) | BIT(Q),
    BIT(N) | BIT(E) | BIT(D) | BIT(P) | BIT(Q) | BIT(DP) | BIT(DQ) | BIT(QI),
};
static const struct family ec_family = {BIT(D) | BIT(X) | BIT(Y), BIT(D) | BIT(X) | BIT(Y)};

/* The decoded members, in memory of the module. */
struct numbers {
    struct kq_buffer member[HSM_JWK_NUM_MEMBERS];
};
static void numbers_clear(struct numbers *numbers)
{
    for (size_t i = 0; i < HSM_JWK_NUM_MEMBERS; i++)
        kq_buffer_clear(&numbers->member[i]);
}
KQ_AUTO_DEFINE_VALUE(numbers);

static kq_status decode(const struct hsm_jwk *jwk, const struct family *family, struct numbers *out,
                        const char **out_member)
{
    for (size_t i = 0; i < HSM_JWK_NUM_MEMBERS; i++) {
        struct kq_slice text = jwk->member[i];
        *out_member = names[i];
        if (text.len == 0 && (family->needed >> i & 1) != 0)
            return KQ_ERR_NOT_FOUND;
        if (text.len > 0 && (family->allowed >> i & 1) == 0)
            return KQ_ERR_FORMAT;
        kq_buffer_init(&out->member[i], MEMBER_MAX_LEN);
        kq_status status = kq_base64url_decode(text, &out->member[i]);
        if (status != KQ_OK)
            return status == KQ_ERR_MEMORY ? status : KQ_ERR_FORMAT;
    }
    return KQ_OK;
}

/* ---- RSA --------------------------------------------------------------------- */

static kq_status read_numbers(const struct numbers *numbers, struct hsm_rsa *rsa)
{
    static const enum hsm_jwk_member sources[HSM_RSA_NUM_NUMBERS] = {
        [HSM_RSA_N] = HSM_JWK_N, [HSM_RSA_E] = HSM_JWK_E,   [HSM_RSA_D] = HSM_JWK_D,   [HSM_RSA_P] = HSM_JWK_P,
        [HSM_RSA_Q] = HSM_JWK_Q, [HSM_RSA_DP] = HSM_JWK_DP, [HSM_RSA_DQ] = HSM_JWK_DQ, [HSM_RSA_QINV] = HSM_JWK_QI,
    };
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        const struct kq_buffer *bytes = &numbers->member[sources[i]];
        rsa->number[i] = BN_bin2bn(bytes->data, (int)bytes->len, NULL);
        if (rsa->number[i] == NULL)
            return hsm_failed(KQ_ERR_MEMORY);
        if (i >= HSM_RSA_D)
            BN_set_flags(rsa->number[i], BN_FLG_CONSTTIME);
    }
    return KQ_OK;
}

/* d modulo prime - 1. */
static bool reduce_exponent(const struct hsm_rsa *rsa, enum hsm_rsa_number prime, BIGNUM *out, BN_CTX *ctx)
{
    HSM_AUTO(BIGNUM) less_1 = BN_dup(rsa->number[prime]);
    if (less_1 == NULL || !BN_sub_word(less_1, 1))
        return false;
    BN_set_flags(less_1, BN_FLG_CONSTTIME);
    return BN_nnmod(out, rsa->number[HSM_RSA_D], less_1, ctx) == 1;
}

/* Fills in dp, dq, qi that were left out. What cannot be computed makes no key. */
static kq_status complete(const struct numbers *numbers, struct hsm_rsa *rsa)
{
    HSM_AUTO(BN_CTX) ctx = BN_CTX_secure_new();
    BIGNUM *const *n = rsa->number;
    if (ctx == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    if (BN_num_bits(n[HSM_RSA_P]) < 2 || BN_num_bits(n[HSM_RSA_Q]) < 2)
        return KQ_ERR_ARGUMENT;
    bool done = true;
    if (numbers->member[HSM_JWK_DP].len == 0)
        done = done && reduce_exponent(rsa, HSM_RSA_P, n[HSM_RSA_DP], ctx);
    if (numbers->member[HSM_JWK_DQ].len == 0)
        done = done && reduce_exponent(rsa, HSM_RSA_Q, n[HSM_RSA_DQ], ctx);
    if (numbers->member[HSM_JWK_QI].len == 0)
        done = done && BN_mod_inverse(n[HSM_RSA_QINV], n[HSM_RSA_Q], n[HSM_RSA_P], ctx) != NULL;
    return done ? KQ_OK : hsm_failed(KQ_ERR_ARGUMENT);
}

static kq_status make_rsa(const struct numbers *numbers, struct hsm_key **out)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    KQ_TRY(read_numbers(numbers, &rsa));
    uint64_t bits = (uint64_t)BN_num_bits(rsa.number[HSM_RSA_N]);
    if (bits != 2048 && bits != 3072 && bits != 4096)
        return KQ_ERR_UNSUPPORTED;
    KQ_TRY(complete(numbers, &rsa));
    KQ_TRY(hsm_rsa_check(&rsa, bits, HSM_RSA_PRIMES));
    KQ_TRY(hsm_rsa_to_pkey(&rsa, &pkey));
    return hsm_key_of_pkey(KQ_KEY_RSA, bits, &pkey, out);
}

/* ---- EC ------------------------------------------------------------------------ */

/* The number in exactly len bytes; false if it is too large. */
static bool fit(const struct kq_buffer *bytes, uint8_t *out, size_t len)
{
    uint8_t excess = 0;
    size_t extra = bytes->len > len ? bytes->len - len : 0;
    size_t missing = bytes->len < len ? len - bytes->len : 0;
    for (size_t i = 0; i < extra; i++)
        excess |= bytes->data[i];
    memset(out, 0, missing);
    memcpy(out + missing, bytes->data + extra, bytes->len - extra);
    return excess == 0;
}

static kq_status read_ec(const struct numbers *numbers, struct hsm_ec *ec)
{
    uint8_t scalar[HSM_EC_LEN_MAX];
    size_t len = ec->curve->len;
    ec->point[0] = POINT_CONVERSION_UNCOMPRESSED;
    ec->point_len = 1 + 2 * len;
    bool fits = fit(&numbers->member[HSM_JWK_X], ec->point + 1, len) &&
                fit(&numbers->member[HSM_JWK_Y], ec->point + 1 + len, len) &&
                fit(&numbers->member[HSM_JWK_D], scalar, len);
    if (fits)
        ec->scalar = BN_bin2bn(scalar, (int)len, NULL);
    kq_wipe(scalar, sizeof scalar);
    if (!fits)
        return KQ_ERR_ARGUMENT;
    if (ec->scalar == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    BN_set_flags(ec->scalar, BN_FLG_CONSTTIME);
    return KQ_OK;
}

static kq_status make_ec(const struct hsm_curve *curve, const struct numbers *numbers, struct hsm_key **out)
{
    KQ_AUTO_VALUE(hsm_ec) ec = {.curve = curve};
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    KQ_TRY(read_ec(numbers, &ec));
    KQ_TRY(hsm_ec_check(&ec));
    KQ_TRY(hsm_ec_to_pkey(&ec, &pkey));
    return hsm_key_of_pkey(curve->type, curve->bits, &pkey, out);
}

/* ---- both ------------------------------------------------------------------------ */

kq_status hsm_key_open_jwk(enum kq_key_type type, const struct hsm_jwk *jwk, struct hsm_key **out,
                           const char **out_member)
{
    const struct hsm_curve *curve = hsm_curve_of_type(type);
    KQ_AUTO_VALUE(numbers) numbers = {0};
    *out_member = "";
    if (curve == NULL && type != KQ_KEY_RSA)
        return KQ_ERR_UNSUPPORTED;
    KQ_TRY(decode(jwk, curve != NULL ? &ec_family : &rsa_family, &numbers, out_member));
    *out_member = "";
    return curve != NULL ? make_ec(curve, &numbers, out) : make_rsa(&numbers, out);
}
