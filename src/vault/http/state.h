#ifndef VAULT_HTTP_STATE_H
#define VAULT_HTTP_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "vault/http/bodies.h"
#include "vault/http/server.h"
#include "vault/http/tls.h"
#include "vault/http/watch.h"
#include "vault/http/workers.h"

/* What the parts of the server share. Locks: tls_lock, end_lock and the
 * watch's are never held together. */

struct vault_http_listener {
    int fd; /* -1: taken over by the daemon, or closed */
    uint16_t port;
    struct MHD_Daemon *daemon;
};

struct vault_http_server {
    struct vault_http_options options; /* pointers in it are dead after start, but for the handler's */
    struct vault_http_listener *listeners;
    size_t num_listeners;
    struct vault_http_workers *workers;
    struct vault_http_watch *watch;

    pthread_mutex_t tls_lock;
    struct vault_http_credentials *credentials; /* of new connections */
    gnutls_datum_t ticket_key;

    atomic_bool stops;
    pthread_mutex_t end_lock;
    pthread_cond_t ended;            /* num_in_flight fell to zero */
    atomic_size_t num_in_flight;     /* requests handed to the workers and not yet answered to the last byte */
    struct vault_http_bodies bodies; /* of all requests being read or handled */

    atomic_uint_fast64_t num_requests;
    atomic_uint_fast64_t num_refused;
    atomic_uint_fast64_t num_connections;
};

#endif
