#include "webclient/issuer.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "pubcrypto/hash.h"

#define VERSION 1
#define KID_MAX 128u
#define RSA_BYTES_MIN 256u
#define RSA_BYTES_MAX 1024u
#define EXPONENT_BYTES_MAX 4u
#define TIME_MAX INT64_C(253402300799)

void kqw_issuer_clear(struct kqw_issuer *issuer)
{
    json_decref(issuer->keys);
    *issuer = (struct kqw_issuer){.keys = NULL};
}

static kq_status wrong(char *out_why, kq_status status, const char *why)
{
    snprintf(out_why, KQW_ISSUER_WHY_SIZE, "%s", why);
    return status;
}

/* ---- texts ------------------------------------------------------------------------------------ */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool kqw_issuer_name_is_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= KQW_ISSUER_NAME_SIZE || !is_letter_or_digit(name[0]) || !is_letter_or_digit(name[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_letter_or_digit(name[i]) && name[i] != '-')
            return false;
    return true;
}

bool kqw_issuer_url_is_valid(const char *url)
{
    static const char scheme[] = "https://";
    size_t len = strlen(url);
    if (len < sizeof scheme || len >= KQW_ISSUER_URL_SIZE || strncmp(url, scheme, sizeof scheme - 1) != 0 ||
        url[sizeof scheme - 1] == '/')
        return false;
    for (size_t i = 0; i < len; i++)
        if (url[i] <= ' ' || url[i] > '~' || strchr("\"\\<>{}|^`@?#", url[i]) != NULL)
            return false;
    return true;
}

static bool is_one_of(const char *text, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        if (strcmp(text, *texts) == 0)
            return true;
    return false;
}

bool kqw_issuer_object_claim_is_valid(const char *claim)
{
    static const char *const claims[] = {"oid", "sub", NULL};
    return is_one_of(claim, claims);
}

bool kqw_issuer_client_claim_is_valid(const char *claim)
{
    static const char *const claims[] = {"appid", "azp", "client_id", "sub", NULL};
    return is_one_of(claim, claims);
}

/* A member that is text and fits; one that is absent gives "". */
static bool copy_member(const json_t *object, const char *name, char *out, size_t size)
{
    const json_t *value = json_object_get(object, name);
    out[0] = '\0';
    if (value == NULL)
        return true;
    return json_is_string(value) &&
           kq_text_copy(kq_slice_of((const uint8_t *)json_string_value(value), json_string_length(value)), out, size) &&
           kq_text_is_printable(kq_slice_text(out));
}

/* ---- keys ------------------------------------------------------------------------------------- */

static bool is_private(const json_t *jwk)
{
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (json_object_get(jwk, members[i]) != NULL)
            return true;
    return false;
}

/* The bytes of a number; false for anything but one canonical base64url text of min to max bytes. */
static bool decode_number(const json_t *jwk, const char *name, size_t min, size_t max, struct kq_buffer *out)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    kq_buffer_init(out, max);
    return text != NULL && kq_base64url_decode(kq_slice_text(text), out) == KQ_OK && out->len >= min;
}

static bool is_rsa(const json_t *jwk)
{
    KQ_AUTO_VALUE(kq_buffer) n = {0};
    KQ_AUTO_VALUE(kq_buffer) e = {0};
    if (!decode_number(jwk, "n", RSA_BYTES_MIN, RSA_BYTES_MAX, &n) ||
        !decode_number(jwk, "e", 1, EXPONENT_BYTES_MAX, &e))
        return false;
    bool is_long = n.len > RSA_BYTES_MIN ? n.data[0] != 0 : n.data[0] >= 0x80;
    bool is_exponent = e.data[0] != 0 && (e.data[e.len - 1] & 1) == 1 && (e.len > 1 || e.data[0] > 1);
    return is_long && (n.data[n.len - 1] & 1) == 1 && is_exponent;
}

