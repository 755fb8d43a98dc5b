#include "unit.h"

#include "base/memory.h"
#include "harness/ceremony.h"
#include "module/cards/quorum.h"
#include "module/seal/blob.h"
#include "module/world/create.h"
#include "module/world/file.h"
#include "module/world/rows.h"
#include "module/world/statement.h"
#include "module/world/suites.h"
#include "pubcrypto/public_key.h"
#include "trust/acl.h"

static const struct fake_world owner = {KQ_WORLD_OWNER, "ECp521mAES", 2, 3, true};
static const struct fake_world region = {KQ_WORLD_REGION, "ECp521mAES", 2, 3, false};

struct fixture {
    struct fake_module module;
    struct fake_cards cards;
    struct kq_buffer world_file;
};

static int new_module(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fake_clock_set(FAKE_NOW);
    fake_module_init(&fixture->module, ceremony_tables);
    *state = fixture;
    return 0;
}

static int new_owner(void **state)
{
    new_module(state);
    struct fixture *fixture = *state;
    ceremony_make_world(&fixture->module, &owner, &fixture->cards, &fixture->world_file);
    return 0;
}

static int drop(void **state)
{
    struct fixture *fixture = *state;
    fake_module_clear(&fixture->module);
    fake_cards_clear(&fixture->cards);
    kq_buffer_clear(&fixture->world_file);
    free(fixture);
    return 0;
}

static struct kq_world_create_begin_request begin_request(const struct fake_world *world)
{
    return (struct kq_world_create_begin_request){
        .kind = world->kind,
        .suite = kq_slice_text(world->suite),
        .quorum = world->quorum,
        .num_cards = world->num_cards,
        .recovery = world->has_recovery,
    };
}

static kq_status begin(struct fixture *fixture, const struct kq_world_create_begin_request *request)
{
    return fake_module_call(&fixture->module, KQ_OP_WORLD_CREATE_BEGIN, request, NULL);
}

/* ---- making ----------------------------------------------------------------------------- */

static void world_create__owner__file_says_what_the_state_holds(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_world_facts facts;
    const char *why = "";
    uint8_t hkm[32];
    ceremony_make_world(&fixture->module, &owner, &fixture->cards, &fixture->world_file);
    const struct hsm_world *world = &fixture->module.state->world;
    assert_ok(hsm_world_file_read(kq_buffer_slice(&fixture->world_file), &facts, &why));
    assert_memory_equal(facts.hknso, world->hknso, 32);
    assert_memory_equal(facts.hkre, world->hkre, 32);
    hsm_km_hash(world->km, hkm);
    assert_memory_equal(world->hkm, hkm, 32);
    assert_slice_equal(facts.binding.hkm, kq_slice_of(hkm, 32));
    assert_int_equal(world->kind, KQ_WORLD_OWNER);
    assert_true(world->has_recovery);
    assert_null(world->knso);
    assert_true(facts.file.sealed.len > 0);
    assert_slice_equal(kq_buffer_slice(&world->world_file), kq_buffer_slice(&fixture->world_file));
}

static void world_create__region__keeps_knso_in_the_module_and_nothing_in_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_world_facts facts;
    const char *why = "";
    ceremony_make_world(&fixture->module, &region, &fixture->cards, &fixture->world_file);
    assert_ok(hsm_world_file_read(kq_buffer_slice(&fixture->world_file), &facts, &why));
    assert_int_equal(facts.file.sealed.len, 0);
    assert_int_equal(facts.binding.recovery_public.len, 0);
    assert_non_null(fixture->module.state->world.knso);
    assert_slice_equal(hsm_key_public(fixture->module.state->world.knso), facts.binding.knso_public);
}

