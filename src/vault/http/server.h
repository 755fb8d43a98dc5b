#ifndef VAULT_HTTP_SERVER_H
#define VAULT_HTTP_SERVER_H

#include "base/buffer.h"
#include "vault/http/message.h"

/* HTTPS by libmicrohttpd, with its framing made strict: one Host, at most one
 * length, never a length with chunked, no white space in header names, origin
 * form targets only; 400 and close otherwise. The server reads a whole request
 * within its limits, then a worker thread runs the handler; other connections
 * are served meanwhile. */
struct vault_http_server;

/* Makes an ECDSA signature with the TLS key, which this process never has.
 * digest is 32 bytes (SHA-256, P-256); appends r and s, 32 bytes each. Called
 * from any thread of the server; must return within its own time-out. */
typedef kq_status vault_http_sign(void *context, struct kq_slice digest, struct kq_buffer *out);

struct vault_http_tls {
    struct kq_slice chain_pem; /* leaf first; copied */
    struct kq_slice key_pem;   /* an operator's own key (the named exception); empty: sign is used */
    vault_http_sign *sign;
    void *sign_context;
};

/* Runs on a worker thread; request and response are valid for the call. */
typedef void vault_http_handler(void *context, const struct vault_http_request *request,
                                struct vault_http_response *response);

/* Who is proved to send a request: a number, the same for all of one client;
 * 0 if nobody is, for claims alone must not choose whose share is used.
 *   HTTP_AT_A_GLANCE  on a thread that reads, for each request: tells what is known already, without waiting
 *   HTTP_CLOSELY      on a worker, for each request that nobody was known of, before the handler runs */
enum vault_http_look { HTTP_AT_A_GLANCE, HTTP_CLOSELY };
typedef uint64_t vault_http_identify(void *context, const struct vault_http_request *request,
                                     enum vault_http_look look);

/* Runs on any thread of the server, must not wait. */
typedef void vault_http_on_refused(void *context, const struct vault_http_refused *refused);

struct vault_http_options {
    const struct vault_http_address *addresses;
    size_t num_addresses;
    struct vault_http_tls tls;
    vault_http_handler *handler;
    vault_http_identify *identify;     /* NULL: clients are addresses */
    vault_http_on_refused *on_refused; /* or NULL */
    void *handler_context;             /* of all three */
    size_t num_workers;
    size_t num_io_threads;
    size_t max_connections; /* all of them together */
    size_t max_connections_per_address;
    size_t max_body;     /* bytes; above it 413 */
    size_t max_waiting;  /* requests read and not yet with a worker; above it 503; 0: 1024 */
    uint64_t idle_ms;    /* a connection that says nothing */
    uint64_t request_ms; /* from the first byte of a request to its last: slow headers and bodies */
};

/* Binds and starts.
 * out_error  one sentence naming the address on failure; size at least 256
 * Errors     KQ_ERR_CONNECT (address in use or not allowed), KQ_ERR_ARGUMENT (certificate, key), KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status vault_http_start(const struct vault_http_options *options, struct vault_http_server **out,
                                         char *out_error, size_t out_error_size);
/* The port of the i-th address, as bound (for port 0). */
uint16_t vault_http_port(const struct vault_http_server *server, size_t i);
/* Could a server use it? The chain is read, and a signature proves that the key belongs to it.
 * out_error  one sentence on failure; size at least 256
 * Errors     KQ_ERR_ARGUMENT (certificate, key), KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status vault_http_check_tls(const struct vault_http_tls *tls, char *out_error, size_t out_error_size);
/* New connections get the new certificate; requests under way are not dropped.  Errors: as of vault_http_check_tls. */
KQ_MUST_CHECK kq_status vault_http_set_tls(struct vault_http_server *server, const struct vault_http_tls *tls,
                                           char *out_error, size_t out_error_size);
/* Accepts nothing more, finishes the requests it has read, then frees. After
 * wait_ms those without a worker get 503; handlers that run are waited for. */
void vault_http_stop(struct vault_http_server *server, uint64_t wait_ms);

struct vault_http_counters {
    uint64_t num_requests;
    uint64_t num_refused; /* by the guard or a limit */
    uint64_t num_connections;
    uint64_t num_waiting; /* requests read and not yet with a worker */
};
void vault_http_count(const struct vault_http_server *server, struct vault_http_counters *out);

#endif
