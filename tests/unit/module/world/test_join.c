#include "unit.h"

#include "harness/ceremony.h"
#include "module/seal/blob.h"
#include "module/world/statement.h"
#include "wire/join.h"

static const struct fake_world region = {KQ_WORLD_REGION, "ECp521mAES", 2, 2, false};

struct fixture {
    struct fake_factory factory;
    struct fake_module member;
    struct fake_module newcomer;
    struct fake_cards cards;
    struct kq_buffer world_file;
    struct kq_buffer request;   /* the newcomer's */
    struct kq_buffer admission; /* the member's, for that */
};

static void copy(struct kq_buffer *out, struct kq_slice bytes)
{
    kq_buffer_clear(out);
    kq_buffer_init(out, KQ_PACKAGE_MAX);
    assert_ok(kq_buffer_append(out, bytes.data, bytes.len));
}

static kq_status admit(struct fixture *fixture, struct kq_slice request, struct kq_file *out)
{
    const struct kq_file params = {.file = request};
    ceremony_authorise(&fixture->member, KQ_OP_WORLD_ADMIT, &params, KQ_SLICE_EMPTY, &fixture->cards);
    return fake_module_call(&fixture->member, KQ_OP_WORLD_ADMIT, &params, out);
}

static kq_status join(struct fake_module *module, struct kq_slice admission)
{
    const struct kq_file params = {.file = admission};
    return fake_module_call(module, KQ_OP_WORLD_JOIN, &params, NULL);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fake_clock_set(FAKE_NOW);
    ceremony_factory(&fixture->factory, false);
    fake_module_init(&fixture->member, ceremony_tables);
    fake_module_init(&fixture->newcomer, ceremony_tables);
    ceremony_enrol(&fixture->factory, &fixture->member);
    ceremony_enrol(&fixture->factory, &fixture->newcomer);
    ceremony_make_world(&fixture->member, &region, &fixture->cards, &fixture->world_file);
    struct kq_file file;
    assert_ok(fake_module_call(&fixture->newcomer, KQ_OP_WORLD_JOIN_REQUEST, NULL, &file));
    copy(&fixture->request, file.file);
    assert_ok(admit(fixture, kq_buffer_slice(&fixture->request), &file));
    copy(&fixture->admission, file.file);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    fake_factory_clear(&fixture->factory);
    fake_module_clear(&fixture->member);
    fake_module_clear(&fixture->newcomer);
    fake_cards_clear(&fixture->cards);
    kq_buffer_clear(&fixture->world_file);
    kq_buffer_clear(&fixture->request);
    kq_buffer_clear(&fixture->admission);
    free(fixture);
    return 0;
}

static void world_join__admitted__shares_km_knso_and_cards(void **state)
{
    struct fixture *fixture = *state;
    uint8_t root_hash[32];
    ceremony_root_hash(&fixture->factory.root, root_hash);
    assert_ok(join(&fixture->newcomer, kq_buffer_slice(&fixture->admission)));
    const struct hsm_world *own = &fixture->newcomer.state->world;
    const struct hsm_world *theirs = &fixture->member.state->world;
    assert_int_equal(own->kind, KQ_WORLD_REGION);
    assert_memory_equal(own->km, theirs->km, 32);
    assert_memory_equal(own->hknso, theirs->hknso, 32);
    assert_slice_equal(hsm_key_public(own->knso), hsm_key_public(theirs->knso));
    assert_slice_equal(kq_buffer_slice(&own->world_file), kq_buffer_slice(&theirs->world_file));
    assert_non_null(hsm_state_find_root(fixture->newcomer.state, root_hash));
    static const uint8_t hash[32] = {8};
    ceremony_trust(&fixture->newcomer, &fixture->cards, KQ_TRUST_ROOTS, KQ_TRUST_ADD, hash, false);
}

/* The largest secrets: a DSA key carries its parameters. */
static void world_join__dsa_suite__fits_the_admission(void **state)
{
    struct fixture *fixture = *state;
    static const struct fake_world dsa = {KQ_WORLD_REGION, "DLf3072s256mRijndael", 1, 1, false};
    struct kq_file file;
    ceremony_make_world(&fixture->member, &dsa, &fixture->cards, &fixture->world_file);
    assert_ok(admit(fixture, kq_buffer_slice(&fixture->request), &file));
    assert_ok(join(&fixture->newcomer, file.file));
    assert_memory_equal(fixture->newcomer.state->world.km, fixture->member.state->world.km, 32);
}

static void world_admit__without_quorum__is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct kq_file params = {.file = kq_buffer_slice(&fixture->request)};
    assert_status(fake_module_call(&fixture->member, KQ_OP_WORLD_ADMIT, &params, NULL), KQ_ERR_QUORUM);
}

static void world_admit__root_not_on_the_list__is_untrusted(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_factory) other = {.root = {0}};
    KQ_AUTO_VALUE(fake_module) stranger = {0};
    ceremony_factory(&other, false);
    fake_module_init(&stranger, ceremony_tables);
    ceremony_enrol(&other, &stranger);
    struct kq_file file;
    assert_ok(fake_module_call(&stranger, KQ_OP_WORLD_JOIN_REQUEST, NULL, &file));
    assert_status(admit(fixture, file.file, NULL), KQ_ERR_UNTRUSTED);
}

static void world_admit__request_changed__is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (size_t at = 0; at < fixture->request.len; at += 29) {
        fixture->request.data[at] ^= 4;
        assert_int_not_equal(admit(fixture, kq_buffer_slice(&fixture->request), NULL), KQ_OK);
        fixture->request.data[at] ^= 4;
    }
}

