#include "unit.h"

#include "harness/ceremony.h"
#include "module/seal/blob.h"
#include "module/world/statement.h"
#include "trust/acl.h"
#include "trust/chain.h"

/* Two regions of one manufacturer and an owner of the same; each test begins with a fresh copy of the owner's state. */
struct fixture {
    struct fake_factory factory;
    struct fake_region na;
    struct fake_region eu;
    struct fake_owner owner;
    struct hsm_state *fresh;
    uint8_t root[32];
    uint8_t na_world[32];
};
static struct fixture fixture;

static int set_up_all(void **state)
{
    (void)state;
    fake_clock_set(FAKE_NOW);
    ceremony_factory(&fixture.factory, false);
    ceremony_region(&fixture.factory, "NA-1", &fixture.na);
    ceremony_region(&fixture.factory, "EU-1", &fixture.eu);
    ceremony_owner(&fixture.factory, KQ_KEY_EC_P256, 256, &fixture.owner);
    assert_ok(hsm_state_clone(fixture.owner.module.state, &fixture.fresh));
    ceremony_root_hash(&fixture.factory.root, fixture.root);
    memcpy(fixture.na_world, fixture.na.module.state->world.hknso, 32);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    fake_factory_clear(&fixture.factory);
    fake_region_clear(&fixture.na);
    fake_region_clear(&fixture.eu);
    fake_owner_clear(&fixture.owner);
    hsm_state_free(fixture.fresh);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    fake_clock_set(FAKE_NOW);
    hsm_state_free(fixture.owner.module.state);
    return hsm_state_clone(fixture.fresh, &fixture.owner.module.state) == KQ_OK ? 0 : -1;
}

static struct kq_transfer_copy_request typed_request(void)
{
    struct kq_transfer_copy_request request = ceremony_copy_request(&fixture.owner, &fixture.na);
    request.trust_root = kq_slice_of(fixture.root, 32);
    request.trust_world = kq_slice_of(fixture.na_world, 32);
    return request;
}

/* The act fails so, its words contain the text, and nothing was learned from it. */
static void assert_refused(const struct kq_transfer_copy_request *request, kq_status expected, const char *words)
{
    assert_status(ceremony_try_copy(&fixture.owner, request), expected);
    assert_non_null(strstr(fixture.owner.module.detail, words));
    assert_int_equal(fixture.owner.module.state->num_roots, 0);
    assert_int_equal(fixture.owner.module.state->num_worlds, 0);
}

static void transfer_copy__hashes_typed__makes_the_template_and_learns_them(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    assert_ok(ceremony_try_copy(&fixture.owner, &request));
    struct hsm_state *after = fixture.owner.module.state;
    KQ_AUTO(hsm_loaded) copy = NULL;
    const char *why = "";
    assert_ok(hsm_blob_open(after, kq_buffer_slice(&fixture.owner.copy_blob),
                            kq_buffer_slice(&fixture.owner.copy_place), &copy, &why));
    assert_slice_equal(hsm_key_public(copy->key), kq_buffer_slice(&fixture.owner.public_key));
    assert_int_equal(copy->origin, KQ_ORIGIN_GENERATED);

    struct kq_destination destination;
    struct kq_chain_report report;
    assert_ok(kq_chain_verify_packages(request.kek_package, request.world_package, FAKE_NOW, &destination, &report));
    const struct kq_acl_transfer transfer = {
        .profile = KQ_PROFILE_KEYQUAY,
        .payload_template = 1,
        .kek_hash = kq_slice_of(destination.kek_hash, 32),
        .target_hknso = kq_slice_of(destination.hknso, 32),
        .not_after = request.not_after,
    };
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(kq_acl_transfer_copy(&transfer, &acl));
    assert_slice_equal(kq_buffer_slice(&copy->acl), kq_buffer_slice(&acl));

    assert_non_null(hsm_state_find_root(after, fixture.root));
    const struct hsm_trusted *world = hsm_state_find_world(after, fixture.na_world);
    assert_non_null(world);
    assert_int_equal(world->generation, 1);
    assert_string_equal(world->label, "NA-1");
    request = ceremony_copy_request(&fixture.owner, &fixture.na);
    assert_ok(ceremony_try_copy(&fixture.owner, &request)); /* known from now on */
}

