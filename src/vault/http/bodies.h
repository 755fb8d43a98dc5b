#ifndef VAULT_HTTP_BODIES_H
#define VAULT_HTTP_BODIES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "vault/http/workers.h"

/* The room for the bodies of all requests together, so that many slow senders
 * cannot fill the memory. As a body comes before anybody has looked who sends
 * it, a client is an address here, and has three quarters of the room at most. */
struct vault_http_bodies {
    size_t max;
    uint64_t seed;
    atomic_size_t all;
    atomic_size_t of_lane[VAULT_HTTP_LANES];
};

/* Errors: KQ_ERR_IO (no randomness). */
KQ_MUST_CHECK kq_status vault_http_bodies_init(size_t max, struct vault_http_bodies *out);
/* False: there is no room for so many bytes, for this client or for anybody. */
bool vault_http_bodies_take(struct vault_http_bodies *bodies, struct vault_http_client client, size_t len);
void vault_http_bodies_give(struct vault_http_bodies *bodies, struct vault_http_client client, size_t len);

#endif
