#include "vault/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vault/http/connection.h"
#include "vault/http/exchange.h"

/* Head and answer's head of one request, per connection. */
#define CONNECTION_MEMORY ((size_t)20 * 1024)
#define LISTEN_BACKLOG 1024
#define MAX_WAITING_DEFAULT 1024u
#define BODIES_MAX ((size_t)64 << 20)
/* Descriptors that are not connections: listeners, epoll, database, modules. */
#define OTHER_DESCRIPTORS 128u
/* After the handlers are done: to send what they answered. */
#define SEND_REST_MS 2000u

union any_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static socklen_t fill_address(const struct vault_http_address *address, union any_address *out)
{
    *out = (union any_address){0};
    if (inet_pton(AF_INET, address->host, &out->ipv4.sin_addr) == 1) {
        out->ipv4.sin_family = AF_INET;
        out->ipv4.sin_port = htons(address->port);
        return sizeof out->ipv4;
    }
    if (inet_pton(AF_INET6, address->host, &out->ipv6.sin6_addr) == 1) {
        out->ipv6.sin6_family = AF_INET6;
        out->ipv6.sin6_port = htons(address->port);
        return sizeof out->ipv6;
    }
    return 0;
}

static bool prepare_socket(int fd, const union any_address *address, socklen_t len)
{
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return false;
    if (address->any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return false;
    return bind(fd, &address->any, len) == 0 && listen(fd, LISTEN_BACKLOG) == 0;
}

static kq_status listen_at(const struct vault_http_address *at, struct vault_http_listener *listener, char *out_error,
                           size_t out_error_size)
{
    union any_address address;
    socklen_t len = fill_address(at, &address);
    listener->fd = len == 0 ? -1 : socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (len == 0 || listener->fd < 0 || !prepare_socket(listener->fd, &address, len) ||
        getsockname(listener->fd, &address.any, &len) != 0) {
        snprintf(out_error, out_error_size, "cannot listen at %s port %u: %s", at->host, (unsigned)at->port,
                 len == 0 ? "not an address" : strerror(errno));
        return len == 0 ? KQ_ERR_ARGUMENT : KQ_ERR_CONNECT;
    }
    listener->port = ntohs(address.any.sa_family == AF_INET ? address.ipv4.sin_port : address.ipv6.sin6_port);
    return KQ_OK;
}

/* Leaves escapes alone: the target is decoded by vault_http_target_parse(). */
static size_t keep_escapes(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

/* A connection on which nothing moves at all, in either direction. */
static unsigned stalled_s(const struct vault_http_options *options)
{
    uint64_t ms = options->idle_ms > options->request_ms ? options->idle_ms : options->request_ms;
    return (unsigned)(ms / 1000 + 2);
}

static struct MHD_Daemon *start_daemon(struct vault_http_server *server, int fd)
{
    const struct vault_http_options *options = &server->options;
    unsigned num_threads = (unsigned)options->num_io_threads;
    /* The library divides its limit among its threads; ours counts all of them. */
    unsigned limit = (unsigned)(options->max_connections + 1) * num_threads;
    return MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0,
        vault_http_connection_accept, server, vault_http_exchange_handle, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, num_threads > 1 ? num_threads : 0, MHD_OPTION_CONNECTION_LIMIT, limit,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)options->max_connections_per_address,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, stalled_s(options),
        MHD_OPTION_HTTPS_PRIORITIES, vault_http_tls_priorities(), MHD_OPTION_HTTPS_CERT_CALLBACK2,
        vault_http_connection_certificate, MHD_OPTION_NOTIFY_CONNECTION, vault_http_connection_notify, server,
        MHD_OPTION_URI_LOG_CALLBACK, vault_http_exchange_begin, server, MHD_OPTION_NOTIFY_COMPLETED,
        vault_http_exchange_end, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
}

/* The daemon's threads leave signals to the program's main thread. */
static kq_status start_listener(struct vault_http_server *server, const struct vault_http_address *address,
                                struct vault_http_listener *listener, char *out_error, size_t out_error_size)
{
    sigset_t all;
    sigset_t before;
    KQ_TRY(listen_at(address, listener, out_error, out_error_size));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    listener->daemon = start_daemon(server, listener->fd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (listener->daemon != NULL)
        return KQ_OK;
    snprintf(out_error, out_error_size, "cannot serve at %s port %u: no memory or threads", address->host,
             (unsigned)address->port);
    return KQ_ERR_MEMORY;
}

/* Raises the limit of descriptors for so many connections; lowers the connections where that is not allowed. */
static void fit_descriptors(struct vault_http_options *options)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)options->max_connections + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted)
        return;
    options->max_connections =
        limit.rlim_cur > 2 * OTHER_DESCRIPTORS ? limit.rlim_cur - OTHER_DESCRIPTORS : OTHER_DESCRIPTORS;
}

static kq_status check_options(const struct vault_http_options *options)
{
    bool good = options->num_addresses > 0 && options->handler != NULL && options->num_workers > 0 &&
                options->num_io_threads > 0 && options->num_io_threads <= 64 && options->max_connections > 0 &&
                options->max_connections <= 1000000 && options->idle_ms > 0 && options->request_ms > 0;
    return good ? KQ_OK : KQ_ERR_ARGUMENT;
}