static void transfer_copy__certificate__names_the_copy_and_its_acl(void **state)
{
    (void)state;
    const struct kq_transfer_copy_request request = typed_request();
    struct kq_key_reply reply;
    ceremony_authorise(&fixture.owner.module, KQ_OP_TRANSFER_COPY, &request, KQ_SLICE_EMPTY, &fixture.owner.cards);
    assert_ok(fake_module_call(&fixture.owner.module, KQ_OP_TRANSFER_COPY, &request, &reply));
    struct kq_slice body;
    struct kq_keygen keygen;
    struct kq_key_blob blob;
    assert_ok(kq_signed_verify(reply.certificate, hsm_key_public(fixture.owner.module.state->module_key), &body));
    assert_ok(kq_keygen_get(body, &keygen, NULL));
    assert_ok(kq_key_blob_get(reply.blob, &blob, NULL));
    assert_slice_equal(keygen.acl, blob.acl);
    assert_slice_equal(keygen.place, blob.place);
    assert_slice_equal(keygen.public_key, reply.public_key);
}

static void transfer_copy__without_quorum__is_refused(void **state)
{
    (void)state;
    const struct kq_transfer_copy_request request = typed_request();
    assert_status(fake_module_call(&fixture.owner.module, KQ_OP_TRANSFER_COPY, &request, NULL), KQ_ERR_QUORUM);
    assert_int_equal(fixture.owner.module.state->num_roots, 0);
}

static void transfer_copy__root_or_world_not_typed__is_untrusted(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    request.trust_root = KQ_SLICE_EMPTY;
    assert_refused(&request, KQ_ERR_UNTRUSTED, "root trusted: ");
    request = typed_request();
    request.trust_world = KQ_SLICE_EMPTY;
    assert_refused(&request, KQ_ERR_UNTRUSTED, "world trusted: ");
}

static void transfer_copy__other_hash_typed__is_a_mismatch(void **state)
{
    (void)state;
    static const uint8_t other[32] = {1};
    struct kq_transfer_copy_request request = typed_request();
    request.trust_root = kq_slice_of(other, 32);
    assert_refused(&request, KQ_ERR_MISMATCH, "root trusted: ");
    request = typed_request();
    request.trust_world = kq_slice_of(other, 32);
    assert_refused(&request, KQ_ERR_MISMATCH, "world trusted: ");
}

static void transfer_copy__root_distrusted__stops_the_release(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    assert_ok(ceremony_try_copy(&fixture.owner, &request));
    ceremony_trust(&fixture.owner.module, &fixture.owner.cards, KQ_TRUST_ROOTS, KQ_TRUST_REMOVE, fixture.root, false);
    request = ceremony_copy_request(&fixture.owner, &fixture.na);
    assert_status(ceremony_try_copy(&fixture.owner, &request), KQ_ERR_UNTRUSTED);
}

static void transfer_copy__kek_of_one_region_world_of_another__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    request.world_package = kq_buffer_slice(&fixture.eu.world_package);
    assert_refused(&request, KQ_ERR_MISMATCH, ": ");
}

static void transfer_copy__any_package_byte_changed__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    struct kq_buffer *packages[] = {&fixture.na.kek_package, &fixture.na.world_package};
    for (size_t i = 0; i < 2; i++) {
        for (size_t at = 0; at < packages[i]->len; at += 37) {
            packages[i]->data[at] ^= 0x20;
            assert_int_not_equal(ceremony_try_copy(&fixture.owner, &request), KQ_OK);
            assert_string_not_equal(fixture.owner.module.detail, "");
            packages[i]->data[at] ^= 0x20;
        }
    }
}

