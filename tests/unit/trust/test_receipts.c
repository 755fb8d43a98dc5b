#include "base/size.h"
#include "harness/chain_factory.h"
#include "trust/receipts.h"
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

static void receipts__valid_pair__verify_and_match(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_receipt_facts exported;
    struct kq_receipt_facts imported;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_receipt_verify(kq_buffer_slice(&transfer.export_receipt), &exported, &reason));
    assert_ok(kq_receipt_verify(kq_buffer_slice(&transfer.import_receipt), &imported, &reason));
    assert_false(exported.is_import);
    assert_true(imported.is_import);
    assert_true(exported.is_attested && imported.is_attested);
    assert_string_equal(exported.esn, CHAIN_SOURCE_ESN);
    assert_string_equal(imported.esn, CHAIN_ESN);
    assert_memory_equal(imported.root_hash, facts.root_hash, 32);
    assert_ok(kq_receipt_match(&exported, &imported, &reason));
    assert_ok(kq_receipt_match_package(&exported, kq_buffer_slice(&transfer.package)));
    assert_status(kq_receipt_match_package(&imported, kq_buffer_slice(&transfer.header)), KQ_ERR_MISMATCH);
}

static void receipt_verify__of_a_source_without_warrant__is_not_attested(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_receipt_facts exported;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    facts.without_warrant = true;
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_receipt_verify(kq_buffer_slice(&transfer.export_receipt), &exported, &reason));
    assert_false(exported.is_attested);
    assert_string_equal(exported.esn, CHAIN_SOURCE_ESN);
}

/* A warrant that has run out since the receipt was signed does not spoil it. */
static void receipt_verify__warrant_run_out_since__is_judged_at_the_receipts_time(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_receipt_facts exported;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    facts.source_warrant.not_after = CHAIN_NOW;
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_receipt_verify(kq_buffer_slice(&transfer.export_receipt), &exported, &reason));
}

enum which { EXPORT, IMPORT };

static void export_signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_EXPORT_RECEIPT] = keys.stranger;
}
static void import_signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_IMPORT_RECEIPT] = keys.stranger;
}
static void export_by_another_module(struct chain_facts *facts)
{
    facts->signers[CHAIN_EXPORT_RECEIPT] = keys.stranger;
    facts->source_public = keys.stranger;
    facts->source_warrant.subject_public = test_key_public(keys.stranger);
}
static void export_of_another_package(struct chain_facts *facts)
{
    facts->exported.package_id = kq_slice_of("package number 2", 16);
}
static void import_of_another_package(struct chain_facts *facts)
{
    facts->imported.package_id = kq_slice_of("package number 2", 16);
}
static void export_with_a_damaged_header(struct chain_facts *facts)
{
    facts->exported.header = kq_slice_text("none");
}
static void export_after_its_warrant(struct chain_facts *facts)
{
    facts->source_warrant.not_after = CHAIN_NOW - 1;
}
static void export_with_another_warrant(struct chain_facts *facts)
{
    facts->source_warrant.subject_public = test_key_public(keys.stranger);
}
static void export_with_a_forged_warrant(struct chain_facts *facts)
{
    facts->signers[CHAIN_SOURCE_WARRANT] = keys.stranger;
}
static void import_of_another_esn(struct chain_facts *facts)
{
    facts->imported.esn = kq_slice_text("FFFF-0000-1111");
}
static void import_into_another_world(struct chain_facts *facts)
{
    facts->imported_place.hknso = kq_slice_of(facts->source_hknso, 32);
}
static void import_into_another_subscription(struct chain_facts *facts)
{
    facts->imported_place.subscription = kq_slice_text("00000000-0000-4111-8222-abcdefabcdef");
}
static void import_with_a_damaged_place(struct chain_facts *facts)
{
    facts->imported.place = kq_slice_text("nowhere");
}
static void import_attested_without_root(struct chain_facts *facts)
{
    facts->imported.source_root_hash = KQ_SLICE_EMPTY;
}
static void import_self_asserted_with_root(struct chain_facts *facts)
{
    facts->imported.origin = KQ_ORIGIN_TRANSFERRED_SELF_ASSERTED;
}