static void suite_find__each_suite__means_its_key_types(void **state)
{
    (void)state;
    static const struct hsm_suite expected[] = {
        {"DLf1024s160mRijndael", KQ_KEY_DSA, 1024, KQ_KEY_RSA, 3072, HSM_SUITE_WEAK},
        {"DLf3072s256mRijndael", KQ_KEY_DSA, 3072, KQ_KEY_RSA, 3072, 0},
        {"DLf3072s256mAEScSP800131Ar1", KQ_KEY_DSA, 3072, KQ_KEY_RSA, 3072, HSM_SUITE_APPROVED_ONLY},
        {"ECp521mAES", KQ_KEY_EC_P521, 521, KQ_KEY_EC_P521, 521, 0},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct hsm_suite *suite = hsm_suite_find(kq_slice_text(expected[i].name));
        assert_non_null(suite);
        assert_int_equal(suite->knso_type, expected[i].knso_type);
        assert_int_equal(suite->knso_bits, expected[i].knso_bits);
        assert_int_equal(suite->recovery_type, expected[i].recovery_type);
        assert_int_equal(suite->recovery_bits, expected[i].recovery_bits);
        assert_int_equal(suite->flags, expected[i].flags);
    }
    assert_null(hsm_suite_find(kq_slice_text("DLf3072s256mDES3")));
}

/* The suite of the documents, made and loaded again. */
static void world_create__dsa_suite__has_dsa_knso_and_rsa_recovery(void **state)
{
    struct fixture *fixture = *state;
    static const struct fake_world world = {KQ_WORLD_OWNER, "DLf1024s160mRijndael", 1, 1, true};
    struct hsm_world_facts facts;
    const char *why = "";
    ceremony_make_world(&fixture->module, &world, &fixture->cards, &fixture->world_file);
    assert_string_equal(fixture->module.state->world.suite, "DLf1024s160mRijndael");
    assert_ok(hsm_world_file_read(kq_buffer_slice(&fixture->world_file), &facts, &why));
    KQ_AUTO(kq_public_key) knso = NULL;
    KQ_AUTO(kq_public_key) recovery = NULL;
    assert_ok(kq_public_key_new(facts.binding.knso_public, &knso));
    assert_ok(kq_public_key_new(facts.binding.recovery_public, &recovery));
    assert_int_equal(kq_public_key_type(knso), KQ_KEY_DSA);
    assert_int_equal(kq_public_key_bits(knso), 1024);
    assert_int_equal(kq_public_key_type(recovery), KQ_KEY_RSA);
    assert_int_equal(kq_public_key_bits(recovery), 3072);
    KQ_AUTO_VALUE(fake_module) second = {0};
    fake_module_init(&second, ceremony_tables);
    const struct kq_world_program_request request = {.world_file = kq_buffer_slice(&fixture->world_file)};
    ceremony_authorise(&second, KQ_OP_WORLD_PROGRAM, &request, request.world_file, &fixture->cards);
    assert_ok(fake_module_call(&second, KQ_OP_WORLD_PROGRAM, &request, NULL));
    assert_memory_equal(second.state->world.km, fixture->module.state->world.km, 32);
}

static void world_create_begin__bad_requests__are_refused_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct kq_world_create_begin_request request = begin_request(&owner);
    request.suite = kq_slice_text("DLf9999");
    assert_status(begin(fixture, &request), KQ_ERR_ARGUMENT);
    assert_non_null(strstr(fixture->module.detail, "suite"));
    request = begin_request(&owner);
    request.quorum = 4;
    assert_status(begin(fixture, &request), KQ_ERR_ARGUMENT);
    assert_non_null(strstr(fixture->module.detail, "quorum"));
    request = begin_request(&region);
    request.suite = kq_slice_text("DLf1024s160mRijndael");
    assert_status(begin(fixture, &request), KQ_ERR_UNSUPPORTED);
    request = begin_request(&region);
    request.recovery = 1;
    assert_status(begin(fixture, &request), KQ_ERR_UNSUPPORTED);
    static const uint8_t hash[32] = {1};
    request = begin_request(&owner);
    request.replaces_hknso = kq_slice_of(hash, sizeof hash);
    assert_status(begin(fixture, &request), KQ_ERR_STATE);
    assert_null(fixture->module.creation);
}

static void world_create_begin__over_a_loaded_world__needs_its_hknso(void **state)
{
    struct fixture *fixture = *state;
    struct kq_world_create_begin_request request = begin_request(&owner);
    uint8_t hknso[32];
    memcpy(hknso, fixture->module.state->world.hknso, sizeof hknso);
    assert_status(begin(fixture, &request), KQ_ERR_STATE);
    hknso[0] ^= 1;
    request.replaces_hknso = kq_slice_of(hknso, sizeof hknso);
    assert_status(begin(fixture, &request), KQ_ERR_MISMATCH);
    hknso[0] ^= 1;
    assert_ok(begin(fixture, &request));
}

