#include "unit.h"

#include "harness/ceremony.h"
#include "module/seal/blob.h"
#include "module/transfer/payload.h"
#include "module/world/statement.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "trust/acl.h"
#include "trust/chain.h"
#include "trust/receipts.h"

/* A region, an owner of the same manufacturer and one without a warrant, and a good package of each. */
struct fixture {
    struct fake_factory factory;
    struct fake_region region;
    struct fake_owner owner;
    struct fake_owner bare; /* no warrant */
    struct kq_buffer package;
    struct kq_buffer bare_package;
    struct hsm_state *fresh; /* the region's */
};
static struct fixture fixture;

static void make_package(struct fake_owner *owner, struct kq_buffer *out)
{
    struct kq_transfer_package_reply reply;
    ceremony_copy(owner, &fixture.region);
    const struct kq_transfer_package_request request = ceremony_package_request(owner, &fixture.region);
    assert_ok(fake_module_call(&owner->module, KQ_OP_TRANSFER_PACKAGE, &request, &reply));
    kq_buffer_init(out, KQ_TRANSFER_PACKAGE_FILE_MAX);
    assert_ok(kq_buffer_append(out, reply.package.data, reply.package.len));
}

static int set_up_all(void **state)
{
    (void)state;
    fake_clock_set(FAKE_NOW);
    ceremony_factory(&fixture.factory, false);
    ceremony_region(&fixture.factory, "NA-1", &fixture.region);
    ceremony_owner(&fixture.factory, KQ_KEY_EC_P256, 256, &fixture.owner);
    ceremony_owner(NULL, KQ_KEY_EC_P256, 256, &fixture.bare);
    make_package(&fixture.owner, &fixture.package);
    make_package(&fixture.bare, &fixture.bare_package);
    assert_ok(hsm_state_clone(fixture.region.module.state, &fixture.fresh));
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    fake_factory_clear(&fixture.factory);
    fake_region_clear(&fixture.region);
    fake_owner_clear(&fixture.owner);
    fake_owner_clear(&fixture.bare);
    kq_buffer_clear(&fixture.package);
    kq_buffer_clear(&fixture.bare_package);
    hsm_state_free(fixture.fresh);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    fake_clock_set(FAKE_NOW);
    hsm_state_free(fixture.region.module.state);
    return hsm_state_clone(fixture.fresh, &fixture.region.module.state) == KQ_OK ? 0 : -1;
}

static struct kq_transfer_import_request good_request(void)
{
    return ceremony_import_request(&fixture.region, kq_buffer_slice(&fixture.package));
}

static kq_status import_it(const struct kq_transfer_import_request *request, struct kq_transfer_import_reply *out)
{
    return fake_module_call(&fixture.region.module, KQ_OP_TRANSFER_IMPORT, request, out);
}

static void assert_refused(const struct kq_transfer_import_request *request, kq_status expected, const char *words)
{
    assert_status(import_it(request, NULL), expected);
    assert_non_null(strstr(fixture.region.module.detail, words));
}

/* ---- packages made anew with one thing wrong ------------------------------------------------ */

struct forgery {
    struct kq_transfer_header header;
    struct kq_slice ciphertext;    /* empty: the owner's key, sealed for the changed header */
    const struct hsm_key *key;     /* what is sealed instead of it */
    const struct hsm_key *signer;  /* NULL: the owner's module */
    struct kq_slice source_public; /* empty: the signer's */
    bool without_warrant;
};

/* Starts from the good package's header. */
static struct forgery forge(void)
{
    struct kq_transfer_facts facts;
    assert_ok(kq_transfer_parse(kq_buffer_slice(&fixture.package), &facts, NULL));
    return (struct forgery){.header = facts.header};
}

static void seal_owner_key(const struct forgery *forgery, struct kq_slice header, struct kq_buffer *out)
{
    KQ_AUTO(hsm_loaded) copy = NULL;
    const char *why = "";
    assert_ok(hsm_blob_open(fixture.owner.module.state, kq_buffer_slice(&fixture.owner.copy_blob),
                            kq_buffer_slice(&fixture.owner.copy_place), &copy, &why));
    KQ_AUTO(hsm_loaded) exchange = NULL;
    assert_ok(hsm_blob_open(fixture.region.module.state, kq_buffer_slice(&fixture.region.blob),
                            kq_buffer_slice(&fixture.region.place), &exchange, &why));
    assert_ok(
        hsm_payload_seal(hsm_key_public(exchange->key), header, forgery->key == NULL ? copy->key : forgery->key, out));
}

