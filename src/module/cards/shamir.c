#include "module/cards/shamir.h"

#include "base/ct.h"

#define FIELD_REDUCTION 0x1bu /* x^8 = x^4 + x^3 + x + 1 */

uint8_t hsm_gf_multiply(uint8_t a, uint8_t b)
{
    uint64_t product = 0;
    uint64_t power = a;
    for (unsigned bit = 0; bit < 8; bit++) {
        uint64_t is_set = kq_ct_barrier((uint64_t)0 - ((b >> bit) & 1u));
        product ^= power & is_set;
        uint64_t carry = kq_ct_barrier((uint64_t)0 - (power >> 7));
        power = ((power << 1) & 0xff) ^ (FIELD_REDUCTION & carry);
    }
    return (uint8_t)product;
}

uint8_t hsm_gf_invert(uint8_t a)
{
    /* a^254 = a^(2 + 4 + ... + 128) */
    uint8_t square = a;
    uint8_t inverse = 1;
    for (unsigned i = 1; i < 8; i++) {
        square = hsm_gf_multiply(square, square);
        inverse = hsm_gf_multiply(inverse, square);
    }
    return inverse;
}

void hsm_shamir_share(const uint8_t secret[HSM_SECRET_LEN], const uint8_t *coefficients, size_t quorum, uint8_t index,
                      uint8_t out[HSM_SECRET_LEN])
{
    for (size_t byte = 0; byte < HSM_SECRET_LEN; byte++) {
        uint8_t value = 0;
        for (size_t degree = quorum - 1; degree > 0; degree--)
            value = hsm_gf_multiply(value, index) ^ coefficients[(degree - 1) * HSM_SECRET_LEN + byte];
        out[byte] = hsm_gf_multiply(value, index) ^ secret[byte];
    }
}

/* What share i counts for at x = 0: the product of x_j / (x_j - x_i). Public values only. */
static uint8_t weight_at_zero(const uint8_t *indices, size_t num_shares, size_t i)
{
    uint8_t weight = 1;
    for (size_t j = 0; j < num_shares; j++) {
        if (j == i)
            continue;
        weight = hsm_gf_multiply(weight, hsm_gf_multiply(indices[j], hsm_gf_invert(indices[j] ^ indices[i])));
    }
    return weight;
}

void hsm_shamir_combine(const uint8_t *indices, const uint8_t *shares, size_t num_shares, uint8_t out[HSM_SECRET_LEN])
{
    for (size_t byte = 0; byte < HSM_SECRET_LEN; byte++)
        out[byte] = 0;
    for (size_t i = 0; i < num_shares; i++) {
        uint8_t weight = weight_at_zero(indices, num_shares, i);
        for (size_t byte = 0; byte < HSM_SECRET_LEN; byte++)
            out[byte] ^= hsm_gf_multiply(weight, shares[i * HSM_SECRET_LEN + byte]);
    }
}
