#include "unit.h"

#include "harness/ceremony.h"
#include "module/seal/blob.h"
#include "module/world/statement.h"
#include "pubcrypto/hash.h"
#include "trust/chain.h"
#include "trust/receipts.h"

/* An owner with a copy made for NA-1; each test begins with a fresh copy of his state. */
struct fixture {
    struct fake_factory factory;
    struct fake_region na;
    struct fake_region eu;
    struct fake_owner owner;
    struct hsm_state *fresh;
    uint8_t root[32];
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
    ceremony_copy(&fixture.owner, &fixture.na);
    assert_ok(hsm_state_clone(fixture.owner.module.state, &fixture.fresh));
    ceremony_root_hash(&fixture.factory.root, fixture.root);
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

static kq_status package(const struct kq_transfer_package_request *request, struct kq_transfer_package_reply *out)
{
    return fake_module_call(&fixture.owner.module, KQ_OP_TRANSFER_PACKAGE, request, out);
}

static void assert_refused(const struct kq_transfer_package_request *request, kq_status expected, const char *words)
{
    assert_status(package(request, NULL), expected);
    assert_non_null(strstr(fixture.owner.module.detail, words));
}

static void transfer_package__by_the_copy__verifies_and_says_everything(void **state)
{
    (void)state;
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    struct kq_transfer_package_reply reply;
    struct kq_transfer_facts facts;
    request.subscription = kq_slice_text("3A1B5F7C-0000-4111-8222-ABCDEFABCDEF");
    assert_ok(package(&request, &reply));
    assert_ok(kq_transfer_verify_source(reply.package, FAKE_NOW, &facts));
    assert_true(facts.is_attested);
    assert_memory_equal(facts.root_hash, fixture.root, 32);
    const struct kq_transfer_header *header = &facts.header;
    const struct hsm_state *own = fixture.owner.module.state;
    assert_true(kq_slice_is_text(header->subscription, CEREMONY_SUBSCRIPTION)); /* lower case */
    assert_true(kq_slice_is_text(header->friendly_name, "ContosoFirstHSMKey"));
    assert_true(kq_slice_is_text(header->source_esn, own->esn));
    assert_true(kq_slice_is_text(header->source_suite, "ECp521mAES"));
    assert_slice_equal(header->source_hknso, kq_slice_of(own->world.hknso, 32));
    assert_slice_equal(header->target_hknso, kq_slice_of(fixture.na.module.state->world.hknso, 32));
    assert_slice_equal(header->public_key, kq_buffer_slice(&fixture.owner.public_key));
    assert_int_equal(header->source_origin, KQ_ORIGIN_GENERATED);
    assert_int_equal(header->not_after, FAKE_NOW + UINT64_C(90) * 24 * 3600); /* as late as the copy allows */
}

static void transfer_package__receipt__is_about_this_package(void **state)
{
    (void)state;
    const struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    struct kq_transfer_package_reply reply;
    struct kq_receipt_facts facts;
    const char *why = "";
    uint64_t audit_index = fixture.owner.module.audit_index;
    assert_ok(package(&request, &reply));
    assert_ok(kq_receipt_verify(reply.receipt, &facts, &why));
    assert_ok(kq_receipt_match_package(&facts, reply.package));
    assert_false(facts.is_import);
    assert_true(facts.is_attested);
    assert_true(kq_slice_is_text(facts.exported.region, "NA-1"));
    assert_true(kq_slice_is_text(facts.exported.key_protection, "none (test)"));
    assert_int_equal(facts.exported.audit_index, audit_index);
}

static void transfer_package__twice__has_two_ids_and_two_ciphertexts(void **state)
{
    (void)state;
    const struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    struct kq_transfer_package_reply reply;
    uint8_t hash[2][32];
    for (size_t i = 0; i < 2; i++) {
        struct kq_transfer_facts facts;
        assert_ok(package(&request, &reply));
        assert_ok(kq_transfer_parse(reply.package, &facts, NULL));
        const struct kq_slice parts[] = {facts.header.package_id, facts.ciphertext};
        kq_sha256_parts(parts, 2, hash[i]);
    }
    assert_memory_not_equal(hash[0], hash[1], 32);
}

static void transfer_package__packages_of_another_region__names_both(void **state)
{
    (void)state;
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    request.kek_package = kq_buffer_slice(&fixture.eu.kek_package);
    request.world_package = kq_buffer_slice(&fixture.eu.world_package);
    assert_refused(&request, KQ_ERR_DENIED, "NA-1");
    assert_non_null(strstr(fixture.owner.module.detail, "EU-1"));
    assert_non_null(strstr(fixture.owner.module.detail, "ACL: "));
}

static void transfer_package__kek_and_world_of_different_regions__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    request.world_package = kq_buffer_slice(&fixture.eu.world_package);
    assert_refused(&request, KQ_ERR_MISMATCH, ": ");
}