/* The source, or whoever poses as it, makes the package properly around what was changed. */
static void assemble(const struct forgery *forgery, struct kq_buffer *out)
{
    const struct hsm_state *source = fixture.owner.module.state;
    const struct hsm_key *signer = forgery->signer == NULL ? source->module_key : forgery->signer;
    KQ_AUTO_VALUE(kq_buffer) header = {0};
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_AUTO_VALUE(kq_buffer) statement = {0};
    assert_ok(hsm_encode(&kq_transfer_header_type, &forgery->header, &header));
    if (forgery->ciphertext.len == 0)
        seal_owner_key(forgery, kq_buffer_slice(&header), &sealed);
    const struct kq_transfer_body body = {
        .header = kq_buffer_slice(&header),
        .ciphertext = forgery->ciphertext.len == 0 ? kq_buffer_slice(&sealed) : forgery->ciphertext,
    };
    assert_ok(hsm_sign_record(signer, &kq_transfer_body_type, &body, &statement));
    const struct kq_transfer_package package = {
        .statement = kq_buffer_slice(&statement),
        .source_public = forgery->source_public.len == 0 ? hsm_key_public(signer) : forgery->source_public,
        .warrant = forgery->without_warrant ? KQ_SLICE_EMPTY : kq_buffer_slice(&source->warrant),
        .root = forgery->without_warrant ? KQ_SLICE_EMPTY : kq_buffer_slice(&source->root),
    };
    assert_ok(hsm_encode(&kq_transfer_package_type, &package, out));
}

static void assert_forgery_refused(const struct forgery *forgery, kq_status expected, const char *words)
{
    KQ_AUTO_VALUE(kq_buffer) package = {0};
    assemble(forgery, &package);
    struct kq_transfer_import_request request = good_request();
    request.package = kq_buffer_slice(&package);
    assert_refused(&request, expected, words);
}

/* ---- what goes well ------------------------------------------------------------------------------ */

static void transfer_import__attested__lands_at_its_place_with_the_template(void **state)
{
    (void)state;
    const struct kq_transfer_import_request request = good_request();
    struct kq_transfer_import_reply reply;
    const struct hsm_state *own = fixture.region.module.state;
    assert_ok(import_it(&request, &reply));
    assert_int_equal(reply.origin, KQ_ORIGIN_TRANSFERRED_ATTESTED);
    assert_slice_equal(reply.public_key, kq_buffer_slice(&fixture.owner.public_key));
    own = fixture.region.module.state;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    const char *why = "";
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(hsm_blob_open(own, reply.blob, reply.place, &loaded, &why));
    assert_ok(kq_acl_imported_key(KQ_KEY_EC_P256, kq_slice_of(own->world.hkm, 32), &acl));
    assert_slice_equal(kq_buffer_slice(&loaded->acl), kq_buffer_slice(&acl));
    assert_int_equal(loaded->origin, KQ_ORIGIN_TRANSFERRED_ATTESTED);
    struct kq_place place;
    assert_ok(kq_place_get(reply.place, &place, NULL));
    assert_int_equal(place.kind, KQ_PLACE_VAULT);
    assert_true(kq_slice_is_text(place.subscription, CEREMONY_SUBSCRIPTION));
    assert_true(kq_slice_is_text(place.vault, "contosovault"));
    assert_true(kq_slice_is_text(place.key_name, "ContosoFirstHSMKey"));
    assert_slice_equal(place.hknso, kq_slice_of(own->world.hknso, 32));
}

