#include "unit.h"

#include "harness/ceremony.h"
#include "module/cards/attempts.h"
#include "module/cards/quorum.h"

static const struct fake_world owner_2_of_3 = {KQ_WORLD_OWNER, "ECp521mAES", 2, 3, false};

struct fixture {
    struct fake_module module;
    struct fake_cards cards;
    struct kq_buffer world_file;
    struct kq_trust_change_request request; /* the act the tests authorise */
    uint8_t hash[32];
};

static int make_world(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fake_clock_set(FAKE_NOW);
    fake_module_init(&fixture->module, ceremony_tables);
    ceremony_make_world(&fixture->module, &owner_2_of_3, &fixture->cards, &fixture->world_file);
    fixture->request = (struct kq_trust_change_request){
        .list = KQ_TRUST_ROOTS, .change = KQ_TRUST_ADD, .hash = kq_slice_of(fixture->hash, sizeof fixture->hash)};
    *state = fixture;
    return 0;
}

static int drop_world(void **state)
{
    struct fixture *fixture = *state;
    fake_module_clear(&fixture->module);
    fake_cards_clear(&fixture->cards);
    kq_buffer_clear(&fixture->world_file);
    free(fixture);
    return 0;
}

static uint64_t begin(struct fixture *fixture, enum kq_op op, const void *params)
{
    uint8_t hash[32];
    fake_params_hash(op, params, hash);
    const struct kq_auth_begin_request request = {.op = op, .params_hash = kq_slice_of(hash, sizeof hash)};
    struct kq_auth_begin_reply reply;
    assert_ok(fake_module_call(&fixture->module, KQ_OP_AUTH_BEGIN, &request, &reply));
    assert_int_equal(reply.quorum, 2);
    assert_int_equal(reply.num_cards, 3);
    assert_int_equal(reply.expires_s, HSM_QUORUM_LIFETIME_S);
    return reply.authority;
}

static uint64_t begin_trust(struct fixture *fixture)
{
    return begin(fixture, KQ_OP_TRUST_CHANGE, &fixture->request);
}

static kq_status present(struct fixture *fixture, uint64_t authority, size_t at)
{
    struct kq_auth_card_reply reply;
    return ceremony_card(&fixture->module, authority, &fixture->cards, at, &reply);
}

static kq_status act(struct fixture *fixture, uint64_t authority)
{
    fixture->module.authority = authority;
    return fake_module_call(&fixture->module, KQ_OP_TRUST_CHANGE, &fixture->request, NULL);
}

static void quorum__k_cards_for_this_act__let_it_happen_once(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    struct kq_auth_card_reply reply;
    assert_ok(ceremony_card(&fixture->module, authority, &fixture->cards, 0, &reply));
    assert_int_equal(reply.index, 1);
    assert_int_equal(reply.num_missing, 1);
    assert_ok(ceremony_card(&fixture->module, authority, &fixture->cards, 2, &reply));
    assert_int_equal(reply.index, 3);
    assert_int_equal(reply.num_missing, 0);
    assert_ok(act(fixture, authority));
    assert_int_equal(fixture->module.state->num_roots, 1);
    assert_status(act(fixture, authority), KQ_ERR_QUORUM);
}

static void quorum__without_cards__is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_status(act(fixture, 0), KQ_ERR_QUORUM);
    assert_status(act(fixture, 12345), KQ_ERR_QUORUM);
}

static void quorum__another_number_than_the_pending_one__is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    assert_status(act(fixture, authority ^ 1), KQ_ERR_QUORUM);
    assert_ok(act(fixture, authority));
}

static void quorum__too_few_cards__is_refused_and_used_up(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_status(act(fixture, authority), KQ_ERR_QUORUM);
    assert_non_null(strstr(fixture->module.detail, "too few"));
    assert_status(present(fixture, authority, 1), KQ_ERR_NOT_FOUND);
    assert_int_equal(fixture->module.state->num_roots, 0);
}

static void quorum__other_parameters__is_refused_and_used_up(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    fixture->hash[0] ^= 1;
    assert_status(act(fixture, authority), KQ_ERR_QUORUM);
    fixture->hash[0] ^= 1;
    assert_status(act(fixture, authority), KQ_ERR_QUORUM);
}

