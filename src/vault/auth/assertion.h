#ifndef VAULT_AUTH_ASSERTION_H
#define VAULT_AUTH_ASSERTION_H

#include "vault/auth/jws.h"

/* Client assertions (RFC 7523 2.2): what a client signs with the key of a
 * registered certificate instead of showing a secret. The certificate is
 * chosen by its hash in the header; nothing else in the header is trusted. */

#define VAULT_ASSERTION_LIFE_MAX_S 3600u

struct vault_assertion {
    struct vault_jws jws;
    uint8_t sha256[32]; /* of the certificate (x5t#S256) */
    uint8_t sha1[20];   /* (x5t) */
    bool has_sha256;
    bool has_sha1;
};
void vault_assertion_clear(struct vault_assertion *assertion);
KQ_AUTO_DEFINE_VALUE(vault_assertion);

/* Splits an assertion and reads its header; text must outlive it.
 * out_why  static: what is wrong, as the end of a sentence
 * Errors   those of vault_jws_parse(), KQ_ERR_UNSUPPORTED (alg), KQ_ERR_FORMAT (x5t, x5t#S256) */
KQ_MUST_CHECK kq_status vault_assertion_parse(const char *text, struct vault_assertion *out, const char **out_why);

/* Does its header name this certificate? Both hashes must fit where there are both. */
bool vault_assertion_names(const struct vault_assertion *assertion, const uint8_t sha256[32], const uint8_t sha1[20]);

/* What the claims must say. */
struct vault_assertion_rules {
    const char *client_id;
    /* Is this the address of our token endpoint? */
    bool (*is_audience)(void *context, const char *audience);
    void *context;
    uint64_t now;
    uint64_t leeway_s;
};

/* Verifies the signature with a registered certificate, then the claims: iss
 * and sub are the client, aud is ours, exp at most an hour ahead, nbf and iat
 * not in the future, jti there. Dates may have fractions. The header's x5c,
 * where there is one, must begin with this certificate.
 * out_id       SHA-256 over client and jti
 * out_expires  whole seconds
 * out_why      static
 * Errors       KQ_ERR_FORMAT, KQ_ERR_SIGNATURE, KQ_ERR_EXPIRED, KQ_ERR_MISMATCH, KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status vault_assertion_verify(const struct vault_assertion *assertion, struct kq_slice certificate,
                                               const struct vault_assertion_rules *rules, uint8_t out_id[32],
                                               uint64_t *out_expires, const char **out_why);

#endif