static void transfer_import__signature_by_the_imported_key__verifies_with_the_owners_public_key(void **state)
{
    (void)state;
    const struct kq_transfer_import_request request = good_request();
    struct kq_transfer_import_reply reply;
    struct kq_key_load_reply loaded;
    struct kq_bytes_reply signature;
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    KQ_AUTO_VALUE(kq_buffer) place = {0};
    kq_buffer_init(&blob, 12288);
    kq_buffer_init(&place, KQ_PLACE_MAX);
    assert_ok(import_it(&request, &reply));
    assert_ok(kq_buffer_append(&blob, reply.blob.data, reply.blob.len));
    assert_ok(kq_buffer_append(&place, reply.place.data, reply.place.len));
    const struct kq_key_load_request load = {.blob = kq_buffer_slice(&blob), .place = kq_buffer_slice(&place)};
    assert_ok(fake_module_call(&fixture.region.module, KQ_OP_KEY_LOAD, &load, &loaded));
    static const uint8_t digest[32] = {7};
    const struct kq_sign_request sign = {
        .handle = loaded.handle, .mechanism = KQ_MECH_ECDSA, .digest = kq_slice_of(digest, sizeof digest)};
    assert_ok(fake_module_call(&fixture.region.module, KQ_OP_SIGN, &sign, &signature));
    KQ_AUTO(kq_public_key) public_key = NULL;
    assert_ok(kq_public_key_new(kq_buffer_slice(&fixture.owner.public_key), &public_key));
    assert_ok(kq_public_key_verify(public_key, KQ_MECH_ECDSA, kq_slice_of(digest, sizeof digest), signature.bytes));
}

static void transfer_import__rsa_key__travels_too(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_owner) owner = {.blob = {0}};
    KQ_AUTO_VALUE(kq_buffer) package = {0};
    struct kq_transfer_import_reply reply;
    ceremony_owner(&fixture.factory, KQ_KEY_RSA, 2048, &owner);
    make_package(&owner, &package);
    struct kq_transfer_import_request request = good_request();
    request.package = kq_buffer_slice(&package);
    assert_ok(import_it(&request, &reply));
    assert_slice_equal(reply.public_key, kq_buffer_slice(&owner.public_key));
}

static void transfer_import__receipt__says_what_happened(void **state)
{
    (void)state;
    const struct kq_transfer_import_request request = good_request();
    struct kq_transfer_import_reply reply;
    struct kq_receipt_facts facts;
    const char *why = "";
    uint8_t root[32];
    uint64_t audit_index = fixture.region.module.audit_index;
    ceremony_root_hash(&fixture.factory.root, root);
    assert_ok(import_it(&request, &reply));
    assert_ok(kq_receipt_verify(reply.receipt, &facts, &why));
    assert_ok(kq_receipt_match_package(&facts, request.package));
    assert_true(facts.is_import);
    assert_int_equal(facts.imported.origin, KQ_ORIGIN_TRANSFERRED_ATTESTED);
    assert_slice_equal(facts.imported.source_root_hash, kq_slice_of(root, 32));
    assert_slice_equal(facts.imported.place, reply.place);
    assert_int_equal(facts.imported.audit_index, audit_index);
    assert_int_equal(facts.header.source_origin, KQ_ORIGIN_GENERATED);
}

static void transfer_import__subscription_in_capitals__is_the_same(void **state)
{
    (void)state;
    struct kq_transfer_import_request request = good_request();
    request.subscription = kq_slice_text("3A1B5F7C-0000-4111-8222-ABCDEFABCDEF");
    assert_ok(import_it(&request, NULL));
}

static void transfer_import__without_warrant__is_self_asserted_where_allowed(void **state)
{
    (void)state;
    struct kq_transfer_import_request request = good_request();
    struct kq_transfer_import_reply reply;
    request.package = kq_buffer_slice(&fixture.bare_package);
    assert_ok(import_it(&request, &reply));
    assert_int_equal(reply.origin, KQ_ORIGIN_TRANSFERRED_SELF_ASSERTED);
    struct kq_receipt_facts facts;
    const char *why = "";
    assert_ok(kq_receipt_verify(reply.receipt, &facts, &why));
    assert_int_equal(facts.imported.source_root_hash.len, 0);
    request.origin_policy = KQ_ORIGIN_POLICY_ATTESTED;
    assert_refused(&request, KQ_ERR_UNTRUSTED, "origin: ");
}

static void transfer_import__source_imported_it_in_the_clear__stays_in_the_receipt(void **state)
{
    (void)state;
    struct forgery forgery = forge();
    KQ_AUTO_VALUE(kq_buffer) package = {0};
    struct kq_transfer_import_reply reply;
    struct kq_receipt_facts facts;
    const char *why = "";
    forgery.header.source_origin = KQ_ORIGIN_IMPORTED_CLEAR;
    assemble(&forgery, &package);
    struct kq_transfer_import_request request = good_request();
    request.package = kq_buffer_slice(&package);
    assert_ok(import_it(&request, &reply));
    assert_ok(kq_receipt_verify(reply.receipt, &facts, &why));
    assert_int_equal(facts.header.source_origin, KQ_ORIGIN_IMPORTED_CLEAR);
}

