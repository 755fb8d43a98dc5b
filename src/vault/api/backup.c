#include "vault/api/backup.h"

#include <stdio.h>

#include "base/text.h"
#include "vault/api/bundle.h"
#include "vault/core/algorithms.h"
#include "vault/core/names.h"
#include "wire/messages.h"

#define BLOB_MAX 12288u
#define RECEIPT_MAX (64u * 1024)
#define TIME_MAX INT64_C(253402300799)
#define TAGS_MAX 8192u

void vault_backup_clear(struct vault_backup *backup)
{
    for (size_t i = 0; i < backup->num_versions; i++)
        vault_key_version_clear(&backup->versions[i]);
    free(backup->versions);
    backup->versions = NULL;
    backup->num_versions = 0;
}

/* ---- writing ---------------------------------------------------------------------------- */

static json_t *tags_value(const char *tags)
{
    json_t *value = NULL;
    char error[160];
    if (tags == NULL)
        return json_null();
    return vault_json_parse(kq_slice_text(tags), &value, error, sizeof error) == KQ_OK ? value : NULL;
}

static json_t *version_value(const struct vault_key_version *version)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "version", version->version, "kty",
                     vault_kty_text((enum vault_kty)version->kty), "keyOps", (json_int_t)version->key_ops, "purpose",
                     (json_int_t)version->purpose, "enabled", (int)version->enabled, "nbf", (json_int_t)version->nbf,
                     "exp", (json_int_t)version->exp, "created", (json_int_t)version->created, "updated",
                     (json_int_t)version->updated, "tags", tags_value(version->tags), "blob",
                     vault_base64url(kq_buffer_slice(&version->blob)), "receipt",
                     vault_base64url(kq_buffer_slice(&version->receipt)));
}

static json_t *document(const struct vault_backup *backup)
{
    json_t *versions = json_array();
    for (size_t i = 0; i < backup->num_versions; i++) {
        if (json_array_append_new(versions, version_value(&backup->versions[i])) != 0) {
            json_decref(versions);
            return NULL;
        }
    }
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "format", VAULT_BACKUP_FORMAT, "formatVersion",
                     VAULT_BACKUP_VERSION, "region", backup->region, "world", backup->world, "subscription",
                     backup->subscription, "vault", backup->vault, "name", backup->name, "versions", versions);
}

