#include "base/size.h"
#include "harness/chain_factory.h"
#include "trust/acl.h"
#include "trust/chain.h"
#include "unit.h"

/* Each row states a valid chain with exactly one thing wrong and everything
 * else signed anew, and the step that must find it. */

static struct chain_keys keys;
static struct test_key *dsa;
static struct test_key *short_rsa;

static int make_keys(void **state)
{
    (void)state;
    chain_keys_init(&keys);
    dsa = test_key_new(KQ_KEY_DSA, 3072);
    short_rsa = test_key_new(KQ_KEY_RSA, 1024);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    chain_keys_clear(&keys);
    test_key_free(dsa);
    test_key_free(short_rsa);
    return 0;
}

static kq_status verify(const struct chain_facts *facts, struct kq_destination *out, struct kq_chain_report *report)
{
    KQ_AUTO_VALUE(chain_packages) packages = {.root = {0}};
    chain_build_packages(facts, &packages);
    return kq_chain_verify_packages(kq_buffer_slice(&packages.kek_package), kq_buffer_slice(&packages.world_package),
                                    CHAIN_NOW, out, report);
}

/* ---- one thing wrong ---------------------------------------------------------- */

static uint8_t other_hash[32] = {1, 2, 3};
static uint8_t stranger_hash[32];

static struct kq_slice another(void)
{
    return kq_slice_of(other_hash, sizeof other_hash);
}

/* warrant to root */

static void root_is_no_authority(struct chain_facts *facts)
{
    facts->root = facts->warrant;
    facts->root.subject_public = test_key_public(keys.root);
    facts->root.common_name = "Test manufacturer";
}
static void root_signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_ROOT] = keys.stranger;
}
static void root_issued_by_another_name(struct chain_facts *facts)
{
    facts->root.issuer_common_name = "Another manufacturer";
}
static void root_issued_by_another_key(struct chain_facts *facts)
{
    facts->root.issuer_public = test_key_public(keys.stranger);
}
static void root_past_its_date(struct chain_facts *facts)
{
    facts->root.not_after = CHAIN_NOW - 1;
}
static void root_before_its_date(struct chain_facts *facts)
{
    facts->root.not_before = CHAIN_NOW + 1;
}
static void warrant_signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_WARRANT] = keys.stranger;
}
static void warrant_issued_by_another_name(struct chain_facts *facts)
{
    facts->warrant.issuer_common_name = "Another manufacturer";
}
static void warrant_issued_by_rehearsal_of_the_name(struct chain_facts *facts)
{
    facts->warrant.issuer_is_rehearsal = true;
}
static void warrant_issued_by_another_key(struct chain_facts *facts)
{
    facts->warrant.issuer_public = test_key_public(keys.stranger);
}
static void warrant_past_its_date(struct chain_facts *facts)
{
    facts->warrant.not_after = CHAIN_NOW - 1;
}
static void warrant_before_its_date(struct chain_facts *facts)
{
    facts->warrant.not_before = CHAIN_NOW + 1;
}
static void warrant_is_an_authority(struct chain_facts *facts)
{
    facts->warrant.is_authority = true;
    facts->warrant.serial_number = NULL;
}
static void flip_warrant_signature(enum chain_part part, struct kq_buffer *signature)
{
    if (part == CHAIN_WARRANT)
        signature->data[signature->len - 1] ^= 1;
}
static void warrant_signature_flipped(struct chain_facts *facts)
{
    facts->on_signature = flip_warrant_signature;
}
static void flip_warrant_body(enum chain_part part, struct kq_buffer *body)
{
    if (part == CHAIN_WARRANT)
        body->data[body->len - 60] ^= 1; /* inside the extensions */
}
static void warrant_out_of_profile(struct chain_facts *facts)
{
    facts->on_body = flip_warrant_body;
}

static void flip_root_body(enum chain_part part, struct kq_buffer *body)
{
    if (part == CHAIN_ROOT)
        body->data[body->len - 60] ^= 1;
}
static void root_out_of_profile(struct chain_facts *facts)
{
    facts->on_body = flip_root_body;
}

