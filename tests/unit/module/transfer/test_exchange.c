#include "unit.h"

#include "harness/ceremony.h"
#include "module/seal/blob.h"
#include "trust/acl.h"
#include "trust/chain.h"

struct fixture {
    struct fake_factory factory;
    struct fake_region region;
};
static struct fixture fixture;

static int set_up_all(void **state)
{
    (void)state;
    fake_clock_set(FAKE_NOW);
    ceremony_factory(&fixture.factory, false);
    ceremony_region(&fixture.factory, "NA-1", &fixture.region);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    fake_factory_clear(&fixture.factory);
    fake_region_clear(&fixture.region);
    return 0;
}

static struct kq_exchange_create_request request_of_generation(uint64_t generation)
{
    return (struct kq_exchange_create_request){
        .region = kq_slice_text("NA-1"),
        .operator_name = kq_slice_text("Test operator"),
        .vault_suffix = kq_slice_text(".vault.example"),
        .generation = generation,
        .bits = 2048,
        .not_after = FAKE_NOW + 1000,
    };
}

static kq_status create(const struct kq_exchange_create_request *request)
{
    ceremony_authorise(&fixture.region.module, KQ_OP_EXCHANGE_CREATE, request, KQ_SLICE_EMPTY, &fixture.region.cards);
    return fake_module_call(&fixture.region.module, KQ_OP_EXCHANGE_CREATE, request, NULL);
}

static void exchange_create__packages__pass_every_check(void **state)
{
    (void)state;
    struct kq_destination destination;
    struct kq_chain_report report;
    uint8_t root[32];
    const struct hsm_state *own = fixture.region.module.state;
    ceremony_root_hash(&fixture.factory.root, root);
    assert_ok(kq_chain_verify_packages(kq_buffer_slice(&fixture.region.kek_package),
                                       kq_buffer_slice(&fixture.region.world_package), FAKE_NOW, &destination,
                                       &report));
    assert_memory_equal(destination.root_hash, root, 32);
    assert_memory_equal(destination.hknso, own->world.hknso, 32);
    assert_string_equal(destination.esn, own->esn);
    assert_int_equal(destination.kek_bits, 2048);
    assert_int_equal(destination.region.generation, 1);
    assert_int_equal(destination.profile, KQ_PROFILE_KEYQUAY);
}

static void exchange_create__key__has_the_template_and_nothing_else(void **state)
{
    (void)state;
    const struct hsm_state *own = fixture.region.module.state;
    KQ_AUTO(hsm_loaded) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    const char *why = "";
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(
        hsm_blob_open(own, kq_buffer_slice(&fixture.region.blob), kq_buffer_slice(&fixture.region.place), &key, &why));
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, kq_slice_of(own->world.hkm, 32), &acl));
    assert_slice_equal(kq_buffer_slice(&key->acl), kq_buffer_slice(&acl));
}

/* Loaded like any other key, it may neither sign nor decrypt, cards or not. */
static void exchange_key__asked_to_decrypt_or_sign__is_denied(void **state)
{
    (void)state;
    struct fake_module *module = &fixture.region.module;
    const struct kq_key_load_request load = {.blob = kq_buffer_slice(&fixture.region.blob),
                                             .place = kq_buffer_slice(&fixture.region.place)};
    struct kq_key_load_reply loaded;
    static const uint8_t bytes[256];
    assert_ok(fake_module_call(module, KQ_OP_KEY_LOAD, &load, &loaded));
    const struct kq_crypt_request decrypt = {
        .handle = loaded.handle, .mechanism = KQ_MECH_RSA_OAEP_SHA256, .data = kq_slice_of(bytes, sizeof bytes)};
    const struct kq_sign_request sign = {
        .handle = loaded.handle, .mechanism = KQ_MECH_RSA_PKCS1_SHA256, .digest = kq_slice_of(bytes, 32)};
    assert_status(fake_module_call(module, KQ_OP_DECRYPT, &decrypt, NULL), KQ_ERR_DENIED);
    ceremony_authorise(module, KQ_OP_DECRYPT, &decrypt, KQ_SLICE_EMPTY, &fixture.region.cards);
    assert_status(fake_module_call(module, KQ_OP_DECRYPT, &decrypt, NULL), KQ_ERR_DENIED);
    assert_status(fake_module_call(module, KQ_OP_SIGN, &sign, NULL), KQ_ERR_DENIED);
}

static void exchange_create__without_quorum__is_refused(void **state)
{
    (void)state;
    const struct kq_exchange_create_request request = request_of_generation(2);
    assert_status(fake_module_call(&fixture.region.module, KQ_OP_EXCHANGE_CREATE, &request, NULL), KQ_ERR_QUORUM);
}

static void exchange_create__without_warrant__says_to_enrol(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_module) module = {0};
    KQ_AUTO_VALUE(fake_cards) cards = {.num = 0};
    KQ_AUTO_VALUE(kq_buffer) world_file = {0};
    static const struct fake_world world = {KQ_WORLD_REGION, "ECp521mAES", 1, 1, false};
    const struct kq_exchange_create_request request = request_of_generation(1);
    fake_module_init(&module, ceremony_tables);
    ceremony_make_world(&module, &world, &cards, &world_file);
    ceremony_authorise(&module, KQ_OP_EXCHANGE_CREATE, &request, KQ_SLICE_EMPTY, &cards);
    assert_status(fake_module_call(&module, KQ_OP_EXCHANGE_CREATE, &request, NULL), KQ_ERR_STATE);
    assert_non_null(strstr(module.detail, "enrol"));
}

static void exchange_create__bad_size_date_or_generation__is_refused(void **state)
{
    (void)state;
    struct kq_exchange_create_request request = request_of_generation(1);
    request.bits = 2049;
    assert_status(create(&request), KQ_ERR_ARGUMENT);
    request = request_of_generation(1);
    request.not_after = FAKE_NOW;
    assert_status(create(&request), KQ_ERR_ARGUMENT);
    hsm_state_find_world(fixture.region.module.state, fixture.region.module.state->world.hknso)->generation = 3;
    request = request_of_generation(2);
    assert_status(create(&request), KQ_ERR_ROLLBACK);
    uint8_t hknso[32]; /* the state that it stands in is replaced meanwhile */
    memcpy(hknso, fixture.region.module.state->world.hknso, sizeof hknso);
    ceremony_trust(&fixture.region.module, &fixture.region.cards, KQ_TRUST_WORLDS, KQ_TRUST_REMOVE, hknso, false);
    assert_status(create(&request), KQ_ERR_ROLLBACK); /* what was issued stays issued */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchange_create__packages__pass_every_check),
        cmocka_unit_test(exchange_create__key__has_the_template_and_nothing_else),
        cmocka_unit_test(exchange_key__asked_to_decrypt_or_sign__is_denied),
        cmocka_unit_test(exchange_create__without_quorum__is_refused),
        cmocka_unit_test(exchange_create__without_warrant__says_to_enrol),
        cmocka_unit_test(exchange_create__bad_size_date_or_generation__is_refused),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
