#include "vault/http/guard.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/text.h"

static const char *const single_names[HTTP_SINGLES] = {
    [HTTP_HOST] = "Host",
    [HTTP_LENGTH] = "Content-Length",
    [HTTP_ENCODING] = "Transfer-Encoding",
    [HTTP_AUTHORIZATION] = "Authorization",
    [HTTP_TYPE] = "Content-Type",
    [HTTP_EXPECT] = "Expect",
};

static const char *const twice_messages[HTTP_SINGLES] = {
    [HTTP_HOST] = "The request has more than one Host header.",
    [HTTP_LENGTH] = "The request has more than one Content-Length header.",
    [HTTP_ENCODING] = "The request has more than one Transfer-Encoding header.",
    [HTTP_AUTHORIZATION] = "The request has more than one Authorization header.",
    [HTTP_TYPE] = "The request has more than one Content-Type header.",
    [HTTP_EXPECT] = "The request has more than one Expect header.",
};

static const struct {
    const char *text;
    enum vault_method method;
} methods[] = {
    {"GET", VAULT_GET}, {"HEAD", VAULT_HEAD},   {"POST", VAULT_POST},
    {"PUT", VAULT_PUT}, {"PATCH", VAULT_PATCH}, {"DELETE", VAULT_DELETE},
};

/* Known to the world, and not offered here. */
static const char *const other_methods[] = {"OPTIONS", "TRACE", "CONNECT"};

static void refuse_with(struct vault_http_guard *guard, unsigned status, const char *code, const char *message)
{
    if (guard->refusal.status == 0)
        guard->refusal = (struct vault_http_refusal){status, code, message};
}

static void refuse(struct vault_http_guard *guard, const char *message)
{
    refuse_with(guard, 400, "BadRequest", message);
}

void vault_http_guard_begin(struct vault_http_guard *guard, const char *method, struct kq_slice target,
                            const char *version)
{
    const char *target_start = (const char *)target.data;
    *guard = (struct vault_http_guard){.start = method};
    if (target_start != method + strlen(method) + 1 || version != target_start + target.len + 1) {
        refuse(guard, "The request line must be method, target and version with one space between them.");
        return;
    }
    guard->is_http_1_0 = strcmp(version, "HTTP/1.0") == 0;
    if (!guard->is_http_1_0 && strcmp(version, "HTTP/1.1") != 0)
        refuse_with(guard, 505, "HttpVersionNotSupported", "This server speaks HTTP/1.1 and HTTP/1.0.");
    guard->next = version + strlen(version) + 2;
}

static bool is_token(struct kq_slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum(name.data[i]) && (name.data[i] == 0 || strchr("!#$%&'*+-.^_`|~", name.data[i]) == NULL))
            return false;
    return name.len > 0;
}

static bool has_controls(struct kq_slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] == 0x7f)
            return true;
    return false;
}

static struct kq_slice trim(struct kq_slice value)
{
    while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
        value.len--;
    return value;
}

static bool is_named(struct kq_slice name, const char *other)
{
    return name.len == strlen(other) && strncasecmp((const char *)name.data, other, name.len) == 0;
}

static void note_single(struct vault_http_guard *guard, struct kq_slice name, struct kq_slice value)
{
    for (size_t i = 0; i < HTTP_SINGLES; i++) {
        if (!is_named(name, single_names[i]))
            continue;
        if (guard->single[i].data != NULL)
            refuse(guard, twice_messages[i]);
        guard->single[i] = trim(value);
    }
}

void vault_http_guard_header(struct vault_http_guard *guard, struct kq_slice name, struct kq_slice value)
{
    if (guard->refusal.status != 0)
        return;
    if ((const char *)name.data != guard->next)
        refuse(guard, "Header lines must end with CR LF, hold no zero byte and not be continued on a next line.");
    if (++guard->num_headers > VAULT_HEADERS_MAX)
        refuse_with(guard, 431, "RequestHeaderFieldsTooLarge", "The request has too many headers.");
    if (!is_token(name))
        refuse(guard, "A header name is empty or holds white space or another character that does not belong there.");
    if (has_controls(value))
        refuse(guard, "A header value holds a control character.");
    note_single(guard, name, value);
    guard->next = (const char *)value.data + value.len + 2;
}

/* How long the body is, from exactly one source. */
static void judge_framing(struct vault_http_guard *guard, struct vault_http_head *head)
{
    struct kq_slice length = guard->single[HTTP_LENGTH];
    struct kq_slice encoding = guard->single[HTTP_ENCODING];
    struct kq_slice expect = guard->single[HTTP_EXPECT];
    if (length.data != NULL && encoding.data != NULL)
        refuse(guard, "The request has both a Content-Length and a Transfer-Encoding header.");
    if (length.data != NULL && !kq_uint_parse(length, INT64_MAX, &head->length))
        refuse(guard, "The Content-Length header is not a decimal number.");
    head->is_chunked = encoding.data != NULL;
    if (head->is_chunked && (guard->is_http_1_0 || !is_named(encoding, "chunked")))
        refuse(guard, "The only Transfer-Encoding is chunked, with HTTP/1.1.");
    if (expect.data != NULL && !is_named(expect, "100-continue"))
        refuse_with(guard, 417, "ExpectationFailed", "The only expectation is 100-continue.");
}

static void judge_host(struct vault_http_guard *guard, struct vault_http_head *head)
{
    struct kq_slice host = guard->single[HTTP_HOST];
    if (host.data == NULL)
        refuse(guard, "The request has no Host header.");
    else if (vault_http_host_parse(host, head->host, &head->port) != KQ_OK)
        refuse(guard, "The Host header is not a host name or address with an optional port.");
}

static void judge_method(struct vault_http_guard *guard, struct vault_http_head *head)
{
    for (size_t i = 0; i < KQ_COUNT_OF(methods); i++)
        if (strcmp(guard->start, methods[i].text) == 0)
            head->method = methods[i].method;
    if (head->method != 0)
        return;
    for (size_t i = 0; i < KQ_COUNT_OF(other_methods); i++)
        if (strcmp(guard->start, other_methods[i]) == 0)
            refuse_with(guard, 405, "MethodNotAllowed", "This method is not offered here.");
    refuse_with(guard, 501, "NotImplemented", "This method is not known.");
}

bool vault_http_guard_finish(struct vault_http_guard *guard, size_t head_size, struct vault_http_head *out)
{
    *out = (struct vault_http_head){0};
    if (guard->refusal.status == 0 && head_size != (size_t)(guard->next - guard->start) + 2)
        refuse(guard, "Header lines must end with CR LF, hold no zero byte and not be continued on a next line.");
    judge_host(guard, out);
    judge_framing(guard, out);
    judge_method(guard, out);
    return guard->refusal.status == 0;
}
