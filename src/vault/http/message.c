#include "vault/http/message.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

#include <microhttpd.h>

#include "base/size.h"
#include "base/text.h"
#include "base/wipe.h"

/* The largest body an answer may have; the biggest there is are the tool sets. */
#define RESPONSE_BODY_MAX ((size_t)64 << 20)

static const char *const method_texts[] = {
    [VAULT_GET] = "GET", [VAULT_HEAD] = "HEAD",   [VAULT_POST] = "POST",
    [VAULT_PUT] = "PUT", [VAULT_PATCH] = "PATCH", [VAULT_DELETE] = "DELETE",
};

const char *vault_method_text(enum vault_method method)
{
    size_t i = (size_t)method;
    return i < KQ_COUNT_OF(method_texts) && method_texts[i] != NULL ? method_texts[i] : "?";
}

const char *vault_http_header(const struct vault_http_request *request, const char *name)
{
    if (request->headers == NULL)
        return NULL;
    /* The library takes no pointer to const, though it only reads. */
    struct MHD_Connection *connection = (struct MHD_Connection *)(uintptr_t)request->headers;
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

const char *vault_http_parameter(const struct vault_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->num_parameters; i++)
        if (strcasecmp(request->parameters[i].name, name) == 0)
            return request->parameters[i].value;
    return NULL;
}

void vault_http_response_init(struct vault_http_response *response)
{
    *response = (struct vault_http_response){0};
    kq_buffer_init(&response->body, RESPONSE_BODY_MAX);
}

void vault_http_response_clear(struct vault_http_response *response)
{
    for (size_t i = 0; i < response->num_headers; i++) {
        char *value = response->headers[i].value;
        kq_wipe(value, strlen(value));
        free(value);
    }
    response->num_headers = 0;
    kq_buffer_clear(&response->body);
}

static bool is_header_value(const char *value)
{
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20 || *value == 0x7f)
            return false;
    return true;
}

kq_status vault_http_response_header(struct vault_http_response *response, const char *name, const char *value)
{
    if (!is_header_value(value))
        return KQ_ERR_ARGUMENT;
    if (response->num_headers == VAULT_RESPONSE_HEADERS_MAX)
        return KQ_ERR_TOO_LARGE;
    char *copy = strdup(value);
    if (copy == NULL)
        return KQ_ERR_MEMORY;
    response->headers[response->num_headers].name = name;
    response->headers[response->num_headers].value = copy;
    response->num_headers++;
    return KQ_OK;
}

/* Cuts "HOST:PORT" or "[HOST]:PORT" in two. */
static bool cut_address(const char *text, struct kq_slice *out_host, struct kq_slice *out_port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return false;
    *out_port = kq_slice_text(colon + 1);
    if (text[0] != '[') {
        *out_host = kq_slice_of(text, (size_t)(colon - text));
        return memchr(text, ':', out_host->len) == NULL; /* ::1 without brackets says nothing about the port */
    }
    if (colon - text < 2 || colon[-1] != ']')
        return false;
    *out_host = kq_slice_of(text + 1, (size_t)(colon - text) - 2);
    return true;
}

kq_status vault_http_address_parse(const char *text, struct vault_http_address *out)
{
    struct vault_http_address address = {0};
    struct kq_slice host;
    struct kq_slice port;
    uint64_t number;
    uint8_t bytes[16];
    if (!cut_address(text, &host, &port) || !kq_uint_parse(port, UINT16_MAX, &number) ||
        !kq_text_copy(host, address.host, sizeof address.host))
        return KQ_ERR_ARGUMENT;
    int family = text[0] == '[' ? AF_INET6 : AF_INET;
    if (inet_pton(family, address.host, bytes) != 1)
        return KQ_ERR_ARGUMENT;
    address.port = (uint16_t)number;
    *out = address;
    return KQ_OK;
}
