#include "vault/http/answer.h"

#include <stdio.h>

#include "base/random.h"
#include "base/size.h"
#include "base/text.h"

#define CLIENT_REQUEST_ID_MAX 128u
#define ENVELOPE_MAX 512u
#define JSON_TYPE "application/json; charset=utf-8"

static const struct vault_http_pair defaults[] = {
    {"Cache-Control", "no-cache"},
    {"Pragma", "no-cache"},
    {"Expires", "-1"},
    {"Strict-Transport-Security", "max-age=31536000;includeSubDomains"},
    {"X-Content-Type-Options", "nosniff"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
};

static bool is_set(const struct vault_http_response *response, const char *name)
{
    for (size_t i = 0; i < response->num_headers; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return true;
    return false;
}

static bool may_be_echoed(const char *id)
{
    size_t len = id == NULL ? 0 : strlen(id);
    for (size_t i = 0; i < len; i++)
        if (id[i] < 0x21 || id[i] > 0x7e)
            return false;
    return len > 0 && len <= CLIENT_REQUEST_ID_MAX;
}

static bool add(struct MHD_Response *out, const char *name, const char *value)
{
    return MHD_add_response_header(out, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *out, const struct vault_http_response *response)
{
    bool good = true;
    for (size_t i = 0; i < response->num_headers; i++)
        good = good && add(out, response->headers[i].name, response->headers[i].value);
    for (size_t i = 0; i < KQ_COUNT_OF(defaults); i++)
        if (!is_set(response, defaults[i].name))
            good = good && add(out, defaults[i].name, defaults[i].value);
    if (response->body.len > 0)
        good = good && add(out, "Content-Type", response->content_type == NULL ? JSON_TYPE : response->content_type);
    return good;
}

struct MHD_Response *vault_http_answer_new(const struct vault_http_response *response, const char *request_id,
                                           const char *client_request_id, enum vault_http_after after)
{
    struct MHD_Response *out =
        MHD_create_response_from_buffer(response->body.len, response->body.data, MHD_RESPMEM_PERSISTENT);
    if (out == NULL)
        return NULL;
    bool good = add_headers(out, response) && add(out, "x-ms-request-id", request_id);
    if (may_be_echoed(client_request_id))
        good = good && add(out, "x-ms-client-request-id", client_request_id);
    if (after == HTTP_CLOSE)
        good = good && add(out, "Connection", "close");
    if (good)
        return out;
    MHD_destroy_response(out);
    return NULL;
}

static size_t write_envelope(const struct vault_http_refusal *refusal, char *out, size_t size)
{
    int len = snprintf(out, size, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", refusal->code, refusal->message);
    return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

kq_status vault_http_answer_refuse(const struct vault_http_refusal *refusal, struct vault_http_response *response)
{
    char envelope[ENVELOPE_MAX];
    response->status = refusal->status;
    response->content_type = JSON_TYPE;
    KQ_TRY(kq_buffer_append(&response->body, envelope, write_envelope(refusal, envelope, sizeof envelope)));
    if (refusal->status == 405)
        KQ_TRY(vault_http_response_header(response, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE"));
    if (refusal->status == 503)
        KQ_TRY(vault_http_response_header(response, "Retry-After", "1"));
    return KQ_OK;
}

static const char *reason_of(unsigned status)
{
    const char *reason = MHD_get_reason_phrase_for(status);
    return reason == NULL ? "Refused" : reason;
}

size_t vault_http_answer_text(const struct vault_http_refusal *refusal, const char *request_id, char *out, size_t size)
{
    char envelope[ENVELOPE_MAX];
    size_t envelope_len = write_envelope(refusal, envelope, sizeof envelope);
    int head = snprintf(out, size,
                        "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: " JSON_TYPE "\r\n"
                        "Content-Length: %zu\r\nx-ms-request-id: %s\r\n%s",
                        refusal->status, reason_of(refusal->status), envelope_len, request_id,
                        refusal->status == 503 ? "Retry-After: 1\r\n" : "");
    size_t at = head < 0 ? size : (size_t)head;
    for (size_t i = 0; i < KQ_COUNT_OF(defaults) && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s: %s\r\n", defaults[i].name, defaults[i].value);
    if (at < size)
        at += (size_t)snprintf(out + at, size - at, "\r\n%.*s", (int)envelope_len, envelope);
    return at < size ? at : 0;
}

void vault_http_request_id(char out[37])
{
    static const size_t groups[] = {4, 2, 2, 2, 6};
    uint8_t bytes[16];
    char *at = out;
    kq_ignore(kq_random(bytes, sizeof bytes), "an id of zeros is still an id; nothing secret hangs on it");
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    const uint8_t *from = bytes;
    for (size_t i = 0; i < KQ_COUNT_OF(groups); i++) {
        kq_hex_encode(kq_slice_of(from, groups[i]), at);
        at += 2 * groups[i];
        from += groups[i];
        *at++ = '-';
    }
    at[-1] = '\0';
}