/* Of the world package only: another warrant of the same root for the same key and ESN. */
static struct kq_buffer other_certificate;
static void packages_with_two_warrants(struct chain_facts *facts)
{
    struct kq_certificate_request request = facts->warrant;
    request.serial[14] = 9;
    kq_buffer_clear(&other_certificate);
    chain_build_certificate(facts, CHAIN_WARRANT, &request, &other_certificate);
    facts->other_warrant = kq_buffer_slice(&other_certificate);
}
static void packages_with_two_roots(struct chain_facts *facts)
{
    struct kq_certificate_request request = facts->root;
    request.serial[14] = 9;
    kq_buffer_clear(&other_certificate);
    chain_build_certificate(facts, CHAIN_ROOT, &request, &other_certificate);
    facts->other_root = kq_buffer_slice(&other_certificate);
}

/* module state */

static void state_signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_STATE] = keys.stranger;
}
static void state_signed_by_root(struct chain_facts *facts)
{
    facts->signers[CHAIN_STATE] = keys.root;
}
static void state_of_another_key(struct chain_facts *facts)
{
    facts->state.module_key_hash = another();
}
static void state_of_another_esn(struct chain_facts *facts)
{
    facts->state.esn = kq_slice_text("FFFF-0000-1111");
}
static void state_in_an_owners_world(struct chain_facts *facts)
{
    facts->state.world_kind = KQ_WORLD_OWNER;
}
static void state_in_a_factorys_world(struct chain_facts *facts)
{
    facts->state.world_kind = KQ_WORLD_FACTORY;
}
/* The byte after the name "keyquay/..." is the version. */
static void make_binding_newer(enum chain_part part, struct kq_buffer *body)
{
    static const char name[] = "keyquay/world-binding";
    if (part == CHAIN_BINDING)
        body->data[2 + sizeof name - 1] = 2; /* array head, text head, the text */
}
static void binding_of_a_newer_version(struct chain_facts *facts)
{
    facts->on_body = make_binding_newer;
}
/* A statement of another type under the right key: what is signed says what it is. */
static void swap_state_for_region(enum chain_part part, struct kq_buffer *body)
{
    if (part != CHAIN_STATE)
        return;
    struct chain_facts facts;
    KQ_AUTO_VALUE(kq_writer) writer = {.failure = KQ_OK};
    struct kq_slice bytes;
    chain_facts_init(&facts, &keys);
    kq_writer_init(&writer, 4096);
    kq_region_statement_put(&facts.statement, &writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    body->len = 0;
    assert_ok(kq_buffer_append(body, bytes.data, bytes.len));
}
static void state_is_a_region_statement(struct chain_facts *facts)
{
    facts->on_body = swap_state_for_region;
}

/* world binding */

static void binding_of_another_world(struct chain_facts *facts)
{
    facts->state.hknso = another();
}
static void binding_signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_BINDING] = keys.stranger;
}
static void binding_of_an_owners_world(struct chain_facts *facts)
{
    facts->binding.kind = KQ_WORLD_OWNER;
}
static void binding_with_recovery(struct chain_facts *facts)
{
    facts->binding.recovery_public = test_key_public(keys.exchange);
}
static void binding_with_another_hkm(struct chain_facts *facts)
{
    facts->binding.hkm = another();
}
static void binding_with_a_short_suite(struct chain_facts *facts)
{
    facts->binding.suite = kq_slice_text("DLf1024s160mRijndael");
}
static void binding_with_a_suite_of_another_key(struct chain_facts *facts)
{
    facts->binding.suite = kq_slice_text("DLf3072s256mRijndael");
}
static void binding_with_an_unknown_suite(struct chain_facts *facts)
{
    facts->binding.suite = kq_slice_text("ECp192mDES");
}
static void binding_with_more_quorum_than_cards(struct chain_facts *facts)
{
    facts->binding.quorum = 4;
}

/* region statement */

static void statement_signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_STATEMENT] = keys.stranger;
}
static void statement_signed_by_the_module(struct chain_facts *facts)
{
    facts->signers[CHAIN_STATEMENT] = keys.module;
}
static void statement_about_another_world(struct chain_facts *facts)
{
    facts->statement.hknso = another();
}
static void statement_about_another_region(struct chain_facts *facts)
{
    facts->statement.region = kq_slice_text("EU-1");
}
static void world_package_of_another_region(struct chain_facts *facts)
{
    facts->world_region = "EU-1";
}
static void kek_package_of_another_region(struct chain_facts *facts)
{
    facts->kek_region = "EU-1";
}
static void statement_past_its_date(struct chain_facts *facts)
{
    facts->statement.not_after = CHAIN_NOW;
}