static bool is_point(const json_t *jwk, size_t len)
{
    KQ_AUTO_VALUE(kq_buffer) x = {0};
    KQ_AUTO_VALUE(kq_buffer) y = {0};
    return decode_number(jwk, "x", len, len, &x) && decode_number(jwk, "y", len, len, &y);
}

static const char *member(const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    return text == NULL ? "" : text;
}

/* The one algorithm of a key: what it says, if its kind has it; NULL if it has none of ours. */
static const char *algorithm_of(const json_t *jwk)
{
    static const struct {
        const char *kty, *crv, *alg;
    } kinds[] = {{"RSA", "", "RS256"}, {"RSA", "", "PS256"}, {"EC", "P-256", "ES256"}, {"EC", "P-384", "ES384"}};
    const json_t *says = json_object_get(jwk, "alg");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(member(jwk, "kty"), kinds[i].kty) == 0 && strcmp(member(jwk, "crv"), kinds[i].crv) == 0 &&
            (says == NULL || strcmp(member(jwk, "alg"), kinds[i].alg) == 0))
            return kinds[i].alg;
    return NULL;
}

static bool is_kid(const char *kid)
{
    size_t len = strlen(kid);
    return len > 0 && len <= KID_MAX && kq_text_is_printable(kq_slice_text(kid));
}

/* The key in our form; NULL (and KQ_OK) for one of no use. */
static kq_status take_key(const json_t *jwk, json_t **out)
{
    const char *alg = algorithm_of(jwk);
    const char *use = json_object_get(jwk, "use") == NULL ? "sig" : member(jwk, "use");
    *out = NULL;
    if (alg == NULL || strcmp(use, "sig") != 0 || !is_kid(member(jwk, "kid")))
        return KQ_OK;
    bool has_rsa = strcmp(member(jwk, "kty"), "RSA") == 0;
    if (has_rsa ? !is_rsa(jwk) : !is_point(jwk, strcmp(alg, "ES256") == 0 ? 32 : 48))
        return KQ_OK;
    if (has_rsa)
        *out = json_pack("{s:s,s:s,s:s,s:s,s:s}", "kty", "RSA", "alg", alg, "kid", member(jwk, "kid"), "n",
                         member(jwk, "n"), "e", member(jwk, "e"));
    else
        *out = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "kty", "EC", "alg", alg, "kid", member(jwk, "kid"), "crv",
                         member(jwk, "crv"), "x", member(jwk, "x"), "y", member(jwk, "y"));
    return *out == NULL ? KQ_ERR_MEMORY : KQ_OK;
}

static const json_t *find_key(const json_t *keys, const char *kid)
{
    for (size_t i = 0; i < json_array_size(keys); i++)
        if (strcmp(member(json_array_get(keys, i), "kid"), kid) == 0)
            return json_array_get(keys, i);
    return NULL;
}

static kq_status add_key(json_t *keys, const json_t *jwk, char *out_why)
{
    json_t *taken = NULL;
    KQ_TRY(take_key(jwk, &taken));
    if (taken == NULL)
        return KQ_OK;
    kq_status status = KQ_OK;
    if (find_key(keys, member(taken, "kid")) != NULL)
        status = wrong(out_why, KQ_ERR_FORMAT, "two of its keys have the same kid");
    else if (json_array_size(keys) == KQW_ISSUER_KEYS_MAX)
        status = wrong(out_why, KQ_ERR_TOO_LARGE, "it has more than 32 keys");
    else if (json_array_append(keys, taken) != 0)
        status = KQ_ERR_MEMORY;
    json_decref(taken);
    return status;
}

static kq_status add_keys(json_t *keys, const json_t *list, char *out_why)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *jwk = json_array_get(list, i);
        if (!json_is_object(jwk))
            return wrong(out_why, KQ_ERR_FORMAT, "a member of \"keys\" is not an object");
        if (is_private(jwk))
            return wrong(out_why, KQ_ERR_DENIED,
                         "it holds a private or symmetric key. Whoever published that must replace the key");
        KQ_TRY(add_key(keys, jwk, out_why));
    }
    return json_array_size(keys) > 0
               ? KQ_OK
               : wrong(out_why, KQ_ERR_NOT_FOUND, "it has no key of RS256, PS256, ES256 or ES384 with a kid");
}