static void transfer_copy__older_generation_than_seen__is_a_rollback(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    assert_ok(ceremony_try_copy(&fixture.owner, &request));
    hsm_state_find_world(fixture.owner.module.state, fixture.na_world)->generation = 2;
    assert_status(ceremony_try_copy(&fixture.owner, &request), KQ_ERR_ROLLBACK);
    assert_non_null(strstr(fixture.owner.module.detail, "generation: "));
}

static void transfer_copy__older_generation_after_distrust__is_a_rollback_still(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    assert_ok(ceremony_try_copy(&fixture.owner, &request));
    hsm_state_find_world(fixture.owner.module.state, fixture.na_world)->generation = 2;
    ceremony_trust(&fixture.owner.module, &fixture.owner.cards, KQ_TRUST_WORLDS, KQ_TRUST_REMOVE, fixture.na_world,
                   false);
    assert_status(ceremony_try_copy(&fixture.owner, &request), KQ_ERR_ROLLBACK);
    assert_null(hsm_state_find_world(fixture.owner.module.state, fixture.na_world));
}

static void transfer_copy__date_past__is_expired(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    request.not_after = FAKE_NOW;
    assert_refused(&request, KQ_ERR_EXPIRED, "date: ");
    fake_clock_set(FAKE_NOW + UINT64_C(100000000)); /* the region statement's own end */
    request = typed_request();
    assert_refused(&request, KQ_ERR_EXPIRED, "region statement: ");
}

static void transfer_copy__later_than_the_region_promises__ends_with_it(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    request.not_after = FAKE_NOW + UINT64_C(200000000);
    assert_ok(ceremony_try_copy(&fixture.owner, &request));
    struct kq_key_blob blob;
    uint8_t end[9] = {0x1a}; /* CBOR head of a 32-bit number, then the region's date */
    const uint32_t date = (uint32_t)(FAKE_NOW + UINT64_C(100000000));
    for (size_t i = 0; i < 4; i++)
        end[1 + i] = (uint8_t)(date >> (24 - 8 * i));
    assert_ok(kq_key_blob_get(kq_buffer_slice(&fixture.owner.copy_blob), &blob, NULL));
    assert_non_null(memmem(blob.acl.data, blob.acl.len, end, 5));
}

static void transfer_copy__rehearsal_root__only_when_named(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_factory) rehearsal = {.root = {0}};
    KQ_AUTO_VALUE(fake_region) region = {.blob = {0}};
    uint8_t root[32];
    uint8_t world[32];
    ceremony_factory(&rehearsal, true);
    ceremony_region(&rehearsal, "NA-1", &region);
    ceremony_root_hash(&rehearsal.root, root);
    memcpy(world, region.module.state->world.hknso, 32);
    struct kq_transfer_copy_request request = ceremony_copy_request(&fixture.owner, &region);
    request.trust_root = kq_slice_of(root, 32);
    request.trust_world = kq_slice_of(world, 32);
    assert_refused(&request, KQ_ERR_UNTRUSTED, "rehearsal");
    request.trust_rehearsal = 1;
    assert_ok(ceremony_try_copy(&fixture.owner, &request));
    assert_true(hsm_state_find_root(fixture.owner.module.state, root)->is_rehearsal);
}

static void transfer_copy__root_known_as_rehearsal_shown_without_the_mark__is_refused(void **state)
{
    (void)state;
    struct hsm_state *known = fixture.owner.module.state;
    struct kq_transfer_copy_request request = typed_request();
    known->roots[0] = (struct hsm_trusted){.is_rehearsal = true};
    memcpy(known->roots[0].hash, fixture.root, sizeof fixture.root);
    known->num_roots = 1;
    request.trust_rehearsal = 1;
    assert_status(ceremony_try_copy(&fixture.owner, &request), KQ_ERR_UNTRUSTED);
    assert_non_null(strstr(fixture.owner.module.detail, "rehearsal"));
    assert_true(hsm_state_find_root(fixture.owner.module.state, fixture.root)->is_rehearsal);
}

