#include "unit.h"

#include <stdio.h>

#include "module/world/state.h"

static const uint8_t device_key[32] = {1, 2, 3};

static struct kq_slice key(void)
{
    return kq_slice_of(device_key, sizeof device_key);
}

static void fill_buffer(struct kq_buffer *buffer, const char *text)
{
    kq_buffer_init(buffer, 4096);
    assert_ok(kq_buffer_append(buffer, text, strlen(text)));
}

/* A state in which every part holds something. */
static struct hsm_state *make_full_state(void)
{
    struct hsm_state *state;
    assert_ok(hsm_state_new(1000, &state));
    fill_buffer(&state->warrant, "warrant");
    fill_buffer(&state->root, "root");
    state->world.kind = KQ_WORLD_REGION;
    snprintf(state->world.suite, sizeof state->world.suite, "ECp521mAES");
    memset(state->world.hknso, 1, 32);
    memset(state->world.hkm, 2, 32);
    memset(state->world.km, 3, 32);
    memset(state->world.hkre, 4, 32);
    state->world.has_recovery = true;
    memset(state->world.card_set, 5, 16);
    state->world.quorum = 2;
    state->world.num_cards = 3;
    memset(state->world.quorum_check, 6, 32);
    fill_buffer(&state->world.commitments, "commitments, 32 bytes for a card");
    fill_buffer(&state->world.world_file, "the world file");
    assert_ok(hsm_key_generate(KQ_KEY_EC_P521, 521, 0, &state->world.knso));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P384, 384, 0, &state->factory_root));
    fill_buffer(&state->factory_root_certificate, "certificate");
    state->roots[0] = (struct hsm_trusted){.hash = {7}, .label = "a root", .is_rehearsal = true, .since = 9};
    state->num_roots = 1;
    state->worlds[0] = (struct hsm_trusted){.hash = {8}, .label = "NA-1", .generation = 4, .since = 10};
    state->worlds[1] = (struct hsm_trusted){.hash = {9}, .label = "EU-1"};
    state->num_worlds = 2;
    state->former_worlds[0] = (struct hsm_trusted){.hash = {10}, .label = "JAPAN-1", .generation = 6, .since = 11};
    state->num_former_worlds = 1;
    state->peers[1] = (struct hsm_peer){2000, KQ_ROLE_USE};
    state->num_peers = 2;
    state->attempts[0] = (struct hsm_card_attempts){.card_set = {1}, .index = 2, .failures = 3, .last_s = 4};
    state->num_attempts = 1;
    state->counters[0] = (struct hsm_use_counter){.id = {1}, .used = 77};
    state->num_counters = 1;
    state->outcomes[0] =
        (struct hsm_outcome){.request_id = {1}, .params_hash = {2}, .op = 40, .uid = 6, .audit_index = 5};
    fill_buffer(&state->outcomes[0].results, "results");
    state->num_outcomes = 1;
    state->audit.num_records = 5; /* levels 0 and 2 */
    memset(state->audit.level[0], 1, 32);
    memset(state->audit.level[2], 2, 32);
    fill_buffer(&state->audit_pending, "frames");
    state->audit_log_len = 123456;
    return state;
}

static void assert_same_buffer(const struct kq_buffer *a, const struct kq_buffer *b)
{
    assert_slice_equal(kq_buffer_slice(a), kq_buffer_slice(b));
}

static void assert_same_key(const struct hsm_key *a, const struct hsm_key *b)
{
    assert_int_equal(hsm_key_type(a), hsm_key_type(b));
    assert_slice_equal(hsm_key_public(a), hsm_key_public(b));
}

static void assert_same_world(const struct hsm_world *a, const struct hsm_world *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->suite, b->suite);
    assert_memory_equal(a->hknso, b->hknso, 32);
    assert_memory_equal(a->hkm, b->hkm, 32);
    assert_memory_equal(a->km, b->km, 32);
    assert_memory_equal(a->hkre, b->hkre, 32);
    assert_int_equal(a->has_recovery, b->has_recovery);
    assert_memory_equal(a->card_set, b->card_set, 16);
    assert_int_equal(a->quorum, b->quorum);
    assert_int_equal(a->num_cards, b->num_cards);
    assert_memory_equal(a->quorum_check, b->quorum_check, 32);
    assert_same_buffer(&a->commitments, &b->commitments);
    assert_same_buffer(&a->world_file, &b->world_file);
    assert_same_key(a->knso, b->knso);
}