kq_status kqw_issuer_take_keys(const json_t *set, json_t **out_keys, char *out_why)
{
    const json_t *list = json_object_get(set, "keys");
    if (!json_is_array(list))
        return wrong(out_why, KQ_ERR_FORMAT, "it is not a JWK set (\"keys\")");
    json_t *keys = json_array();
    kq_status status = keys == NULL ? KQ_ERR_MEMORY : add_keys(keys, list, out_why);
    if (status != KQ_OK) {
        json_decref(keys);
        return status;
    }
    *out_keys = keys;
    return KQ_OK;
}

const json_t *kqw_issuer_key(const struct kqw_issuer *issuer, const char *kid)
{
    return find_key(issuer->keys, kid);
}

/* ---- the file ---------------------------------------------------------------------------------- */

static bool has_only_known_members(const json_t *file)
{
    static const char *const known[] = {"version",     "name", "issuer",  "audiences", "tenant", "objectClaim",
                                        "clientClaim", "ca",   "fetched", "keys",      NULL};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)file, name, value)
    {
        if (!is_one_of(name, known))
            return false;
    }
    return true;
}

static const char *read_audiences(const json_t *file, struct kqw_issuer *out)
{
    const json_t *list = json_object_get(file, "audiences");
    if (!json_is_array(list) || json_array_size(list) > KQW_ISSUER_AUDIENCES_MAX)
        return "\"audiences\" is not a list of at most 8 texts";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || text[0] == '\0' ||
            !kq_text_copy(kq_slice_text(text), out->audiences[i], KQW_ISSUER_URL_SIZE) ||
            !kq_text_is_printable(kq_slice_text(text)))
            return "one of \"audiences\" is not a text of 1 to 255 bytes";
        out->num_audiences = i + 1;
    }
    return NULL;
}

static const char *read_texts(const json_t *file, struct kqw_issuer *out)
{
    if (!has_only_known_members(file))
        return "it has a member that is not known";
    if (!copy_member(file, "name", out->name, sizeof out->name) || !kqw_issuer_name_is_valid(out->name))
        return "\"name\" is not a name of small letters, digits and hyphens";
    if (!copy_member(file, "issuer", out->url, sizeof out->url) || !kqw_issuer_url_is_valid(out->url))
        return "\"issuer\" is not an https URL of at most 255 bytes without user, query and fragment";
    if (!copy_member(file, "tenant", out->tenant, sizeof out->tenant) ||
        (out->tenant[0] != '\0' && !kq_guid_is_valid(kq_slice_text(out->tenant))))
        return "\"tenant\" is not a GUID";
    if (!copy_member(file, "objectClaim", out->object_claim, sizeof out->object_claim) ||
        !kqw_issuer_object_claim_is_valid(out->object_claim))
        return "\"objectClaim\" is neither oid nor sub";
    if (!copy_member(file, "clientClaim", out->client_claim, sizeof out->client_claim) ||
        !kqw_issuer_client_claim_is_valid(out->client_claim))
        return "\"clientClaim\" is none of appid, azp, client_id, sub";
    if (!copy_member(file, "ca", out->ca, sizeof out->ca) || (out->ca[0] != '\0' && out->ca[0] != '/'))
        return "\"ca\" is not the absolute path of a file";
    return read_audiences(file, out);
}

static kq_status read_keys(const json_t *file, struct kqw_issuer *out, char *out_why)
{
    KQ_TRY(kqw_issuer_take_keys(file, &out->keys, out_why));
    if (!json_equal(out->keys, json_object_get(file, "keys")))
        return wrong(out_why, KQ_ERR_FORMAT, "one of \"keys\" is not in the form that this file has");
    return KQ_OK;
}

