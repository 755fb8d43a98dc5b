#ifndef VAULT_HTTP_EXCHANGE_H
#define VAULT_HTTP_EXCHANGE_H

#include "vault/http/state.h"

/* One request and its answer. Made when the request line has come in, judged
 * when the head is there, filled with the body, handed to a worker while the
 * connection is suspended, answered when it is resumed. */

/* Callbacks of libmicrohttpd; the context is the server. */
void *vault_http_exchange_begin(void *context, const char *target, struct MHD_Connection *mhd);
enum MHD_Result vault_http_exchange_handle(void *context, struct MHD_Connection *mhd, const char *url,
                                           const char *method, const char *version, const char *data, size_t *len,
                                           void **request_context);
void vault_http_exchange_end(void *context, struct MHD_Connection *mhd, void **request_context,
                             enum MHD_RequestTerminationCode code);

/* For vault_http_workers_new(); the context is the server. */
void vault_http_exchange_work(void *context, struct vault_http_job *job);
void vault_http_exchange_drop(void *context, struct vault_http_job *job);

#endif
