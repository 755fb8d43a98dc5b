#include "module/privcrypto/rsa.h"

/* How far apart the primes have to be: more than 2^(nlen/2 - 100), FIPS 186-5 A.1.1. */
#define PRIME_DISTANCE_BITS 100

/* Scratch numbers of one check. */
struct scratch {
    BN_CTX *ctx;
    BIGNUM *p_less_1, *q_less_1, *t, *u;
};

static bool sizes_are_right(const struct hsm_rsa *rsa, int bits)
{
    const BIGNUM *e = rsa->number[HSM_RSA_E];
    bool e_is_right = BN_is_odd(e) && BN_num_bits(e) >= 17 && BN_num_bits(e) <= 64;
    return e_is_right && BN_num_bits(rsa->number[HSM_RSA_N]) == bits &&
           BN_num_bits(rsa->number[HSM_RSA_P]) == bits / 2 && BN_num_bits(rsa->number[HSM_RSA_Q]) == bits / 2 &&
           BN_num_bits(rsa->number[HSM_RSA_D]) > bits / 2 && BN_is_odd(rsa->number[HSM_RSA_P]) &&
           BN_is_odd(rsa->number[HSM_RSA_Q]) && BN_ucmp(rsa->number[HSM_RSA_D], rsa->number[HSM_RSA_N]) < 0;
}

/* n = pq with p and q far apart; fills p - 1 and q - 1. */
static bool modulus_is_right(const struct hsm_rsa *rsa, int bits, struct scratch *s)
{
    const BIGNUM *p = rsa->number[HSM_RSA_P], *q = rsa->number[HSM_RSA_Q];
    if (!BN_mul(s->t, p, q, s->ctx) || BN_ucmp(s->t, rsa->number[HSM_RSA_N]) != 0)
        return false;
    if (!BN_sub(s->t, p, q) || BN_num_bits(s->t) <= bits / 2 - PRIME_DISTANCE_BITS)
        return false;
    return BN_sub(s->p_less_1, p, BN_value_one()) && BN_sub(s->q_less_1, q, BN_value_one());
}

/* d is the inverse of e modulo prime - 1, and crt is d modulo prime - 1. */
static bool exponent_is_right(const struct hsm_rsa *rsa, const BIGNUM *prime_less_1, const BIGNUM *crt,
                              struct scratch *s)
{
    const BIGNUM *d = rsa->number[HSM_RSA_D];
    if (!BN_nnmod(s->t, d, prime_less_1, s->ctx) || BN_ucmp(s->t, crt) != 0)
        return false;
    return BN_mod_mul(s->u, s->t, rsa->number[HSM_RSA_E], prime_less_1, s->ctx) && BN_is_one(s->u);
}

static bool coefficient_is_right(const struct hsm_rsa *rsa, struct scratch *s)
{
    const BIGNUM *p = rsa->number[HSM_RSA_P], *inverse = rsa->number[HSM_RSA_QINV];
    return BN_ucmp(inverse, p) < 0 && BN_mod_mul(s->t, rsa->number[HSM_RSA_Q], inverse, p, s->ctx) && BN_is_one(s->t);
}

static bool is_key(const struct hsm_rsa *rsa, int bits, enum hsm_rsa_depth depth, struct scratch *s)
{
    if (!sizes_are_right(rsa, bits) || !modulus_is_right(rsa, bits, s) ||
        !exponent_is_right(rsa, s->p_less_1, rsa->number[HSM_RSA_DP], s) ||
        !exponent_is_right(rsa, s->q_less_1, rsa->number[HSM_RSA_DQ], s) || !coefficient_is_right(rsa, s))
        return false;
    return depth == HSM_RSA_ARITHMETIC || (BN_check_prime(rsa->number[HSM_RSA_P], s->ctx, NULL) == 1 &&
                                           BN_check_prime(rsa->number[HSM_RSA_Q], s->ctx, NULL) == 1);
}

kq_status hsm_rsa_check(const struct hsm_rsa *rsa, uint64_t bits, enum hsm_rsa_depth depth)
{
    HSM_AUTO(BN_CTX) ctx = BN_CTX_secure_new();
    if (ctx == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    BN_CTX_start(ctx);
    struct scratch s = {.ctx = ctx};
    BIGNUM **const numbers[] = {&s.p_less_1, &s.q_less_1, &s.t, &s.u};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        *numbers[i] = BN_CTX_get(ctx);
        if (*numbers[i] != NULL)
            BN_set_flags(*numbers[i], BN_FLG_CONSTTIME);
    }
    bool is_right = s.u != NULL && is_key(rsa, (int)bits, depth, &s);
    BN_CTX_end(ctx);
    return is_right ? KQ_OK : hsm_failed(KQ_ERR_ARGUMENT);
}
