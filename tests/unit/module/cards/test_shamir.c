#include "unit.h"

#include "module/cards/shamir.h"

static struct unit_random seeded(void)
{
    return (struct unit_random){UINT64_C(0x9e3779b97f4a7c15)};
}

/* Multiplication as the field is defined: polynomials, then the remainder. */
static uint8_t multiply_slowly(unsigned a, unsigned b)
{
    unsigned product = 0;
    for (unsigned i = 0; i < 8; i++)
        product ^= ((b >> i) & 1) != 0 ? a << i : 0;
    for (unsigned bit = 15; bit >= 8; bit--)
        product ^= ((product >> bit) & 1) != 0 ? 0x11bu << (bit - 8) : 0;
    return (uint8_t)product;
}

static void gf_multiply__every_pair__is_the_product_of_polynomials(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++)
            assert_int_equal(hsm_gf_multiply((uint8_t)a, (uint8_t)b), multiply_slowly(a, b));
    }
    assert_int_equal(hsm_gf_multiply(0x57, 0x83), 0xc1); /* FIPS 197 4.2 */
}

static void gf_invert__every_element__times_itself_is_one(void **state)
{
    (void)state;
    assert_int_equal(hsm_gf_invert(0), 0);
    for (unsigned a = 1; a < 256; a++)
        assert_int_equal(hsm_gf_multiply((uint8_t)a, hsm_gf_invert((uint8_t)a)), 1);
}

struct sharing {
    uint8_t secret[HSM_SECRET_LEN];
    uint8_t coefficients[63 * HSM_SECRET_LEN];
    uint8_t shares[64][HSM_SECRET_LEN];
};

static void make_shares(struct sharing *sharing, size_t quorum, size_t num, struct unit_random *random)
{
    unit_random_fill(random, sharing->secret, sizeof sharing->secret);
    unit_random_fill(random, sharing->coefficients, sizeof sharing->coefficients);
    for (size_t i = 0; i < num; i++)
        hsm_shamir_share(sharing->secret, sharing->coefficients, quorum, (uint8_t)(i + 1), sharing->shares[i]);
}

/* Combines the shares whose bits are set. */
static void combine_chosen(const struct sharing *sharing, unsigned chosen, size_t num, uint8_t out[HSM_SECRET_LEN])
{
    uint8_t indices[64];
    uint8_t shares[64 * HSM_SECRET_LEN];
    size_t taken = 0;
    for (size_t i = 0; i < num; i++) {
        if (((chosen >> i) & 1) == 0)
            continue;
        indices[taken] = (uint8_t)(i + 1);
        memcpy(shares + taken * HSM_SECRET_LEN, sharing->shares[i], HSM_SECRET_LEN);
        taken++;
    }
    hsm_shamir_combine(indices, shares, taken, out);
}

static void shamir_combine__every_choice_of_k_of_n__gives_the_secret(void **state)
{
    (void)state;
    struct unit_random random = seeded();
    struct sharing sharing;
    for (size_t num = 1; num <= 6; num++) {
        for (size_t quorum = 1; quorum <= num; quorum++) {
            make_shares(&sharing, quorum, num, &random);
            for (unsigned chosen = 0; chosen < 1u << num; chosen++) {
                uint8_t rebuilt[HSM_SECRET_LEN];
                if ((size_t)__builtin_popcount(chosen) < quorum)
                    continue;
                combine_chosen(&sharing, chosen, num, rebuilt);
                assert_memory_equal(rebuilt, sharing.secret, sizeof rebuilt);
            }
        }
    }
}

static void shamir_combine__one_share_too_few__misses_the_secret(void **state)
{
    (void)state;
    struct unit_random random = seeded();
    struct sharing sharing;
    make_shares(&sharing, 3, 5, &random);
    for (unsigned chosen = 0; chosen < 1u << 5; chosen++) {
        uint8_t rebuilt[HSM_SECRET_LEN];
        if (__builtin_popcount(chosen) != 2)
            continue;
        combine_chosen(&sharing, chosen, 5, rebuilt);
        assert_memory_not_equal(rebuilt, sharing.secret, sizeof rebuilt);
    }
}

static void shamir_combine__64_of_64__gives_the_secret(void **state)
{
    (void)state;
    struct unit_random random = seeded();
    struct sharing sharing;
    uint8_t indices[64];
    uint8_t rebuilt[HSM_SECRET_LEN];
    make_shares(&sharing, 64, 64, &random);
    for (size_t i = 0; i < 64; i++)
        indices[i] = (uint8_t)(i + 1);
    hsm_shamir_combine(indices, &sharing.shares[0][0], 64, rebuilt);
    assert_memory_equal(rebuilt, sharing.secret, sizeof rebuilt);
    hsm_shamir_combine(indices, &sharing.shares[0][0], 63, rebuilt);
    assert_memory_not_equal(rebuilt, sharing.secret, sizeof rebuilt);
}

/* With quorum 2, one share s at x and any secret t there is exactly one slope
 * (s - t) / x, so whoever holds one share can rule out no secret. Solved for
 * every share index, value and secret of one byte. */
static void shamir_share__k_minus_one_shares__every_secret_stays_possible(void **state)
{
    (void)state;
    for (unsigned index = 1; index <= 64; index++) {
        uint8_t inverse = hsm_gf_invert((uint8_t)index);
        for (unsigned held = 0; held < 256; held += 5) {
            for (unsigned candidate = 0; candidate < 256; candidate++) {
                uint8_t secret[HSM_SECRET_LEN] = {(uint8_t)candidate};
                uint8_t slope[HSM_SECRET_LEN] = {hsm_gf_multiply((uint8_t)(held ^ candidate), inverse)};
                uint8_t share[HSM_SECRET_LEN];
                hsm_shamir_share(secret, slope, 2, (uint8_t)index, share);
                assert_int_equal(share[0], held);
            }
        }
    }
}

/* The shares of two secrets are identically distributed: over all slopes each
 * value comes up exactly once for either. */
static void shamir_share__over_all_coefficients__is_uniform_for_any_secret(void **state)
{
    (void)state;
    static const uint8_t first_bytes[] = {0x00, 0xff};
    for (size_t i = 0; i < sizeof first_bytes; i++) {
        unsigned count[256] = {0};
        for (unsigned slope = 0; slope < 256; slope++) {
            uint8_t secret[HSM_SECRET_LEN] = {first_bytes[i]};
            uint8_t coefficients[HSM_SECRET_LEN] = {(uint8_t)slope};
            uint8_t share[HSM_SECRET_LEN];
            hsm_shamir_share(secret, coefficients, 2, 7, share);
            count[share[0]]++;
        }
        for (size_t value = 0; value < 256; value++)
            assert_int_equal(count[value], 1);
    }
}

UNIT_MAIN(cmocka_unit_test(gf_multiply__every_pair__is_the_product_of_polynomials),
          cmocka_unit_test(gf_invert__every_element__times_itself_is_one),
          cmocka_unit_test(shamir_combine__every_choice_of_k_of_n__gives_the_secret),
          cmocka_unit_test(shamir_combine__one_share_too_few__misses_the_secret),
          cmocka_unit_test(shamir_combine__64_of_64__gives_the_secret),
          cmocka_unit_test(shamir_share__k_minus_one_shares__every_secret_stays_possible),
          cmocka_unit_test(shamir_share__over_all_coefficients__is_uniform_for_any_secret))
