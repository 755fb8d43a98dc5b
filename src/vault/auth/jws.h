#ifndef VAULT_AUTH_JWS_H
#define VAULT_AUTH_JWS_H

#include <jansson.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "base/status.h"

/* Signed tokens in their compact form (RFC 7515). José checks signatures; what
 * it would leave to the token's header is decided here first. */
#define VAULT_TOKEN_MAX 8192u /* bytes of one token */
#define VAULT_JWS_MAX 24576u  /* bytes of what is parsed at all: an assertion may bring a chain of certificates */

/* A token split and its header read; nothing is verified. Slices borrow. */
struct vault_jws {
    struct kq_slice header_text; /* base64url, the canonical one, each */
    struct kq_slice claims_text;
    struct kq_slice signature_text;
    json_t *header; /* owned */
    const char *alg;
    const char *kid; /* borrowed of header; "" if absent */
};
void vault_jws_clear(struct vault_jws *jws);
KQ_AUTO_DEFINE_VALUE(vault_jws);

/* Errors: KQ_ERR_TOO_LARGE past VAULT_JWS_MAX; KQ_ERR_FORMAT for anything but three parts of canonical base64url,
 *         a header that is no JSON object with "alg" as text, duplicate members, a "kid" that is no text;
 *         KQ_ERR_UNSUPPORTED for "crit" and "b64" */
KQ_MUST_CHECK kq_status vault_jws_parse(struct kq_slice token, struct vault_jws *out);

/* Verifies the signature under a key.
 * jwk     with "alg": the only algorithm that is tried
 * Errors  KQ_ERR_MISMATCH   the header names another algorithm than the key
 *         KQ_ERR_SIGNATURE */
KQ_MUST_CHECK kq_status vault_jws_verify(const struct vault_jws *jws, const json_t *jwk);

/* The claims of a token whose signature is good: one JSON object without
 * duplicate members.  Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status vault_jws_claims(const struct vault_jws *jws, json_t **out);

#endif
