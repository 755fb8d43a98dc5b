#include "base/size.h"
#include "harness/chain_factory.h"
#include "trust/chain.h"
#include "unit.h"

static struct chain_keys keys;

static int make_keys(void **state)
{
    (void)state;
    chain_keys_init(&keys);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    chain_keys_clear(&keys);
    return 0;
}

static kq_status verify(const struct chain_facts *facts)
{
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_transfer_facts found;
    chain_build_transfer(facts, &transfer);
    return kq_transfer_verify_source(kq_buffer_slice(&transfer.package), CHAIN_NOW, &found);
}

static void transfer_verify_source__with_warrant__is_attested(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_transfer_facts found;
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_transfer_verify_source(kq_buffer_slice(&transfer.package), CHAIN_NOW, &found));
    assert_true(found.is_attested);
    assert_false(found.root_is_rehearsal);
    assert_memory_equal(found.root_hash, facts.root_hash, 32);
    assert_slice_equal(found.header_bytes, kq_buffer_slice(&transfer.header));
    assert_slice_equal(found.source_public, test_key_public(keys.source));
    assert_slice_equal(found.header.subscription, kq_slice_text(CHAIN_SUBSCRIPTION));
}

static void transfer_verify_source__without_warrant__is_self_asserted(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_transfer_facts found;
    chain_facts_init(&facts, &keys);
    facts.without_warrant = true;
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_transfer_verify_source(kq_buffer_slice(&transfer.package), CHAIN_NOW, &found));
    assert_false(found.is_attested);
}

static void signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_TRANSFER] = keys.stranger;
}
/* Somebody takes a package over under his own name: a warrant of his own, his key beside it. */
static void claimed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_TRANSFER] = keys.stranger;
    facts->source_public = keys.stranger;
    facts->source_warrant.subject_public = test_key_public(keys.stranger);
}
static void claimed_without_warrant(struct chain_facts *facts)
{
    claimed_by_another(facts);
    facts->without_warrant = true;
}
static void signer_not_p384(struct chain_facts *facts)
{
    static uint8_t hash[32];
    test_key_hash(keys.knso, hash);
    facts->signers[CHAIN_TRANSFER] = keys.knso;
    facts->source_public = keys.knso;
    facts->header.source_signing_hash = kq_slice_of(hash, 32);
    facts->without_warrant = true;
}
static void header_of_another_esn(struct chain_facts *facts)
{
    facts->header.source_esn = kq_slice_text("FFFF-0000-1111");
}
static void warrant_of_another_key(struct chain_facts *facts)
{
    facts->source_warrant.subject_public = test_key_public(keys.stranger);
}
static void warrant_of_another_root(struct chain_facts *facts)
{
    facts->signers[CHAIN_SOURCE_WARRANT] = keys.stranger;
}
static void warrant_past_its_date(struct chain_facts *facts)
{
    facts->source_warrant.not_after = CHAIN_NOW - 1;
}
static void public_hash_of_another_key(struct chain_facts *facts)
{
    facts->header.public_hash = kq_slice_of(facts->kek_hash, 32);
}
static void public_key_of_another_type(struct chain_facts *facts)
{
    facts->header.key_type = KQ_KEY_EC_SECP256K1;
}
static void public_key_of_another_size(struct chain_facts *facts)
{
    facts->header.bits = 384;
}
static void public_key_damaged(struct chain_facts *facts)
{
    facts->header.public_key.len--;
}