/* key-generation certificate */

static void keygen_signed_by_another(struct chain_facts *facts)
{
    facts->signers[CHAIN_KEYGEN] = keys.stranger;
}
static void keygen_signed_by_the_world(struct chain_facts *facts)
{
    facts->signers[CHAIN_KEYGEN] = keys.knso;
}
static void keygen_of_another_esn(struct chain_facts *facts)
{
    facts->keygen.esn = kq_slice_text("FFFF-0000-1111");
}
static void keygen_of_another_world(struct chain_facts *facts)
{
    facts->keygen.hknso = another();
}
static void keygen_of_an_imported_key(struct chain_facts *facts)
{
    facts->keygen.origin = KQ_ORIGIN_IMPORTED_CLEAR;
}
static void keygen_of_a_transferred_key(struct chain_facts *facts)
{
    facts->keygen.origin = KQ_ORIGIN_TRANSFERRED_ATTESTED;
}
static void keygen_of_a_curve_key(struct chain_facts *facts)
{
    facts->keygen.key_type = KQ_KEY_EC_P384;
    facts->keygen.bits = 384;
    facts->keygen.public_key = test_key_public(keys.stranger);
    facts->statement.kek_hash = kq_slice_of(stranger_hash, 32);
}
static void keygen_says_rsa_of_a_curve_key(struct chain_facts *facts)
{
    keygen_of_a_curve_key(facts);
    facts->keygen.key_type = KQ_KEY_RSA;
}
static uint8_t dsa_hash[32];
static void keygen_says_rsa_of_a_dsa_key(struct chain_facts *facts)
{
    facts->keygen.bits = 3072;
    facts->keygen.public_key = test_key_public(dsa);
    test_key_hash(dsa, dsa_hash);
    facts->statement.kek_hash = kq_slice_of(dsa_hash, 32);
}
static uint8_t short_hash[32];
static void keygen_of_a_short_key(struct chain_facts *facts)
{
    facts->keygen.bits = 1024;
    facts->keygen.public_key = test_key_public(short_rsa);
    test_key_hash(short_rsa, short_hash);
    facts->statement.kek_hash = kq_slice_of(short_hash, 32);
}
static void keygen_says_more_bits(struct chain_facts *facts)
{
    facts->keygen.bits = 4096;
}
static void keygen_with_a_damaged_key(struct chain_facts *facts)
{
    facts->keygen.public_key.len--;
}

/* exchange key belongs to the world */

static void region_states_another_exchange_key(struct chain_facts *facts)
{
    facts->statement.kek_hash = another();
}
static void place_of_an_owners_key(struct chain_facts *facts)
{
    facts->exchange_place.kind = KQ_PLACE_OWNER;
}
static void place_of_a_vaults_key(struct chain_facts *facts)
{
    facts->exchange_place.kind = KQ_PLACE_VAULT;
}
static void place_in_another_world(struct chain_facts *facts)
{
    facts->exchange_place.hknso = another();
}
static void place_of_another_region(struct chain_facts *facts)
{
    facts->exchange_place.application = kq_slice_text("EU-1");
}
static void place_of_another_generation(struct chain_facts *facts)
{
    facts->exchange_place.ident = kq_slice_text("2");
}
static void statement_of_another_generation(struct chain_facts *facts)
{
    facts->statement.generation = 2;
}
static void place_damaged(struct chain_facts *facts)
{
    facts->keygen.place = kq_slice_text("nowhere");
}

struct row {
    const char *name;
    void (*change)(struct chain_facts *facts);
    const char *step;
    kq_status status;
};
#define ROW(change, step, status)                                                                                      \
    {                                                                                                                  \
#change, change, step, status                                                                                  \
    }

