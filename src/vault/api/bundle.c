#include "vault/api/bundle.h"

#include <stdio.h>

#include "base/text.h"
#include "vault/core/algorithms.h"
#include "vault/keyops/keyops.h"

#define RETENTION_FULL_DAYS 90u
/* What the platform of hardware kinds is called since 7.5: "1", the generation that the
 * transfer packages come from; "0" is a software label. Neither is a claim of certification. */
#define PLATFORM_HSM "1"
#define PLATFORM_SOFTWARE "0"

/* When members appeared. */
enum { LEVEL_RECOVERABLE_DAYS = 71, LEVEL_EXPORTABLE = 73, LEVEL_PLATFORM = 75 };

unsigned vault_api_level(const char *api_version)
{
    if (strncmp(api_version, "2015-", 5) == 0 || strncmp(api_version, "2016-", 5) == 0)
        return VAULT_API_2016;
    uint64_t minor = 0;
    size_t len = strcspn(api_version, "-");
    if (len < 3 || strncmp(api_version, "7.", 2) != 0 ||
        !kq_uint_parse(kq_slice_of(api_version + 2, len - 2), 99, &minor))
        return VAULT_API_NEWEST;
    return VAULT_API_7_0 + (unsigned)minor;
}

unsigned vault_call_level(const struct vault_call *call)
{
    const char *version = vault_http_parameter(call->request, "api-version");
    return version == NULL ? VAULT_API_NEWEST : vault_api_level(version);
}

json_t *vault_base64url(struct kq_slice bytes)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, bytes.len / 3 * 4 + 4);
    if (kq_base64url_encode(bytes, &text) != KQ_OK)
        return NULL;
    return json_stringn(text.len == 0 ? "" : (const char *)text.data, text.len);
}

json_t *vault_kid(const struct vault_call *call, const char *tree, const char *name, const char *version)
{
    bool has_version = version != NULL && version[0] != '\0';
    return json_sprintf("%s/%s/%s%s%s", call->base_url, tree, name, has_version ? "/" : "", has_version ? version : "");
}

/* ---- parts ---------------------------------------------------------------------------- */

/* Takes value; a failure shows as false, and the caller gives the whole up. */
static bool set(json_t *object, const char *name, json_t *value)
{
    return value != NULL && json_object_set_new(object, name, value) == 0;
}

/* The whole or nothing. */
static json_t *complete(json_t *object, bool is_complete)
{
    if (is_complete)
        return object;
    json_decref(object);
    return NULL;
}

static const char *recovery_level(const struct vault_record *vault)
{
    bool is_full = vault->retention_days >= RETENTION_FULL_DAYS;
    if (vault->has_purge_protection)
        return is_full ? "Recoverable" : "CustomizedRecoverable";
    return is_full ? "Recoverable+Purgeable" : "CustomizedRecoverable+Purgeable";
}

static bool is_hsm(const struct vault_key_version *version)
{
    return version->kty == VAULT_KTY_RSA_HSM || version->kty == VAULT_KTY_EC_HSM;
}

static json_t *attributes(const struct vault_call *call, const struct vault_key_version *version)
{
    unsigned level = vault_call_level(call);
    json_t *object = json_object();
    bool ok = object != NULL && set(object, "enabled", json_boolean(version->enabled));
    if (version->nbf != 0)
        ok = ok && set(object, "nbf", json_integer((json_int_t)version->nbf));
    if (version->exp != 0)
        ok = ok && set(object, "exp", json_integer((json_int_t)version->exp));
    ok = ok && set(object, "created", json_integer((json_int_t)version->created)) &&
         set(object, "updated", json_integer((json_int_t)version->updated)) &&
         set(object, "recoveryLevel", json_string(recovery_level(&call->vault)));
    if (level >= LEVEL_RECOVERABLE_DAYS)
        ok = ok && set(object, "recoverableDays", json_integer((json_int_t)call->vault.retention_days));
    if (level >= LEVEL_EXPORTABLE)
        ok = ok && set(object, "exportable", json_false());
    if (level >= LEVEL_PLATFORM)
        ok = ok && set(object, "hsmPlatform", json_string(is_hsm(version) ? PLATFORM_HSM : PLATFORM_SOFTWARE));
    return complete(object, ok);
}