static kq_status prepare(struct vault_http_server *server, const struct vault_http_options *options, char *out_error,
                         size_t out_error_size)
{
    size_t max_waiting = options->max_waiting == 0 ? MAX_WAITING_DEFAULT : options->max_waiting;
    server->options = *options;
    fit_descriptors(&server->options);
    pthread_mutex_init(&server->tls_lock, NULL);
    pthread_mutex_init(&server->end_lock, NULL);
    pthread_cond_init(&server->ended, NULL);
    KQ_TRY(vault_http_bodies_init(BODIES_MAX, &server->bodies));
    server->listeners = calloc(options->num_addresses, sizeof server->listeners[0]);
    if (server->listeners == NULL || gnutls_session_ticket_key_generate(&server->ticket_key) != GNUTLS_E_SUCCESS)
        return KQ_ERR_MEMORY;
    KQ_TRY(vault_http_credentials_new(&options->tls, &server->credentials, out_error, out_error_size));
    KQ_TRY(vault_http_watch_new(options->idle_ms, options->request_ms, &server->watch));
    return vault_http_workers_new(options->num_workers, max_waiting, vault_http_exchange_work, vault_http_exchange_drop,
                                  server, &server->workers);
}

static kq_status start_all(struct vault_http_server *server, const struct vault_http_options *options, char *out_error,
                           size_t out_error_size)
{
    KQ_TRY(prepare(server, options, out_error, out_error_size));
    for (size_t i = 0; i < options->num_addresses; i++) {
        struct vault_http_listener *listener = &server->listeners[server->num_listeners++];
        KQ_TRY(start_listener(server, &options->addresses[i], listener, out_error, out_error_size));
    }
    return KQ_OK;
}

kq_status vault_http_start(const struct vault_http_options *options, struct vault_http_server **out, char *out_error,
                           size_t out_error_size)
{
    snprintf(out_error, out_error_size, "the server cannot be started: no memory or threads");
    if (check_options(options) != KQ_OK) {
        snprintf(out_error, out_error_size, "a number of the server's options is zero or too large");
        return KQ_ERR_ARGUMENT;
    }
    struct vault_http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = start_all(server, options, out_error, out_error_size);
    if (status != KQ_OK) {
        vault_http_stop(server, 0);
        return status;
    }
    *out = server;
    return KQ_OK;
}

uint16_t vault_http_port(const struct vault_http_server *server, size_t i)
{
    return i < server->num_listeners ? server->listeners[i].port : 0;
}

kq_status vault_http_check_tls(const struct vault_http_tls *tls, char *out_error, size_t out_error_size)
{
    KQ_AUTO(vault_http_credentials) credentials = NULL;
    return vault_http_credentials_new(tls, &credentials, out_error, out_error_size);
}

kq_status vault_http_set_tls(struct vault_http_server *server, const struct vault_http_tls *tls, char *out_error,
                             size_t out_error_size)
{
    struct vault_http_credentials *fresh = NULL;
    KQ_TRY(vault_http_credentials_new(tls, &fresh, out_error, out_error_size));
    pthread_mutex_lock(&server->tls_lock);
    struct vault_http_credentials *former = server->credentials;
    server->credentials = fresh;
    pthread_mutex_unlock(&server->tls_lock);
    vault_http_credentials_free(former);
    return KQ_OK;
}

void vault_http_count(const struct vault_http_server *server, struct vault_http_counters *out)
{
    out->num_requests = atomic_load(&server->num_requests);
    out->num_refused = atomic_load(&server->num_refused);
    out->num_connections = atomic_load(&server->num_connections);
    out->num_waiting = vault_http_workers_waiting(server->workers);
}

static void wait_for_flights(struct vault_http_server *server, uint64_t wait_ms)
{
    struct timespec until;
    int result = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&server->end_lock);
    while (atomic_load(&server->num_in_flight) > 0 && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&server->ended, &server->end_lock, &until);
    pthread_mutex_unlock(&server->end_lock);
}

static void stop_listening(struct vault_http_server *server)
{
    for (size_t i = 0; i < server->num_listeners; i++) {
        struct vault_http_listener *listener = &server->listeners[i];
        if (listener->daemon != NULL)
            MHD_quiesce_daemon(listener->daemon);
        if (listener->fd >= 0)
            close(listener->fd);
    }
}

static void server_free(struct vault_http_server *server)
{
    for (size_t i = 0; i < server->num_listeners; i++)
        if (server->listeners[i].daemon != NULL)
            MHD_stop_daemon(server->listeners[i].daemon);
    vault_http_workers_free(server->workers);
    vault_http_watch_free(server->watch);
    vault_http_credentials_free(server->credentials);
    if (server->ticket_key.data != NULL) {
        gnutls_memset(server->ticket_key.data, 0, server->ticket_key.size);
        gnutls_free(server->ticket_key.data);
    }
    pthread_mutex_destroy(&server->tls_lock);
    pthread_mutex_destroy(&server->end_lock);
    pthread_cond_destroy(&server->ended);
    free(server->listeners);
    free(server);
}

void vault_http_stop(struct vault_http_server *server, uint64_t wait_ms)
{
    if (server == NULL)
        return;
    atomic_store(&server->stops, true);
    stop_listening(server);
    wait_for_flights(server, wait_ms);
    if (server->workers != NULL)
        vault_http_workers_stop(server->workers);
    wait_for_flights(server, SEND_REST_MS);
    server_free(server);
}