static void transfer_import__again_before_its_date__has_the_same_package_id(void **state)
{
    (void)state;
    const struct kq_transfer_import_request request = good_request();
    assert_ok(import_it(&request, NULL));
    assert_ok(import_it(&request, NULL));
}

/* ---- clear errors before the private key ------------------------------------------------------------ */

static void transfer_import__truncated_or_foreign__is_no_package(void **state)
{
    (void)state;
    struct kq_transfer_import_request request = good_request();
    for (size_t len = 1; len < fixture.package.len; len += 97) {
        request.package = kq_slice_of(fixture.package.data, len);
        assert_refused(&request, KQ_ERR_FORMAT, "package: ");
    }
    request.package = kq_buffer_slice(&fixture.region.kek_package);
    assert_refused(&request, KQ_ERR_FORMAT, "package: ");
}

static void transfer_import__any_byte_changed__is_refused(void **state)
{
    (void)state;
    const struct kq_transfer_import_request request = good_request();
    for (size_t at = 0; at < fixture.package.len; at += 23) {
        fixture.package.data[at] ^= 1;
        assert_int_not_equal(import_it(&request, NULL), KQ_OK);
        fixture.package.data[at] ^= 1;
    }
    assert_ok(import_it(&request, NULL));
}

static void transfer_import__exchange_key_misplaced_or_no_exchange_key__is_refused(void **state)
{
    (void)state;
    struct kq_transfer_import_request request = good_request();
    struct kq_transfer_import_reply reply;
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    KQ_AUTO_VALUE(kq_buffer) place = {0};
    kq_buffer_init(&blob, 12288);
    kq_buffer_init(&place, KQ_PLACE_MAX);
    assert_ok(import_it(&request, &reply));
    assert_ok(kq_buffer_append(&blob, reply.blob.data, reply.blob.len));
    assert_ok(kq_buffer_append(&place, reply.place.data, reply.place.len));
    request.kek_place = kq_buffer_slice(&place);
    assert_refused(&request, KQ_ERR_ARGUMENT, "exchange key: ");
    request = good_request();
    request.kek_blob = kq_buffer_slice(&blob);
    assert_refused(&request, KQ_ERR_MISMATCH, "exchange key: ");
}

static void transfer_import__exchange_place_without_the_right__is_denied(void **state)
{
    (void)state;
    const struct hsm_state *own = fixture.region.module.state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    kq_buffer_init(&blob, 12288);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &key));
    assert_ok(kq_acl_imported_key(KQ_KEY_RSA, kq_slice_of(own->world.hkm, 32), &acl));
    const struct hsm_blob_request seal = {.key = key,
                                          .origin = KQ_ORIGIN_GENERATED,
                                          .acl = kq_buffer_slice(&acl),
                                          .place = kq_buffer_slice(&fixture.region.place)};
    assert_ok(hsm_blob_seal(own, &seal, &blob));
    struct kq_transfer_import_request request = good_request();
    request.kek_blob = kq_buffer_slice(&blob);
    assert_refused(&request, KQ_ERR_DENIED, "exchange key: ");
}

static void transfer_import__exchange_key_that_is_no_rsa_key__is_denied(void **state)
{
    (void)state;
    const struct hsm_state *own = fixture.region.module.state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    kq_buffer_init(&blob, 12288);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 256, 0, &key));
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, kq_slice_of(own->world.hkm, 32), &acl));
    const struct hsm_blob_request seal = {.key = key,
                                          .origin = KQ_ORIGIN_GENERATED,
                                          .acl = kq_buffer_slice(&acl),
                                          .place = kq_buffer_slice(&fixture.region.place)};
    assert_ok(hsm_blob_seal(own, &seal, &blob));
    struct kq_transfer_import_request request = good_request();
    request.kek_blob = kq_buffer_slice(&blob);
    assert_refused(&request, KQ_ERR_DENIED, "exchange key: ");
}

static void transfer_import__for_another_exchange_key_or_certificate__is_a_mismatch(void **state)
{
    (void)state;
    static const uint8_t other[32] = {1};
    struct forgery forgery = forge();
    forgery.header.kek_hash = kq_slice_of(other, 32);
    assert_forgery_refused(&forgery, KQ_ERR_MISMATCH, "exchange key of H: ");
    forgery = forge();
    forgery.header.kek_keygen_hash = kq_slice_of(other, 32);
    assert_forgery_refused(&forgery, KQ_ERR_MISMATCH, "exchange key of H: ");
}