static json_t *key_ops(uint32_t ops)
{
    json_t *list = json_array();
    uint32_t bit = 0;
    bool ok = list != NULL;
    for (size_t i = 0; ok; i++) {
        const char *name = vault_key_op_name(i, &bit);
        if (name == NULL)
            break;
        if ((ops & bit) != 0)
            ok = json_array_append_new(list, json_string(name)) == 0;
    }
    return complete(list, ok);
}

static const char *curve_name(const struct vault_call *call, enum kq_key_type type)
{
    bool is_old = type == KQ_KEY_EC_SECP256K1 && vault_call_level(call) < VAULT_API_7_0;
    return is_old ? "SECP256K1" : vault_curve_text(type);
}

static bool set_public_numbers(const struct vault_call *call, json_t *key, const struct vault_key_version *version)
{
    KQ_AUTO_VALUE(vault_public_numbers) numbers = {0};
    if (vault_public_numbers_get(kq_buffer_slice(&version->public_key), &numbers) != KQ_OK)
        return false;
    bool is_rsa = version->type == KQ_KEY_RSA;
    return (is_rsa || set(key, "crv", json_string(curve_name(call, (enum kq_key_type)version->type)))) &&
           set(key, is_rsa ? "n" : "x", vault_base64url(kq_buffer_slice(&numbers.first))) &&
           set(key, is_rsa ? "e" : "y", vault_base64url(kq_buffer_slice(&numbers.second)));
}

static json_t *web_key(const struct vault_call *call, const struct vault_key *key,
                       const struct vault_key_version *version)
{
    json_t *object = json_object();
    bool ok = object != NULL && set(object, "kid", vault_kid(call, "keys", key->name, version->version)) &&
              set(object, "kty", json_string(vault_kty_text((enum vault_kty)version->kty))) &&
              set(object, "key_ops", key_ops(version->key_ops)) && set_public_numbers(call, object, version);
    return complete(object, ok);
}

static bool set_tags(json_t *object, const struct vault_key_version *version)
{
    json_t *tags = NULL;
    char error[160];
    if (version->tags == NULL)
        return true;
    return vault_json_parse(kq_slice_text(version->tags), &tags, error, sizeof error) == KQ_OK &&
           set(object, "tags", tags);
}

static bool set_deletion(const struct vault_call *call, json_t *object, const struct vault_key *key)
{
    if (key->deleted == 0)
        return true;
    return set(object, "recoveryId", vault_kid(call, "deletedkeys", key->name, NULL)) &&
           set(object, "deletedDate", json_integer((json_int_t)key->deleted)) &&
           set(object, "scheduledPurgeDate", json_integer((json_int_t)key->scheduled_purge));
}

/* ---- wholes ------------------------------------------------------------------------------ */

json_t *vault_bundle(const struct vault_call *call, const struct vault_key *key,
                     const struct vault_key_version *version)
{
    json_t *object = json_object();
    bool ok = object != NULL && set_deletion(call, object, key) && set(object, "key", web_key(call, key, version)) &&
              set(object, "attributes", attributes(call, version)) && set_tags(object, version);
    return complete(object, ok);
}

json_t *vault_item(const struct vault_call *call, const struct vault_key *key, const struct vault_key_version *newest)
{
    json_t *object = json_object();
    bool ok = object != NULL && set_deletion(call, object, key) &&
              set(object, "kid", vault_kid(call, "keys", key->name, NULL)) &&
              set(object, "attributes", attributes(call, newest)) && set_tags(object, newest);
    return complete(object, ok);
}

json_t *vault_version_item(const struct vault_call *call, const char *key_name, const struct vault_key_version *version)
{
    json_t *object = json_object();
    bool ok = object != NULL && set(object, "kid", vault_kid(call, "keys", key_name, version->version)) &&
              set(object, "attributes", attributes(call, version)) && set_tags(object, version);
    return complete(object, ok);
}