static void transfer_package__newer_exchange_key_of_the_same_world__needs_a_new_copy(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_region) region = {.blob = {0}};
    ceremony_region(&fixture.factory, "NA-1", &region);
    ceremony_copy(&fixture.owner, &region);
    ceremony_exchange_key(&region, "NA-2", 2);
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &region);
    assert_refused(&request, KQ_ERR_DENIED, "NA-2");
    ceremony_copy(&fixture.owner, &fixture.na); /* what the other tests use */
}

static void transfer_package__original_instead_of_copy__is_denied(void **state)
{
    (void)state;
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    request.blob = kq_buffer_slice(&fixture.owner.blob);
    request.place = kq_buffer_slice(&fixture.owner.place);
    assert_refused(&request, KQ_ERR_DENIED, "ACL: ");
}

static void transfer_package__root_or_world_distrusted_since__is_untrusted(void **state)
{
    (void)state;
    const struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    ceremony_trust(&fixture.owner.module, &fixture.owner.cards, KQ_TRUST_ROOTS, KQ_TRUST_REMOVE, fixture.root, false);
    assert_refused(&request, KQ_ERR_UNTRUSTED, "root trusted: ");
    set_up(NULL);
    ceremony_trust(&fixture.owner.module, &fixture.owner.cards, KQ_TRUST_WORLDS, KQ_TRUST_REMOVE,
                   fixture.na.module.state->world.hknso, false);
    assert_refused(&request, KQ_ERR_UNTRUSTED, "world trusted: ");
}

/* The list says of the root that it is a real one; its certificate says it is not. */
static void transfer_package__rehearsal_root_no_longer_named__is_untrusted(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_factory) rehearsal = {.root = {0}};
    KQ_AUTO_VALUE(fake_region) region = {.blob = {0}};
    KQ_AUTO_VALUE(fake_owner) owner = {.blob = {0}};
    uint8_t root[32];
    ceremony_factory(&rehearsal, true);
    ceremony_region(&rehearsal, "NA-1", &region);
    ceremony_owner(NULL, KQ_KEY_EC_P256, 256, &owner);
    ceremony_root_hash(&rehearsal.root, root);
    ceremony_trust(&owner.module, &owner.cards, KQ_TRUST_ROOTS, KQ_TRUST_ADD, root, true);
    ceremony_copy(&owner, &region);
    const struct kq_transfer_package_request request = ceremony_package_request(&owner, &region);
    assert_ok(fake_module_call(&owner.module, KQ_OP_TRANSFER_PACKAGE, &request, NULL));
    ceremony_trust(&owner.module, &owner.cards, KQ_TRUST_ROOTS, KQ_TRUST_ADD, root, false);
    assert_status(fake_module_call(&owner.module, KQ_OP_TRANSFER_PACKAGE, &request, NULL), KQ_ERR_UNTRUSTED);
    assert_non_null(strstr(owner.module.detail, "rehearsal"));
}

