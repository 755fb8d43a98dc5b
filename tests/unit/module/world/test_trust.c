#include "unit.h"

#include "harness/ceremony.h"
#include "module/world/suites.h"
#include "module/world/trust.h"

static const struct fake_world owner = {KQ_WORLD_OWNER, "ECp521mAES", 1, 1, false};

struct fixture {
    struct fake_module module;
    struct fake_cards cards;
    struct kq_buffer world_file;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fake_clock_set(FAKE_NOW);
    fake_module_init(&fixture->module, ceremony_tables);
    ceremony_make_world(&fixture->module, &owner, &fixture->cards, &fixture->world_file);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    fake_module_clear(&fixture->module);
    fake_cards_clear(&fixture->cards);
    kq_buffer_clear(&fixture->world_file);
    free(fixture);
    return 0;
}

static size_t list(struct fixture *fixture, enum kq_trust_list which, struct kq_trust_entry *out_last)
{
    const struct kq_trust_list_request request = {.list = which};
    struct kq_trust_list_reply reply;
    assert_ok(fake_module_call(&fixture->module, KQ_OP_TRUST_LIST, &request, &reply));
    size_t num = reply.entries.num;
    struct kq_slice item;
    while (kq_list_next(&reply.entries, &item))
        assert_ok(kq_trust_entry_get(item, out_last, NULL));
    return num;
}

static void trust_change__added__is_listed_with_its_facts(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t hash[32] = {1};
    struct kq_trust_entry entry = {.rehearsal = 0};
    ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_ROOTS, KQ_TRUST_ADD, hash, true);
    assert_int_equal(list(fixture, KQ_TRUST_ROOTS, &entry), 1);
    assert_slice_equal(entry.hash, kq_slice_of(hash, 32));
    assert_true(kq_slice_is_text(entry.label, "by ceremony"));
    assert_int_equal(entry.rehearsal, 1);
    assert_int_equal(entry.since, FAKE_NOW);
    assert_int_equal(list(fixture, KQ_TRUST_WORLDS, &entry), 0);
}

static void trust_change__added_twice__stands_once(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t hash[32] = {1};
    struct kq_trust_entry entry;
    ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_WORLDS, KQ_TRUST_ADD, hash, false);
    fixture->module.state->worlds[0].generation = 5;
    ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_WORLDS, KQ_TRUST_ADD, hash, false);
    assert_int_equal(list(fixture, KQ_TRUST_WORLDS, &entry), 1);
    assert_int_equal(entry.generation, 5); /* what was seen stays seen */
}

static void trust_change__removed__leaves_the_others(void **state)
{
    struct fixture *fixture = *state;
    struct kq_trust_entry entry;
    for (uint8_t i = 1; i <= 3; i++) {
        const uint8_t hash[32] = {i};
        ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_ROOTS, KQ_TRUST_ADD, hash, false);
    }
    static const uint8_t second[32] = {2};
    static const uint8_t third[32] = {3};
    ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_ROOTS, KQ_TRUST_REMOVE, second, false);
    assert_int_equal(list(fixture, KQ_TRUST_ROOTS, &entry), 2);
    assert_slice_equal(entry.hash, kq_slice_of(third, 32));
    assert_null(hsm_state_find_root(fixture->module.state, second));
}

static void trust_change__world_removed_and_added_again__newest_generation_seen_stays_known(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t hash[32] = {1};
    struct kq_trust_entry entry;
    ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_WORLDS, KQ_TRUST_ADD, hash, false);
    fixture->module.state->worlds[0].generation = 5;
    ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_WORLDS, KQ_TRUST_REMOVE, hash, false);
    assert_int_equal(list(fixture, KQ_TRUST_WORLDS, &entry), 0); /* nothing is trusted by being remembered */
    assert_null(hsm_state_find_world(fixture->module.state, hash));
    assert_int_equal(hsm_state_generation_seen(fixture->module.state, hash), 5);
    ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_WORLDS, KQ_TRUST_ADD, hash, false);
    assert_int_equal(list(fixture, KQ_TRUST_WORLDS, &entry), 1);
    assert_int_equal(entry.generation, 5);
    assert_int_equal(fixture->module.state->num_former_worlds, 0);
}

