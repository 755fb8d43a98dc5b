#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/size.h"
#include "harness/chain_factory.h"
#include "harness/command.h"
#include "pubcrypto/x509.h"
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

/* ---- what we write ---------------------------------------------------------- */

static void certificate_get__a_warrant_of_ours__gives_its_facts(void **state)
{
    (void)state;
    struct chain_facts facts;
    struct kq_certificate certificate;
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    chain_facts_init(&facts, &keys);
    chain_build_certificate(&facts, CHAIN_WARRANT, &facts.warrant, &der);
    assert_ok(kq_certificate_get(kq_buffer_slice(&der), &certificate));
    assert_string_equal(certificate.common_name, CHAIN_ESN);
    assert_string_equal(certificate.serial_number, CHAIN_ESN);
    assert_false(certificate.is_authority);
    assert_false(certificate.is_rehearsal);
    assert_int_equal(certificate.not_before, facts.warrant.not_before);
    assert_int_equal(certificate.not_after, facts.warrant.not_after);
    assert_slice_equal(certificate.public_key, test_key_public(keys.module));
}

static void certificate_get__a_rehearsal_root__says_so(void **state)
{
    (void)state;
    struct chain_facts facts;
    struct kq_certificate certificate;
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    chain_facts_init(&facts, &keys);
    facts.root.is_rehearsal = true;
    facts.root.issuer_is_rehearsal = true;
    facts.root.not_after = UINT64_C(253402300799);
    chain_build_certificate(&facts, CHAIN_ROOT, &facts.root, &der);
    assert_ok(kq_certificate_get(kq_buffer_slice(&der), &certificate));
    assert_true(certificate.is_authority);
    assert_true(certificate.is_rehearsal);
    assert_string_equal(certificate.serial_number, "");
    assert_int_equal(certificate.not_after, UINT64_C(253402300799));
    assert_slice_equal(certificate.subject, certificate.issuer);
}

static void certificate_get__each_truncation_or_one_byte_more__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    struct kq_certificate certificate;
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    chain_facts_init(&facts, &keys);
    chain_build_certificate(&facts, CHAIN_WARRANT, &facts.warrant, &der);
    for (size_t len = 0; len < der.len; len++)
        assert_status(kq_certificate_get(kq_slice_of(der.data, len), &certificate), KQ_ERR_FORMAT);
    assert_ok(kq_buffer_append(&der, "", 1));
    assert_status(kq_certificate_get(kq_buffer_slice(&der), &certificate), KQ_ERR_FORMAT);
}

static kq_status body_of(const struct kq_certificate_request *request)
{
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    kq_buffer_init(&body, 4096);
    return kq_certificate_body(request, &body);
}

static void certificate_body__names_outside_the_profile__are_refused(void **state)
{
    (void)state;
    static const char *const bad_names[] = {"", "two\nlines",
                                            "0123456789012345678901234567890123456789012345678901234567890123456789"};
    static const char *const bad_esns[] = {"", "0A1B-2C3D-4E5", "0A1B-2C3D-4E5F0", "0a1b-2c3d-4e5f"};
    struct chain_facts facts;
    chain_facts_init(&facts, &keys);
    for (size_t i = 0; i < KQ_COUNT_OF(bad_names); i++) {
        struct kq_certificate_request request = facts.warrant;
        request.common_name = bad_names[i];
        assert_status(body_of(&request), KQ_ERR_ARGUMENT);
        request = facts.warrant;
        request.issuer_common_name = bad_names[i];
        assert_status(body_of(&request), KQ_ERR_ARGUMENT);
    }
    for (size_t i = 0; i < KQ_COUNT_OF(bad_esns); i++) {
        struct kq_certificate_request request = facts.warrant;
        request.serial_number = bad_esns[i];
        assert_status(body_of(&request), KQ_ERR_ARGUMENT);
    }
}

static void certificate_body__esn_and_authority_that_do_not_fit__are_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    chain_facts_init(&facts, &keys);
    struct kq_certificate_request request = facts.warrant;
    request.serial_number = NULL;
    assert_status(body_of(&request), KQ_ERR_ARGUMENT);
    request = facts.root;
    request.serial_number = CHAIN_ESN;
    assert_status(body_of(&request), KQ_ERR_ARGUMENT);
}

static void certificate_body__end_before_beginning__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    chain_facts_init(&facts, &keys);
    facts.warrant.not_after = facts.warrant.not_before;
    assert_status(body_of(&facts.warrant), KQ_ERR_ARGUMENT);
}

static void certificate_body__a_key_that_is_not_p384__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    chain_facts_init(&facts, &keys);
    facts.warrant.subject_public = test_key_public(keys.knso);
    assert_status(body_of(&facts.warrant), KQ_ERR_FORMAT);
}

/* ---- what the library writes ------------------------------------------------- */

