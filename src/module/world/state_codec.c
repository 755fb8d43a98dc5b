#include <stddef.h>

#include "base/memory.h"
#include "base/size.h"
#include "base/wipe.h"
#include "module/privcrypto/seal.h"
#include "module/world/state.h"
#include "module/world/state_format.h"

KQ_RECORD_DEFINE(hsm_state_record, "keyquay/state", 1, HSM_STATE_FIELDS, 1048576 - HSM_SEAL_OVERHEAD);
KQ_RECORD_DEFINE(hsm_state_world, NULL, 1, HSM_STATE_WORLD_FIELDS, KQ_WORLD_FILE_MAX + 16384);
KQ_RECORD_DEFINE(hsm_state_trusted, NULL, 1, HSM_STATE_TRUSTED_FIELDS, 256);
KQ_RECORD_DEFINE(hsm_state_peer, NULL, 1, HSM_STATE_PEER_FIELDS, 32);
KQ_RECORD_DEFINE(hsm_state_attempts, NULL, 1, HSM_STATE_ATTEMPTS_FIELDS, 64);
KQ_RECORD_DEFINE(hsm_state_counter, NULL, 1, HSM_STATE_COUNTER_FIELDS, 64);
KQ_RECORD_DEFINE(hsm_state_outcome, NULL, 1, HSM_STATE_OUTCOME_FIELDS, 121000);

#define SEAL_LABEL "keyquay/state"
#define LIST_ITEM_MAX 122000u

static struct kq_slice slice32(const uint8_t bytes[32])
{
    return kq_slice_of(bytes, 32);
}

/* ---- encoding ---- */

/* Encodes one list: the item at index i of *from, by put_item. */
typedef void put_item(const struct hsm_state *state, size_t index, struct kq_writer *writer);

static void put_list(const struct hsm_state *state, size_t num, put_item *put, struct kq_writer *items,
                     struct kq_list *out)
{
    kq_writer_init(items, 1048576);
    for (size_t i = 0; i < num; i++) {
        KQ_AUTO_VALUE(kq_writer) item;
        kq_writer_init(&item, LIST_ITEM_MAX);
        put(state, i, &item);
        if (item.failure != KQ_OK)
            items->failure = item.failure;
        kq_list_put(items, kq_buffer_slice(&item.buffer));
    }
    *out = (struct kq_list){kq_buffer_slice(&items->buffer), num};
}

static void put_trusted(const struct hsm_trusted *trusted, struct kq_writer *writer)
{
    hsm_state_trusted_put(&(struct hsm_state_trusted){.hash = slice32(trusted->hash),
                                                      .label = kq_slice_text(trusted->label),
                                                      .is_rehearsal = trusted->is_rehearsal,
                                                      .generation = trusted->generation,
                                                      .since = trusted->since},
                          writer);
}

static void put_root(const struct hsm_state *state, size_t index, struct kq_writer *writer)
{
    put_trusted(&state->roots[index], writer);
}

static void put_world_trusted(const struct hsm_state *state, size_t index, struct kq_writer *writer)
{
    put_trusted(&state->worlds[index], writer);
}

static void put_former_world(const struct hsm_state *state, size_t index, struct kq_writer *writer)
{
    put_trusted(&state->former_worlds[index], writer);
}

static void put_peer(const struct hsm_state *state, size_t index, struct kq_writer *writer)
{
    const struct hsm_peer *peer = &state->peers[index];
    hsm_state_peer_put(&(struct hsm_state_peer){.uid = peer->uid, .roles = peer->roles}, writer);
}

static void put_attempts(const struct hsm_state *state, size_t index, struct kq_writer *writer)
{
    const struct hsm_card_attempts *attempts = &state->attempts[index];
    hsm_state_attempts_put(&(struct hsm_state_attempts){.card_set = kq_slice_of(attempts->card_set, 16),
                                                        .index = attempts->index,
                                                        .failures = attempts->failures,
                                                        .last_s = attempts->last_s},
                           writer);
}

