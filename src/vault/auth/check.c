#include <ctype.h>
#include <strings.h>

#include "pubcrypto/hash.h"
#include "vault/auth/authority.h"
#include "vault/auth/jws.h"
#include "vault/json/json.h"

#define SCHEME "Bearer"

/* The token of an Authorization header; empty if it has none of our scheme. */
static struct kq_slice bearer_of(const char *authorization)
{
    size_t scheme_len = sizeof SCHEME - 1;
    if (authorization == NULL || strncasecmp(authorization, SCHEME, scheme_len) != 0 ||
        authorization[scheme_len] != ' ')
        return KQ_SLICE_EMPTY;
    const char *token = authorization + scheme_len;
    while (*token == ' ')
        token++;
    return kq_slice_text(token);
}

/* Why a token is refused before its claims are read, as text. */
static const char *refusal(kq_status status)
{
    switch (status) {
    case KQ_ERR_TOO_LARGE:
        return "Error validating token: it is longer than 8192 bytes.";
    case KQ_ERR_FORMAT:
        return "Error validating token: it is not a JSON Web Token in its compact form.";
    case KQ_ERR_UNSUPPORTED:
        return "Error validating token: its header asks for extensions (crit, b64) that are not supported.";
    case KQ_ERR_MISMATCH:
        return "Error validating token: it is not signed with the algorithm of the issuer's key (for ours: RS256).";
    case KQ_ERR_NOT_FOUND:
        return "AKV10046: Unable to resolve the key used for signature validation.";
    case KQ_ERR_SIGNATURE:
        return "Error validating token: its signature does not verify.";
    default:
        return "The token could not be checked for want of memory. Try again.";
    }
}

/* Whose token it says it is, if not ours; its key then shows whether that is so. NULL: ours to check. */
static const struct kqw_issuer *find_issuer(const struct vault_authority *authority, struct vault_issuer_set *others,
                                            const struct vault_jws *jws)
{
    json_t *claims = NULL;
    const char *name = NULL;
    if (others->num == 0 || vault_jws_claims(jws, &claims) != KQ_OK)
        return NULL;
    const struct kqw_issuer *found = NULL;
    if (vault_json_string(claims, "iss", &name) && name != NULL && strcmp(name, authority->rules.issuer) != 0)
        found = vault_issuer_set_find(others, name);
    vault_json_free(claims);
    return found;
}

/* Only this issuer's keys are looked at, and only with the algorithm that each has. */
static kq_status verify_of_issuer(struct vault_issuer_set *others, const struct kqw_issuer *issuer,
                                  const struct vault_jws *jws)
{
    const json_t *jwk = kqw_issuer_key(issuer, jws->kid);
    if (jwk == NULL) {
        vault_issuer_set_note_unknown_key(others, issuer);
        return KQ_ERR_NOT_FOUND;
    }
    return vault_jws_verify(jws, jwk);
}

static kq_status open_token(const struct vault_authority *authority, struct vault_issuer_set *others,
                            struct kq_slice token, const struct kqw_issuer **out_issuer, json_t **out_claims)
{
    KQ_AUTO_VALUE(vault_jws) jws = {.header = NULL};
    KQ_TRY(vault_jws_parse(token, &jws));
    *out_issuer = find_issuer(authority, others, &jws);
    if (*out_issuer != NULL) {
        KQ_TRY(verify_of_issuer(others, *out_issuer, &jws));
        return vault_jws_claims(&jws, out_claims);
    }
    if (strcmp(jws.kid, authority->kid) != 0)
        return KQ_ERR_NOT_FOUND;
    KQ_TRY(vault_jws_verify(&jws, authority->jwk));
    return vault_jws_claims(&jws, out_claims);
}

static uint64_t number_of(const struct vault_caller *caller)
{
    char name[sizeof caller->tenant_id + sizeof caller->object_id];
    uint8_t hash[32];
    uint64_t number = 0;
    int len = snprintf(name, sizeof name, "%s/%s", caller->tenant_id, caller->object_id);
    for (int i = 0; i < len; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
    kq_sha256(kq_slice_of(name, (size_t)len), hash);
    memcpy(&number, hash, sizeof number);
    return number == 0 ? 1 : number;
}

static enum vault_problem check_anew(const struct vault_authority *authority, struct vault_issuer_set *others,
                                     struct kq_slice token, enum vault_audience audience, uint64_t now,
                                     struct vault_caller *out, char *out_message, size_t out_message_size)
{
    json_t *claims = NULL;
    const struct kqw_issuer *issuer = NULL;
    kq_status status = open_token(authority, others, token, &issuer, &claims);
    if (status != KQ_OK) {
        snprintf(out_message, out_message_size, "%s", refusal(status));
        return VAULT_UNAUTHORIZED;
    }
    enum vault_problem problem = issuer == NULL ? vault_claims_check(&authority->rules, claims, audience, now, out,
                                                                     out_message, out_message_size)
                                                : vault_claims_check_issuer(&authority->rules, issuer, claims, audience,
                                                                            now, out, out_message, out_message_size);
    vault_json_free(claims);
    if (problem == VAULT_OK) {
        out->is_of_this_vault = issuer == NULL;
        out->number = number_of(out);
    }
    return problem;
}

/* What was remembered under other issuers, or other keys of theirs, is not found again. */
static bool find_checked(const struct vault_authority *authority, const struct vault_issuer_set *others,
                         const uint8_t hash[32], uint64_t now, struct vault_checked_token *out)
{
    return vault_cache_get(authority->checked, hash, now, out) && out->generation == others->generation;
}

enum vault_problem vault_token_check(struct vault_authority *authority, const char *authorization,
                                     enum vault_audience audience, uint64_t now, struct vault_caller *out,
                                     char *out_message, size_t out_message_size)
{
    struct kq_slice token = bearer_of(authorization);
    if (token.len == 0) {
        snprintf(out_message, out_message_size, "AKV10000: Request is missing a Bearer or PoP token.");
        return VAULT_UNAUTHORIZED;
    }
    if (token.len > VAULT_TOKEN_MAX) {
        snprintf(out_message, out_message_size, "%s", refusal(KQ_ERR_TOO_LARGE));
        return VAULT_UNAUTHORIZED;
    }
    KQ_AUTO_VALUE(vault_issuer_loan) others = vault_issuers_borrow(authority->issuers);
    const uint32_t asked = UINT32_C(1) << audience;
    uint8_t hash[32];
    struct vault_checked_token checked = {0};
    kq_sha256(token, hash);
    if (!find_checked(authority, others.set, hash, now, &checked))
        checked = (struct vault_checked_token){.generation = others.set->generation};
    if ((checked.audiences & asked) == 0) {
        VAULT_TRY(
            check_anew(authority, others.set, token, audience, now, &checked.caller, out_message, out_message_size));
        checked.audiences |= asked;
        /* Past its end, within the leeway, it is looked at each time. */
        vault_cache_put(authority->checked, hash, checked.caller.expires, &checked);
    }
    *out = checked.caller;
    return VAULT_OK;
}

bool vault_token_is_remembered(struct vault_authority *authority, const char *authorization, uint64_t now,
                               struct vault_caller *out)
{
    struct kq_slice token = bearer_of(authorization);
    if (token.len == 0 || token.len > VAULT_TOKEN_MAX)
        return false;
    KQ_AUTO_VALUE(vault_issuer_loan) others = vault_issuers_borrow(authority->issuers);
    uint8_t hash[32];
    struct vault_checked_token checked;
    kq_sha256(token, hash);
    if (!find_checked(authority, others.set, hash, now, &checked))
        return false;
    *out = checked.caller;
    return true;
}
