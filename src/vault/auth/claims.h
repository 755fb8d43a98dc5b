#ifndef VAULT_AUTH_CLAIMS_H
#define VAULT_AUTH_CLAIMS_H

#include <jansson.h>

#include "vault/auth/token.h"
#include "webclient/issuer.h"

/* What a token must say, once its signature is good. */

#define VAULT_AUDIENCE_MAX 256u /* bytes of an aud */

struct vault_claim_rules {
    const char *issuer;
    const char *tenant_id;
    const struct vault_audience_name *audiences;
    size_t num_audiences;
    uint64_t leeway_s;
};

/* Is text a name of this kind of audience? Scheme, host and port compare
 * without regard to case; one slash more or less at the end is no matter. */
bool vault_audience_is(const struct vault_claim_rules *rules, const char *text, enum vault_audience audience);

/* Checks iss, aud, exp, nbf, iat, tid, and that oid and appid (or azp) are
 * GUIDs; exp must be there, dates are whole seconds.
 * out          filled on VAULT_OK only
 * out_message  filled otherwise
 * Returns      VAULT_OK, VAULT_UNAUTHORIZED */
enum vault_problem vault_claims_check(const struct vault_claim_rules *rules, const json_t *claims,
                                      enum vault_audience audience, uint64_t now, struct vault_caller *out,
                                      char *out_message, size_t out_message_size);

/* The same for a token of another issuer: aud, which may be a list, is one of
 * the issuer's audiences, or where it has none one of ours; tid is looked at
 * where the issuer has a tenant; the caller is of our tenant. */
enum vault_problem vault_claims_check_issuer(const struct vault_claim_rules *rules, const struct kqw_issuer *issuer,
                                             const json_t *claims, enum vault_audience audience, uint64_t now,
                                             struct vault_caller *out, char *out_message, size_t out_message_size);

#endif