static void world_create_commit__cards_missing__keeps_the_former_world(void **state)
{
    struct fixture *fixture = *state;
    struct kq_world_create_begin_request request = begin_request(&owner);
    uint8_t hknso[32];
    memcpy(hknso, fixture->module.state->world.hknso, sizeof hknso);
    request.replaces_hknso = kq_slice_of(hknso, sizeof hknso);
    struct kq_world_create_begin_reply begun;
    assert_ok(fake_module_call(&fixture->module, KQ_OP_WORLD_CREATE_BEGIN, &request, &begun));
    const struct kq_world_create_commit_request commit = {.creation = begun.creation};
    assert_status(fake_module_call(&fixture->module, KQ_OP_WORLD_CREATE_COMMIT, &commit, NULL), KQ_ERR_STATE);
    assert_memory_equal(fixture->module.state->world.hknso, hknso, sizeof hknso);
    fake_module_reconnect(&fixture->module);
    assert_status(fake_module_call(&fixture->module, KQ_OP_WORLD_CREATE_COMMIT, &commit, NULL), KQ_ERR_NOT_FOUND);
}

/* ---- restoring ---------------------------------------------------------------------------- */

static kq_status program(struct fake_module *module, const struct fixture *from, struct kq_slice world_file)
{
    const struct kq_world_program_request request = {.world_file = world_file};
    ceremony_authorise(module, KQ_OP_WORLD_PROGRAM, &request, world_file, &from->cards);
    return fake_module_call(module, KQ_OP_WORLD_PROGRAM, &request, NULL);
}

static void world_program__on_a_second_module__restores_km_and_the_world(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) second = {0};
    fake_module_init(&second, ceremony_tables);
    assert_ok(program(&second, fixture, kq_buffer_slice(&fixture->world_file)));
    const struct hsm_world *first = &fixture->module.state->world;
    assert_memory_equal(second.state->world.km, first->km, 32);
    assert_memory_equal(second.state->world.hknso, first->hknso, 32);
    assert_memory_equal(second.state->world.hkm, first->hkm, 32);
    assert_memory_equal(second.state->world.hkre, first->hkre, 32);
    assert_string_not_equal(second.state->esn, fixture->module.state->esn);
}

/* The same KNSO and recovery key come out on either module. */
static void world_open_secrets__under_quorum__gives_the_keys_the_binding_names(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_world_facts facts;
    const char *why = "";
    assert_ok(hsm_world_file_read(kq_buffer_slice(&fixture->world_file), &facts, &why));
    const struct kq_key_recover_request params = {.recovery_blob = kq_slice_text("x"), .place = kq_slice_text("y")};
    uint8_t hash[32];
    fake_params_hash(KQ_OP_KEY_RECOVER, &params, hash);
    ceremony_authorise(&fixture->module, KQ_OP_KEY_RECOVER, &params, KQ_SLICE_EMPTY, &fixture->cards);
    struct hsm_call call;
    KQ_AUTO_VALUE(hsm_world_secrets) secrets = {0};
    fake_call_begin(&fixture->module, &call, KQ_OP_KEY_RECOVER);
    assert_status(hsm_world_open_secrets(&call, &secrets), KQ_ERR_QUORUM);
    assert_ok(hsm_quorum_take(&call, fixture->module.authority, hash));
    assert_ok(hsm_world_open_secrets(&call, &secrets));
    fake_call_end(&fixture->module, &call, KQ_OK);
    fixture->module.authority = 0;
    assert_slice_equal(hsm_key_public(secrets.knso), facts.binding.knso_public);
    assert_slice_equal(hsm_key_public(secrets.recovery), facts.binding.recovery_public);
    assert_memory_equal(secrets.km, fixture->module.state->world.km, 32);
}

/* True if the byte belongs to what the seal protects rather than the binding's signature. */
static bool is_under_the_seal(const struct hsm_world_facts *facts, const uint8_t *byte)
{
    const struct kq_slice parts[] = {facts->file.commitments, facts->file.quorum_check, facts->file.salt,
                                     facts->file.sealed};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (byte >= parts[i].data && byte < parts[i].data + parts[i].len)
            return true;
    }
    return false;
}