static void transfer_import__for_another_world__is_a_mismatch(void **state)
{
    (void)state;
    static const uint8_t other[32] = {1};
    struct forgery forgery = forge();
    forgery.header.target_hknso = kq_slice_of(other, 32);
    assert_forgery_refused(&forgery, KQ_ERR_MISMATCH, "world of H: ");
}

static void transfer_import__for_another_subscription__is_a_mismatch(void **state)
{
    (void)state;
    struct kq_transfer_import_request request = good_request();
    request.subscription = kq_slice_text("3a1b5f7c-0000-4111-8222-abcdefabcde0");
    assert_refused(&request, KQ_ERR_MISMATCH, "subscription: ");
    request.subscription = kq_slice_text("not a guid, but just as long as one.");
    assert_refused(&request, KQ_ERR_ARGUMENT, "subscription: ");
}

static void transfer_import__past_its_date__is_expired(void **state)
{
    (void)state;
    const struct kq_transfer_import_request request = good_request();
    fake_clock_set(FAKE_NOW + UINT64_C(90) * 24 * 3600);
    assert_refused(&request, KQ_ERR_EXPIRED, "date: ");
}

static void transfer_import__other_profile__is_denied(void **state)
{
    (void)state;
    struct forgery forgery = forge();
    forgery.header.profile = KQ_PROFILE_AZURE_BYOK;
    assert_forgery_refused(&forgery, KQ_ERR_DENIED, "exchange key: ");
}

static void transfer_import__rsa_key_of_a_size_nobody_makes__is_unsupported(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1024, 2049, 8192};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct forgery forgery = forge();
        forgery.header.key_type = KQ_KEY_RSA;
        forgery.header.bits = sizes[i];
        assert_forgery_refused(&forgery, KQ_ERR_UNSUPPORTED, "payload: ");
    }
}

static void transfer_import__resigned_by_another_module__is_refused(void **state)
{
    (void)state;
    struct forgery forgery = forge();
    forgery.signer = fixture.bare.module.state->module_key;
    forgery.without_warrant = true;
    assert_forgery_refused(&forgery, KQ_ERR_MISMATCH, "source signature: ");
    forgery.source_public = hsm_key_public(fixture.owner.module.state->module_key);
    assert_forgery_refused(&forgery, KQ_ERR_SIGNATURE, "source signature: ");
}

/* He may put his own name into H; the ciphertext is still bound to the former H. */
static void transfer_import__claimed_with_another_header__does_not_open(void **state)
{
    (void)state;
    struct forgery forgery = forge();
    struct kq_transfer_facts facts;
    uint8_t hash[32];
    assert_ok(kq_transfer_parse(kq_buffer_slice(&fixture.package), &facts, NULL));
    forgery.signer = fixture.bare.module.state->module_key;
    forgery.without_warrant = true;
    forgery.ciphertext = facts.ciphertext;
    hsm_key_public_hash(forgery.signer, hash);
    forgery.header.source_signing_hash = kq_slice_of(hash, 32);
    assert_forgery_refused(&forgery, KQ_ERR_AUTH, "payload: ");
}

static void transfer_import__warrant_of_another_esn__is_refused(void **state)
{
    (void)state;
    struct forgery forgery = forge();
    forgery.header.source_esn = kq_slice_text("0000-0000-0000");
    assert_forgery_refused(&forgery, KQ_ERR_MISMATCH, "source signature: ");
}

static void transfer_import__root_not_on_the_list__is_untrusted(void **state)
{
    (void)state;
    uint8_t root[32];
    const struct kq_transfer_import_request request = good_request();
    ceremony_root_hash(&fixture.factory.root, root);
    ceremony_trust(&fixture.region.module, &fixture.region.cards, KQ_TRUST_ROOTS, KQ_TRUST_REMOVE, root, false);
    assert_refused(&request, KQ_ERR_UNTRUSTED, "origin: ");
}

static void transfer_import__public_key_of_h_is_another__is_refused(void **state)
{
    (void)state;
    uint8_t hash[32];
    struct forgery forgery = forge();
    forgery.header.public_key = kq_buffer_slice(&fixture.bare.public_key);
    assert_forgery_refused(&forgery, KQ_ERR_MISMATCH, "source signature: "); /* its hash is still the former's */
    kq_sha256(forgery.header.public_key, hash);
    forgery.header.public_hash = kq_slice_of(hash, 32);
    assert_forgery_refused(&forgery, KQ_ERR_AUTH, "payload: ");
}