static const struct row rows[] = {
    ROW(root_is_no_authority, "warrant to root", KQ_ERR_MISMATCH),
    ROW(root_signed_by_another, "warrant to root", KQ_ERR_SIGNATURE),
    ROW(root_issued_by_another_name, "warrant to root", KQ_ERR_MISMATCH),
    ROW(root_issued_by_another_key, "warrant to root", KQ_ERR_MISMATCH),
    ROW(root_past_its_date, "warrant to root", KQ_ERR_EXPIRED),
    ROW(root_before_its_date, "warrant to root", KQ_ERR_EXPIRED),
    ROW(warrant_signed_by_another, "warrant to root", KQ_ERR_SIGNATURE),
    ROW(warrant_issued_by_another_name, "warrant to root", KQ_ERR_MISMATCH),
    ROW(warrant_issued_by_rehearsal_of_the_name, "warrant to root", KQ_ERR_MISMATCH),
    ROW(warrant_issued_by_another_key, "warrant to root", KQ_ERR_MISMATCH),
    ROW(warrant_past_its_date, "warrant to root", KQ_ERR_EXPIRED),
    ROW(warrant_before_its_date, "warrant to root", KQ_ERR_EXPIRED),
    ROW(warrant_is_an_authority, "warrant to root", KQ_ERR_MISMATCH),
    ROW(warrant_signature_flipped, "warrant to root", KQ_ERR_SIGNATURE),
    ROW(warrant_out_of_profile, "warrant to root", KQ_ERR_FORMAT),
    ROW(root_out_of_profile, "warrant to root", KQ_ERR_FORMAT),
    ROW(packages_with_two_warrants, "warrant to root", KQ_ERR_MISMATCH),
    ROW(packages_with_two_roots, "warrant to root", KQ_ERR_MISMATCH),
    ROW(state_signed_by_another, "module state", KQ_ERR_SIGNATURE),
    ROW(state_signed_by_root, "module state", KQ_ERR_SIGNATURE),
    ROW(state_of_another_key, "module state", KQ_ERR_MISMATCH),
    ROW(state_of_another_esn, "module state", KQ_ERR_MISMATCH),
    ROW(state_in_an_owners_world, "module state", KQ_ERR_MISMATCH),
    ROW(state_in_a_factorys_world, "module state", KQ_ERR_MISMATCH),
    ROW(state_is_a_region_statement, "module state", KQ_ERR_FORMAT),
    ROW(binding_of_a_newer_version, "world binding", KQ_ERR_VERSION),
    ROW(binding_of_another_world, "world binding", KQ_ERR_MISMATCH),
    ROW(binding_signed_by_another, "world binding", KQ_ERR_SIGNATURE),
    ROW(binding_of_an_owners_world, "world binding", KQ_ERR_MISMATCH),
    ROW(binding_with_recovery, "world binding", KQ_ERR_MISMATCH),
    ROW(binding_with_another_hkm, "world binding", KQ_ERR_MISMATCH),
    ROW(binding_with_a_short_suite, "world binding", KQ_ERR_MISMATCH),
    ROW(binding_with_a_suite_of_another_key, "world binding", KQ_ERR_MISMATCH),
    ROW(binding_with_an_unknown_suite, "world binding", KQ_ERR_MISMATCH),
    ROW(binding_with_more_quorum_than_cards, "world binding", KQ_ERR_FORMAT),
    ROW(statement_signed_by_another, "region statement", KQ_ERR_SIGNATURE),
    ROW(statement_signed_by_the_module, "region statement", KQ_ERR_SIGNATURE),
    ROW(statement_about_another_world, "region statement", KQ_ERR_MISMATCH),
    ROW(statement_about_another_region, "region statement", KQ_ERR_MISMATCH),
    ROW(world_package_of_another_region, "region statement", KQ_ERR_MISMATCH),
    ROW(kek_package_of_another_region, "region statement", KQ_ERR_MISMATCH),
    ROW(statement_past_its_date, "region statement", KQ_ERR_EXPIRED),
    ROW(keygen_signed_by_another, "key-generation certificate", KQ_ERR_SIGNATURE),
    ROW(keygen_signed_by_the_world, "key-generation certificate", KQ_ERR_SIGNATURE),
    ROW(keygen_of_another_esn, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_of_another_world, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_of_an_imported_key, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_of_a_transferred_key, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_of_a_curve_key, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_says_rsa_of_a_curve_key, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_says_rsa_of_a_dsa_key, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_of_a_short_key, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_says_more_bits, "key-generation certificate", KQ_ERR_MISMATCH),
    ROW(keygen_with_a_damaged_key, "key-generation certificate", KQ_ERR_FORMAT),
    ROW(region_states_another_exchange_key, "exchange key belongs to the world", KQ_ERR_MISMATCH),
    ROW(place_of_an_owners_key, "exchange key belongs to the world", KQ_ERR_MISMATCH),
    ROW(place_of_a_vaults_key, "exchange key belongs to the world", KQ_ERR_MISMATCH),
    ROW(place_in_another_world, "exchange key belongs to the world", KQ_ERR_MISMATCH),
    ROW(place_of_another_region, "exchange key belongs to the world", KQ_ERR_MISMATCH),
    ROW(place_of_another_generation, "exchange key belongs to the world", KQ_ERR_MISMATCH),
    ROW(statement_of_another_generation, "exchange key belongs to the world", KQ_ERR_MISMATCH),
    ROW(place_damaged, "exchange key belongs to the world", KQ_ERR_FORMAT),
};