static void world_file_read__any_byte_changed__is_refused_unless_the_seal_covers_it(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_world_facts facts;
    const char *why = "";
    uint8_t *bytes = fixture->world_file.data;
    for (size_t at = 0; at < fixture->world_file.len; at++) {
        bytes[at] ^= (uint8_t)(1u << (at % 8));
        if (hsm_world_file_read(kq_buffer_slice(&fixture->world_file), &facts, &why) == KQ_OK)
            assert_true(is_under_the_seal(&facts, bytes + at));
        else
            assert_string_not_equal(why, "");
        bytes[at] ^= (uint8_t)(1u << (at % 8));
    }
}

static void world_file_read__truncated__is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (size_t len = 0; len < fixture->world_file.len; len += 7) {
        struct hsm_world_facts facts;
        const char *why = "";
        assert_status(hsm_world_file_read(kq_slice_of(fixture->world_file.data, len), &facts, &why), KQ_ERR_FORMAT);
    }
}

/* ---- files made by somebody who has a KNSO of his own ------------------------------------- */

struct odd_world {
    struct kq_world_binding binding;
    struct kq_slice sealed;
};

/* Signs the binding with its own key and puts the file around it. */
static kq_status read_odd_world(const struct hsm_key *knso, const struct odd_world *odd)
{
    static const uint8_t bytes[64] = {1};
    KQ_AUTO_VALUE(kq_buffer) binding = {0};
    KQ_AUTO_VALUE(kq_buffer) encoded = {0};
    assert_ok(hsm_sign_record(knso, &kq_world_binding_type, &odd->binding, &binding));
    const struct kq_world_file file = {
        .binding = kq_buffer_slice(&binding),
        .commitments = kq_slice_of(bytes, 32),
        .quorum_check = kq_slice_of(bytes, 32),
        .salt = kq_slice_of(bytes, 32),
        .sealed = odd->sealed,
    };
    assert_ok(hsm_encode(&kq_world_file_type, &file, &encoded));
    struct hsm_world_facts facts;
    const char *why = "";
    return hsm_world_file_read(kq_buffer_slice(&encoded), &facts, &why);
}

static void world_file_read__well_signed_nonsense__is_refused(void **state)
{
    (void)state;
    static const uint8_t bytes[32] = {1};
    KQ_AUTO(hsm_key) knso = NULL;
    assert_ok(hsm_key_generate(KQ_KEY_EC_P521, 521, 0, &knso));
    const struct odd_world good = {
        .binding = {.kind = KQ_WORLD_OWNER,
                    .suite = kq_slice_text("ECp521mAES"),
                    .knso_public = hsm_key_public(knso),
                    .hkm = kq_slice_of(bytes, 32),
                    .card_set = kq_slice_of(bytes, 16),
                    .quorum = 1,
                    .num_cards = 1},
        .sealed = kq_slice_of(bytes, 32),
    };
    assert_ok(read_odd_world(knso, &good));
    struct odd_world odd = good;
    odd.binding.suite = kq_slice_text("DLf3072s256mRijndael"); /* means DSA */
    assert_status(read_odd_world(knso, &odd), KQ_ERR_FORMAT);
    odd = good;
    odd.binding.suite = kq_slice_text("unknown");
    assert_status(read_odd_world(knso, &odd), KQ_ERR_FORMAT);
    odd = good;
    odd.binding.quorum = 2;
    assert_status(read_odd_world(knso, &odd), KQ_ERR_FORMAT);
    odd = good;
    odd.binding.num_cards = 2; /* one commitment */
    assert_status(read_odd_world(knso, &odd), KQ_ERR_FORMAT);
    odd = good;
    odd.binding.kind = KQ_WORLD_REGION; /* with something sealed */
    assert_status(read_odd_world(knso, &odd), KQ_ERR_FORMAT);
    odd = good;
    odd.sealed = KQ_SLICE_EMPTY;
    assert_status(read_odd_world(knso, &odd), KQ_ERR_FORMAT);
    odd.binding.kind = KQ_WORLD_REGION;
    odd.binding.recovery_public = hsm_key_public(knso);
    assert_status(read_odd_world(knso, &odd), KQ_ERR_FORMAT);
}