static void transfer_copy__rehearsal_root_listed_as_a_real_one__is_refused(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_factory) rehearsal = {.root = {0}};
    KQ_AUTO_VALUE(fake_region) region = {.blob = {0}};
    uint8_t root[32];
    ceremony_factory(&rehearsal, true);
    ceremony_region(&rehearsal, "NA-1", &region);
    ceremony_root_hash(&rehearsal.root, root);
    ceremony_trust(&fixture.owner.module, &fixture.owner.cards, KQ_TRUST_ROOTS, KQ_TRUST_ADD, root, false);
    const struct kq_transfer_copy_request request = ceremony_copy_request(&fixture.owner, &region);
    assert_status(ceremony_try_copy(&fixture.owner, &request), KQ_ERR_UNTRUSTED);
    assert_non_null(strstr(fixture.owner.module.detail, "rehearsal"));
}

static void transfer_copy__of_a_copy__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    assert_ok(ceremony_try_copy(&fixture.owner, &request));
    request.blob = kq_buffer_slice(&fixture.owner.copy_blob);
    request.place = kq_buffer_slice(&fixture.owner.copy_place);
    ceremony_authorise(&fixture.owner.module, KQ_OP_TRANSFER_COPY, &request, KQ_SLICE_EMPTY, &fixture.owner.cards);
    assert_status(fake_module_call(&fixture.owner.module, KQ_OP_TRANSFER_COPY, &request, NULL), KQ_ERR_ARGUMENT);
}

static void transfer_copy__blob_at_another_place__is_a_mismatch(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) place = {0};
    struct kq_transfer_copy_request request = typed_request();
    ceremony_owner_place(&fixture.owner.module, "simple", "otherkey", &place);
    request.place = kq_buffer_slice(&place);
    assert_refused(&request, KQ_ERR_MISMATCH, "key: ");
}

static void transfer_copy__place_of_another_kind__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_copy_request request = typed_request();
    request.place = kq_buffer_slice(&fixture.na.place);
    assert_refused(&request, KQ_ERR_ARGUMENT, "place: ");
    request.place = kq_slice_text("no place at all");
    assert_refused(&request, KQ_ERR_ARGUMENT, "place: ");
}

static void transfer_copy__aes_key__is_unsupported(void **state)
{
    (void)state;
    const struct kq_key_generate_request generate = {
        .application = kq_slice_text("simple"), .ident = kq_slice_text("aes"), .key_type = KQ_KEY_AES, .bits = 256};
    struct kq_key_reply reply;
    KQ_AUTO_VALUE(kq_buffer) place = {0};
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    assert_ok(fake_module_call(&fixture.owner.module, KQ_OP_KEY_GENERATE, &generate, &reply));
    kq_buffer_init(&blob, 12288);
    assert_ok(kq_buffer_append(&blob, reply.blob.data, reply.blob.len));
    ceremony_owner_place(&fixture.owner.module, "simple", "aes", &place);
    struct kq_transfer_copy_request request = typed_request();
    request.blob = kq_buffer_slice(&blob);
    request.place = kq_buffer_slice(&place);
    assert_refused(&request, KQ_ERR_UNSUPPORTED, "symmetric");
}

/* A key without the group for the world's cards stays where it is, quorum or not. */
static void transfer_copy__acl_without_certifier_group__is_denied(void **state)
{
    (void)state;
    const struct hsm_state *own = fixture.owner.module.state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    kq_buffer_init(&blob, 12288);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 256, 0, &key));
    assert_ok(kq_acl_imported_key(KQ_KEY_EC_P256, kq_slice_of(own->world.hkm, 32), &acl));
    const struct hsm_blob_request seal = {.key = key,
                                          .origin = KQ_ORIGIN_GENERATED,
                                          .acl = kq_buffer_slice(&acl),
                                          .place = kq_buffer_slice(&fixture.owner.place)};
    assert_ok(hsm_blob_seal(own, &seal, &blob));
    struct kq_transfer_copy_request request = typed_request();
    request.blob = kq_buffer_slice(&blob);
    assert_refused(&request, KQ_ERR_DENIED, "ACL: ");
}