/* The step failed with its reason, those before it passed, those after did not run. */
static void assert_stopped_at(const struct kq_chain_report *report, const char *step, const char *row)
{
    enum kq_step_outcome expected = KQ_STEP_PASSED;
    bool found = false;
    for (size_t i = 0; i < report->num_steps; i++) {
        bool is_it = strcmp(report->steps[i].name, step) == 0;
        enum kq_step_outcome wanted = is_it ? KQ_STEP_FAILED : expected;
        if (report->steps[i].outcome != wanted)
            fail_msg("%s: step \"%s\" has outcome %d (%s)", row, report->steps[i].name, (int)report->steps[i].outcome,
                     report->steps[i].reason);
        if (is_it) {
            expected = KQ_STEP_NOT_RUN;
            found = report->steps[i].reason[0] != '\0';
        }
    }
    if (!found)
        fail_msg("%s: no step \"%s\", or no reason", row, step);
}

static void verify_packages__one_thing_wrong__is_found_by_its_step(void **state)
{
    (void)state;
    test_key_hash(keys.stranger, stranger_hash);
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        struct chain_facts facts;
        struct kq_chain_report report;
        struct kq_destination destination = {.kek_bits = 7};
        chain_facts_init(&facts, &keys);
        rows[i].change(&facts);
        kq_status status = verify(&facts, &destination, &report);
        if (status != rows[i].status)
            fail_msg("%s: %s", rows[i].name, kq_status_text(status));
        assert_stopped_at(&report, rows[i].step, rows[i].name);
        assert_int_equal(destination.kek_bits, 7);
    }
    kq_buffer_clear(&other_certificate);
}

/* ---- everything right ----------------------------------------------------------- */

static void verify_packages__valid__says_where_keys_would_go(void **state)
{
    (void)state;
    struct chain_facts facts;
    struct kq_chain_report report;
    struct kq_destination destination;
    KQ_AUTO_VALUE(chain_packages) packages = {.root = {0}};
    chain_facts_init(&facts, &keys);
    chain_build_packages(&facts, &packages);
    assert_ok(kq_chain_verify_packages(kq_buffer_slice(&packages.kek_package), kq_buffer_slice(&packages.world_package),
                                       CHAIN_NOW, &destination, &report));
    assert_int_equal(report.num_steps, 7);
    for (size_t i = 0; i < report.num_steps; i++)
        assert_int_equal(report.steps[i].outcome, KQ_STEP_PASSED);
    assert_memory_equal(destination.root_hash, facts.root_hash, 32);
    assert_memory_equal(destination.hknso, facts.hknso, 32);
    assert_memory_equal(destination.kek_hash, facts.kek_hash, 32);
    assert_string_equal(destination.esn, CHAIN_ESN);
    assert_string_equal(destination.root_name, "Test manufacturer");
    assert_false(destination.root_is_rehearsal);
    assert_int_equal(destination.kek_bits, 2048);
    assert_int_equal(destination.profile, KQ_PROFILE_KEYQUAY);
    assert_slice_equal(destination.kek_public, test_key_public(keys.exchange));
    assert_slice_equal(destination.region.region, kq_slice_text(CHAIN_REGION));
}

/* Where a later check would stumble over the same change, the words tell which one it was. */
static void verify_packages__certificates_out_of_order__are_told_as_that(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct chain_facts *facts);
        const char *words;
    } told[] = {
        {root_is_no_authority, "(basicConstraints)"},
        {root_out_of_profile, "the root is not a certificate of our profile"},
        {warrant_out_of_profile, "the warrant is not a certificate of our profile"},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(told); i++) {
        struct chain_facts facts;
        struct kq_chain_report report;
        struct kq_destination destination;
        chain_facts_init(&facts, &keys);
        told[i].change(&facts);
        assert_int_not_equal(verify(&facts, &destination, &report), KQ_OK);
        if (strstr(report.steps[0].reason, told[i].words) == NULL)
            fail_msg("\"%s\" is not \"%s\"", report.steps[0].reason, told[i].words);
    }
}