/* A key whose ACL names the right destination, but in a group for the world's cards. */
static void transfer_package__permission_under_a_certifier__is_denied_without_cards(void **state)
{
    (void)state;
    const struct hsm_state *own = fixture.owner.module.state;
    KQ_AUTO(hsm_loaded) copy = NULL;
    KQ_AUTO_VALUE(kq_writer) groups = {0};
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    const char *why = "";
    assert_ok(hsm_blob_open(own, kq_buffer_slice(&fixture.owner.copy_blob), kq_buffer_slice(&fixture.owner.copy_place),
                            &copy, &why));
    struct kq_acl record;
    struct kq_slice item;
    struct kq_acl certified = {.groups = {.num = 0}};
    assert_ok(kq_acl_get(kq_buffer_slice(&copy->acl), &record, NULL));
    kq_writer_init(&groups, KQ_ACL_MAX);
    while (kq_list_next(&record.groups, &item)) {
        struct kq_acl_group group;
        KQ_AUTO_VALUE(kq_buffer) encoded = {0};
        assert_ok(kq_acl_group_get(item, &group, NULL));
        group.certifier = kq_slice_of(own->world.hknso, 32);
        assert_ok(hsm_encode(&kq_acl_group_type, &group, &encoded));
        kq_list_put(&groups, kq_buffer_slice(&encoded));
        certified.groups.num++;
    }
    certified.groups.items = kq_buffer_slice(&groups.buffer);
    assert_ok(hsm_encode(&kq_acl_type, &certified, &acl));
    const struct hsm_blob_request seal = {.key = copy->key,
                                          .origin = KQ_ORIGIN_GENERATED,
                                          .acl = kq_buffer_slice(&acl),
                                          .place = kq_buffer_slice(&fixture.owner.copy_place)};
    kq_buffer_init(&blob, 12288);
    assert_ok(hsm_blob_seal(own, &seal, &blob));
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    request.blob = kq_buffer_slice(&blob);
    assert_status(package(&request, NULL), KQ_ERR_DENIED);
}

static void transfer_package__newer_generation_seen_since__is_a_rollback(void **state)
{
    (void)state;
    const struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    hsm_state_find_world(fixture.owner.module.state, fixture.na.module.state->world.hknso)->generation = 2;
    assert_refused(&request, KQ_ERR_ROLLBACK, "generation: ");
}

static void transfer_package__date_later_than_the_copy_or_past__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    request.not_after = FAKE_NOW + UINT64_C(90) * 24 * 3600 + 1;
    assert_refused(&request, KQ_ERR_ARGUMENT, "date: ");
    request.not_after = FAKE_NOW;
    assert_refused(&request, KQ_ERR_EXPIRED, "date: ");
    request.not_after = FAKE_NOW + 1;
    assert_ok(package(&request, NULL));
    fake_clock_set(FAKE_NOW + UINT64_C(90) * 24 * 3600);
    request.not_after = 0;
    assert_refused(&request, KQ_ERR_EXPIRED, "make a new copy");
}

static void transfer_package__subscription_no_guid__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    request.subscription = kq_slice_text("3a1b5f7c-0000-4111-8222-abcdefabcdeg");
    assert_refused(&request, KQ_ERR_ARGUMENT, "subscription");
}

static void transfer_package__copy_changed_or_misplaced__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_package_request request = ceremony_package_request(&fixture.owner, &fixture.na);
    for (size_t at = 0; at < fixture.owner.copy_blob.len; at += 11) {
        fixture.owner.copy_blob.data[at] ^= 1;
        assert_int_not_equal(package(&request, NULL), KQ_OK);
        fixture.owner.copy_blob.data[at] ^= 1;
    }
    request.place = kq_buffer_slice(&fixture.owner.place);
    assert_refused(&request, KQ_ERR_MISMATCH, "key: ");
}

#define PACKAGE_TEST(test) cmocka_unit_test_setup(test, set_up)
int main(void)
{
    const struct CMUnitTest tests[] = {
        PACKAGE_TEST(transfer_package__by_the_copy__verifies_and_says_everything),
        PACKAGE_TEST(transfer_package__receipt__is_about_this_package),
        PACKAGE_TEST(transfer_package__twice__has_two_ids_and_two_ciphertexts),
        PACKAGE_TEST(transfer_package__packages_of_another_region__names_both),
        PACKAGE_TEST(transfer_package__kek_and_world_of_different_regions__is_refused),
        PACKAGE_TEST(transfer_package__newer_exchange_key_of_the_same_world__needs_a_new_copy),
        PACKAGE_TEST(transfer_package__original_instead_of_copy__is_denied),
        PACKAGE_TEST(transfer_package__root_or_world_distrusted_since__is_untrusted),
        PACKAGE_TEST(transfer_package__rehearsal_root_no_longer_named__is_untrusted),
        PACKAGE_TEST(transfer_package__permission_under_a_certifier__is_denied_without_cards),
        PACKAGE_TEST(transfer_package__newer_generation_seen_since__is_a_rollback),
        PACKAGE_TEST(transfer_package__date_later_than_the_copy_or_past__is_refused),
        PACKAGE_TEST(transfer_package__subscription_no_guid__is_refused),
        PACKAGE_TEST(transfer_package__copy_changed_or_misplaced__is_refused),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
