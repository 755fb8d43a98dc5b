#ifndef VAULT_AUTH_JWK_H
#define VAULT_AUTH_JWK_H

#include <jansson.h>

#include "base/slice.h"
#include "base/status.h"

#define VAULT_TOKEN_RSA_MIN_BITS 2048u

/* An RSA public key as a JWK of one algorithm: kty, use "sig", alg, kid (its
 * RFC 7638 thumbprint, SHA-256), n, e.
 * spki    DER SubjectPublicKeyInfo
 * Errors  KQ_ERR_ARGUMENT (not RSA, or less than 2048 bits) */
KQ_MUST_CHECK kq_status vault_jwk_from_spki(struct kq_slice spki, const char *alg, json_t **out);

#endif