static void quorum__other_operation__is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority =
        begin(fixture, KQ_OP_KEY_RECOVER,
              &(struct kq_key_recover_request){.recovery_blob = kq_slice_text("x"), .place = kq_slice_text("y")});
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    assert_status(act(fixture, authority), KQ_ERR_QUORUM);
    assert_non_null(strstr(fixture->module.detail, "another operation"));
}

static void quorum__after_ten_minutes__nothing_remains(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    fake_clock_advance(HSM_QUORUM_LIFETIME_S);
    assert_status(act(fixture, authority), KQ_ERR_QUORUM);
    authority = begin_trust(fixture);
    fake_clock_advance(HSM_QUORUM_LIFETIME_S - 1);
    assert_ok(present(fixture, authority, 0));
    fake_clock_advance(1);
    assert_status(present(fixture, authority, 1), KQ_ERR_EXPIRED);
    assert_status(present(fixture, authority, 1), KQ_ERR_NOT_FOUND);
}

static void quorum__in_another_session__is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    fake_module_reconnect(&fixture->module);
    assert_status(act(fixture, authority), KQ_ERR_QUORUM);
}

static void quorum__begun_anew__replaces_the_former(void **state)
{
    struct fixture *fixture = *state;
    uint64_t former = begin_trust(fixture);
    assert_ok(present(fixture, former, 0));
    uint64_t authority = begin_trust(fixture);
    assert_int_not_equal(former, authority);
    assert_status(present(fixture, former, 1), KQ_ERR_NOT_FOUND);
}

static void quorum__cancelled__is_gone(void **state)
{
    struct fixture *fixture = *state;
    const struct kq_auth_cancel_request cancel = {.authority = begin_trust(fixture)};
    assert_ok(fake_module_call(&fixture->module, KQ_OP_AUTH_CANCEL, &cancel, NULL));
    assert_status(present(fixture, cancel.authority, 0), KQ_ERR_NOT_FOUND);
    assert_status(fake_module_call(&fixture->module, KQ_OP_AUTH_CANCEL, &cancel, NULL), KQ_ERR_NOT_FOUND);
}

static void quorum__world_replaced_meanwhile__is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    KQ_AUTO_VALUE(fake_cards) cards = {.num = 0};
    KQ_AUTO_VALUE(kq_buffer) world_file = {0};
    ceremony_make_world(&fixture->module, &owner_2_of_3, &cards, &world_file);
    struct hsm_call call;
    uint8_t hash[32];
    fake_params_hash(KQ_OP_TRUST_CHANGE, &fixture->request, hash);
    fake_call_begin(&fixture->module, &call, KQ_OP_TRUST_CHANGE);
    assert_status(hsm_quorum_take(&call, authority, hash), KQ_ERR_QUORUM);
    assert_false(call.has_quorum);
    fake_call_end(&fixture->module, &call, KQ_ERR_QUORUM);
}

/* The world goes between taking the quorum and the act. */
static void quorum_recheck__world_replaced_after_take__is_refused(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO(hsm_state) replaced = NULL;
    uint8_t hash[32];
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    fake_params_hash(KQ_OP_TRUST_CHANGE, &fixture->request, hash);
    assert_ok(hsm_state_clone(fixture->module.state, &replaced));
    replaced->world.quorum_check[0] ^= 1;
    struct hsm_call call;
    fake_call_begin(&fixture->module, &call, KQ_OP_TRUST_CHANGE);
    assert_ok(hsm_quorum_recheck(&call)); /* nothing to ask yet */
    assert_ok(hsm_quorum_take(&call, authority, hash));
    assert_ok(hsm_quorum_recheck(&call));
    call.state = replaced;
    assert_status(hsm_quorum_recheck(&call), KQ_ERR_QUORUM);
    fake_call_end(&fixture->module, &call, KQ_ERR_QUORUM);
}

static void quorum__cards_of_another_world__are_foreign(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) other = {0};
    KQ_AUTO_VALUE(fake_cards) cards = {.num = 0};
    KQ_AUTO_VALUE(kq_buffer) world_file = {0};
    fake_module_init(&other, ceremony_tables);
    ceremony_make_world(&other, &owner_2_of_3, &cards, &world_file);
    uint64_t authority = begin_trust(fixture);
    struct kq_auth_card_reply reply;
    assert_status(ceremony_card(&fixture->module, authority, &cards, 0, &reply), KQ_ERR_MISMATCH);
    assert_non_null(strstr(fixture->module.detail, "another card set"));
}

