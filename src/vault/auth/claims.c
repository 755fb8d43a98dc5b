#include "vault/auth/claims.h"

#include <strings.h>

#include "base/text.h"
#include "vault/json/json.h"

/* What a look at a text of a token shows of it: short and printable, or nothing. */
#define SHOWN_MAX 200u

static const char *shown(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++)
        if (i == SHOWN_MAX || text[i] < ' ' || text[i] > '~')
            return "(not shown)";
    return text;
}

static const char *text_claim(const json_t *claims, const char *name)
{
    const char *text = NULL;
    return vault_json_string(claims, name, &text) && text != NULL ? text : "";
}

static size_t len_without_slash(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && text[len - 1] == '/' ? len - 1 : len;
}

/* How much of a name is scheme, host and port: all of it up to the path. */
static size_t host_end(const char *name, size_t len)
{
    const char *host = strstr(name, "://");
    size_t at = host == NULL ? 0 : (size_t)(host - name) + 3;
    while (at < len && name[at] != '/')
        at++;
    return at < len ? at : len;
}

static bool is_same_audience(const char *name, const char *text)
{
    size_t len = len_without_slash(name);
    if (len == 0 || len != len_without_slash(text))
        return false;
    size_t end = host_end(name, len);
    return strncasecmp(name, text, end) == 0 && strncmp(name + end, text + end, len - end) == 0;
}

bool vault_audience_is(const struct vault_claim_rules *rules, const char *text, enum vault_audience audience)
{
    for (size_t i = 0; i < rules->num_audiences; i++)
        if (rules->audiences[i].audience == audience && is_same_audience(rules->audiences[i].name, text))
            return true;
    return false;
}

static const char *first_name(const struct vault_claim_rules *rules, enum vault_audience audience)
{
    for (size_t i = 0; i < rules->num_audiences; i++)
        if (rules->audiences[i].audience == audience)
            return rules->audiences[i].name;
    return "(none)";
}

/* A date that may be absent; one that is there is a whole number of seconds. */
static bool date_claim(const json_t *claims, const char *name, uint64_t *out)
{
    int64_t value = -1;
    if (!vault_json_integer(claims, name, &value))
        return false;
    if (value < 0)
        return json_object_get(claims, name) == NULL;
    *out = (uint64_t)value;
    return true;
}

/* What is wrong with the dates, or NULL. Sums are free of overflow: dates are below 2^63. */
static const char *wrong_date(const json_t *claims, uint64_t leeway_s, uint64_t now, uint64_t *out_expires)
{
    uint64_t exp = 0;
    uint64_t nbf = 0;
    uint64_t iat = 0;
    if (!date_claim(claims, "exp", &exp) || !date_claim(claims, "nbf", &nbf) || !date_claim(claims, "iat", &iat))
        return "a date in it (exp, nbf, iat) is not a whole number of seconds";
    if (exp == 0)
        return "it does not say when it ends (exp)";
    if (now >= exp && now - exp >= leeway_s)
        return "it has expired. Get a new one";
    if (nbf > now && nbf - now > leeway_s)
        return "it is not valid yet (nbf). Compare the clocks of both hosts";
    if (iat > now && iat - now > leeway_s)
        return "it was issued in the future (iat). Compare the clocks of both hosts";
    *out_expires = exp;
    return NULL;
}

static bool copy_guid(const char *text, char out[37])
{
    return kq_guid_is_valid(kq_slice_text(text)) && kq_text_copy(kq_slice_text(text), out, 37);
}

/* What is wrong with whom it speaks of, or NULL. */
static const char *wrong_principal(const struct vault_claim_rules *rules, const json_t *claims,
                                   struct vault_caller *caller)
{
    const char *client = text_claim(claims, "appid");
    if (client[0] == '\0')
        client = text_claim(claims, "azp");
    if (!copy_guid(text_claim(claims, "tid"), caller->tenant_id) ||
        strcasecmp(caller->tenant_id, rules->tenant_id) != 0)
        return "it is of another tenant (tid)";
    if (!copy_guid(text_claim(claims, "oid"), caller->object_id))
        return "it names no object id (oid)";
    if (!copy_guid(client, caller->client_id))
        return "it names no application (appid, azp)";
    return NULL;
}

