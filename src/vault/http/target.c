#include "vault/http/target.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "base/text.h"

/* Where decoded text goes: a cursor over storage that is known to suffice. */
struct decoder {
    char *at;
    const char *why;
};

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads one byte of text at *i, escaped or not; -1 for a broken escape. */
static int next_byte(struct kq_slice text, size_t *i)
{
    uint8_t c = text.data[(*i)++];
    if (c != '%')
        return c;
    if (text.len - *i < 2)
        return -1;
    int high = hex_value(text.data[*i]);
    int low = hex_value(text.data[*i + 1]);
    *i += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Decodes one piece to storage and ends it with NUL; NULL if it is refused. */
static const char *decode(struct decoder *decoder, struct kq_slice piece, bool in_path)
{
    char *start = decoder->at;
    for (size_t i = 0; i < piece.len;) {
        bool is_space = !in_path && piece.data[i] == '+';
        int c = next_byte(piece, &i);
        if (is_space)
            c = ' ';
        if (c < 0) {
            decoder->why = "The request target holds a percent sign without two hex digits after it.";
            return NULL;
        }
        if (c == 0 || (in_path && c == '/')) {
            decoder->why = "The request target holds an escaped slash or zero byte.";
            return NULL;
        }
        *decoder->at++ = (char)c;
    }
    struct kq_slice text = kq_slice_of(start, (size_t)(decoder->at - start));
    *decoder->at++ = '\0';
    if (kq_text_is_printable(text))
        return start;
    decoder->why = "The request target decodes to control characters or to bytes that are not UTF-8.";
    return NULL;
}

/* Takes what stands before the separator off the front of rest. */
static struct kq_slice cut(struct kq_slice *rest, char separator)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    struct kq_slice piece = kq_slice_of(rest->data, len);
    *rest = kq_slice_after(*rest, end == NULL ? len : len + 1);
    return piece;
}

static kq_status parse_path(struct decoder *decoder, struct kq_slice path, struct vault_http_request *request)
{
    while (path.len > 0) {
        struct kq_slice piece = cut(&path, '/');
        if (piece.len == 0)
            continue;
        if (request->num_segments == VAULT_SEGMENTS_MAX) {
            decoder->why = "The path has too many segments.";
            return KQ_ERR_TOO_LARGE;
        }
        const char *segment = decode(decoder, piece, true);
        if (segment == NULL)
            return KQ_ERR_FORMAT;
        if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0) {
            decoder->why = "The path holds a dot segment.";
            return KQ_ERR_FORMAT;
        }
        request->segments[request->num_segments++] = segment;
    }
    return KQ_OK;
}

static kq_status parse_query(struct decoder *decoder, struct kq_slice query, struct vault_http_request *request)
{
    while (query.len > 0) {
        struct kq_slice piece = cut(&query, '&');
        if (piece.len == 0)
            continue;
        if (request->num_parameters == VAULT_PARAMETERS_MAX) {
            decoder->why = "The query has too many parameters.";
            return KQ_ERR_TOO_LARGE;
        }
        bool has_value = memchr(piece.data, '=', piece.len) != NULL;
        struct kq_slice name = cut(&piece, '=');
        struct vault_http_pair pair = {decode(decoder, name, false), ""};
        if (pair.name != NULL && has_value)
            pair.value = decode(decoder, piece, false);
        if (pair.name == NULL || pair.value == NULL)
            return KQ_ERR_FORMAT;
        request->parameters[request->num_parameters++] = pair;
    }
    return KQ_OK;
}

static bool is_visible(struct kq_slice target)
{
    for (size_t i = 0; i < target.len; i++)
        if (target.data[i] <= 0x20 || target.data[i] >= 0x7f || target.data[i] == '#')
            return false;
    return true;
}

static kq_status parse(struct decoder *decoder, struct kq_slice target, struct vault_http_request *request)
{
    request->num_segments = 0;
    request->num_parameters = 0;
    if (target.len > VAULT_TARGET_MAX) {
        decoder->why = "The request target is too long.";
        return KQ_ERR_TOO_LARGE;
    }
    if (target.len == 0 || target.data[0] != '/') {
        decoder->why = "The request target must begin with a slash (origin form).";
        return KQ_ERR_FORMAT;
    }
    if (!is_visible(target)) {
        decoder->why = "The request target holds white space or characters outside visible ASCII.";
        return KQ_ERR_FORMAT;
    }
    struct kq_slice path = cut(&target, '?');
    KQ_TRY(parse_path(decoder, path, request));
    return parse_query(decoder, target, request);
}

kq_status vault_http_target_parse(struct kq_slice target, char *storage, struct vault_http_request *request,
                                  const char **out_why)
{
    struct decoder decoder = {storage, NULL};
    kq_status status = parse(&decoder, target, request);
    if (status != KQ_OK) {
        request->num_segments = 0;
        request->num_parameters = 0;
        *out_why = decoder.why;
    }
    return status;
}

static bool is_host_name(const char *host, size_t len)
{
    bool was_dot = true; /* no label is empty */
    for (size_t i = 0; i < len; i++) {
        char c = host[i];
        if (!isalnum((unsigned char)c) && c != '-' && c != '_' && (c != '.' || was_dot))
            return false;
        was_dot = c == '.';
    }
    return len > 0 && !was_dot;
}

static bool is_bracketed(const char *host, size_t len)
{
    char address[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    return len > 2 && host[0] == '[' && host[len - 1] == ']' &&
           kq_text_copy(kq_slice_of(host + 1, len - 2), address, sizeof address) &&
           inet_pton(AF_INET6, address, bytes) == 1;
}

/* The length of the host in HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static size_t host_len(struct kq_slice value)
{
    const uint8_t *end = NULL;
    if (value.len > 0 && value.data[0] == '[') {
        end = memchr(value.data, ']', value.len);
        return end == NULL ? value.len : (size_t)(end - value.data) + 1;
    }
    end = value.len == 0 ? NULL : memchr(value.data, ':', value.len);
    return end == NULL ? value.len : (size_t)(end - value.data);
}

kq_status vault_http_host_parse(struct kq_slice value, char *out_host, uint16_t *out_port)
{
    uint64_t port = 443;
    size_t len = host_len(value);
    const char *host = (const char *)value.data;
    if (len >= VAULT_HOST_SIZE || len == 0)
        return KQ_ERR_FORMAT;
    if (!(host[0] == '[' ? is_bracketed(host, len) : is_host_name(host, len)))
        return KQ_ERR_FORMAT;
    struct kq_slice rest = kq_slice_after(value, len);
    if (rest.len > 0 &&
        (rest.data[0] != ':' || !kq_uint_parse(kq_slice_after(rest, 1), UINT16_MAX, &port) || port == 0))
        return KQ_ERR_FORMAT;
    for (size_t i = 0; i < len; i++)
        out_host[i] = (char)tolower((unsigned char)host[i]);
    out_host[len] = '\0';
    *out_port = (uint16_t)port;
    return KQ_OK;
}
