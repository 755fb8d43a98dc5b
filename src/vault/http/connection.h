#ifndef VAULT_HTTP_CONNECTION_H
#define VAULT_HTTP_CONNECTION_H

#include "vault/http/guard.h"
#include "vault/http/state.h"

/* One TLS connection: from accept to close. */
struct vault_http_connection {
    struct vault_http_watched watched;
    struct vault_http_server *server;
    struct vault_http_credentials *credentials; /* what it began with */
    gnutls_session_t session;
    bool is_told; /* that its time is over */
    bool lingers; /* was refused while it may still be sending */
    char peer_address[46];
};

/* Callbacks of libmicrohttpd and GnuTLS; the context is the server. */
enum MHD_Result vault_http_connection_accept(void *context, const struct sockaddr *address, socklen_t address_len);
void vault_http_connection_notify(void *context, struct MHD_Connection *mhd, void **socket_context,
                                  enum MHD_ConnectionNotificationCode code);
int vault_http_connection_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                                      gnutls_pcert_st **out_chain, unsigned *out_num, gnutls_ocsp_data_st **out_ocsp,
                                      unsigned *out_num_ocsp, gnutls_privkey_t *out_key, unsigned *out_flags);

/* NULL if there was no memory for it. */
struct vault_http_connection *vault_http_connection_of(struct MHD_Connection *mhd);

/* Counts a refused request and tells whoever keeps the log. */
void vault_http_connection_refused(const struct vault_http_connection *connection, const char *request_id,
                                   const struct vault_http_refusal *refusal);

/* Writes a refusal past libmicrohttpd, which takes no answer while a body is
 * coming in. Only from the connection's I/O thread, and only to close next. */
void vault_http_connection_say(struct vault_http_connection *connection, const struct vault_http_refusal *refusal);

#endif