/* The shares fit their commitments, and yet the secret is not the one the world was made with. */
static void quorum__rebuilt_secret_is_another__is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture->module.state->world.quorum_check[5] ^= 1;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_status(present(fixture, authority, 1), KQ_ERR_MISMATCH);
    assert_status(act(fixture, authority), KQ_ERR_QUORUM);
    assert_non_null(strstr(fixture->module.detail, "no such authority"));
}

static void quorum__same_card_twice__is_repeated(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 1));
    assert_status(present(fixture, authority, 1), KQ_ERR_EXISTS);
    assert_ok(present(fixture, authority, 2));
}

static void quorum__more_cards_than_needed__is_told(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    assert_status(present(fixture, authority, 2), KQ_ERR_STATE);
    assert_ok(act(fixture, authority));
}

static void quorum__wrong_passphrases__are_recorded_first_and_then_cost_time(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    fixture->cards.key[0][0] ^= 1;
    for (uint32_t i = 1; i <= HSM_FREE_FAILURES; i++) {
        assert_status(present(fixture, authority, 0), KQ_ERR_AUTH);
        assert_int_equal(fixture->module.num_changes, i);
        assert_int_equal(fixture->module.state->attempts[0].failures, i);
    }
    assert_status(present(fixture, authority, 0), KQ_ERR_WAIT);
    assert_int_equal(fixture->module.wait_ms, 1000);
    fixture->cards.key[0][0] ^= 1;
    assert_status(present(fixture, authority, 0), KQ_ERR_WAIT); /* the right one waits too */
    fake_clock_advance(1);
    assert_ok(present(fixture, authority, 0));
    assert_int_equal(fixture->module.state->num_attempts, 0);
}

static void quorum__attempt_cannot_be_recorded__card_is_not_tried(void **state)
{
    struct fixture *fixture = *state;
    uint64_t authority = begin_trust(fixture);
    fixture->module.change_fails = KQ_ERR_IO;
    assert_status(present(fixture, authority, 0), KQ_ERR_IO);
    fixture->cards.key[0][0] ^= 1;
    fixture->module.change_fails = KQ_ERR_IO;
    assert_status(present(fixture, authority, 0), KQ_ERR_IO); /* nor does a wrong passphrase say so */
    fixture->cards.key[0][0] ^= 1;
    assert_ok(present(fixture, authority, 0));
}

static void auth_begin__no_world__says_so(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_module) module = {0};
    fake_module_init(&module, ceremony_tables);
    uint8_t hash[32] = {0};
    struct kq_auth_begin_request request = {.op = KQ_OP_TRUST_CHANGE, .params_hash = kq_slice_of(hash, sizeof hash)};
    assert_status(fake_module_call(&module, KQ_OP_AUTH_BEGIN, &request, NULL), KQ_ERR_STATE);
    request.op = 255;
    assert_status(fake_module_call(&module, KQ_OP_AUTH_BEGIN, &request, NULL), KQ_ERR_ARGUMENT);
    request.op = KQ_OP_WORLD_PROGRAM;
    assert_status(fake_module_call(&module, KQ_OP_AUTH_BEGIN, &request, NULL), KQ_ERR_FORMAT);
}

/* ---- CARD_CHECK, CARD_CHANGE ------------------------------------------------------------ */

static kq_status check(struct fixture *fixture, struct kq_slice card, const uint8_t key[32])
{
    const struct kq_card_check_request request = {.card = card, .card_key = kq_slice_of(key, 32)};
    struct kq_card_reply reply;
    return fake_module_call(&fixture->module, KQ_OP_CARD_CHECK, &request, &reply);
}

static void card_check__right_and_wrong_passphrase__is_told(void **state)
{
    struct fixture *fixture = *state;
    struct kq_slice card = kq_buffer_slice(&fixture->cards.file[1]);
    assert_ok(check(fixture, card, fixture->cards.key[1]));
    assert_status(check(fixture, card, fixture->cards.key[0]), KQ_ERR_AUTH);
    assert_int_equal(fixture->module.state->num_attempts, 1);
}