static void transfer_verify_source__one_thing_wrong__is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct chain_facts *facts);
        kq_status status;
    } rows[] = {
        {"signed by another", signed_by_another, KQ_ERR_SIGNATURE},
        {"claimed by another", claimed_by_another, KQ_ERR_MISMATCH},
        {"claimed without warrant", claimed_without_warrant, KQ_ERR_MISMATCH},
        {"signer not P-384", signer_not_p384, KQ_ERR_UNSUPPORTED},
        {"header of another ESN", header_of_another_esn, KQ_ERR_MISMATCH},
        {"warrant of another key", warrant_of_another_key, KQ_ERR_MISMATCH},
        {"warrant of another root", warrant_of_another_root, KQ_ERR_SIGNATURE},
        {"warrant past its date", warrant_past_its_date, KQ_ERR_EXPIRED},
        {"public hash of another key", public_hash_of_another_key, KQ_ERR_MISMATCH},
        {"public key of another type", public_key_of_another_type, KQ_ERR_MISMATCH},
        {"public key of another size", public_key_of_another_size, KQ_ERR_MISMATCH},
        {"public key damaged", public_key_damaged, KQ_ERR_FORMAT},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        struct chain_facts facts;
        chain_facts_init(&facts, &keys);
        rows[i].change(&facts);
        kq_status status = verify(&facts);
        if (status != rows[i].status)
            fail_msg("%s: %s", rows[i].name, kq_status_text(status));
    }
}

/* The package with its warrant or its root taken off. */
static kq_status verify_without(bool has_warrant, bool has_root)
{
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    KQ_AUTO_VALUE(kq_writer) writer = {.failure = KQ_OK};
    struct kq_transfer_package package;
    struct kq_transfer_facts found;
    struct kq_slice bytes;
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_transfer_package_get(kq_buffer_slice(&transfer.package), &package, NULL));
    if (!has_warrant)
        package.warrant = KQ_SLICE_EMPTY;
    if (!has_root)
        package.root = KQ_SLICE_EMPTY;
    kq_writer_init(&writer, KQ_TRANSFER_PACKAGE_FILE_MAX);
    kq_transfer_package_put(&package, &writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    return kq_transfer_verify_source(bytes, CHAIN_NOW, &found);
}

static void transfer_verify_source__warrant_or_root_alone__is_refused(void **state)
{
    (void)state;
    assert_status(verify_without(true, false), KQ_ERR_FORMAT);
    assert_status(verify_without(false, true), KQ_ERR_FORMAT);
    assert_ok(verify_without(false, false));
}

/* What is not signed: the source's key, its warrant and its root, which must agree with what is. */
static void transfer_verify_source__a_bit_of_each_third_byte_flipped__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_transfer_facts found;
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &transfer);
    struct kq_slice package = kq_buffer_slice(&transfer.package);
    for (size_t i = 0; i < package.len; i += 3) {
        transfer.package.data[i] ^= (uint8_t)(1u << (i % 8));
        if (kq_transfer_verify_source(package, CHAIN_NOW, &found) == KQ_OK)
            fail_msg("byte %zu of %zu changed and nobody noticed", i, package.len);
        transfer.package.data[i] ^= (uint8_t)(1u << (i % 8));
    }
}

static void transfer_parse__each_truncation__names_a_field(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_transfer_facts found;
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &transfer);
    for (size_t len = 0; len < transfer.package.len; len++) {
        const char *field = NULL;
        assert_status(kq_transfer_parse(kq_slice_of(transfer.package.data, len), &found, &field), KQ_ERR_FORMAT);
        assert_non_null(field);
    }
}

static void transfer_parse__nothing_verified__gives_header_and_ciphertext(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_transfer_facts found;
    const char *field = NULL;
    chain_facts_init(&facts, &keys);
    facts.signers[CHAIN_TRANSFER] = keys.stranger;
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_transfer_parse(kq_buffer_slice(&transfer.package), &found, &field));
    assert_slice_equal(found.header.friendly_name, kq_slice_text("payroll"));
    assert_true(found.ciphertext.len > 256);
    assert_false(found.is_attested);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(transfer_verify_source__with_warrant__is_attested),
    cmocka_unit_test(transfer_verify_source__without_warrant__is_self_asserted),
    cmocka_unit_test(transfer_verify_source__one_thing_wrong__is_refused),
    cmocka_unit_test(transfer_verify_source__warrant_or_root_alone__is_refused),
    cmocka_unit_test(transfer_verify_source__a_bit_of_each_third_byte_flipped__is_refused),
    cmocka_unit_test(transfer_parse__each_truncation__names_a_field),
    cmocka_unit_test(transfer_parse__nothing_verified__gives_header_and_ciphertext),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
