#include "webclient/token.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define FORM_MAX (16u * 1024)
#define LIFETIME_MAX_S (7u * 86400)

/* ---- the form ---- */

static kq_status append_escaped(struct kq_buffer *out, struct kq_slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        bool is_plain = byte != 0 && strchr(plain, byte) != NULL;
        KQ_TRY(kq_buffer_append(out, is_plain ? (const void *)&byte : escaped, is_plain ? 1 : 3));
    }
    return KQ_OK;
}

static kq_status append_field(struct kq_buffer *out, const char *name, struct kq_slice value)
{
    if (out->len > 0)
        KQ_TRY(kq_buffer_append(out, "&", 1));
    KQ_TRY(kq_buffer_append(out, name, strlen(name)));
    KQ_TRY(kq_buffer_append(out, "=", 1));
    return append_escaped(out, value);
}

static kq_status make_form(const struct kqw_token_request *request, struct kq_buffer *out)
{
    kq_buffer_init(out, FORM_MAX);
    KQ_TRY(append_field(out, "grant_type", kq_slice_text("client_credentials")));
    KQ_TRY(append_field(out, "client_id", kq_slice_text(request->client_id)));
    KQ_TRY(append_field(out, "client_secret", kq_secret_borrow(request->client_secret)));
    return append_field(out, "scope", kq_slice_text(request->scope));
}

/* ---- the answer ---- */

static bool read_lifetime(const json_t *value, uint64_t *out)
{
    if (json_is_string(value))
        return kq_uint_parse(kq_slice_text(json_string_value(value)), LIFETIME_MAX_S, out);
    *out = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) > 0 && *out <= LIFETIME_MAX_S;
}

static kq_status read_token(const json_t *answer, struct kq_secret *out_token, uint64_t *out_expires_s)
{
    const char *token = json_string_value(json_object_get(answer, "access_token"));
    const char *type = json_string_value(json_object_get(answer, "token_type"));
    uint64_t lifetime;
    if (token == NULL || *token == '\0' || (type != NULL && strcasecmp(type, "Bearer") != 0) ||
        !read_lifetime(json_object_get(answer, "expires_in"), &lifetime))
        return KQ_ERR_FORMAT;
    KQ_TRY(kq_secret_set(out_token, token, strlen(token)));
    *out_expires_s = lifetime;
    return KQ_OK;
}

static kq_status take_answer(const struct kqw_response *response, const struct kqw_token_request *request,
                             struct kq_secret *out_token, uint64_t *out_expires_s, char *out_error)
{
    char words[300] = "";
    json_t *answer = NULL;
    kq_status status = kqw_response_status(response, words, sizeof words);
    if (status != KQ_OK) {
        bool is_client = response->status == 400 || response->status == 401;
        snprintf(out_error, KQW_ERROR_SIZE, "%s%s", words,
                 is_client ? "; check the application's id and its secret" : "");
        return is_client ? KQ_ERR_DENIED : status;
    }
    status = kqw_response_json(response, &answer);
    if (status == KQ_OK)
        status = read_token(answer, out_token, out_expires_s);
    json_decref(answer);
    if (status != KQ_OK)
        snprintf(out_error, KQW_ERROR_SIZE, "%.200s: did not answer with a token; is it a token endpoint?",
                 request->url);
    return status;
}

kq_status kqw_token_get(struct kqw_client *client, const struct kqw_token_request *request, struct kq_secret *out_token,
                        uint64_t *out_expires_s, char *out_error)
{
    KQ_AUTO_VALUE(kq_buffer) form = {0};
    KQ_AUTO_VALUE(kqw_response) response = {0};
    kq_status status = make_form(request, &form);
    if (status != KQ_OK) {
        snprintf(out_error, KQW_ERROR_SIZE, "the application's id or secret is too long");
        return status;
    }
    const struct kqw_request post = {
        .method = "POST",
        .url = request->url,
        .content_type = "application/x-www-form-urlencoded",
        .body = kq_buffer_slice(&form),
    };
    KQ_TRY(kqw_send(client, &post, &response, out_error));
    return take_answer(&response, request, out_token, out_expires_s, out_error);
}

/* ---- the challenge ---- */

/* Reads name="value" or name=value at *at and moves behind it and its comma. */
static bool take_parameter(const char **at, struct kq_slice *out_name, struct kq_slice *out_value)
{
    const char *c = *at + strspn(*at, " ,");
    size_t name_len = strcspn(c, "= ,");
    if (name_len == 0 || c[name_len] != '=')
        return false;
    *out_name = kq_slice_of((const uint8_t *)c, name_len);
    c += name_len + 1;
    bool is_quoted = *c == '"';
    c += is_quoted;
    size_t len = strcspn(c, is_quoted ? "\"" : " ,");
    if (is_quoted && c[len] != '"')
        return false;
    *out_value = kq_slice_of((const uint8_t *)c, len);
    *at = c + len + is_quoted;
    return true;
}

static bool is_name(struct kq_slice name, const char *text)
{
    return name.len == strlen(text) && strncasecmp((const char *)name.data, text, name.len) == 0;
}

static bool keep(struct kq_slice name, struct kq_slice value, struct kqw_challenge *out)
{
    static const char suffix[] = "/.default";
    const size_t suffix_len = sizeof suffix - 1;
    if (is_name(name, "authorization") || is_name(name, "authorization_uri"))
        return kq_text_copy(value, out->authority, sizeof out->authority);
    if (is_name(name, "scope") && value.len > suffix_len &&
        memcmp(value.data + value.len - suffix_len, suffix, suffix_len) == 0)
        return kq_text_copy(kq_slice_of(value.data, value.len - suffix_len), out->resource, sizeof out->resource);
    if (is_name(name, "resource"))
        return kq_text_copy(value, out->resource, sizeof out->resource);
    return true;
}

kq_status kqw_challenge_parse(const char *header, struct kqw_challenge *out)
{
    static const char scheme[] = "Bearer ";
    struct kqw_challenge read = {.authority = ""};
    struct kq_slice name, value;
    if (strncasecmp(header, scheme, sizeof scheme - 1) != 0)
        return KQ_ERR_FORMAT;
    for (const char *at = header + sizeof scheme - 1; at[strspn(at, " ,")] != '\0';) {
        if (!take_parameter(&at, &name, &value) || !keep(name, value, &read))
            return KQ_ERR_FORMAT;
    }
    if (read.authority[0] == '\0' || read.resource[0] == '\0')
        return KQ_ERR_FORMAT;
    *out = read;
    return KQ_OK;
}