static void card_change__new_passphrase__opens_with_it_alone(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t new_key[32] = {0x77};
    static const uint8_t new_salt[32] = {0x66};
    const struct kq_card_change_request request = {
        .card = kq_buffer_slice(&fixture->cards.file[0]),
        .card_key = kq_slice_of(fixture->cards.key[0], 32),
        .new_scrypt_log2_n = 18,
        .new_scrypt_r = 8,
        .new_scrypt_p = 1,
        .new_scrypt_salt = kq_slice_of(new_salt, sizeof new_salt),
        .new_card_key = kq_slice_of(new_key, sizeof new_key),
    };
    struct kq_card_reply reply;
    assert_ok(fake_module_call(&fixture->module, KQ_OP_CARD_CHANGE, &request, &reply));
    struct kq_card card;
    assert_ok(kq_card_get(reply.card, &card, NULL));
    assert_int_equal(card.revision, 2);
    assert_int_equal(card.scrypt_log2_n, 18);
    kq_buffer_clear(&fixture->cards.file[0]);
    assert_ok(kq_buffer_append(&fixture->cards.file[0], reply.card.data, reply.card.len));
    struct kq_slice changed = kq_buffer_slice(&fixture->cards.file[0]);
    assert_status(check(fixture, changed, fixture->cards.key[0]), KQ_ERR_AUTH);
    assert_ok(check(fixture, changed, new_key));
    memcpy(fixture->cards.key[0], new_key, sizeof new_key);
    uint64_t authority = begin_trust(fixture);
    assert_ok(present(fixture, authority, 0));
    assert_ok(present(fixture, authority, 1));
    assert_ok(act(fixture, authority));
}

static void card_change__wrong_passphrase__changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t bytes[32] = {1};
    const struct kq_card_change_request request = {
        .card = kq_buffer_slice(&fixture->cards.file[0]),
        .card_key = kq_slice_of(bytes, sizeof bytes),
        .new_scrypt_log2_n = 17,
        .new_scrypt_r = 8,
        .new_scrypt_p = 1,
        .new_scrypt_salt = kq_slice_of(bytes, sizeof bytes),
        .new_card_key = kq_slice_of(bytes, sizeof bytes),
    };
    assert_status(fake_module_call(&fixture->module, KQ_OP_CARD_CHANGE, &request, NULL), KQ_ERR_AUTH);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, make_world, drop_world)
UNIT_MAIN(WORLD_TEST(quorum__k_cards_for_this_act__let_it_happen_once), WORLD_TEST(quorum__without_cards__is_refused),
          WORLD_TEST(quorum__another_number_than_the_pending_one__is_refused),
          WORLD_TEST(quorum__too_few_cards__is_refused_and_used_up),
          WORLD_TEST(quorum__other_parameters__is_refused_and_used_up), WORLD_TEST(quorum__other_operation__is_refused),
          WORLD_TEST(quorum__after_ten_minutes__nothing_remains), WORLD_TEST(quorum__in_another_session__is_refused),
          WORLD_TEST(quorum__begun_anew__replaces_the_former), WORLD_TEST(quorum__cancelled__is_gone),
          WORLD_TEST(quorum__world_replaced_meanwhile__is_refused),
          WORLD_TEST(quorum_recheck__world_replaced_after_take__is_refused),
          WORLD_TEST(quorum__cards_of_another_world__are_foreign),
          WORLD_TEST(quorum__rebuilt_secret_is_another__is_refused), WORLD_TEST(quorum__same_card_twice__is_repeated),
          WORLD_TEST(quorum__more_cards_than_needed__is_told),
          WORLD_TEST(quorum__wrong_passphrases__are_recorded_first_and_then_cost_time),
          WORLD_TEST(quorum__attempt_cannot_be_recorded__card_is_not_tried),
          cmocka_unit_test(auth_begin__no_world__says_so), WORLD_TEST(card_check__right_and_wrong_passphrase__is_told),
          WORLD_TEST(card_change__new_passphrase__opens_with_it_alone),
          WORLD_TEST(card_change__wrong_passphrase__changes_nothing))
