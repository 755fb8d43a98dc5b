#ifndef HSM_PRIVCRYPTO_PKCS1_H
#define HSM_PRIVCRYPTO_PKCS1_H

#include "base/slice.h"
#include "module/privcrypto/openssl.h"

/* PKCS #1 v1.5 encryption padding, opened with implicit rejection: a bad
 * padding gives a message all the same, one that only the key and the
 * ciphertext decide. docs/protocols/module.md 9.1 says how, byte for byte.
 * Source: RFC 8017 7.2.2; draft-irtf-cfrg-rsa-guidance 7 */

#define HSM_PKCS1_MODULUS_MAX 512u
#define HSM_PKCS1_MODULUS_MIN 64u
#define HSM_PKCS1_SECRET_LEN 32u
#define HSM_PKCS1_OVERHEAD 11u /* 00, type, eight bytes of padding, 00 */

/* The secret that noise is derived from: SHA-256 of the private exponent, as
 * long as the modulus.  Errors: KQ_ERR_ARGUMENT (no RSA key of our sizes), KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_pkcs1_secret(const EVP_PKEY *pkey, uint8_t out[HSM_PKCS1_SECRET_LEN]);

/* Takes the padding off.
 *
 * secret      of the key
 * ciphertext  as long as the modulus
 * encoded     what the private operation made of it, as long; overwritten with what is
 *             chosen, byte for byte: the message stands at its end
 * out_len     bytes of the message, 0..modulus - 11
 * Timing      depends on the length of the modulus only; out_len is the first thing that is public
 * Errors      KQ_ERR_INTERNAL (no HMAC) */
KQ_MUST_CHECK kq_status hsm_pkcs1_unpad(const uint8_t secret[HSM_PKCS1_SECRET_LEN], struct kq_slice ciphertext,
                                        uint8_t *encoded, size_t *out_len);

/* Writes 00 01 ff ... 00 input over len bytes: the signature padding without a
 * DigestInfo.  input.len is at most len - HSM_PKCS1_OVERHEAD.  Source: RFC 8017 9.2 */
void hsm_pkcs1_pad_signature(struct kq_slice input, uint8_t *out, size_t len);

#endif
