#ifndef HSM_SERVICE_LISTENER_H
#define HSM_SERVICE_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct hsm_module;

/* The listening socket, which the supervisor bound and keeps open beyond the
 * module's life: whom the module cannot take in waits in the kernel's queue.
 * The loop's own, but for is_open. */
struct hsm_listener {
    int fd;
    atomic_bool is_open; /* the module answers */
    bool is_watched;     /* by epoll, with the listener's address as data */
    uint64_t again_ms;   /* no descriptor or memory was left: not before; else 0 */
};

/* Any thread: from now on clients are taken in. */
void hsm_listener_open(struct hsm_module *module);

/* The next client's socket, non-blocking; -1 if there is none for now. */
int hsm_listener_accept(struct hsm_listener *listener);

/* Before each wait: watches the socket exactly while a client can be taken in,
 * so that one who must wait does not keep the loop busy. Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status hsm_listener_update(struct hsm_listener *listener, int epoll_fd, bool may_accept);

/* How long until an update changes something; -1: no such time. */
int hsm_listener_timeout_ms(const struct hsm_listener *listener);

#endif