/* ExpandACL alone makes no blob. */
static void transfer_copy__acl_without_make_blob__is_denied(void **state)
{
    (void)state;
    const struct hsm_state *own = fixture.owner.module.state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) action = {0};
    KQ_AUTO_VALUE(kq_buffer) group = {0};
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    KQ_AUTO_VALUE(kq_writer) actions = {0};
    KQ_AUTO_VALUE(kq_writer) groups = {0};
    kq_writer_init(&actions, KQ_ACL_MAX);
    kq_writer_init(&groups, KQ_ACL_MAX);
    kq_buffer_init(&blob, 12288);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 256, 0, &key));
    const struct kq_acl_action expand = {.kind = KQ_ACTION_OP_PERMISSIONS, .bits = KQ_PERM_EXPAND_ACL};
    assert_ok(hsm_encode(&kq_acl_action_type, &expand, &action));
    kq_list_put(&actions, kq_buffer_slice(&action));
    const struct kq_acl_group certified = {.certifier = kq_slice_of(own->world.hknso, 32),
                                           .actions = {.items = kq_buffer_slice(&actions.buffer), .num = 1}};
    assert_ok(hsm_encode(&kq_acl_group_type, &certified, &group));
    kq_list_put(&groups, kq_buffer_slice(&group));
    const struct kq_acl record = {.groups = {.items = kq_buffer_slice(&groups.buffer), .num = 1}};
    assert_ok(hsm_encode(&kq_acl_type, &record, &acl));
    const struct hsm_blob_request seal = {.key = key,
                                          .origin = KQ_ORIGIN_GENERATED,
                                          .acl = kq_buffer_slice(&acl),
                                          .place = kq_buffer_slice(&fixture.owner.place)};
    assert_ok(hsm_blob_seal(own, &seal, &blob));
    struct kq_transfer_copy_request request = typed_request();
    request.blob = kq_buffer_slice(&blob);
    assert_refused(&request, KQ_ERR_DENIED, "ACL: ");
}

#define COPY_TEST(test) cmocka_unit_test_setup(test, set_up)
int main(void)
{
    const struct CMUnitTest tests[] = {
        COPY_TEST(transfer_copy__hashes_typed__makes_the_template_and_learns_them),
        COPY_TEST(transfer_copy__certificate__names_the_copy_and_its_acl),
        COPY_TEST(transfer_copy__without_quorum__is_refused),
        COPY_TEST(transfer_copy__root_or_world_not_typed__is_untrusted),
        COPY_TEST(transfer_copy__other_hash_typed__is_a_mismatch),
        COPY_TEST(transfer_copy__root_distrusted__stops_the_release),
        COPY_TEST(transfer_copy__kek_of_one_region_world_of_another__is_refused),
        COPY_TEST(transfer_copy__any_package_byte_changed__is_refused),
        COPY_TEST(transfer_copy__older_generation_than_seen__is_a_rollback),
        COPY_TEST(transfer_copy__older_generation_after_distrust__is_a_rollback_still),
        COPY_TEST(transfer_copy__date_past__is_expired),
        COPY_TEST(transfer_copy__later_than_the_region_promises__ends_with_it),
        COPY_TEST(transfer_copy__rehearsal_root__only_when_named),
        COPY_TEST(transfer_copy__root_known_as_rehearsal_shown_without_the_mark__is_refused),
        COPY_TEST(transfer_copy__rehearsal_root_listed_as_a_real_one__is_refused),
        COPY_TEST(transfer_copy__of_a_copy__is_refused),
        COPY_TEST(transfer_copy__blob_at_another_place__is_a_mismatch),
        COPY_TEST(transfer_copy__place_of_another_kind__is_refused),
        COPY_TEST(transfer_copy__aes_key__is_unsupported),
        COPY_TEST(transfer_copy__acl_without_certifier_group__is_denied),
        COPY_TEST(transfer_copy__acl_without_make_blob__is_denied),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