static void world_join__admission_changed__is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (size_t at = 0; at < fixture->admission.len; at += 29) {
        fixture->admission.data[at] ^= 4;
        assert_int_not_equal(join(&fixture->newcomer, kq_buffer_slice(&fixture->admission)), KQ_OK);
        fixture->admission.data[at] ^= 4;
    }
    assert_int_equal(fixture->newcomer.state->world.kind, 0);
    assert_ok(join(&fixture->newcomer, kq_buffer_slice(&fixture->admission)));
}

/* Signed by the module itself, but in another one's name. */
static void world_admit__esn_is_not_the_warrants__is_a_mismatch(void **state)
{
    struct fixture *fixture = *state;
    struct kq_join_request_file file;
    struct kq_join_request body;
    struct kq_signed statement;
    KQ_AUTO_VALUE(kq_buffer) resigned = {0};
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_join_request_file_get(kq_buffer_slice(&fixture->request), &file, NULL));
    assert_ok(kq_signed_get(file.statement, &statement, NULL));
    assert_ok(kq_join_request_get(statement.body, &body, NULL));
    body.esn = kq_slice_text("0000-0000-0000");
    assert_ok(hsm_sign_record(fixture->newcomer.state->module_key, &kq_join_request_type, &body, &resigned));
    file.statement = kq_buffer_slice(&resigned);
    assert_ok(hsm_encode(&kq_join_request_file_type, &file, &bytes));
    assert_status(admit(fixture, kq_buffer_slice(&bytes), NULL), KQ_ERR_MISMATCH);
}

enum admission_lie { LIE_ESN, LIE_HKNSO };

/* The admission with one fact changed, signed by the member all the same. */
static kq_status join_with_lie(struct fixture *fixture, enum admission_lie lie)
{
    static const uint8_t other_hash[32] = {0xab};
    struct kq_join_admission_file file;
    struct kq_join_admission body;
    struct kq_signed statement;
    KQ_AUTO_VALUE(kq_buffer) resigned = {0};
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_join_admission_file_get(kq_buffer_slice(&fixture->admission), &file, NULL));
    assert_ok(kq_signed_get(file.statement, &statement, NULL));
    assert_ok(kq_join_admission_get(statement.body, &body, NULL));
    if (lie == LIE_ESN)
        body.esn = kq_slice_text("0000-0000-0000");
    else
        body.hknso = kq_slice_of(other_hash, sizeof other_hash);
    assert_ok(hsm_sign_record(fixture->member.state->module_key, &kq_join_admission_type, &body, &resigned));
    file.statement = kq_buffer_slice(&resigned);
    assert_ok(hsm_encode(&kq_join_admission_file_type, &file, &bytes));
    return join(&fixture->newcomer, kq_buffer_slice(&bytes));
}

static void world_join__admission_names_another_esn__is_a_mismatch(void **state)
{
    assert_status(join_with_lie(*state, LIE_ESN), KQ_ERR_MISMATCH);
}

static void world_join__admission_names_another_world__is_a_mismatch(void **state)
{
    assert_status(join_with_lie(*state, LIE_HKNSO), KQ_ERR_MISMATCH);
}

static void world_join__another_modules_admission__is_refused(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) third = {0};
    fake_module_init(&third, ceremony_tables);
    ceremony_enrol(&fixture->factory, &third);
    assert_status(join(&third, kq_buffer_slice(&fixture->admission)), KQ_ERR_MISMATCH);
}

static void world_join__member_of_another_root__is_untrusted(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_factory) other = {.root = {0}};
    KQ_AUTO_VALUE(fake_module) stranger = {0};
    ceremony_factory(&other, false);
    fake_module_init(&stranger, ceremony_tables);
    ceremony_enrol(&other, &stranger);
    assert_status(join(&stranger, kq_buffer_slice(&fixture->admission)), KQ_ERR_UNTRUSTED);
}

static void world_join__no_warrant_or_world_loaded__is_refused(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) bare = {0};
    fake_module_init(&bare, ceremony_tables);
    assert_status(fake_module_call(&bare, KQ_OP_WORLD_JOIN_REQUEST, NULL, NULL), KQ_ERR_STATE);
    assert_status(join(&bare, kq_buffer_slice(&fixture->admission)), KQ_ERR_STATE);
    assert_status(join(&fixture->member, kq_buffer_slice(&fixture->admission)), KQ_ERR_STATE);
}

#define JOIN_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
UNIT_MAIN(JOIN_TEST(world_admit__esn_is_not_the_warrants__is_a_mismatch),
          JOIN_TEST(world_join__admission_names_another_esn__is_a_mismatch),
          JOIN_TEST(world_join__admission_names_another_world__is_a_mismatch),
          JOIN_TEST(world_join__admitted__shares_km_knso_and_cards),
          JOIN_TEST(world_join__dsa_suite__fits_the_admission), JOIN_TEST(world_admit__without_quorum__is_refused),
          JOIN_TEST(world_admit__root_not_on_the_list__is_untrusted),
          JOIN_TEST(world_admit__request_changed__is_refused), JOIN_TEST(world_join__admission_changed__is_refused),
          JOIN_TEST(world_join__another_modules_admission__is_refused),
          JOIN_TEST(world_join__member_of_another_root__is_untrusted),
          JOIN_TEST(world_join__no_warrant_or_world_loaded__is_refused))