/* ---- one error behind the private key ----------------------------------------------------------------- */

static void transfer_import__whatever_is_wrong_inside__looks_alike(void **state)
{
    (void)state;
    char detail[513];
    struct kq_transfer_facts facts;
    uint8_t bytes[4096];
    KQ_AUTO(hsm_key) other = NULL;
    KQ_AUTO(hsm_key) other_type = NULL;
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 256, 0, &other));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P384, 384, 0, &other_type));
    assert_ok(kq_transfer_parse(kq_buffer_slice(&fixture.package), &facts, NULL));
    memcpy(bytes, facts.ciphertext.data, facts.ciphertext.len);

    struct forgery oaep = forge();
    bytes[100] ^= 1;
    oaep.ciphertext = kq_slice_of(bytes, facts.ciphertext.len);
    assert_forgery_refused(&oaep, KQ_ERR_AUTH, "payload: ");
    snprintf(detail, sizeof detail, "%s", fixture.region.module.detail);
    bytes[100] ^= 1;

    bytes[facts.ciphertext.len - 1] ^= 1; /* the wrap */
    assert_forgery_refused(&oaep, KQ_ERR_AUTH, detail);
    assert_string_equal(fixture.region.module.detail, detail);
    bytes[facts.ciphertext.len - 1] ^= 1;

    oaep.ciphertext.len -= 8; /* lengths */
    assert_forgery_refused(&oaep, KQ_ERR_AUTH, detail);
    assert_string_equal(fixture.region.module.detail, detail);

    struct forgery wrong_key = forge();
    wrong_key.key = other;
    assert_forgery_refused(&wrong_key, KQ_ERR_AUTH, detail);
    assert_string_equal(fixture.region.module.detail, detail);
    wrong_key.key = other_type;
    assert_forgery_refused(&wrong_key, KQ_ERR_AUTH, detail);
    assert_string_equal(fixture.region.module.detail, detail);
}

#define IMPORT_TEST(test) cmocka_unit_test_setup(test, set_up)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IMPORT_TEST(transfer_import__attested__lands_at_its_place_with_the_template),
        IMPORT_TEST(transfer_import__signature_by_the_imported_key__verifies_with_the_owners_public_key),
        IMPORT_TEST(transfer_import__rsa_key__travels_too),
        IMPORT_TEST(transfer_import__receipt__says_what_happened),
        IMPORT_TEST(transfer_import__subscription_in_capitals__is_the_same),
        IMPORT_TEST(transfer_import__without_warrant__is_self_asserted_where_allowed),
        IMPORT_TEST(transfer_import__source_imported_it_in_the_clear__stays_in_the_receipt),
        IMPORT_TEST(transfer_import__again_before_its_date__has_the_same_package_id),
        IMPORT_TEST(transfer_import__truncated_or_foreign__is_no_package),
        IMPORT_TEST(transfer_import__any_byte_changed__is_refused),
        IMPORT_TEST(transfer_import__exchange_key_misplaced_or_no_exchange_key__is_refused),
        IMPORT_TEST(transfer_import__exchange_place_without_the_right__is_denied),
        IMPORT_TEST(transfer_import__exchange_key_that_is_no_rsa_key__is_denied),
        IMPORT_TEST(transfer_import__for_another_exchange_key_or_certificate__is_a_mismatch),
        IMPORT_TEST(transfer_import__for_another_world__is_a_mismatch),
        IMPORT_TEST(transfer_import__for_another_subscription__is_a_mismatch),
        IMPORT_TEST(transfer_import__past_its_date__is_expired),
        IMPORT_TEST(transfer_import__other_profile__is_denied),
        IMPORT_TEST(transfer_import__rsa_key_of_a_size_nobody_makes__is_unsupported),
        IMPORT_TEST(transfer_import__resigned_by_another_module__is_refused),
        IMPORT_TEST(transfer_import__claimed_with_another_header__does_not_open),
        IMPORT_TEST(transfer_import__warrant_of_another_esn__is_refused),
        IMPORT_TEST(transfer_import__root_not_on_the_list__is_untrusted),
        IMPORT_TEST(transfer_import__public_key_of_h_is_another__is_refused),
        IMPORT_TEST(transfer_import__whatever_is_wrong_inside__looks_alike),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
