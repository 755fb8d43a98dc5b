#include "vault/http/bodies.h"

#include "base/random.h"

kq_status vault_http_bodies_init(size_t max, struct vault_http_bodies *out)
{
    *out = (struct vault_http_bodies){.max = max};
    return kq_random(&out->seed, sizeof out->seed);
}

static bool add(atomic_size_t *sum, size_t len, size_t max)
{
    if (atomic_fetch_add(sum, len) + len <= max)
        return true;
    atomic_fetch_sub(sum, len);
    return false;
}

bool vault_http_bodies_take(struct vault_http_bodies *bodies, struct vault_http_client client, size_t len)
{
    atomic_size_t *own = &bodies->of_lane[vault_http_client_lane(client, bodies->seed)];
    if (!add(own, len, vault_http_share_of(bodies->max)))
        return false;
    if (add(&bodies->all, len, bodies->max))
        return true;
    atomic_fetch_sub(own, len);
    return false;
}

void vault_http_bodies_give(struct vault_http_bodies *bodies, struct vault_http_client client, size_t len)
{
    atomic_fetch_sub(&bodies->all, len);
    atomic_fetch_sub(&bodies->of_lane[vault_http_client_lane(client, bodies->seed)], len);
}
