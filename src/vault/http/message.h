#ifndef VAULT_HTTP_MESSAGE_H
#define VAULT_HTTP_MESSAGE_H

#include <stdbool.h>

#include "base/buffer.h"

/* A request as handlers see it, and what they answer. */

enum vault_method { VAULT_GET = 1, VAULT_HEAD, VAULT_POST, VAULT_PUT, VAULT_PATCH, VAULT_DELETE };
const char *vault_method_text(enum vault_method method);

struct vault_http_pair {
    const char *name;
    const char *value;
};

#define VAULT_SEGMENTS_MAX 24u
#define VAULT_PARAMETERS_MAX 32u

struct vault_http_request {
    enum vault_method method;
    const char *host;   /* of the Host header, lower case, without port */
    uint16_t port;      /* of the Host header, 443 where it names none */
    const char *target; /* as sent, for the log */
    /* The path, decoded segment by segment; empty segments are dropped
     * (clients send //, and / at the end). */
    const char *segments[VAULT_SEGMENTS_MAX];
    size_t num_segments;
    /* The query, names and values decoded, in order. */
    struct vault_http_pair parameters[VAULT_PARAMETERS_MAX];
    size_t num_parameters;
    struct kq_slice body; /* wiped and freed after the response has been made */
    const char *peer_address;
    const void *headers; /* for vault_http_header() */
    char request_id[37]; /* a new GUID for each request */
};

/* NULL if absent. Header names without regard to case; parameters as they stand. */
const char *vault_http_header(const struct vault_http_request *request, const char *name);
const char *vault_http_parameter(const struct vault_http_request *request, const char *name);

#define VAULT_RESPONSE_HEADERS_MAX 24u
struct vault_http_response {
    unsigned status;
    const char *content_type; /* static */
    struct kq_buffer body;    /* owned; wiped when sent */
    /* Header values are copied. */
    struct {
        const char *name; /* static */
        char *value;      /* owned */
    } headers[VAULT_RESPONSE_HEADERS_MAX];
    size_t num_headers;
};
void vault_http_response_init(struct vault_http_response *response);
void vault_http_response_clear(struct vault_http_response *response);
/* Control characters in a value are refused: KQ_ERR_ARGUMENT. */
KQ_MUST_CHECK kq_status vault_http_response_header(struct vault_http_response *response, const char *name,
                                                   const char *value);

struct vault_http_address {
    char host[64]; /* an address: 127.0.0.1, ::1 */
    uint16_t port;
};
/* "127.0.0.1:8443", "[::1]:8443".  Errors: KQ_ERR_ARGUMENT. */
KQ_MUST_CHECK kq_status vault_http_address_parse(const char *text, struct vault_http_address *out);

/* A request that the server itself refused, in an answer with this id. */
struct vault_http_refused {
    const char *request_id;
    const char *peer_address;
    unsigned status;
    const char *code, *message; /* of the error envelope */
};

#endif