/* A file whose sealed part opens, but holds keys that the binding does not name. */
static void world_unseal__other_keys_inside__is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t card_secret[32] = {4};
    struct kq_slice secret = kq_slice_of(card_secret, sizeof card_secret);
    struct hsm_world_facts facts;
    const char *why = "";
    KQ_AUTO(hsm_key) other = NULL;
    assert_ok(hsm_key_generate(KQ_KEY_EC_P521, 521, 0, &other));
    assert_ok(hsm_world_file_read(kq_buffer_slice(&fixture->world_file), &facts, &why));
    for (int wrong = 0; wrong < 3; wrong++) {
        KQ_AUTO_VALUE(hsm_world_secrets) inside = {.knso = hsm_key_hold(other), .recovery = hsm_key_hold(other)};
        KQ_AUTO_VALUE(hsm_world_secrets) opened = {0};
        KQ_AUTO_VALUE(kq_buffer) sealed = {0};
        struct hsm_world_facts changed = facts;
        struct kq_world_binding *binding = &changed.binding;
        uint8_t hkm[32];
        hsm_km_hash(inside.km, hkm);
        binding->hkm = kq_slice_of(hkm, 32);
        binding->knso_public = hsm_key_public(other);
        binding->recovery_public = hsm_key_public(other);
        assert_ok(hsm_world_seal(&changed.file, secret, &inside, &sealed));
        changed.file.sealed = kq_buffer_slice(&sealed);
        struct kq_world_binding fitting = *binding;
        if (wrong == 0)
            binding->hkm = facts.binding.hkm;
        else if (wrong == 1)
            binding->knso_public = facts.binding.knso_public;
        else
            binding->recovery_public = facts.binding.recovery_public;
        assert_status(hsm_world_unseal(&changed, secret, &opened), KQ_ERR_FORMAT);
        *binding = fitting;
        assert_ok(hsm_world_unseal(&changed, secret, &opened));
    }
}

/* A secret that is not the file's, as if the quorum had been collected for another file. */
static void world_program__secret_of_other_cards__is_refused(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) second = {0};
    KQ_AUTO_VALUE(kq_writer) results = {0};
    fake_module_init(&second, ceremony_tables);
    kq_writer_init(&results, 120000);
    const struct kq_world_program_request request = {.world_file = kq_buffer_slice(&fixture->world_file)};
    struct hsm_call call;
    fake_call_begin(&second, &call, KQ_OP_WORLD_PROGRAM);
    call.has_quorum = true;
    uint8_t *secret = kq_memory_new(HSM_SECRET_LEN);
    memset(secret, 1, HSM_SECRET_LEN);
    call.quorum_secret = kq_slice_of(secret, HSM_SECRET_LEN);
    assert_ok(hsm_state_clone(second.state, &call.draft));
    assert_status(hsm_world_program_handler(&call, &request, &results), KQ_ERR_QUORUM);
    fake_call_end(&second, &call, KQ_ERR_QUORUM);
}

/* The true secret with a file that was changed behind the binding. */
static void world_unseal__commitment_salt_or_sealed_changed__does_not_open(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) second = {0};
    fake_module_init(&second, ceremony_tables);
    struct hsm_world_facts facts;
    const char *why = "";
    assert_ok(hsm_world_file_read(kq_buffer_slice(&fixture->world_file), &facts, &why));
    uint8_t *bytes = fixture->world_file.data;
    uint8_t *fields[] = {bytes + (facts.file.commitments.data + 64 - bytes), /* of the card that stays away */
                         bytes + (facts.file.salt.data - bytes), bytes + (facts.file.sealed.data - bytes)};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i] ^= 1;
        assert_status(program(&second, fixture, kq_buffer_slice(&fixture->world_file)), KQ_ERR_AUTH);
        assert_int_equal(second.state->world.kind, 0);
        *fields[i] ^= 1;
    }
    assert_ok(program(&second, fixture, kq_buffer_slice(&fixture->world_file)));
}