static void put_counter(const struct hsm_state *state, size_t index, struct kq_writer *writer)
{
    const struct hsm_use_counter *counter = &state->counters[index];
    hsm_state_counter_put(&(struct hsm_state_counter){.id = kq_slice_of(counter->id, 20), .used = counter->used},
                          writer);
}

static void put_outcome(const struct hsm_state *state, size_t index, struct kq_writer *writer)
{
    const struct hsm_outcome *outcome = &state->outcomes[index];
    hsm_state_outcome_put(&(struct hsm_state_outcome){.request_id = kq_slice_of(outcome->request_id, KQ_REQUEST_ID_LEN),
                                                      .params_hash = slice32(outcome->params_hash),
                                                      .op = outcome->op,
                                                      .uid = outcome->uid,
                                                      .audit_index = outcome->audit_index,
                                                      .results = kq_buffer_slice(&outcome->results)},
                          writer);
}

/* The hash of the index-th set bit of the record count. */
static size_t level_of(uint64_t num_records, size_t index)
{
    for (; index > 0; index--)
        num_records &= num_records - 1;
    return (size_t)__builtin_ctzll(num_records);
}

static size_t num_levels(uint64_t num_records)
{
    return (size_t)__builtin_popcountll(num_records);
}

static void put_level(const struct hsm_state *state, size_t index, struct kq_writer *writer)
{
    kq_writer_bytes(writer, slice32(state->audit.level[level_of(state->audit.num_records, index)]));
}

static kq_status put_world(const struct hsm_world *world, struct kq_writer *writer)
{
    KQ_AUTO_VALUE(kq_buffer) knso;
    kq_buffer_init(&knso, KQ_PRIVATE_MAX);
    if (world->knso != NULL)
        KQ_TRY(hsm_key_bytes(world->knso, &knso));
    hsm_state_world_put(
        &(struct hsm_state_world){.kind = (uint64_t)world->kind,
                                  .suite = kq_slice_text(world->suite),
                                  .hknso = slice32(world->hknso),
                                  .hkm = slice32(world->hkm),
                                  .km = slice32(world->km),
                                  .hkre = world->has_recovery ? slice32(world->hkre) : KQ_SLICE_EMPTY,
                                  .card_set = kq_slice_of(world->card_set, 16),
                                  .quorum = world->quorum,
                                  .num_cards = world->num_cards,
                                  .quorum_check = slice32(world->quorum_check),
                                  .commitments = kq_buffer_slice(&world->commitments),
                                  .world_file = kq_buffer_slice(&world->world_file),
                                  .knso_type = world->knso == NULL ? 0 : (uint64_t)hsm_key_type(world->knso),
                                  .knso = kq_buffer_slice(&knso)},
        writer);
    return writer->failure;
}

/* The parts of a state that need storage of their own while it is encoded. */
struct parts {
    struct kq_buffer module_key;
    struct kq_buffer factory_root;
    struct kq_writer world;
    struct kq_writer roots, worlds, former_worlds, peers, attempts, counters, outcomes, levels;
};

static void parts_clear(struct parts *parts)
{
    struct kq_writer *const writers[] = {&parts->world,         &parts->roots,    &parts->worlds,
                                         &parts->former_worlds, &parts->peers,    &parts->attempts,
                                         &parts->counters,      &parts->outcomes, &parts->levels};
    kq_buffer_clear(&parts->module_key);
    kq_buffer_clear(&parts->factory_root);
    for (size_t i = 0; i < KQ_COUNT_OF(writers); i++)
        kq_writer_clear(writers[i]);
}
KQ_AUTO_DEFINE_VALUE(parts);

static kq_status put_keys(const struct hsm_state *state, struct parts *parts)
{
    kq_buffer_init(&parts->module_key, KQ_PRIVATE_MAX);
    kq_buffer_init(&parts->factory_root, KQ_PRIVATE_MAX);
    kq_writer_init(&parts->world, KQ_WORLD_FILE_MAX + 16384);
    KQ_TRY(hsm_key_bytes(state->module_key, &parts->module_key));
    if (state->factory_root != NULL)
        KQ_TRY(hsm_key_bytes(state->factory_root, &parts->factory_root));
    return (int)state->world.kind == 0 ? KQ_OK : put_world(&state->world, &parts->world);
}