static void assert_same_state(const struct hsm_state *a, const struct hsm_state *b)
{
    assert_string_equal(a->esn, b->esn);
    assert_same_key(a->module_key, b->module_key);
    assert_same_key(a->factory_root, b->factory_root);
    assert_same_buffer(&a->warrant, &b->warrant);
    assert_same_buffer(&a->root, &b->root);
    assert_same_buffer(&a->factory_root_certificate, &b->factory_root_certificate);
    assert_same_world(&a->world, &b->world);
    assert_int_equal(a->num_roots, b->num_roots);
    assert_memory_equal(a->roots, b->roots, sizeof a->roots);
    assert_int_equal(a->num_worlds, b->num_worlds);
    assert_memory_equal(a->worlds, b->worlds, sizeof a->worlds);
    assert_int_equal(a->num_former_worlds, b->num_former_worlds);
    assert_memory_equal(a->former_worlds, b->former_worlds, sizeof a->former_worlds);
    assert_int_equal(a->num_peers, b->num_peers);
    assert_memory_equal(a->peers, b->peers, sizeof a->peers);
    assert_int_equal(a->num_attempts, b->num_attempts);
    assert_memory_equal(a->attempts, b->attempts, sizeof a->attempts);
    assert_int_equal(a->num_counters, b->num_counters);
    assert_memory_equal(a->counters, b->counters, sizeof a->counters);
    assert_int_equal(a->num_outcomes, b->num_outcomes);
    assert_memory_equal(a->outcomes[0].request_id, b->outcomes[0].request_id, KQ_REQUEST_ID_LEN);
    assert_memory_equal(a->outcomes[0].params_hash, b->outcomes[0].params_hash, 32);
    assert_int_equal(a->outcomes[0].op, b->outcomes[0].op);
    assert_int_equal(a->outcomes[0].uid, b->outcomes[0].uid);
    assert_int_equal(a->outcomes[0].audit_index, b->outcomes[0].audit_index);
    assert_same_buffer(&a->outcomes[0].results, &b->outcomes[0].results);
    assert_memory_equal(&a->audit, &b->audit, sizeof a->audit);
    assert_same_buffer(&a->audit_pending, &b->audit_pending);
    assert_int_equal(a->audit_log_len, b->audit_log_len);
}

static void seal__full_state__unseals_to_the_same(void **state)
{
    (void)state;
    KQ_AUTO(hsm_state) full = make_full_state();
    KQ_AUTO(hsm_state) back = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    assert_ok(hsm_state_seal(full, key(), &sealed));
    assert_ok(hsm_state_unseal(kq_buffer_slice(&sealed), key(), &back));
    assert_same_state(full, back);
}

static void seal__fresh_state__unseals_to_the_same_identity(void **state)
{
    (void)state;
    KQ_AUTO(hsm_state) fresh = NULL;
    KQ_AUTO(hsm_state) back = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    assert_ok(hsm_state_new(1234, &fresh));
    assert_ok(hsm_state_seal(fresh, key(), &sealed));
    assert_ok(hsm_state_unseal(kq_buffer_slice(&sealed), key(), &back));
    assert_string_equal(back->esn, fresh->esn);
    assert_int_equal(back->num_peers, 1);
    assert_int_equal(back->peers[0].uid, 1234);
    assert_int_equal(back->peers[0].roles, KQ_ROLE_USE | KQ_ROLE_ADMIN | KQ_ROLE_VAULT);
    assert_int_equal(back->world.kind, 0);
}

static void seal__twice__different_bytes(void **state)
{
    (void)state;
    KQ_AUTO(hsm_state) fresh = NULL;
    KQ_AUTO_VALUE(kq_buffer) one = {0};
    KQ_AUTO_VALUE(kq_buffer) two = {0};
    assert_ok(hsm_state_new(1, &fresh));
    assert_ok(hsm_state_seal(fresh, key(), &one));
    assert_ok(hsm_state_seal(fresh, key(), &two));
    assert_false(kq_slice_is_equal(kq_buffer_slice(&one), kq_buffer_slice(&two)));
}

