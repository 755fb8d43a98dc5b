#include "module/world/state.h"

#include "base/memory.h"
#include "base/wipe.h"
#include "module/privcrypto/seal.h"

/* ESNs look like ABCD-0123-4567: three groups of four upper-case hex digits. */
static void make_esn(char out[KQ_ESN_LEN + 1])
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t random[KQ_ESN_LEN];
    hsm_random(random, sizeof random);
    for (size_t i = 0; i < KQ_ESN_LEN; i++)
        out[i] = i % 5 == 4 ? '-' : digits[random[i] & 15];
    out[KQ_ESN_LEN] = '\0';
}

kq_status hsm_state_new(uint32_t owner_uid, struct hsm_state **out)
{
    KQ_AUTO(hsm_state) state = kq_memory_new(sizeof *state);
    if (state == NULL)
        return KQ_ERR_MEMORY;
    *state = (struct hsm_state){.num_peers = 1};
    make_esn(state->esn);
    state->peers[0] = (struct hsm_peer){owner_uid, KQ_ROLE_USE | KQ_ROLE_ADMIN | KQ_ROLE_VAULT};
    KQ_TRY(hsm_key_generate(KQ_KEY_EC_P384, 384, 0, &state->module_key));
    *out = KQ_TAKE(state);
    return KQ_OK;
}

static void world_clear(struct hsm_world *world)
{
    kq_buffer_clear(&world->commitments);
    kq_buffer_clear(&world->world_file);
    hsm_key_free(world->knso);
    kq_wipe(world, sizeof *world);
}

static void outcomes_clear(struct hsm_state *state)
{
    for (size_t i = 0; i < state->num_outcomes; i++)
        kq_buffer_clear(&state->outcomes[i].results);
    state->num_outcomes = 0;
}

void hsm_state_free(struct hsm_state *state)
{
    if (state == NULL)
        return;
    hsm_key_free(state->module_key);
    kq_buffer_clear(&state->warrant);
    kq_buffer_clear(&state->root);
    world_clear(&state->world);
    hsm_key_free(state->factory_root);
    kq_buffer_clear(&state->factory_root_certificate);
    outcomes_clear(state);
    kq_buffer_clear(&state->audit_pending);
    kq_memory_free(state, sizeof *state);
}

/* Turns a byte-wise copy of *from into one that owns its bytes. */
static kq_status own_bytes(const struct kq_buffer *from, struct kq_buffer *copy)
{
    kq_buffer_init(copy, from->max);
    return kq_buffer_append(copy, from->data, from->len);
}

static struct hsm_key *own_key(struct hsm_key *key)
{
    return key == NULL ? NULL : hsm_key_hold(key);
}

/* Leaves copy without anything that belongs to its original. */
static void disown_all(struct hsm_state *copy)
{
    copy->warrant = copy->root = copy->factory_root_certificate = copy->audit_pending = (struct kq_buffer){0};
    copy->world.commitments = copy->world.world_file = (struct kq_buffer){0};
    for (size_t i = 0; i < HSM_OUTCOMES_MAX; i++)
        copy->outcomes[i].results = (struct kq_buffer){0};
}

kq_status hsm_state_clone(const struct hsm_state *state, struct hsm_state **out)
{
    struct hsm_state *copy = kq_memory_new(sizeof *copy);
    if (copy == NULL)
        return KQ_ERR_MEMORY;
    *copy = *state;
    disown_all(copy);
    own_key(copy->module_key);
    own_key(copy->world.knso);
    own_key(copy->factory_root);
    KQ_AUTO(hsm_state) owner = copy;
    KQ_TRY(own_bytes(&state->warrant, &copy->warrant));
    KQ_TRY(own_bytes(&state->root, &copy->root));
    KQ_TRY(own_bytes(&state->world.commitments, &copy->world.commitments));
    KQ_TRY(own_bytes(&state->world.world_file, &copy->world.world_file));
    KQ_TRY(own_bytes(&state->factory_root_certificate, &copy->factory_root_certificate));
    KQ_TRY(own_bytes(&state->audit_pending, &copy->audit_pending));
    for (size_t i = 0; i < state->num_outcomes; i++)
        KQ_TRY(own_bytes(&state->outcomes[i].results, &copy->outcomes[i].results));
    *out = KQ_TAKE(owner);
    return KQ_OK;
}

void hsm_state_forget_world(struct hsm_state *state)
{
    world_clear(&state->world);
    hsm_key_free(state->factory_root);
    state->factory_root = NULL;
    kq_buffer_clear(&state->factory_root_certificate);
    kq_wipe(state->roots, sizeof state->roots);
    kq_wipe(state->worlds, sizeof state->worlds);
    kq_wipe(state->former_worlds, sizeof state->former_worlds);
    kq_wipe(state->attempts, sizeof state->attempts);
    kq_wipe(state->counters, sizeof state->counters);
    state->num_roots = state->num_worlds = state->num_former_worlds = 0;
    state->num_attempts = state->num_counters = 0;
    outcomes_clear(state);
}

static struct hsm_trusted *find_trusted(struct hsm_trusted *list, size_t num, const uint8_t hash[32])
{
    for (size_t i = 0; i < num; i++) {
        if (memcmp(list[i].hash, hash, 32) == 0)
            return &list[i];
    }
    return NULL;
}

struct hsm_trusted *hsm_state_find_root(struct hsm_state *state, const uint8_t hash[32])
{
    return find_trusted(state->roots, state->num_roots, hash);
}

struct hsm_trusted *hsm_state_find_world(struct hsm_state *state, const uint8_t hash[32])
{
    return find_trusted(state->worlds, state->num_worlds, hash);
}

uint64_t hsm_state_generation_seen(struct hsm_state *state, const uint8_t hknso[32])
{
    const struct hsm_trusted *known = hsm_state_find_world(state, hknso);
    if (known == NULL)
        known = find_trusted(state->former_worlds, state->num_former_worlds, hknso);
    return known == NULL ? 0 : known->generation;
}