static void world_program__over_another_world__needs_its_hknso(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) second = {0};
    KQ_AUTO_VALUE(fake_cards) cards = {.num = 0};
    KQ_AUTO_VALUE(kq_buffer) world_file = {0};
    fake_module_init(&second, ceremony_tables);
    ceremony_make_world(&second, &owner, &cards, &world_file);
    assert_status(program(&second, fixture, kq_buffer_slice(&fixture->world_file)), KQ_ERR_STATE);
    uint8_t hknso[32];
    memcpy(hknso, second.state->world.hknso, sizeof hknso);
    const struct kq_world_program_request request = {.world_file = kq_buffer_slice(&fixture->world_file),
                                                     .replaces_hknso = kq_slice_of(hknso, sizeof hknso)};
    ceremony_authorise(&second, KQ_OP_WORLD_PROGRAM, &request, request.world_file, &fixture->cards);
    assert_ok(fake_module_call(&second, KQ_OP_WORLD_PROGRAM, &request, NULL));
    assert_memory_equal(second.state->world.hknso, fixture->module.state->world.hknso, 32);
}

static void world_program__regions_file__is_unsupported(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) second = {0};
    fake_module_init(&second, ceremony_tables);
    ceremony_make_world(&fixture->module, &region, &fixture->cards, &fixture->world_file);
    assert_status(program(&second, fixture, kq_buffer_slice(&fixture->world_file)), KQ_ERR_UNSUPPORTED);
}

/* ---- forgetting --------------------------------------------------------------------------- */

static void world_forget__names_the_loaded_world__leaves_nothing_of_it(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t root[32] = {3};
    uint8_t hknso[32];
    memcpy(hknso, fixture->module.state->world.hknso, sizeof hknso);
    ceremony_trust(&fixture->module, &fixture->cards, KQ_TRUST_ROOTS, KQ_TRUST_ADD, root, false);
    hknso[31] ^= 1;
    struct kq_world_forget_request request = {.hknso = kq_slice_of(hknso, sizeof hknso)};
    assert_status(fake_module_call(&fixture->module, KQ_OP_WORLD_FORGET, &request, NULL), KQ_ERR_MISMATCH);
    hknso[31] ^= 1;
    assert_ok(fake_module_call(&fixture->module, KQ_OP_WORLD_FORGET, &request, NULL));
    static const struct hsm_world none;
    assert_memory_equal(&fixture->module.state->world, &none, sizeof none);
    assert_int_equal(fixture->module.state->num_roots, 0);
    assert_status(fake_module_call(&fixture->module, KQ_OP_WORLD_FORGET, &request, NULL), KQ_ERR_STATE);
}

#define MODULE_TEST(test) cmocka_unit_test_setup_teardown(test, new_module, drop)
#define OWNER_TEST(test) cmocka_unit_test_setup_teardown(test, new_owner, drop)
UNIT_MAIN(MODULE_TEST(world_create__owner__file_says_what_the_state_holds),
          MODULE_TEST(world_create__region__keeps_knso_in_the_module_and_nothing_in_the_file),
          cmocka_unit_test(suite_find__each_suite__means_its_key_types),
          MODULE_TEST(world_create__dsa_suite__has_dsa_knso_and_rsa_recovery),
          MODULE_TEST(world_create_begin__bad_requests__are_refused_by_name),
          OWNER_TEST(world_create_begin__over_a_loaded_world__needs_its_hknso),
          OWNER_TEST(world_create_commit__cards_missing__keeps_the_former_world),
          OWNER_TEST(world_program__on_a_second_module__restores_km_and_the_world),
          OWNER_TEST(world_open_secrets__under_quorum__gives_the_keys_the_binding_names),
          OWNER_TEST(world_file_read__any_byte_changed__is_refused_unless_the_seal_covers_it),
          OWNER_TEST(world_file_read__truncated__is_refused),
          cmocka_unit_test(world_file_read__well_signed_nonsense__is_refused),
          OWNER_TEST(world_unseal__other_keys_inside__is_refused),
          OWNER_TEST(world_program__secret_of_other_cards__is_refused),
          OWNER_TEST(world_unseal__commitment_salt_or_sealed_changed__does_not_open),
          OWNER_TEST(world_program__over_another_world__needs_its_hknso),
          MODULE_TEST(world_program__regions_file__is_unsupported),
          OWNER_TEST(world_forget__names_the_loaded_world__leaves_nothing_of_it))