static void trust_remove__more_worlds_than_are_remembered__forgets_the_oldest(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_state *draft = fixture->module.state;
    for (uint32_t i = 0; i <= HSM_TRUSTED_MAX; i++) {
        const struct hsm_trusted entry = {.hash = {(uint8_t)i, 1}};
        assert_ok(hsm_trust_add(draft, KQ_TRUST_WORLDS, &entry));
        hsm_state_find_world(draft, entry.hash)->generation = i + 1;
        assert_ok(hsm_trust_remove(draft, KQ_TRUST_WORLDS, entry.hash));
    }
    static const uint8_t first[32] = {0, 1};
    static const uint8_t second[32] = {1, 1};
    static const uint8_t last[32] = {HSM_TRUSTED_MAX, 1};
    assert_int_equal(draft->num_former_worlds, HSM_TRUSTED_MAX);
    assert_int_equal(hsm_state_generation_seen(draft, first), 0);
    assert_int_equal(hsm_state_generation_seen(draft, second), 2);
    assert_int_equal(hsm_state_generation_seen(draft, last), HSM_TRUSTED_MAX + 1);
}

static void trust_change__without_quorum_or_absent__is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t hash[32] = {1};
    const struct kq_trust_change_request request = {
        .list = KQ_TRUST_ROOTS, .change = KQ_TRUST_REMOVE, .hash = kq_slice_of(hash, sizeof hash)};
    assert_status(fake_module_call(&fixture->module, KQ_OP_TRUST_CHANGE, &request, NULL), KQ_ERR_QUORUM);
    ceremony_authorise(&fixture->module, KQ_OP_TRUST_CHANGE, &request, KQ_SLICE_EMPTY, &fixture->cards);
    assert_status(fake_module_call(&fixture->module, KQ_OP_TRUST_CHANGE, &request, NULL), KQ_ERR_NOT_FOUND);
}

static void trust_add__list_full__is_too_large(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < HSM_TRUSTED_MAX; i++) {
        const struct hsm_trusted entry = {.hash = {(uint8_t)i, 1}};
        assert_ok(hsm_trust_add(fixture->module.state, KQ_TRUST_ROOTS, &entry));
    }
    const struct hsm_trusted entry = {.hash = {0xff, 2}};
    assert_status(hsm_trust_add(fixture->module.state, KQ_TRUST_ROOTS, &entry), KQ_ERR_TOO_LARGE);
    assert_int_equal(fixture->module.state->num_roots, HSM_TRUSTED_MAX);
}

static void suite_allows_key__sp800_131a__refuses_what_is_not_approved(void **state)
{
    (void)state;
    static const char strict[] = "DLf3072s256mAEScSP800131Ar1";
    assert_false(hsm_suite_allows_key(strict, KQ_KEY_EC_SECP256K1, 256));
    assert_false(hsm_suite_allows_key(strict, KQ_KEY_RSA, 1024));
    assert_true(hsm_suite_allows_key(strict, KQ_KEY_RSA, 2048));
    assert_true(hsm_suite_allows_key(strict, KQ_KEY_EC_P256, 256));
    assert_true(hsm_suite_allows_key("DLf3072s256mRijndael", KQ_KEY_EC_SECP256K1, 256));
    assert_false(hsm_suite_allows_key("unknown", KQ_KEY_RSA, 2048));
}

#define TRUST_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
UNIT_MAIN(TRUST_TEST(trust_change__added__is_listed_with_its_facts), TRUST_TEST(trust_change__added_twice__stands_once),
          TRUST_TEST(trust_change__removed__leaves_the_others),
          TRUST_TEST(trust_change__world_removed_and_added_again__newest_generation_seen_stays_known),
          TRUST_TEST(trust_remove__more_worlds_than_are_remembered__forgets_the_oldest),
          TRUST_TEST(trust_change__without_quorum_or_absent__is_refused),
          TRUST_TEST(trust_add__list_full__is_too_large),
          cmocka_unit_test(suite_allows_key__sp800_131a__refuses_what_is_not_approved))
