#include "vault/api/key_input.h"

#include "base/text.h"
#include "vault/core/names.h"
#include "wire/messages.h"

#define TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */
#define TAG_CHARS_MAX 256u

bool vault_kty_is_hsm(enum vault_kty kty)
{
    return kty == VAULT_KTY_RSA_HSM || kty == VAULT_KTY_EC_HSM;
}

bool vault_kty_is_rsa(enum vault_kty kty)
{
    return kty == VAULT_KTY_RSA || kty == VAULT_KTY_RSA_HSM;
}

/* ---- attributes ---------------------------------------------------------------------- */

static enum vault_problem read_time(struct vault_call *call, const json_t *attributes, const char *name, uint64_t *out)
{
    int64_t value = (int64_t)*out;
    if (!vault_json_integer(attributes, name, &value) || value < 0 || value > TIME_MAX)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The attribute '%s' must be a time in seconds since 1970.", name);
    *out = (uint64_t)value;
    return VAULT_OK;
}

enum vault_problem vault_read_attributes(struct vault_call *call, const json_t *body, struct vault_key_version *version)
{
    const json_t *attributes = NULL;
    if (!vault_json_object(body, "attributes", &attributes))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'attributes' must be an object.");
    if (attributes == NULL)
        return VAULT_OK;
    if (!vault_json_bool(attributes, "enabled", &version->enabled))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The attribute 'enabled' must be true or false.");
    VAULT_TRY(read_time(call, attributes, "nbf", &version->nbf));
    return read_time(call, attributes, "exp", &version->exp);
}

/* ---- tags ------------------------------------------------------------------------------- */

static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static enum vault_problem check_tags(struct vault_call *call, const json_t *tags)
{
    const char *name;
    json_t *value;
    if (json_object_size(tags) > VAULT_TAGS_MAX)
        return vault_fail(call, VAULT_BAD_PARAMETER, "A key has at most %u tags.", VAULT_TAGS_MAX);
    json_object_foreach((json_t *)tags, name, value)
    {
        if (!json_is_string(value))
            return vault_fail(call, VAULT_BAD_PARAMETER, "The values of 'tags' must be strings.");
        if (count_characters(name) > TAG_CHARS_MAX || count_characters(json_string_value(value)) > TAG_CHARS_MAX)
            return vault_fail(call, VAULT_BAD_PARAMETER, "Names and values of 'tags' have at most %u characters.",
                              TAG_CHARS_MAX);
    }
    return VAULT_OK;
}

enum vault_problem vault_read_tags(struct vault_call *call, const json_t *body, struct vault_key_version *version)
{
    const json_t *tags = NULL;
    if (!vault_json_object(body, "tags", &tags))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'tags' must be an object of strings.");
    if (tags == NULL)
        return VAULT_OK;
    VAULT_TRY(check_tags(call, tags));
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    /* each character may take six of JSON's escapes */
    kq_buffer_init(&text, (size_t)VAULT_TAGS_MAX * 2 * TAG_CHARS_MAX * 6 + 256);
    kq_status status = vault_json_write(tags, &text);
    char *copy = status == KQ_OK ? kq_text_new(kq_buffer_slice(&text)) : NULL;
    if (copy == NULL)
        return vault_fail_status(call, status == KQ_OK ? KQ_ERR_MEMORY : status, "tags", NULL);
    free(version->tags);
    version->tags = copy;
    return VAULT_OK;
}

/* ---- operations and kinds -------------------------------------------------------------------- */

enum vault_problem vault_read_key_ops(struct vault_call *call, const json_t *object, uint32_t *out)
{
    const json_t *list = NULL;
    if (!vault_json_array(object, "key_ops", &list))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'key_ops' must be an array of strings.");
    if (list == NULL)
        return VAULT_OK;
    uint32_t ops = 0;
    size_t i;
    const json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        const char *text = json_string_value(item);
        uint32_t bit = text == NULL ? 0 : vault_key_op_find(text);
        if (text != NULL && strcmp(text, "export") == 0)
            return vault_fail(call, VAULT_NOT_SUPPORTED, "key_ops 'export': keys never leave this service.");
        if (bit == 0)
            return vault_fail(call, VAULT_BAD_PARAMETER,
                              "key_ops holds '%.40s'. Known operations: encrypt, decrypt, sign, verify, wrapKey, "
                              "unwrapKey, import.",
                              text == NULL ? "(no string)" : text);
        ops |= bit;
    }
    *out = ops;
    return VAULT_OK;
}