static kq_status read_file(const json_t *file, struct kqw_issuer *out, char *out_why)
{
    const json_t *version = json_object_get(file, "version");
    const json_t *fetched = json_object_get(file, "fetched");
    if (!json_is_object(file) || !json_is_integer(version))
        return wrong(out_why, KQ_ERR_FORMAT, "it is not an issuer's file");
    if (json_integer_value(version) != VERSION)
        return wrong(out_why, KQ_ERR_UNSUPPORTED, "its version is not 1: another release has written it");
    const char *why = read_texts(file, out);
    if (why != NULL)
        return wrong(out_why, KQ_ERR_FORMAT, why);
    if (!json_is_integer(fetched) || json_integer_value(fetched) < 0 || json_integer_value(fetched) > TIME_MAX)
        return wrong(out_why, KQ_ERR_FORMAT, "\"fetched\" is not a time in seconds");
    out->fetched = (uint64_t)json_integer_value(fetched);
    return read_keys(file, out, out_why);
}

kq_status kqw_issuer_read(struct kq_slice text, struct kqw_issuer *out, char *out_why)
{
    KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
    wrong(out_why, KQ_OK, "it could not be read for want of memory");
    if (text.len > KQW_ISSUER_FILE_MAX)
        return wrong(out_why, KQ_ERR_TOO_LARGE, "it is longer than 65536 bytes");
    json_t *file = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (file == NULL)
        return wrong(out_why, KQ_ERR_FORMAT, "it is not JSON, or a member is there twice");
    kq_status status = read_file(file, &issuer, out_why);
    json_decref(file);
    KQ_TRY(status);
    *out = issuer;
    issuer.keys = NULL;
    return KQ_OK;
}

static json_t *audiences_of(const struct kqw_issuer *issuer)
{
    json_t *list = json_array();
    for (size_t i = 0; i < issuer->num_audiences; i++)
        if (json_array_append_new(list, json_string(issuer->audiences[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

kq_status kqw_issuer_write(const struct kqw_issuer *issuer, struct kq_buffer *out)
{
    json_t *file = json_pack("{s:i,s:s,s:s,s:o,s:s*,s:s,s:s,s:s*,s:I,s:O}", "version", VERSION, "name", issuer->name,
                             "issuer", issuer->url, "audiences", audiences_of(issuer), "tenant",
                             issuer->tenant[0] == '\0' ? NULL : issuer->tenant, "objectClaim", issuer->object_claim,
                             "clientClaim", issuer->client_claim, "ca", issuer->ca[0] == '\0' ? NULL : issuer->ca,
                             "fetched", (json_int_t)issuer->fetched, "keys", issuer->keys);
    char *text = file == NULL ? NULL : json_dumps(file, JSON_INDENT(1));
    json_decref(file);
    if (text == NULL)
        return KQ_ERR_MEMORY;
    kq_status status =
        strlen(text) < KQW_ISSUER_FILE_MAX ? kq_buffer_append(out, text, strlen(text)) : KQ_ERR_TOO_LARGE;
    free(text);
    KQ_TRY(status);
    return kq_buffer_append(out, "\n", 1);
}

/* ---- names here --------------------------------------------------------------------------------- */

void kqw_issuer_guid(const char *url, const char *text, char out[37])
{
    static const char label[] = "keyquay/issuer-guid";
    uint8_t hash[32];
    char hex[33];
    if (kq_guid_is_valid(kq_slice_text(text)) && kq_text_copy(kq_slice_text(text), out, 37))
        return;
    const struct kq_slice parts[] = {kq_slice_of((const uint8_t *)label, sizeof label),
                                     kq_slice_of((const uint8_t *)url, strlen(url) + 1), kq_slice_text(text)};
    kq_sha256_parts(parts, 3, hash);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80); /* RFC 9562 5.8: version 8 */
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80); /* and its variant */
    kq_hex_encode(kq_slice_of(hash, 16), hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
