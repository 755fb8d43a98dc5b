#ifndef KQW_CLIENT_H
#define KQW_CLIENT_H

#include <jansson.h>

#include "base/secret.h"

/* HTTPS for our own calls and for issuer discovery: TLS 1.2 or newer, the
 * certificate always checked, no redirects, everything bounded in size and
 * time. One request at a time on a client; it keeps its connections.
 *
 * Bearer tokens and bodies are wiped where this code holds them; libcurl's own
 * copies are freed with the client and not wiped. */
struct kqw_client;

/* What a host name stands for, instead of asking the DNS: a name equal to
 * domain, or under it, is connected to at these addresses. */
struct kqw_pin {
    const char *domain;           /* "keyquay.localhost" */
    const char *const *addresses; /* "127.0.0.1", "::1" */
    size_t num_addresses;         /* 1..KQW_ADDRESSES_MAX */
};
#define KQW_ADDRESSES_MAX 8u

struct kqw_options {
    const char *ca_path;       /* PEM of a private CA; NULL: the system's authorities */
    const struct kqw_pin *pin; /* NULL: names are resolved as usual; copied */
    uint64_t connect_ms;       /* 0: 10 s */
    uint64_t total_ms;         /* 0: 60 s */
    size_t max_response;       /* bytes of a body; 0: 1 MiB */
};

/* Errors: KQ_ERR_NOT_FOUND (ca_path cannot be read), KQ_ERR_ARGUMENT (pin), KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status kqw_client_new(const struct kqw_options *options, struct kqw_client **out);
void kqw_client_free(struct kqw_client *client);
KQ_AUTO_DEFINE(kqw_client);

struct kqw_request {
    const char *method;             /* "GET", "PUT", ... */
    const char *url;                /* https://... */
    const struct kq_secret *bearer; /* NULL: no Authorization */
    const char *content_type;       /* NULL: no body */
    struct kq_slice body;
};

struct kqw_response {
    unsigned status; /* 200, 404, ... */
    char content_type[80];
    char challenge[1024];  /* WWW-Authenticate, "" if none */
    struct kq_buffer body; /* wiped when cleared */
};
void kqw_response_clear(struct kqw_response *response);
KQ_AUTO_DEFINE_VALUE(kqw_response);

#define KQW_ERROR_SIZE 512

/* Sends one request and reads the whole answer, whatever its HTTP status.
 *
 * out_error  what failed and what to do next; at least KQW_ERROR_SIZE bytes
 * Errors     KQ_ERR_CONNECT    not reached, or no answer in time
 *            KQ_ERR_UNTRUSTED  its certificate does not verify
 *            KQ_ERR_TOO_LARGE  the answer is longer than allowed
 *            KQ_ERR_ARGUMENT   not an https URL
 *            KQ_ERR_IO, KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status kqw_send(struct kqw_client *client, const struct kqw_request *request, struct kqw_response *out,
                                 char *out_error);

/* The answer's body as JSON (objects and arrays; duplicate keys are refused).
 * Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kqw_response_json(const struct kqw_response *response, json_t **out);

/* The status for an answer that says no: KQ_OK below 300, KQ_ERR_DENIED (401,
 * 403), KQ_ERR_NOT_FOUND (404), KQ_ERR_EXISTS (409), KQ_ERR_TOO_LARGE (413),
 * KQ_ERR_WAIT (429, 503), KQ_ERR_ARGUMENT (other 4xx), else KQ_ERR_IO.
 * out_text: "Forbidden: message", from the error envelope where there is one. */
kq_status kqw_response_status(const struct kqw_response *response, char *out_text, size_t size);

#endif