static void receipt_verify__one_thing_wrong__is_refused_with_its_field(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct chain_facts *facts);
        enum which which;
        kq_status status;
        const char *field;
    } rows[] = {
        {export_signed_by_another, EXPORT, KQ_ERR_SIGNATURE, "statement"},
        {import_signed_by_another, IMPORT, KQ_ERR_SIGNATURE, "statement"},
        {export_by_another_module, EXPORT, KQ_ERR_MISMATCH, "source_signing_hash"},
        {export_of_another_package, EXPORT, KQ_ERR_MISMATCH, "package_id"},
        {import_of_another_package, IMPORT, KQ_ERR_MISMATCH, "package_id"},
        {export_with_a_damaged_header, EXPORT, KQ_ERR_FORMAT, "header"},
        {export_after_its_warrant, EXPORT, KQ_ERR_EXPIRED, "validity"},
        {export_with_another_warrant, EXPORT, KQ_ERR_MISMATCH, "warrant"},
        {export_with_a_forged_warrant, EXPORT, KQ_ERR_SIGNATURE, "signature"},
        {import_of_another_esn, IMPORT, KQ_ERR_MISMATCH, "esn"},
        {import_into_another_world, IMPORT, KQ_ERR_MISMATCH, "place"},
        {import_into_another_subscription, IMPORT, KQ_ERR_MISMATCH, "place"},
        {import_with_a_damaged_place, IMPORT, KQ_ERR_FORMAT, "place"},
        {import_attested_without_root, IMPORT, KQ_ERR_FORMAT, "source_root_hash"},
        {import_self_asserted_with_root, IMPORT, KQ_ERR_FORMAT, "source_root_hash"},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        struct chain_facts facts;
        KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
        struct kq_receipt_facts found = {.time = 7};
        const char *reason = "";
        chain_facts_init(&facts, &keys);
        rows[i].change(&facts);
        chain_build_transfer(&facts, &transfer);
        const struct kq_buffer *file = rows[i].which == EXPORT ? &transfer.export_receipt : &transfer.import_receipt;
        kq_status status = kq_receipt_verify(kq_buffer_slice(file), &found, &reason);
        if (status != rows[i].status || strstr(reason, rows[i].field) == NULL)
            fail_msg("row %zu: %s: %s", i, kq_status_text(status), reason);
        assert_int_equal(found.time, 7);
    }
}

static void receipt_verify__truncated__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_receipt_facts found;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &transfer);
    for (size_t len = 0; len < transfer.export_receipt.len; len++)
        assert_status(kq_receipt_verify(kq_slice_of(transfer.export_receipt.data, len), &found, &reason),
                      KQ_ERR_FORMAT);
}

static void receipt_verify__warrant_or_root_alone__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_receipt_file whole;
    struct kq_receipt_facts found;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_receipt_file_get(kq_buffer_slice(&transfer.export_receipt), &whole, NULL));
    for (size_t i = 0; i < 2; i++) {
        KQ_AUTO_VALUE(kq_writer) writer = {.failure = KQ_OK};
        struct kq_receipt_file file = whole;
        struct kq_slice bytes;
        *(i == 0 ? &file.warrant : &file.root) = KQ_SLICE_EMPTY;
        kq_writer_init(&writer, KQ_PACKAGE_MAX);
        kq_receipt_file_put(&file, &writer);
        assert_ok(kq_writer_finish(&writer, &bytes));
        assert_status(kq_receipt_verify(bytes, &found, &reason), KQ_ERR_FORMAT);
    }
}

/* The byte after the name of the type is its version. */
static void make_export_newer(enum chain_part part, struct kq_buffer *body)
{
    static const char name[] = "keyquay/export-receipt";
    if (part == CHAIN_EXPORT_RECEIPT)
        body->data[2 + sizeof name - 1] = 2;
}

static void receipt_verify__newer_version__says_so(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_receipt_facts found;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    facts.on_body = make_export_newer;
    chain_build_transfer(&facts, &transfer);
    assert_status(kq_receipt_verify(kq_buffer_slice(&transfer.export_receipt), &found, &reason), KQ_ERR_VERSION);
    assert_non_null(strstr(reason, "newer"));
}