static kq_status state_put(const struct hsm_state *state, struct kq_writer *writer)
{
    KQ_AUTO_VALUE(parts) parts = {0};
    KQ_TRY(put_keys(state, &parts));
    struct hsm_state_record record = {
        .esn = kq_slice_text(state->esn),
        .module_key = kq_buffer_slice(&parts.module_key),
        .warrant = kq_buffer_slice(&state->warrant),
        .root = kq_buffer_slice(&state->root),
        .world = kq_buffer_slice(&parts.world.buffer),
        .factory_root = kq_buffer_slice(&parts.factory_root),
        .factory_root_certificate = kq_buffer_slice(&state->factory_root_certificate),
        .audit_num_records = state->audit.num_records,
        .audit_pending = kq_buffer_slice(&state->audit_pending),
        .audit_log_len = state->audit_log_len,
    };
    put_list(state, state->num_roots, put_root, &parts.roots, &record.roots);
    put_list(state, state->num_worlds, put_world_trusted, &parts.worlds, &record.worlds);
    put_list(state, state->num_former_worlds, put_former_world, &parts.former_worlds, &record.former_worlds);
    put_list(state, state->num_peers, put_peer, &parts.peers, &record.peers);
    put_list(state, state->num_attempts, put_attempts, &parts.attempts, &record.attempts);
    put_list(state, state->num_counters, put_counter, &parts.counters, &record.counters);
    put_list(state, state->num_outcomes, put_outcome, &parts.outcomes, &record.outcomes);
    put_list(state, num_levels(state->audit.num_records), put_level, &parts.levels, &record.audit_levels);
    const struct kq_writer *const lists[] = {&parts.roots,    &parts.worlds,   &parts.former_worlds, &parts.peers,
                                             &parts.attempts, &parts.counters, &parts.outcomes,      &parts.levels};
    for (size_t i = 0; i < KQ_COUNT_OF(lists); i++)
        KQ_TRY(lists[i]->failure);
    hsm_state_record_put(&record, writer);
    return writer->failure;
}

kq_status hsm_state_seal(const struct hsm_state *state, struct kq_slice device_key, struct kq_buffer *out)
{
    uint8_t salt[32];
    hsm_random(salt, sizeof salt);
    struct kq_sealed_state file = {.esn = kq_slice_text(state->esn), .salt = kq_slice_of(salt, sizeof salt)};
    KQ_AUTO_VALUE(kq_writer) aad;
    kq_writer_init(&aad, 256);
    kq_sealed_state_put(&file, &aad);
    KQ_TRY(aad.failure);
    KQ_AUTO_VALUE(kq_writer) plain;
    kq_writer_init(&plain, hsm_state_record_type.max_len);
    KQ_TRY(state_put(state, &plain));
    KQ_AUTO_VALUE(kq_buffer) sealed;
    kq_buffer_init(&sealed, KQ_SEALED_STATE_MAX);
    KQ_TRY(hsm_seal(device_key, file.salt, SEAL_LABEL, kq_buffer_slice(&aad.buffer), kq_buffer_slice(&plain.buffer),
                    &sealed));
    file.sealed = kq_buffer_slice(&sealed);
    KQ_AUTO_VALUE(kq_writer) whole;
    kq_writer_init(&whole, KQ_SEALED_STATE_MAX);
    kq_sealed_state_put(&file, &whole);
    KQ_TRY(whole.failure);
    kq_buffer_clear(out);
    *out = whole.buffer;
    whole.buffer = (struct kq_buffer){0};
    return KQ_OK;
}

/* ---- decoding ---- */

