#ifndef HSM_PRIVCRYPTO_RSA_H
#define HSM_PRIVCRYPTO_RSA_H

#include "base/cleanup.h"
#include "module/privcrypto/openssl.h"
#include "pubcrypto/der.h"

/* The numbers of an RSA private key with two primes, RFC 8017 A.1.2. All but
 * n and e are marked for OpenSSL's constant-time arithmetic. */
enum hsm_rsa_number {
    HSM_RSA_N,
    HSM_RSA_E,
    HSM_RSA_D,
    HSM_RSA_P,
    HSM_RSA_Q,
    HSM_RSA_DP,
    HSM_RSA_DQ,
    HSM_RSA_QINV,
    HSM_RSA_NUM_NUMBERS
};
struct hsm_rsa {
    BIGNUM *number[HSM_RSA_NUM_NUMBERS];
};
void hsm_rsa_clear(struct hsm_rsa *rsa);
KQ_AUTO_DEFINE_VALUE(hsm_rsa);

/* Reads and writes RSAPrivateKey, DER.  Errors: KQ_ERR_FORMAT (also for more
 * than two primes), KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_rsa_get(struct kq_slice der, struct hsm_rsa *out);
void hsm_rsa_put(const struct hsm_rsa *rsa, struct kq_der_writer *writer);

/* Between the numbers and OpenSSL's key. */
KQ_MUST_CHECK kq_status hsm_rsa_to_pkey(const struct hsm_rsa *rsa, EVP_PKEY **out);
KQ_MUST_CHECK kq_status hsm_rsa_of_pkey(const EVP_PKEY *pkey, struct hsm_rsa *out);

/* Checks everything that makes the numbers a key of exactly bits bits: sizes,
 * p != q and far apart, n = pq, e odd in 65537..2^64-1, d, CRT values; with
 * HSM_RSA_PRIMES also that p and q are probable primes (tens to hundreds of
 * milliseconds).  Errors: KQ_ERR_ARGUMENT, KQ_ERR_MEMORY.
 * Source: NIST SP 800-56B 6.4.1.2.3, FIPS 186-5 A.1.1 */
enum hsm_rsa_depth { HSM_RSA_ARITHMETIC, HSM_RSA_PRIMES };
KQ_MUST_CHECK kq_status hsm_rsa_check(const struct hsm_rsa *rsa, uint64_t bits, enum hsm_rsa_depth depth);

#endif