/* Another statement of the same module, its signature right, is no receipt. */
static void put_state_in_its_stead(enum chain_part part, struct kq_buffer *body)
{
    if (part != CHAIN_EXPORT_RECEIPT)
        return;
    struct chain_facts facts;
    KQ_AUTO_VALUE(kq_writer) writer = {.failure = KQ_OK};
    struct kq_slice bytes;
    chain_facts_init(&facts, &keys);
    kq_writer_init(&writer, 4096);
    kq_module_state_put(&facts.state, &writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    body->len = 0;
    assert_ok(kq_buffer_append(body, bytes.data, bytes.len));
}

static void receipt_verify__statement_of_another_type__is_no_receipt(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_receipt_facts found;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    facts.on_body = put_state_in_its_stead;
    chain_build_transfer(&facts, &transfer);
    assert_status(kq_receipt_verify(kq_buffer_slice(&transfer.export_receipt), &found, &reason), KQ_ERR_FORMAT);
    assert_non_null(strstr(reason, "no receipt"));
}

static uint8_t other_hash[32] = {5};

static void changed_hash(struct chain_facts *facts)
{
    facts->imported.package_hash = kq_slice_of(other_hash, 32);
}
static void changed_root(struct chain_facts *facts)
{
    facts->imported.source_root_hash = kq_slice_of(other_hash, 32);
}
static void changed_header(struct chain_facts *facts)
{
    facts->header.friendly_name = kq_slice_text("other name");
}
static void changed_package(struct chain_facts *facts)
{
    facts->header.package_id = kq_slice_of("package number 2", 16);
    facts->imported.package_id = facts->header.package_id;
    facts->exported.package_id = facts->header.package_id;
}

/* The export receipt of one chain against the import receipt of a changed one. */
static void receipt_match__receipts_that_do_not_belong_together__name_the_field(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct chain_facts *facts);
        const char *field;
    } rows[] = {{changed_hash, "package_hash"}, {changed_root, "source_root_hash"}, {changed_package, "package_id"}};
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) one = {.package = {0}};
    struct kq_receipt_facts exported;
    const char *reason = "";
    uint8_t package_hash[32];
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &one);
    assert_ok(kq_receipt_verify(kq_buffer_slice(&one.export_receipt), &exported, &reason));
    memcpy(package_hash, exported.package_hash.data, 32);
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        struct kq_receipt_facts imported;
        KQ_AUTO_VALUE(chain_transfer) other = {.package = {0}};
        chain_facts_init(&facts, &keys);
        facts.imported.package_hash = kq_slice_of(package_hash, 32);
        rows[i].change(&facts);
        chain_build_transfer(&facts, &other);
        assert_ok(kq_receipt_verify(kq_buffer_slice(&other.import_receipt), &imported, &reason));
        assert_status(kq_receipt_match(&exported, &imported, &reason), KQ_ERR_MISMATCH);
        assert_non_null(strstr(reason, rows[i].field));
    }
}

static void receipt_match__other_header_for_the_same_package__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) one = {.package = {0}};
    KQ_AUTO_VALUE(chain_transfer) other = {.package = {0}};
    struct kq_receipt_facts exported;
    struct kq_receipt_facts imported;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &one);
    assert_ok(kq_receipt_verify(kq_buffer_slice(&one.export_receipt), &exported, &reason));
    changed_header(&facts);
    facts.imported.package_hash = exported.package_hash;
    chain_build_transfer(&facts, &other);
    assert_ok(kq_receipt_verify(kq_buffer_slice(&other.import_receipt), &imported, &reason));
    assert_status(kq_receipt_match(&exported, &imported, &reason), KQ_ERR_MISMATCH);
    assert_non_null(strstr(reason, "(header)"));
}

static void receipt_match__two_of_a_kind__is_an_argument_error(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_transfer) transfer = {.package = {0}};
    struct kq_receipt_facts exported;
    const char *reason = "";
    chain_facts_init(&facts, &keys);
    chain_build_transfer(&facts, &transfer);
    assert_ok(kq_receipt_verify(kq_buffer_slice(&transfer.export_receipt), &exported, &reason));
    assert_status(kq_receipt_match(&exported, &exported, &reason), KQ_ERR_ARGUMENT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(receipts__valid_pair__verify_and_match),
    cmocka_unit_test(receipt_verify__of_a_source_without_warrant__is_not_attested),
    cmocka_unit_test(receipt_verify__warrant_run_out_since__is_judged_at_the_receipts_time),
    cmocka_unit_test(receipt_verify__one_thing_wrong__is_refused_with_its_field),
    cmocka_unit_test(receipt_verify__truncated__is_refused),
    cmocka_unit_test(receipt_verify__warrant_or_root_alone__is_refused),
    cmocka_unit_test(receipt_verify__newer_version__says_so),
    cmocka_unit_test(receipt_verify__statement_of_another_type__is_no_receipt),
    cmocka_unit_test(receipt_match__receipts_that_do_not_belong_together__name_the_field),
    cmocka_unit_test(receipt_match__other_header_for_the_same_package__is_refused),
    cmocka_unit_test(receipt_match__two_of_a_kind__is_an_argument_error),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
