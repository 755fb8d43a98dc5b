#ifndef VAULT_HTTP_ANSWER_H
#define VAULT_HTTP_ANSWER_H

#include <microhttpd.h>

#include "vault/http/guard.h"

/* Answers on their way out: the headers every one of them has, and refusals in
 * the error envelope of the API. */

enum vault_http_after { HTTP_KEEP, HTTP_CLOSE };

/* Makes libmicrohttpd's form of a response. The body is borrowed until the
 * library is done with it. The response's own headers come before the defaults
 * of the same name.
 * client_request_id  echoed if it is short and visible ASCII; may be NULL
 * Returns NULL without memory. */
struct MHD_Response *vault_http_answer_new(const struct vault_http_response *response, const char *request_id,
                                           const char *client_request_id, enum vault_http_after after);

/* Fills an empty response with a refusal.  Errors: KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status vault_http_answer_refuse(const struct vault_http_refusal *refusal,
                                                 struct vault_http_response *response);

/* A whole refusal as bytes of HTTP/1.1 that closes the connection; returns its length, 0 if it does not fit. */
#define VAULT_ANSWER_TEXT_MAX 1024u
size_t vault_http_answer_text(const struct vault_http_refusal *refusal, const char *request_id, char *out, size_t size);

/* A new GUID; zeros if there is no randomness. */
void vault_http_request_id(char out[37]);

#endif
