#include "vault/auth/jws.h"

#include <jose/jws.h>

#include "base/text.h"
#include "base/wipe.h"
#include "vault/json/json.h"

/* The part up to the next dot; all that is left in the last part. false
 * without a dot where one must follow, or for an empty part. */
static bool take_part(struct kq_slice *rest, bool is_last, struct kq_slice *out)
{
    size_t len = 0;
    while (len < rest->len && rest->data[len] != '.')
        len++;
    if (len == 0 || (len == rest->len) != is_last)
        return false;
    *out = kq_slice_of(rest->data, len);
    if (!is_last)
        *rest = kq_slice_after(*rest, len + 1);
    return true;
}

static kq_status decode_object(struct kq_slice text, json_t **out)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    char error[160];
    kq_buffer_init(&bytes, VAULT_JWS_MAX);
    KQ_TRY(kq_base64url_decode(text, &bytes));
    json_t *value = NULL;
    KQ_TRY(vault_json_parse(kq_buffer_slice(&bytes), &value, error, sizeof error));
    if (!json_is_object(value)) {
        vault_json_free(value);
        return KQ_ERR_FORMAT;
    }
    *out = value;
    return KQ_OK;
}

/* One text for one signature: José would take more than one. */
static kq_status check_base64url(struct kq_slice text)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_buffer_init(&bytes, VAULT_JWS_MAX);
    return kq_base64url_decode(text, &bytes);
}

static kq_status read_header(struct vault_jws *jws)
{
    jws->alg = NULL;
    jws->kid = "";
    if (!vault_json_string(jws->header, "alg", &jws->alg) || jws->alg == NULL ||
        !vault_json_string(jws->header, "kid", &jws->kid))
        return KQ_ERR_FORMAT;
    /* Both change what is signed or what must be understood (RFC 7515 4.1.11, RFC 7797 3). */
    if (json_object_get(jws->header, "crit") != NULL || json_object_get(jws->header, "b64") != NULL)
        return KQ_ERR_UNSUPPORTED;
    return KQ_OK;
}

kq_status vault_jws_parse(struct kq_slice token, struct vault_jws *out)
{
    KQ_AUTO_VALUE(vault_jws) jws = {.header = NULL};
    if (token.len > VAULT_JWS_MAX)
        return KQ_ERR_TOO_LARGE;
    if (!take_part(&token, false, &jws.header_text) || !take_part(&token, false, &jws.claims_text) ||
        !take_part(&token, true, &jws.signature_text))
        return KQ_ERR_FORMAT;
    KQ_TRY(check_base64url(jws.claims_text));
    KQ_TRY(check_base64url(jws.signature_text));
    KQ_TRY(decode_object(jws.header_text, &jws.header));
    KQ_TRY(read_header(&jws));
    *out = jws;
    jws.header = NULL;
    return KQ_OK;
}

void vault_jws_clear(struct vault_jws *jws)
{
    vault_json_free(jws->header);
    jws->header = NULL;
}

/* José prints errors unless it is told not to. */
static void say_nothing(void *context, const char *file, int line, uint64_t error, const char *format, va_list values)
{
    (void)context, (void)file, (void)line, (void)error, (void)format, (void)values;
}

static json_t *text_of(struct kq_slice text)
{
    return json_stringn((const char *)text.data, text.len);
}

/* Without its signature a token is worth nothing: that is what is wiped. */
static void free_flattened(json_t *flattened)
{
    json_t *signature = json_object_get(flattened, "signature");
    if (signature != NULL)
        kq_wipe((char *)(uintptr_t)json_string_value(signature), json_string_length(signature));
    vault_json_free(flattened);
}

kq_status vault_jws_verify(const struct vault_jws *jws, const json_t *jwk)
{
    const char *alg = json_string_value(json_object_get(jwk, "alg"));
    if (alg == NULL || strcmp(alg, jws->alg) != 0)
        return KQ_ERR_MISMATCH;
    json_t *flattened = json_pack("{s:o,s:o,s:o}", "protected", text_of(jws->header_text), "payload",
                                  text_of(jws->claims_text), "signature", text_of(jws->signature_text));
    jose_cfg_t *config = jose_cfg();
    kq_status status = KQ_ERR_MEMORY;
    if (flattened != NULL && config != NULL) {
        jose_cfg_set_err_func(config, say_nothing, NULL);
        status = jose_jws_ver(config, flattened, NULL, jwk, false) ? KQ_OK : KQ_ERR_SIGNATURE;
    }
    if (config != NULL)
        jose_cfg_decref(config);
    free_flattened(flattened);
    return status;
}

kq_status vault_jws_claims(const struct vault_jws *jws, json_t **out)
{
    return decode_object(jws->claims_text, out);
}