/* A warrant made by OpenSSL alone; each test changes one thing of it. */
struct foreign {
    long version;
    const char *serial_hex;
    const EVP_MD *hash;
    struct test_key *subject;
    const char *unit; /* organizationalUnit of the subject, NULL for none */
    int common_name_type;
    const char *basic_constraints;
    int basic_constraints_nid; /* NID_undef leaves the extension out */
    const char *key_usage;
    const char *extra; /* value of a further extension, NULL for none */
    int extra_nid;
    bool late_subject_key_id;
};

static const struct foreign good_foreign = {.version = 2,
                                            .serial_hex = "4102030405060708090a0b0c0d0e0f10",
                                            .common_name_type = V_ASN1_UTF8STRING,
                                            .basic_constraints = "critical,CA:FALSE",
                                            .basic_constraints_nid = NID_basic_constraints,
                                            .key_usage = "critical,digitalSignature"};

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_name(X509_NAME *name, const char *field, int type, const char *text)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, field, type, (const uint8_t *)text, -1, -1, 0), 1);
}

static void set_key_ids(X509 *certificate, const struct foreign *foreign)
{
    struct test_key *subject = foreign->subject == NULL ? keys.module : foreign->subject;
    uint8_t subject_id[KQ_KEY_ID_LEN];
    uint8_t issuer_id[KQ_KEY_ID_LEN];
    assert_ok(kq_key_id(test_key_public(subject), subject_id));
    assert_ok(kq_key_id(test_key_public(keys.root), issuer_id));
    if (foreign->late_subject_key_id)
        subject_id[0] ^= 1;
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    ASN1_OCTET_STRING_set(id, subject_id, sizeof subject_id);
    authority->keyid = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(authority->keyid, issuer_id, sizeof issuer_id);
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_key_identifier, id, 0, 0), 1);
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_authority_key_identifier, authority, 0, 0), 1);
    ASN1_OCTET_STRING_free(id);
    AUTHORITY_KEYID_free(authority);
}

static void set_serial(X509 *certificate, const char *hex)
{
    BIGNUM *number = NULL;
    assert_true(BN_hex2bn(&number, hex) > 0);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
}

static kq_status read_foreign(const struct foreign *foreign)
{
    struct test_key *subject = foreign->subject == NULL ? keys.module : foreign->subject;
    struct kq_certificate facts;
    X509 *certificate = X509_new();
    X509_set_version(certificate, foreign->version);
    set_serial(certificate, foreign->serial_hex);
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)CHAIN_NOW);
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)CHAIN_NOW + 86400);
    add_name(X509_get_issuer_name(certificate), "CN", V_ASN1_UTF8STRING, "Test manufacturer");
    X509_NAME *name = X509_get_subject_name(certificate);
    add_name(name, "CN", foreign->common_name_type, CHAIN_ESN);
    add_name(name, "serialNumber", V_ASN1_PRINTABLESTRING, CHAIN_ESN);
    if (foreign->unit != NULL)
        add_name(name, "OU", V_ASN1_UTF8STRING, foreign->unit);
    X509_set_pubkey(certificate, subject->pkey);
    if (foreign->basic_constraints_nid != NID_undef)
        add_extension(certificate, foreign->basic_constraints_nid, foreign->basic_constraints);
    add_extension(certificate, NID_key_usage, foreign->key_usage);
    set_key_ids(certificate, foreign);
    if (foreign->extra != NULL)
        add_extension(certificate, foreign->extra_nid, foreign->extra);
    X509_sign(certificate, keys.root->pkey, foreign->hash == NULL ? EVP_sha384() : foreign->hash);
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    assert_true(len > 0);
    kq_status status = kq_certificate_get(kq_slice_of(der, (size_t)len), &facts);
    OPENSSL_free(der);
    X509_free(certificate);
    return status;
}

static void certificate_get__the_profile_written_by_the_library__is_read(void **state)
{
    (void)state;
    assert_ok(read_foreign(&good_foreign));
    struct foreign foreign = good_foreign;
    foreign.unit = "rehearsal: proves nothing about the operator";
    assert_ok(read_foreign(&foreign));
}

static void certificate_get__unknown_extension__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.extra_nid = NID_ext_key_usage;
    foreign.extra = "critical,serverAuth";
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
    foreign.extra = "serverAuth";
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

static void certificate_get__other_signature_algorithm__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.hash = EVP_sha256();
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

static void certificate_get__other_key_algorithm__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.subject = keys.knso;
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
    foreign.subject = keys.payload;
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

static void certificate_get__other_version__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.version = 1;
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

static void certificate_get__serial_of_another_form__is_refused(void **state)
{
    (void)state;
    static const char *const serials[] = {"01", "0102030405060708090a0b0c0d0e0f", "4102030405060708090a0b0c0d0e0f1011",
                                          "8102030405060708090a0b0c0d0e0f10"};
    struct foreign foreign = good_foreign;
    for (size_t i = 0; i < KQ_COUNT_OF(serials); i++) {
        foreign.serial_hex = serials[i];
        assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
    }
}

static void certificate_get__warrant_that_is_an_authority__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.basic_constraints = "critical,CA:TRUE,pathlen:0";
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
    foreign.key_usage = "critical,keyCertSign";
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