static void verify_packages__rehearsal_root__is_marked(void **state)
{
    (void)state;
    struct chain_facts facts;
    struct kq_chain_report report;
    struct kq_destination destination;
    chain_facts_init(&facts, &keys);
    facts.root.is_rehearsal = true;
    facts.root.issuer_is_rehearsal = true;
    facts.warrant.issuer_is_rehearsal = true;
    assert_ok(verify(&facts, &destination, &report));
    assert_true(destination.root_is_rehearsal);
    assert_non_null(strstr(report.steps[0].reason, "rehearsal"));
}

static void verify_packages__world_with_a_dsa_key__passes(void **state)
{
    (void)state;
    static const char *const suites[] = {"DLf3072s256mRijndael", "DLf3072s256mAEScSP800131Ar1"};
    uint8_t hknso[32];
    test_key_hash(dsa, hknso);
    for (size_t i = 0; i < KQ_COUNT_OF(suites); i++) {
        struct chain_facts facts;
        struct kq_chain_report report;
        struct kq_destination destination;
        struct chain_keys with_dsa = keys;
        with_dsa.knso = dsa;
        chain_facts_init(&facts, &with_dsa);
        facts.binding.suite = kq_slice_text(suites[i]);
        assert_ok(verify(&facts, &destination, &report));
        assert_memory_equal(destination.hknso, hknso, 32);
    }
}

/* ---- the exchange key's rights ------------------------------------------------------ */

/* The template with a right too many, too few, or another one. */
static kq_status verify_with_acl(struct kq_slice acl)
{
    struct chain_facts facts;
    struct kq_chain_report report;
    struct kq_destination destination;
    chain_facts_init(&facts, &keys);
    facts.keygen.acl = acl;
    kq_status status = verify(&facts, &destination, &report);
    if (status != KQ_OK)
        assert_stopped_at(&report, "exchange key ACL", "ACL");
    return status;
}

static void verify_packages__each_bit_of_the_acl_changed__is_found(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    chain_facts_init(&facts, &keys);
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, facts.binding.hkm, &acl));
    assert_ok(verify_with_acl(kq_buffer_slice(&acl)));
    for (size_t i = 0; i < acl.len; i++) {
        acl.data[i] ^= (uint8_t)(1u << (i % 8));
        assert_status(verify_with_acl(kq_buffer_slice(&acl)), KQ_ERR_MISMATCH);
        acl.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    assert_ok(kq_buffer_append(&acl, "", 1));
    assert_status(verify_with_acl(kq_buffer_slice(&acl)), KQ_ERR_MISMATCH);
}

static void verify_packages__template_of_another_kind__is_found(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(kq_buffer) second_profile = {0};
    KQ_AUTO_VALUE(kq_buffer) other_hkm = {0};
    KQ_AUTO_VALUE(kq_buffer) imported = {0};
    kq_buffer_init(&second_profile, KQ_ACL_MAX);
    kq_buffer_init(&other_hkm, KQ_ACL_MAX);
    kq_buffer_init(&imported, KQ_ACL_MAX);
    chain_facts_init(&facts, &keys);
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_AZURE_BYOK, facts.binding.hkm, &second_profile));
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, another(), &other_hkm));
    assert_ok(kq_acl_imported_key(KQ_KEY_RSA, facts.binding.hkm, &imported));
    assert_status(verify_with_acl(kq_buffer_slice(&second_profile)), KQ_ERR_MISMATCH);
    assert_status(verify_with_acl(kq_buffer_slice(&other_hkm)), KQ_ERR_MISMATCH);
    assert_status(verify_with_acl(kq_buffer_slice(&imported)), KQ_ERR_MISMATCH);
}

/* ---- bytes that are no packages ------------------------------------------------------ */

static kq_status verify_bytes(struct kq_slice kek, struct kq_slice world, struct kq_chain_report *report)
{
    struct kq_destination destination;
    return kq_chain_verify_packages(kek, world, CHAIN_NOW, &destination, report);
}