static void unseal__any_bit_flipped__refused(void **state)
{
    (void)state;
    KQ_AUTO(hsm_state) fresh = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    assert_ok(hsm_state_new(1, &fresh));
    assert_ok(hsm_state_seal(fresh, key(), &sealed));
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        struct hsm_state *back = NULL;
        sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        kq_status status = hsm_state_unseal(kq_buffer_slice(&sealed), key(), &back);
        sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_null(back);
        assert_true(status == KQ_ERR_AUTH || status == KQ_ERR_FORMAT || status == KQ_ERR_VERSION);
    }
}

static void unseal__truncated_or_extended__refused(void **state)
{
    (void)state;
    KQ_AUTO(hsm_state) fresh = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    assert_ok(hsm_state_new(1, &fresh));
    assert_ok(hsm_state_seal(fresh, key(), &sealed));
    struct hsm_state *back = NULL;
    for (size_t len = 0; len < sealed.len; len++)
        assert_status(hsm_state_unseal(kq_slice_of(sealed.data, len), key(), &back), KQ_ERR_FORMAT);
    sealed.max += 1;
    assert_ok(kq_buffer_append(&sealed, "x", 1));
    assert_status(hsm_state_unseal(kq_buffer_slice(&sealed), key(), &back), KQ_ERR_FORMAT);
    assert_null(back);
}

static void unseal__other_device_key__refused(void **state)
{
    (void)state;
    static const uint8_t other[32] = {1, 2, 4};
    KQ_AUTO(hsm_state) fresh = NULL;
    KQ_AUTO(hsm_state) back = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    assert_ok(hsm_state_new(1, &fresh));
    assert_ok(hsm_state_seal(fresh, key(), &sealed));
    assert_status(hsm_state_unseal(kq_buffer_slice(&sealed), kq_slice_of(other, 32), &back), KQ_ERR_AUTH);
}

static void clone__then_changed__original_untouched(void **state)
{
    (void)state;
    KQ_AUTO(hsm_state) full = make_full_state();
    KQ_AUTO(hsm_state) copy = NULL;
    assert_ok(hsm_state_clone(full, &copy));
    assert_same_state(full, copy);
    copy->world.world_file.data[0] ^= 1;
    copy->outcomes[0].results.data[0] ^= 1;
    copy->audit_pending.data[0] ^= 1;
    assert_true(kq_slice_is_text(kq_buffer_slice(&full->world.world_file), "the world file"));
    assert_true(kq_slice_is_text(kq_buffer_slice(&full->outcomes[0].results), "results"));
    assert_true(kq_slice_is_text(kq_buffer_slice(&full->audit_pending), "frames"));
}

static void forget_world__full_state__identity_remains(void **state)
{
    (void)state;
    KQ_AUTO(hsm_state) full = make_full_state();
    static const uint8_t nothing[32];
    hsm_state_forget_world(full);
    assert_int_equal(full->world.kind, 0);
    assert_null(full->world.knso);
    assert_null(full->factory_root);
    assert_memory_equal(full->world.km, nothing, 32);
    assert_int_equal(full->num_roots + full->num_worlds + full->num_attempts + full->num_counters, 0);
    assert_int_equal(full->num_outcomes, 0);
    assert_int_equal(full->num_peers, 2);
    assert_int_equal(full->audit.num_records, 5);
    assert_non_null(full->module_key);
    assert_true(kq_slice_is_text(kq_buffer_slice(&full->warrant), "warrant"));
}

static void find__known_and_unknown_hash__entry_or_null(void **state)
{
    (void)state;
    KQ_AUTO(hsm_state) full = make_full_state();
    assert_ptr_equal(hsm_state_find_root(full, full->roots[0].hash), &full->roots[0]);
    assert_ptr_equal(hsm_state_find_world(full, full->worlds[1].hash), &full->worlds[1]);
    assert_null(hsm_state_find_root(full, full->worlds[1].hash));
}

UNIT_MAIN(cmocka_unit_test(seal__full_state__unseals_to_the_same),
          cmocka_unit_test(seal__fresh_state__unseals_to_the_same_identity),
          cmocka_unit_test(seal__twice__different_bytes), cmocka_unit_test(unseal__any_bit_flipped__refused),
          cmocka_unit_test(unseal__truncated_or_extended__refused), cmocka_unit_test(unseal__other_device_key__refused),
          cmocka_unit_test(clone__then_changed__original_untouched),
          cmocka_unit_test(forget_world__full_state__identity_remains),
          cmocka_unit_test(find__known_and_unknown_hash__entry_or_null))