enum vault_problem vault_check_key_ops(struct vault_call *call, uint32_t ops, enum vault_kty kty, uint32_t purpose)
{
    if (purpose == KQ_VAULT_PURPOSE_IMPORT && ops != VAULT_OP_IMPORT)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "A key exchange key has the operation 'import' alone, for as long as it lives.");
    if (purpose != KQ_VAULT_PURPOSE_IMPORT && (ops & VAULT_OP_IMPORT) != 0)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "The operation 'import' stands alone in key_ops, and only when an RSA-HSM key is created.");
    if (purpose != KQ_VAULT_PURPOSE_IMPORT && (ops & ~(vault_kty_is_rsa(kty) ? VAULT_OPS_RSA : VAULT_OPS_EC)) != 0)
        return vault_fail(call, VAULT_BAD_PARAMETER, "key_ops holds an operation that a key of type %s does not have.",
                          vault_kty_text(kty));
    return VAULT_OK;
}

enum vault_problem vault_read_kty(struct vault_call *call, const json_t *object, enum vault_kty *out)
{
    const char *text = NULL;
    if (!vault_json_string(object, "kty", &text) || text == NULL)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'kty' is required: RSA, RSA-HSM, EC or EC-HSM.");
    *out = vault_kty_find(text);
    if (*out == VAULT_KTY_UNKNOWN || *out == VAULT_KTY_OCT)
        return vault_fail(call, VAULT_KEY_TYPE_NOT_SUPPORTED, "Invalid kty value: %.40s", text);
    return VAULT_OK;
}

enum vault_problem vault_read_curve(struct vault_call *call, const json_t *object, enum kq_key_type *out)
{
    const char *text = NULL;
    if (!vault_json_string(object, "crv", &text))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'crv' must be a string.");
    if (text != NULL && !vault_curve_find(text, out))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "Invalid crv value: %.40s. Known curves: P-256, P-384, P-521, P-256K.", text);
    return VAULT_OK;
}

enum vault_problem vault_check_sku(struct vault_call *call, enum vault_kty kty)
{
    if (vault_kty_is_hsm(kty) && !call->vault.is_premium)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "Hardware key operation not allowed on standard vault. Keys of type %s need a vault with the "
                          "premium SKU.",
                          vault_kty_text(kty));
    return VAULT_OK;
}

enum vault_problem vault_refuse_release(struct vault_call *call, const json_t *body)
{
    const json_t *policy = NULL, *attributes = NULL;
    bool is_exportable = false;
    bool is_object = vault_json_object(body, "release_policy", &policy);
    if (!vault_json_object(body, "attributes", &attributes))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'attributes' must be an object.");
    if (attributes != NULL && !vault_json_bool(attributes, "exportable", &is_exportable))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The attribute 'exportable' must be true or false.");
    if (!is_object || policy != NULL || is_exportable)
        return vault_fail(call, VAULT_NOT_SUPPORTED,
                          "Secure key release is not supported: leave out release_policy and exportable.");
    return VAULT_OK;
}

enum vault_problem vault_check_key_name(struct vault_call *call, const char *name)
{
    if (vault_key_name_is_valid(name))
        return VAULT_OK;
    return vault_fail(call, VAULT_BAD_PARAMETER,
                      "The name of a key has 1 to %u characters: letters, digits and hyphens.", VAULT_KEY_NAME_MAX);
}

/* ---- base64 --------------------------------------------------------------------------------------- */

static struct kq_slice without_padding(struct kq_slice text, bool *out_is_good)
{
    size_t len = text.len, num_padding = 0;
    while (len > 0 && text.data[len - 1] == '=' && num_padding < 2) {
        len--;
        num_padding++;
    }
    *out_is_good = num_padding == 0 || text.len % 4 == 0;
    return kq_slice_of(text.data, len);
}

kq_status vault_base64_decode(struct kq_slice text, struct kq_buffer *out)
{
    bool is_good = false;
    struct kq_slice digits = without_padding(text, &is_good);
    KQ_AUTO_VALUE(kq_buffer) url = {0};
    uint8_t *at;
    bool has_url = false, has_plain = false;
    if (!is_good)
        return KQ_ERR_FORMAT;
    if (digits.len == 0)
        return KQ_OK;
    kq_buffer_init(&url, digits.len);
    KQ_TRY(kq_buffer_reserve(&url, digits.len, &at));
    for (size_t i = 0; i < digits.len; i++) {
        uint8_t c = digits.data[i];
        has_url = has_url || c == '-' || c == '_';
        has_plain = has_plain || c == '+' || c == '/';
        at[i] = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    url.len = digits.len;
    if (has_url && has_plain)
        return KQ_ERR_FORMAT;
    return kq_base64url_decode(kq_buffer_slice(&url), out);
}