static kq_status take_bytes(struct kq_slice from, struct kq_buffer *out)
{
    kq_buffer_init(out, from.len > KQ_WORLD_FILE_MAX ? from.len : KQ_WORLD_FILE_MAX);
    return kq_buffer_append(out, from.data, from.len);
}

static kq_status get_trusted(struct kq_list list, struct hsm_trusted *out, size_t *out_num)
{
    struct kq_slice item;
    for (*out_num = 0; kq_list_next(&list, &item); (*out_num)++) {
        struct hsm_state_trusted record;
        KQ_TRY(hsm_state_trusted_get(item, &record, NULL));
        struct hsm_trusted *trusted = &out[*out_num];
        memcpy(trusted->hash, record.hash.data, sizeof trusted->hash);
        memcpy(trusted->label, record.label.data, record.label.len);
        trusted->is_rehearsal = record.is_rehearsal == 1;
        trusted->generation = record.generation;
        trusted->since = record.since;
    }
    return KQ_OK;
}

static kq_status get_peers(struct kq_list list, struct hsm_state *out)
{
    struct kq_slice item;
    while (kq_list_next(&list, &item)) {
        struct hsm_state_peer record;
        KQ_TRY(hsm_state_peer_get(item, &record, NULL));
        out->peers[out->num_peers++] = (struct hsm_peer){(uint32_t)record.uid, (uint32_t)record.roles};
    }
    return KQ_OK;
}

static kq_status get_attempts(struct kq_list list, struct hsm_state *out)
{
    struct kq_slice item;
    while (kq_list_next(&list, &item)) {
        struct hsm_state_attempts record;
        KQ_TRY(hsm_state_attempts_get(item, &record, NULL));
        struct hsm_card_attempts *attempts = &out->attempts[out->num_attempts++];
        memcpy(attempts->card_set, record.card_set.data, sizeof attempts->card_set);
        attempts->index = (uint32_t)record.index;
        attempts->failures = (uint32_t)record.failures;
        attempts->last_s = record.last_s;
    }
    return KQ_OK;
}

static kq_status get_counters(struct kq_list list, struct hsm_state *out)
{
    struct kq_slice item;
    while (kq_list_next(&list, &item)) {
        struct hsm_state_counter record;
        KQ_TRY(hsm_state_counter_get(item, &record, NULL));
        struct hsm_use_counter *counter = &out->counters[out->num_counters++];
        memcpy(counter->id, record.id.data, sizeof counter->id);
        counter->used = record.used;
    }
    return KQ_OK;
}

static kq_status get_outcomes(struct kq_list list, struct hsm_state *out)
{
    struct kq_slice item;
    while (kq_list_next(&list, &item)) {
        struct hsm_state_outcome record;
        KQ_TRY(hsm_state_outcome_get(item, &record, NULL));
        struct hsm_outcome *outcome = &out->outcomes[out->num_outcomes++];
        memcpy(outcome->request_id, record.request_id.data, sizeof outcome->request_id);
        memcpy(outcome->params_hash, record.params_hash.data, sizeof outcome->params_hash);
        outcome->op = (uint32_t)record.op;
        outcome->uid = (uint32_t)record.uid;
        outcome->audit_index = record.audit_index;
        KQ_TRY(take_bytes(record.results, &outcome->results));
    }
    return KQ_OK;
}

static kq_status get_audit(const struct hsm_state_record *record, struct hsm_state *out)
{
    struct kq_list list = record->audit_levels;
    out->audit.num_records = record->audit_num_records;
    if (list.num != num_levels(record->audit_num_records))
        return KQ_ERR_FORMAT;
    struct kq_slice hash;
    for (size_t i = 0; kq_list_next(&list, &hash); i++) {
        if (hash.len != 32)
            return KQ_ERR_FORMAT;
        memcpy(out->audit.level[level_of(record->audit_num_records, i)], hash.data, 32);
    }
    out->audit_log_len = record->audit_log_len;
    return take_bytes(record->audit_pending, &out->audit_pending);
}

