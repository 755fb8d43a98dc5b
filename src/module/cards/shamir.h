#ifndef HSM_CARDS_SHAMIR_H
#define HSM_CARDS_SHAMIR_H

#include <stddef.h>
#include <stdint.h>

/* Secret sharing after Shamir over GF(2^8) with the polynomial
 * x^8 + x^4 + x^3 + x + 1, each byte of the secret by itself. Share i is the
 * polynomial's value at x = i; indices 1..255 are public.
 *
 * Timing  depends on quorum and num_shares only: no branch and no table index
 *         on a secret
 * Source  Shamir, How to Share a Secret (1979); FIPS 197 4.2 for the field */
#define HSM_SECRET_LEN 32u

/* Product and inverse in the field; the inverse of 0 is 0. */
uint8_t hsm_gf_multiply(uint8_t a, uint8_t b);
uint8_t hsm_gf_invert(uint8_t a);

/* Computes one share.
 *
 * coefficients  (quorum - 1) * HSM_SECRET_LEN random bytes, the same for every share of a set
 * index         1..255 */
void hsm_shamir_share(const uint8_t secret[HSM_SECRET_LEN], const uint8_t *coefficients, size_t quorum, uint8_t index,
                      uint8_t out[HSM_SECRET_LEN]);

/* Rebuilds the secret from as many shares as the quorum says.
 *
 * indices, shares  num_shares each, indices distinct and not 0; shares lie one after another */
void hsm_shamir_combine(const uint8_t *indices, const uint8_t *shares, size_t num_shares, uint8_t out[HSM_SECRET_LEN]);

#endif