static void certificate_get__basic_constraints_missing_or_not_critical__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.basic_constraints = "CA:FALSE";
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
    foreign.basic_constraints_nid = NID_undef;
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

static void certificate_get__other_key_usage__is_refused(void **state)
{
    (void)state;
    static const char *const usages[] = {"digitalSignature", "critical,digitalSignature,keyCertSign",
                                         "critical,keyAgreement"};
    struct foreign foreign = good_foreign;
    for (size_t i = 0; i < KQ_COUNT_OF(usages); i++) {
        foreign.key_usage = usages[i];
        assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
    }
}

static void certificate_get__another_units_text__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.unit = "production";
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

static void certificate_get__name_in_another_string_type__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.common_name_type = V_ASN1_PRINTABLESTRING;
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

static void certificate_get__subject_key_id_of_another_key__is_refused(void **state)
{
    (void)state;
    struct foreign foreign = good_foreign;
    foreign.late_subject_key_id = true;
    assert_status(read_foreign(&foreign), KQ_ERR_FORMAT);
}

/* ---- what the library reads ---------------------------------------------------- */

static int ask_openssl(const char *folder, struct kq_buffer *out)
{
    char now[32];
    snprintf(now, sizeof now, "%llu", (unsigned long long)CHAIN_NOW);
    const char *const verify[] = {"openssl",       "verify",  "-x509_strict", "-attime",     now,
                                  "-check_ss_sig", "-CAfile", "root.pem",     "warrant.pem", NULL};
    return command_run_in(folder, verify, out);
}

static void write_pem(const char *folder, const char *name, const struct kq_buffer *der)
{
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    kq_buffer_init(&pem, 16384);
    assert_ok(kq_pem_encode("CERTIFICATE", kq_buffer_slice(der), &pem));
    command_write(folder, name, kq_buffer_slice(&pem));
}

static void assert_openssl_verdict(const struct chain_facts *facts, int expected)
{
    char folder[COMMAND_PATH_SIZE];
    KQ_AUTO_VALUE(kq_buffer) root = {0};
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    KQ_AUTO_VALUE(kq_buffer) said = {0};
    chain_build_certificate(facts, CHAIN_ROOT, &facts->root, &root);
    chain_build_certificate(facts, CHAIN_WARRANT, &facts->warrant, &warrant);
    command_folder_make(folder);
    write_pem(folder, "root.pem", &root);
    write_pem(folder, "warrant.pem", &warrant);
    int verdict = ask_openssl(folder, &said);
    command_folder_remove(folder);
    if ((verdict == 0) != (expected == 0))
        fail_msg("openssl verify: %d, %.*s", verdict, (int)said.len, (const char *)said.data);
}

static void warrant__openssl_verify_under_its_root__accepts(void **state)
{
    (void)state;
    struct chain_facts facts;
    chain_facts_init(&facts, &keys);
    assert_openssl_verdict(&facts, 0);
    facts.root.is_rehearsal = true;
    facts.root.issuer_is_rehearsal = true;
    facts.warrant.issuer_is_rehearsal = true;
    assert_openssl_verdict(&facts, 0);
}

static void warrant__openssl_verify_under_another_key__refuses(void **state)
{
    (void)state;
    struct chain_facts facts;
    chain_facts_init(&facts, &keys);
    facts.signers[CHAIN_WARRANT] = keys.stranger;
    assert_openssl_verdict(&facts, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(certificate_get__a_warrant_of_ours__gives_its_facts),
    cmocka_unit_test(certificate_get__a_rehearsal_root__says_so),
    cmocka_unit_test(certificate_get__each_truncation_or_one_byte_more__is_refused),
    cmocka_unit_test(certificate_body__names_outside_the_profile__are_refused),
    cmocka_unit_test(certificate_body__esn_and_authority_that_do_not_fit__are_refused),
    cmocka_unit_test(certificate_body__end_before_beginning__is_refused),
    cmocka_unit_test(certificate_body__a_key_that_is_not_p384__is_refused),
    cmocka_unit_test(certificate_get__the_profile_written_by_the_library__is_read),
    cmocka_unit_test(certificate_get__unknown_extension__is_refused),
    cmocka_unit_test(certificate_get__other_signature_algorithm__is_refused),
    cmocka_unit_test(certificate_get__other_key_algorithm__is_refused),
    cmocka_unit_test(certificate_get__other_version__is_refused),
    cmocka_unit_test(certificate_get__serial_of_another_form__is_refused),
    cmocka_unit_test(certificate_get__warrant_that_is_an_authority__is_refused),
    cmocka_unit_test(certificate_get__basic_constraints_missing_or_not_critical__is_refused),
    cmocka_unit_test(certificate_get__other_key_usage__is_refused),
    cmocka_unit_test(certificate_get__another_units_text__is_refused),
    cmocka_unit_test(certificate_get__name_in_another_string_type__is_refused),
    cmocka_unit_test(certificate_get__subject_key_id_of_another_key__is_refused),
    cmocka_unit_test(warrant__openssl_verify_under_its_root__accepts),
    cmocka_unit_test(warrant__openssl_verify_under_another_key__refuses),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