static void verify_packages__truncated__is_refused_at_the_first_step(void **state)
{
    (void)state;
    struct chain_facts facts;
    struct kq_chain_report report;
    KQ_AUTO_VALUE(chain_packages) packages = {.root = {0}};
    chain_facts_init(&facts, &keys);
    chain_build_packages(&facts, &packages);
    struct kq_slice kek = kq_buffer_slice(&packages.kek_package);
    struct kq_slice world = kq_buffer_slice(&packages.world_package);
    for (size_t len = 0; len < kek.len; len++)
        assert_status(verify_bytes(kq_slice_of(kek.data, len), world, &report), KQ_ERR_FORMAT);
    for (size_t len = 0; len < world.len; len++)
        assert_status(verify_bytes(kek, kq_slice_of(world.data, len), &report), KQ_ERR_FORMAT);
    assert_stopped_at(&report, "warrant to root", "truncated");
}

static void verify_packages__swapped__are_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    struct kq_chain_report report;
    KQ_AUTO_VALUE(chain_packages) packages = {.root = {0}};
    chain_facts_init(&facts, &keys);
    chain_build_packages(&facts, &packages);
    assert_status(
        verify_bytes(kq_buffer_slice(&packages.world_package), kq_buffer_slice(&packages.kek_package), &report),
        KQ_ERR_FORMAT);
}

static void assert_each_flip_refused(struct kq_buffer *flipped, const struct kq_slice *kek,
                                     const struct kq_slice *world)
{
    struct kq_chain_report report;
    for (size_t i = 0; i < flipped->len; i += 3) {
        flipped->data[i] ^= (uint8_t)(1u << (i % 8));
        if (verify_bytes(*kek, *world, &report) == KQ_OK)
            fail_msg("byte %zu of %zu changed and nobody noticed", i, flipped->len);
        flipped->data[i] ^= (uint8_t)(1u << (i % 8));
    }
}

static void verify_packages__a_bit_of_each_third_byte_flipped__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_packages) packages = {.root = {0}};
    chain_facts_init(&facts, &keys);
    chain_build_packages(&facts, &packages);
    struct kq_slice kek = kq_buffer_slice(&packages.kek_package);
    struct kq_slice world = kq_buffer_slice(&packages.world_package);
    assert_each_flip_refused(&packages.kek_package, &kek, &world);
    assert_each_flip_refused(&packages.world_package, &kek, &world);
}

/* A kek package and a world package of two regions, each sound with its own partner. */
static void verify_packages__of_two_regions__are_refused(void **state)
{
    (void)state;
    struct chain_facts one;
    struct chain_facts other;
    struct kq_chain_report report;
    struct chain_keys other_keys = keys;
    KQ_AUTO_VALUE(chain_packages) here = {.root = {0}};
    KQ_AUTO_VALUE(chain_packages) there = {.root = {0}};
    other_keys.module = keys.stranger;
    other_keys.knso = test_key_new(KQ_KEY_EC_P521, 521);
    chain_facts_init(&one, &keys);
    chain_facts_init(&other, &other_keys);
    chain_build_packages(&one, &here);
    chain_build_packages(&other, &there);
    assert_ok(verify_bytes(kq_buffer_slice(&there.kek_package), kq_buffer_slice(&there.world_package), &report));
    assert_status(verify_bytes(kq_buffer_slice(&here.kek_package), kq_buffer_slice(&there.world_package), &report),
                  KQ_ERR_MISMATCH);
    assert_stopped_at(&report, "warrant to root", "two regions");
    test_key_free(other_keys.knso);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(verify_packages__valid__says_where_keys_would_go),
    cmocka_unit_test(verify_packages__certificates_out_of_order__are_told_as_that),
    cmocka_unit_test(verify_packages__rehearsal_root__is_marked),
    cmocka_unit_test(verify_packages__world_with_a_dsa_key__passes),
    cmocka_unit_test(verify_packages__one_thing_wrong__is_found_by_its_step),
    cmocka_unit_test(verify_packages__each_bit_of_the_acl_changed__is_found),
    cmocka_unit_test(verify_packages__template_of_another_kind__is_found),
    cmocka_unit_test(verify_packages__truncated__is_refused_at_the_first_step),
    cmocka_unit_test(verify_packages__swapped__are_refused),
    cmocka_unit_test(verify_packages__a_bit_of_each_third_byte_flipped__is_refused),
    cmocka_unit_test(verify_packages__of_two_regions__are_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
