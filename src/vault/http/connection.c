#include "vault/http/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "vault/http/answer.h"

static const struct vault_http_refusal too_slow = {408, "RequestTimeout", "The request took too long to arrive."};

enum MHD_Result vault_http_connection_accept(void *context, const struct sockaddr *address, socklen_t address_len)
{
    struct vault_http_server *server = context;
    (void)address;
    (void)address_len;
    if (!atomic_load(&server->stops) && atomic_load(&server->num_connections) < server->options.max_connections)
        return MHD_YES;
    atomic_fetch_add(&server->num_refused, 1);
    return MHD_NO;
}

struct vault_http_connection *vault_http_connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

void vault_http_connection_refused(const struct vault_http_connection *connection, const char *request_id,
                                   const struct vault_http_refusal *refusal)
{
    struct vault_http_server *server = connection->server;
    atomic_fetch_add(&server->num_refused, 1);
    const struct vault_http_refused refused = {.request_id = request_id,
                                               .peer_address = connection->peer_address,
                                               .status = refusal->status,
                                               .code = refusal->code,
                                               .message = refusal->message};
    if (server->options.on_refused != NULL)
        server->options.on_refused(server->options.handler_context, &refused);
}

void vault_http_connection_say(struct vault_http_connection *connection, const struct vault_http_refusal *refusal)
{
    char text[VAULT_ANSWER_TEXT_MAX], id[37];
    vault_http_request_id(id);
    size_t len = vault_http_answer_text(refusal, id, text, sizeof text);
    vault_http_connection_refused(connection, id, refusal);
    connection->lingers = true;
    /* A full socket buffer loses it; the connection ends either way. */
    if (len > 0 && gnutls_record_send(connection->session, text, len) > 0)
        gnutls_bye(connection->session, GNUTLS_SHUT_WR);
}

/* Reads for GnuTLS, and notices when a request begins and when time is over. */
static ssize_t pull(gnutls_transport_ptr_t context, void *data, size_t len)
{
    struct vault_http_connection *connection = context;
    struct vault_http_watched *watched = &connection->watched;
    if (atomic_load_explicit(&watched->is_expired, memory_order_relaxed)) {
        if (vault_http_watched_phase(watched) == HTTP_RECEIVING && !connection->is_told) {
            connection->is_told = true;
            vault_http_connection_say(connection, &too_slow);
        }
        return 0;
    }
    ssize_t num = recv(watched->fd, data, len, 0);
    if (num > 0 && vault_http_watched_phase(watched) == HTTP_IDLE)
        vault_http_watched_enter(watched, HTTP_RECEIVING);
    return num;
}

static int pull_timeout(gnutls_transport_ptr_t context, unsigned ms)
{
    const struct vault_http_connection *connection = context;
    struct pollfd one = {.fd = connection->watched.fd, .events = POLLIN};
    return poll(&one, 1, ms > INT32_MAX ? -1 : (int)ms);
}

/* The client's Finished ends the handshake; then it may be silent for a while. */
static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                       const gnutls_datum_t *message)
{
    (void)type;
    (void)when;
    (void)message;
    struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
    struct vault_http_connection *connection = vault_http_connection_of(mhd);
    if (incoming != 0 && connection != NULL && vault_http_watched_phase(&connection->watched) == HTTP_HANDSHAKE)
        vault_http_watched_enter(&connection->watched, HTTP_IDLE);
    return 0;
}

static void write_peer(struct MHD_Connection *mhd, struct vault_http_connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
    const void *bytes = NULL;
    if (address != NULL && address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address != NULL && address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (bytes == NULL ||
        inet_ntop(address->sa_family, bytes, connection->peer_address, sizeof connection->peer_address) == NULL)
        connection->peer_address[0] = '\0';
}

static void attach(struct MHD_Connection *mhd, struct vault_http_connection *connection)
{
    gnutls_session_t session = connection->session;
    int fd = connection->watched.fd;
    gnutls_transport_set_ptr2(session, connection, (gnutls_transport_ptr_t)(intptr_t)fd);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, pull_timeout);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
    /* Without tickets a client just shakes hands in full each time. */
    (void)gnutls_session_ticket_enable_server(session, &connection->server->ticket_key);
    write_peer(mhd, connection);
}

static struct vault_http_connection *start(struct vault_http_server *server, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *session = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    struct vault_http_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL || fd == NULL || session == NULL) {
        free(connection);
        return NULL;
    }
    connection->server = server;
    connection->session = session->tls_session;
    connection->watched.fd = fd->connect_fd;
    pthread_mutex_lock(&server->tls_lock);
    connection->credentials = vault_http_credentials_hold(server->credentials);
    pthread_mutex_unlock(&server->tls_lock);
    attach(mhd, connection);
    vault_http_watched_enter(&connection->watched, HTTP_HANDSHAKE);
    vault_http_watch_add(server->watch, &connection->watched);
    return connection;
}

void vault_http_connection_notify(void *context, struct MHD_Connection *mhd, void **socket_context,
                                  enum MHD_ConnectionNotificationCode code)
{
    struct vault_http_server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        atomic_fetch_add(&server->num_connections, 1);
        *socket_context = start(server, mhd);
        return;
    }
    atomic_fetch_sub(&server->num_connections, 1);
    struct vault_http_connection *connection = *socket_context;
    if (connection == NULL)
        return;
    vault_http_watch_remove(server->watch, &connection->watched);
    if (connection->lingers)
        vault_http_watch_linger(server->watch, connection->watched.fd);
    vault_http_credentials_free(connection->credentials);
    free(connection);
    *socket_context = NULL;
}

int vault_http_connection_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                                      gnutls_pcert_st **out_chain, unsigned *out_num, gnutls_ocsp_data_st **out_ocsp,
                                      unsigned *out_num_ocsp, gnutls_privkey_t *out_key, unsigned *out_flags)
{
    (void)info;
    struct vault_http_connection *connection = vault_http_connection_of(gnutls_session_get_ptr(session));
    if (connection == NULL)
        return -1;
    vault_http_credentials_give(connection->credentials, out_chain, out_num, out_key);
    *out_ocsp = NULL;
    *out_num_ocsp = 0;
    *out_flags = 0;
    return 0;
}