kq_status vault_backup_encode(const struct vault_backup *backup, struct kq_buffer *out)
{
    json_t *value = document(backup);
    if (value == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = vault_json_write(value, out);
    vault_json_free(value);
    return status;
}

/* ---- reading: each failure names its member ------------------------------------------------- */

struct reading {
    char *why;
    size_t why_size;
};

static kq_status wrong(const struct reading *reading, const char *name)
{
    snprintf(reading->why, reading->why_size, "the member '%s' is missing or not as it was written", name);
    return KQ_ERR_FORMAT;
}

static kq_status read_text(const struct reading *reading, const json_t *object, const char *name, char *out,
                           size_t size)
{
    const char *text = NULL;
    bool is_good = vault_json_string(object, name, &text) && text != NULL && text[0] != '\0' &&
                   kq_text_copy(kq_slice_text(text), out, size);
    return is_good ? KQ_OK : wrong(reading, name);
}

static kq_status read_number(const struct reading *reading, const json_t *object, const char *name, int64_t max,
                             uint64_t *out)
{
    int64_t value = -1;
    if (!vault_json_integer(object, name, &value) || value < 0 || value > max)
        return wrong(reading, name);
    *out = (uint64_t)value;
    return KQ_OK;
}

static kq_status read_small(const struct reading *reading, const json_t *object, const char *name, uint32_t max,
                            uint32_t *out)
{
    uint64_t value = 0;
    KQ_TRY(read_number(reading, object, name, max, &value));
    *out = (uint32_t)value;
    return KQ_OK;
}

static kq_status read_bytes(const struct reading *reading, const json_t *object, const char *name, size_t max,
                            struct kq_buffer *out)
{
    const char *text = NULL;
    kq_buffer_init(out, max);
    if (!vault_json_string(object, name, &text) || text == NULL ||
        kq_base64url_decode(kq_slice_text(text), out) != KQ_OK)
        return wrong(reading, name);
    return KQ_OK;
}

static kq_status read_tags(const struct reading *reading, const json_t *object, struct vault_key_version *out)
{
    const json_t *tags = NULL, *value;
    const char *name;
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    if (!vault_json_object(object, "tags", &tags) || json_object_size(tags) > VAULT_TAGS_MAX)
        return wrong(reading, "tags");
    if (tags == NULL)
        return KQ_OK;
    json_object_foreach((json_t *)tags, name, value)
    {
        if (!json_is_string(value))
            return wrong(reading, "tags");
    }
    kq_buffer_init(&text, TAGS_MAX * 8);
    KQ_TRY(vault_json_write(tags, &text));
    out->tags = kq_text_new(kq_buffer_slice(&text));
    return out->tags == NULL ? KQ_ERR_MEMORY : KQ_OK;
}

static kq_status read_version(const struct reading *reading, const json_t *object, struct vault_key_version *out)
{
    const char *kty = NULL;
    bool is_good = vault_json_string(object, "kty", &kty) && kty != NULL;
    out->kty = is_good ? vault_kty_find(kty) : VAULT_KTY_UNKNOWN;
    if (out->kty == VAULT_KTY_UNKNOWN || out->kty == VAULT_KTY_OCT)
        return wrong(reading, "kty");
    KQ_TRY(read_text(reading, object, "version", out->version, sizeof out->version));
    if (!vault_key_version_is_valid(out->version))
        return wrong(reading, "version");
    KQ_TRY(read_small(reading, object, "keyOps", VAULT_OPS_RSA | VAULT_OP_IMPORT, &out->key_ops));
    KQ_TRY(read_small(reading, object, "purpose", KQ_VAULT_PURPOSE_IMPORT, &out->purpose));
    bool has_enabled = json_is_boolean(json_object_get(object, "enabled"));
    if (!has_enabled || !vault_json_bool(object, "enabled", &out->enabled))
        return wrong(reading, "enabled");
    KQ_TRY(read_number(reading, object, "nbf", TIME_MAX, &out->nbf));
    KQ_TRY(read_number(reading, object, "exp", TIME_MAX, &out->exp));
    KQ_TRY(read_number(reading, object, "created", TIME_MAX, &out->created));
    KQ_TRY(read_number(reading, object, "updated", TIME_MAX, &out->updated));
    KQ_TRY(read_bytes(reading, object, "blob", BLOB_MAX, &out->blob));
    KQ_TRY(read_bytes(reading, object, "receipt", RECEIPT_MAX, &out->receipt));
    return read_tags(reading, object, out);
}

static kq_status read_versions(const struct reading *reading, const json_t *document, struct vault_backup *out)
{
    const json_t *list = NULL;
    bool is_good = vault_json_array(document, "versions", &list) && list != NULL;
    size_t count = json_array_size(list);
    if (!is_good || count == 0 || count > VAULT_BACKUP_VERSIONS_MAX)
        return wrong(reading, "versions");
    out->versions = calloc(count, sizeof *out->versions);
    if (out->versions == NULL)
        return KQ_ERR_MEMORY;
    out->num_versions = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        KQ_TRY(json_is_object(item) ? read_version(reading, item, &out->versions[i]) : wrong(reading, "versions"));
    }
    return KQ_OK;
}

static kq_status read_document(const struct reading *reading, const json_t *document, struct vault_backup *out)
{
    char format[32] = "";
    uint64_t version = 0;
    if (!json_is_object(document) || read_text(reading, document, "format", format, sizeof format) != KQ_OK ||
        strcmp(format, VAULT_BACKUP_FORMAT) != 0)
        return wrong(reading, "format");
    KQ_TRY(read_number(reading, document, "formatVersion", INT32_MAX, &version));
    if (version != VAULT_BACKUP_VERSION) {
        snprintf(reading->why, reading->why_size, "it was written by a newer program");
        return KQ_ERR_VERSION;
    }
    KQ_TRY(read_text(reading, document, "region", out->region, sizeof out->region));
    KQ_TRY(read_text(reading, document, "world", out->world, sizeof out->world));
    KQ_TRY(read_text(reading, document, "subscription", out->subscription, sizeof out->subscription));
    KQ_TRY(read_text(reading, document, "vault", out->vault, sizeof out->vault));
    KQ_TRY(read_text(reading, document, "name", out->name, sizeof out->name));
    if (!vault_key_name_is_valid(out->name))
        return wrong(reading, "name");
    return read_versions(reading, document, out);
}

kq_status vault_backup_decode(struct kq_slice text, struct vault_backup *out, char *out_why, size_t out_why_size)
{
    struct reading reading = {out_why, out_why_size};
    json_t *document = NULL;
    char error[160];
    kq_status status = vault_json_parse(text, &document, error, sizeof error);
    if (status == KQ_ERR_FORMAT)
        snprintf(out_why, out_why_size, "it is cut off, or something else altogether");
    KQ_TRY(status);
    status = read_document(&reading, document, out);
    vault_json_free(document);
    return status;
}