static kq_status get_world(struct kq_slice encoded, struct hsm_world *out)
{
    struct hsm_state_world record;
    if (encoded.len == 0)
        return KQ_OK;
    KQ_TRY(hsm_state_world_get(encoded, &record, NULL));
    out->kind = (enum kq_world_kind)record.kind;
    memcpy(out->suite, record.suite.data, record.suite.len);
    memcpy(out->hknso, record.hknso.data, sizeof out->hknso);
    memcpy(out->hkm, record.hkm.data, sizeof out->hkm);
    memcpy(out->km, record.km.data, sizeof out->km);
    out->has_recovery = record.hkre.len == sizeof out->hkre;
    if (out->has_recovery)
        memcpy(out->hkre, record.hkre.data, sizeof out->hkre);
    memcpy(out->card_set, record.card_set.data, sizeof out->card_set);
    out->quorum = (uint32_t)record.quorum;
    out->num_cards = (uint32_t)record.num_cards;
    memcpy(out->quorum_check, record.quorum_check.data, sizeof out->quorum_check);
    KQ_TRY(take_bytes(record.commitments, &out->commitments));
    KQ_TRY(take_bytes(record.world_file, &out->world_file));
    if (record.knso_type == 0)
        return KQ_OK;
    return hsm_key_open((enum kq_key_type)record.knso_type, record.knso, &out->knso);
}

static kq_status get_lists(const struct hsm_state_record *record, struct hsm_state *out)
{
    KQ_TRY(get_trusted(record->roots, out->roots, &out->num_roots));
    KQ_TRY(get_trusted(record->worlds, out->worlds, &out->num_worlds));
    KQ_TRY(get_trusted(record->former_worlds, out->former_worlds, &out->num_former_worlds));
    KQ_TRY(get_peers(record->peers, out));
    KQ_TRY(get_attempts(record->attempts, out));
    KQ_TRY(get_counters(record->counters, out));
    return get_outcomes(record->outcomes, out);
}

static kq_status state_get(struct kq_slice plain, struct hsm_state *out)
{
    struct hsm_state_record record;
    KQ_TRY(hsm_state_record_get(plain, &record, NULL));
    memcpy(out->esn, record.esn.data, KQ_ESN_LEN);
    KQ_TRY(hsm_key_open(KQ_KEY_EC_P384, record.module_key, &out->module_key));
    if (record.factory_root.len > 0)
        KQ_TRY(hsm_key_open(KQ_KEY_EC_P384, record.factory_root, &out->factory_root));
    KQ_TRY(take_bytes(record.warrant, &out->warrant));
    KQ_TRY(take_bytes(record.root, &out->root));
    KQ_TRY(take_bytes(record.factory_root_certificate, &out->factory_root_certificate));
    KQ_TRY(get_world(record.world, &out->world));
    KQ_TRY(get_lists(&record, out));
    return get_audit(&record, out);
}

kq_status hsm_state_unseal(struct kq_slice sealed_state, struct kq_slice device_key, struct hsm_state **out)
{
    struct kq_sealed_state file;
    KQ_TRY(kq_sealed_state_get(sealed_state, &file, NULL));
    struct kq_sealed_state bare = {.esn = file.esn, .salt = file.salt};
    KQ_AUTO_VALUE(kq_writer) aad;
    kq_writer_init(&aad, 256);
    kq_sealed_state_put(&bare, &aad);
    KQ_TRY(aad.failure);
    KQ_AUTO_VALUE(kq_buffer) plain;
    kq_buffer_init(&plain, KQ_SEALED_STATE_MAX);
    KQ_TRY(hsm_unseal(device_key, file.salt, SEAL_LABEL, kq_buffer_slice(&aad.buffer), file.sealed, &plain));
    KQ_AUTO(hsm_state) state = kq_memory_new(sizeof *state);
    if (state == NULL)
        return KQ_ERR_MEMORY;
    *state = (struct hsm_state){0};
    KQ_TRY(state_get(kq_buffer_slice(&plain), state));
    *out = KQ_TAKE(state);
    return KQ_OK;
}
