#ifndef HSM_PRIVCRYPTO_DSA_H
#define HSM_PRIVCRYPTO_DSA_H

#include "module/privcrypto/openssl.h"
#include "pubcrypto/der.h"

/* DSA keys: KNSO of the DL suites, made and sealed by the module, never read
 * from outside. In PKCS#8 the group stands in the algorithm (RFC 3279 2.3.2)
 * and the key octets hold x. */

/* parameters, key  contents of the two places, DER.  Errors: KQ_ERR_FORMAT, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_dsa_get(struct kq_slice parameters, struct kq_slice key, EVP_PKEY **out,
                                    uint64_t *out_bits);
KQ_MUST_CHECK kq_status hsm_dsa_put(const EVP_PKEY *pkey, struct kq_der_writer *parameters, struct kq_der_writer *key);

#endif
