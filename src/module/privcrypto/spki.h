#ifndef HSM_PRIVCRYPTO_SPKI_H
#define HSM_PRIVCRYPTO_SPKI_H

#include "base/buffer.h"
#include "module/privcrypto/openssl.h"
#include "wire/messages.h"

/* Appends the public half of an RSA, DSA or EC key as a SubjectPublicKeyInfo
 * (RFC 5280 4.1): RFC 8017 A.1, RFC 3279 2.3.2, RFC 5480 2, points
 * uncompressed. Every load writes one: OpenSSL's i2d_PUBKEY(), which looks for
 * an encoder each time, costs three P-256 signatures.
 * Errors: KQ_ERR_INTERNAL, KQ_ERR_MEMORY, KQ_ERR_TOO_LARGE (out's maximum). */
KQ_MUST_CHECK kq_status hsm_spki_put(enum kq_key_type type, const EVP_PKEY *pkey, struct kq_buffer *out);

#endif