enum vault_problem vault_claims_check(const struct vault_claim_rules *rules, const json_t *claims,
                                      enum vault_audience audience, uint64_t now, struct vault_caller *out,
                                      char *out_message, size_t out_message_size)
{
    struct vault_caller caller = {0};
    const char *issuer = text_claim(claims, "iss");
    const char *aud = text_claim(claims, "aud");
    if (strcmp(issuer, rules->issuer) != 0 ||
        !kq_text_copy(kq_slice_text(issuer), caller.issuer, sizeof caller.issuer)) {
        snprintf(out_message, out_message_size, "AKV10032: Invalid issuer. Expected one of %s, found %s.",
                 rules->issuer, shown(issuer));
        return VAULT_UNAUTHORIZED;
    }
    if (!vault_audience_is(rules, aud, audience)) {
        snprintf(out_message, out_message_size, "AKV10022: Invalid audience. Expected %s, found: %s.",
                 first_name(rules, audience), shown(aud));
        return VAULT_UNAUTHORIZED;
    }
    const char *wrong = wrong_date(claims, rules->leeway_s, now, &caller.expires);
    if (wrong == NULL)
        wrong = wrong_principal(rules, claims, &caller);
    if (wrong != NULL) {
        snprintf(out_message, out_message_size, "Error validating token: %s.", wrong);
        return VAULT_UNAUTHORIZED;
    }
    *out = caller;
    return VAULT_OK;
}

/* ---- other issuers ------------------------------------------------------------------------------ */

#define LIST_MAX 16u

static bool is_audience(const struct vault_claim_rules *rules, const struct kqw_issuer *issuer, const char *text,
                        enum vault_audience audience)
{
    if (issuer->num_audiences == 0)
        return vault_audience_is(rules, text, audience);
    for (size_t i = 0; i < issuer->num_audiences; i++)
        if (strcmp(issuer->audiences[i], text) == 0)
            return true;
    return false;
}

static bool has_audience(const struct vault_claim_rules *rules, const struct kqw_issuer *issuer, const json_t *aud,
                         enum vault_audience audience)
{
    if (json_is_string(aud))
        return is_audience(rules, issuer, json_string_value(aud), audience);
    for (size_t i = 0; i < json_array_size(aud) && i < LIST_MAX; i++)
        if (json_is_string(json_array_get(aud, i)) &&
            is_audience(rules, issuer, json_string_value(json_array_get(aud, i)), audience))
            return true;
    return false;
}

static const char *name_principal(const struct vault_claim_rules *rules, const struct kqw_issuer *issuer,
                                  const json_t *claims, struct vault_caller *caller)
{
    const char *object = text_claim(claims, issuer->object_claim);
    const char *client = text_claim(claims, issuer->client_claim);
    if (issuer->tenant[0] != '\0' && strcasecmp(text_claim(claims, "tid"), issuer->tenant) != 0)
        return "it is of another tenant (tid)";
    if (object[0] == '\0')
        return "it does not say whom it speaks of (the claim that its issuer was added with)";
    if (client[0] == '\0')
        return "it names no application (the claim that its issuer was added with)";
    kqw_issuer_guid(issuer->url, object, caller->object_id);
    kqw_issuer_guid(issuer->url, client, caller->client_id);
    return kq_text_copy(kq_slice_text(rules->tenant_id), caller->tenant_id, sizeof caller->tenant_id) &&
                   kq_text_copy(kq_slice_text(issuer->url), caller->issuer, sizeof caller->issuer)
               ? NULL
               : "its issuer's name is too long";
}

enum vault_problem vault_claims_check_issuer(const struct vault_claim_rules *rules, const struct kqw_issuer *issuer,
                                             const json_t *claims, enum vault_audience audience, uint64_t now,
                                             struct vault_caller *out, char *out_message, size_t out_message_size)
{
    struct vault_caller caller = {0};
    if (strcmp(text_claim(claims, "iss"), issuer->url) != 0) {
        snprintf(out_message, out_message_size, "AKV10032: Invalid issuer. Expected %s, found %s.", issuer->url,
                 shown(text_claim(claims, "iss")));
        return VAULT_UNAUTHORIZED;
    }
    if (!has_audience(rules, issuer, json_object_get(claims, "aud"), audience)) {
        snprintf(out_message, out_message_size, "AKV10022: Invalid audience. Expected %s, found: %s.",
                 issuer->num_audiences > 0 ? issuer->audiences[0] : first_name(rules, audience),
                 shown(text_claim(claims, "aud")));
        return VAULT_UNAUTHORIZED;
    }
    const char *wrong = wrong_date(claims, rules->leeway_s, now, &caller.expires);
    if (wrong == NULL)
        wrong = name_principal(rules, issuer, claims, &caller);
    if (wrong != NULL) {
        snprintf(out_message, out_message_size, "Error validating token: %s.", wrong);
        return VAULT_UNAUTHORIZED;
    }
    *out = caller;
    return VAULT_OK;
}
