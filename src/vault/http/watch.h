#ifndef VAULT_HTTP_WATCH_H
#define VAULT_HTTP_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* A thread that ends connections which take too long. libmicrohttpd's own
 * time-out starts anew with every byte, so a slow sender never meets it. */
enum vault_http_phase {
    HTTP_HANDSHAKE = 0, /* limit: request_ms */
    HTTP_IDLE = 1,      /* limit: idle_ms */
    HTTP_RECEIVING = 2, /* limit: request_ms */
    HTTP_BUSY = 3,      /* the handler's time; no limit here */
};

/* Part of each connection. Set by its I/O thread, read by the watch. */
struct vault_http_watched {
    struct vault_http_watched *next;
    struct vault_http_watched *previous;
    int fd;
    atomic_uint_fast64_t phase; /* phase in the two low bits, since when (monotonic ms) above */
    atomic_bool is_expired;     /* its time is over; the socket takes in nothing more */
};

struct vault_http_watch;

KQ_MUST_CHECK kq_status vault_http_watch_new(uint64_t idle_ms, uint64_t request_ms, struct vault_http_watch **out);
void vault_http_watch_free(struct vault_http_watch *watch);

void vault_http_watch_add(struct vault_http_watch *watch, struct vault_http_watched *watched);
/* Before the descriptor is closed. */
void vault_http_watch_remove(struct vault_http_watch *watch, struct vault_http_watched *watched);

/* Keeps a connection's TCP half alive a little longer than the library does,
 * from a copy of the descriptor: closing while the peer still sends makes the
 * kernel reset the connection, and the answer that says why may be lost. At
 * most 64 at a time, two seconds and 1 MiB each; beyond that it is just closed. */
void vault_http_watch_linger(struct vault_http_watch *watch, int fd);

void vault_http_watched_enter(struct vault_http_watched *watched, enum vault_http_phase phase);
enum vault_http_phase vault_http_watched_phase(const struct vault_http_watched *watched);

#endif
