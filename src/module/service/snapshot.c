#include "module/service/snapshot.h"

#include <stdatomic.h>

#include "base/memory.h"

struct hsm_snapshot {
    atomic_uint num_holders;
    struct hsm_state *state;
};

kq_status hsm_snapshot_new(struct hsm_state **state, struct hsm_snapshot **out)
{
    struct hsm_snapshot *snapshot = kq_memory_new(sizeof *snapshot);
    if (snapshot == NULL)
        return KQ_ERR_MEMORY;
    atomic_init(&snapshot->num_holders, 1);
    snapshot->state = KQ_TAKE(*state);
    *out = snapshot;
    return KQ_OK;
}

struct hsm_snapshot *hsm_snapshot_hold(struct hsm_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->num_holders, 1, memory_order_relaxed);
    return snapshot;
}

void hsm_snapshot_free(struct hsm_snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->num_holders, 1) != 1)
        return;
    hsm_state_free(snapshot->state);
    kq_memory_free(snapshot, sizeof *snapshot);
}

const struct hsm_state *hsm_snapshot_state(const struct hsm_snapshot *snapshot)
{
    return snapshot->state;
}
