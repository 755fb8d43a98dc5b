#include "vault/auth/authority.h"

#include <stdlib.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "vault/auth/jwk.h"
#include "vault/json/json.h"

#define TOKEN_ALG "RS256"
#define CHECKED_SETS 128u   /* 1024 tokens */
#define ASSERTION_SETS 512u /* 4096 assertions */

static bool is_of_options(const struct vault_authority_options *options)
{
    if (!kq_guid_is_valid(kq_slice_text(options->tenant_id)) || options->sign == NULL || options->token_life_s == 0)
        return false;
    size_t issuer_len = strlen(options->issuer);
    if (issuer_len == 0 || issuer_len >= sizeof((struct vault_caller *)NULL)->issuer)
        return false;
    if (options->num_audiences == 0 || options->num_audiences > VAULT_AUDIENCES_MAX)
        return false;
    for (size_t i = 0; i < options->num_audiences; i++) {
        size_t len = strlen(options->audiences[i].name);
        if (len == 0 || len >= VAULT_AUDIENCE_MAX)
            return false;
    }
    return true;
}

static kq_status copy_audiences(const struct vault_authority_options *options, struct vault_claim_rules *rules)
{
    struct vault_audience_name *names = calloc(options->num_audiences, sizeof *names);
    rules->audiences = names;
    if (names == NULL)
        return KQ_ERR_MEMORY;
    rules->num_audiences = options->num_audiences;
    for (size_t i = 0; i < options->num_audiences; i++) {
        names[i].audience = options->audiences[i].audience;
        names[i].name = strdup(options->audiences[i].name);
        if (names[i].name == NULL)
            return KQ_ERR_MEMORY;
    }
    return KQ_OK;
}

static kq_status copy_rules(const struct vault_authority_options *options, struct vault_claim_rules *rules)
{
    rules->issuer = strdup(options->issuer);
    rules->tenant_id = strdup(options->tenant_id);
    rules->leeway_s = options->leeway_s;
    if (rules->issuer == NULL || rules->tenant_id == NULL)
        return KQ_ERR_MEMORY;
    return copy_audiences(options, rules);
}

kq_status vault_authority_new(const struct vault_authority_options *options, struct vault_authority **out)
{
    if (!is_of_options(options))
        return KQ_ERR_ARGUMENT;
    KQ_AUTO(vault_authority) authority = calloc(1, sizeof *authority);
    if (authority == NULL)
        return KQ_ERR_MEMORY;
    authority->sign = options->sign;
    authority->sign_context = options->sign_context;
    authority->token_life_s = options->token_life_s;
    KQ_TRY(copy_rules(options, &authority->rules));
    KQ_TRY(vault_jwk_from_spki(options->public_key, TOKEN_ALG, &authority->jwk));
    authority->kid = json_string_value(json_object_get(authority->jwk, "kid"));
    KQ_TRY(vault_cache_new(CHECKED_SETS, sizeof(struct vault_checked_token), &authority->checked));
    KQ_TRY(vault_cache_new(ASSERTION_SETS, 32, &authority->assertions));
    KQ_TRY(vault_secret_gate_new(&authority->secrets));
    KQ_TRY(vault_issuers_new(&authority->issuers));
    KQ_TRY(vault_device_table_new(&authority->devices));
    *out = KQ_TAKE(authority);
    return KQ_OK;
}

static void free_const(const void *data)
{
    free((void *)(uintptr_t)data);
}

void vault_authority_free(struct vault_authority *authority)
{
    if (authority == NULL)
        return;
    for (size_t i = 0; i < authority->rules.num_audiences; i++)
        free_const(authority->rules.audiences[i].name);
    free_const(authority->rules.audiences);
    free_const(authority->rules.issuer);
    free_const(authority->rules.tenant_id);
    vault_json_free(authority->jwk);
    vault_cache_free(authority->checked);
    vault_cache_free(authority->assertions);
    vault_secret_gate_free(authority->secrets);
    vault_issuers_free(authority->issuers);
    vault_device_table_free(authority->devices);
    free(authority);
}

const char *vault_authority_issuer(const struct vault_authority *authority)
{
    return authority->rules.issuer;
}

uint64_t vault_authority_token_life_s(const struct vault_authority *authority)
{
    return authority->token_life_s;
}

uint64_t vault_authority_leeway_s(const struct vault_authority *authority)
{
    return authority->rules.leeway_s;
}

bool vault_authority_take_assertion(struct vault_authority *authority, const uint8_t id[32], struct kq_slice assertion,
                                    uint64_t expires, uint64_t now)
{
    uint8_t hash[32];
    uint8_t known[32];
    kq_sha256(assertion, hash);
    if (vault_cache_get(authority->assertions, id, now, known))
        return memcmp(known, hash, sizeof hash) == 0;
    vault_cache_put(authority->assertions, id, expires, hash);
    return true;
}

struct vault_device_table *vault_authority_devices(struct vault_authority *authority)
{
    return authority->devices;
}

struct vault_secret_gate *vault_authority_secrets(struct vault_authority *authority)
{
    return authority->secrets;
}

kq_status vault_authority_set_issuers(struct vault_authority *authority, struct kqw_issuer *issuers, size_t num_issuers)
{
    return vault_issuers_replace(authority->issuers, issuers, num_issuers);
}

uint64_t vault_authority_take_unknown_keys(struct vault_authority *authority, char *out_name, size_t size)
{
    return vault_issuers_take_unknown_keys(authority->issuers, out_name, size);
}

kq_status vault_authority_jwks(struct vault_authority *authority, struct kq_buffer *out)
{
    json_t *set = json_pack("{s:[O]}", "keys", authority->jwk);
    if (set == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = vault_json_write(set, out);
    vault_json_free(set);
    return status;
}
