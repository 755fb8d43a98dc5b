#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/size.h"
#include "harness/command.h"
#include "harness/test_keys.h"
#include "pubcrypto/x509.h"
#include "unit.h"

#define ESN "0A1B-2C3D-4E5F"

/* A request by key, signed by signer. */
static void make_request(const struct test_key *key, const struct test_key *signer, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&body, 4096);
    kq_buffer_init(&signature, 4096);
    kq_buffer_init(out, 4096);
    assert_ok(kq_enrolment_body(test_key_public(key), ESN, &body));
    test_key_sign(signer, kq_buffer_slice(&body), &signature);
    assert_ok(kq_x509_assemble(kq_buffer_slice(&body), kq_buffer_slice(&signature), out));
}

static void enrolment_get__a_request_of_ours__gives_esn_and_key(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    char esn[KQ_ESN_LEN + 1];
    struct kq_slice public_key;
    make_request(key, key, &der);
    assert_ok(kq_enrolment_get(kq_buffer_slice(&der), esn, &public_key));
    assert_string_equal(esn, ESN);
    assert_slice_equal(public_key, test_key_public(key));
    test_key_free(key);
}

static void enrolment_get__signed_by_another_key__is_refused(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    struct test_key *other = test_key_new(KQ_KEY_EC_P384, 384);
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    char esn[KQ_ESN_LEN + 1] = "untouched";
    struct kq_slice public_key;
    make_request(key, other, &der);
    assert_status(kq_enrolment_get(kq_buffer_slice(&der), esn, &public_key), KQ_ERR_SIGNATURE);
    assert_string_equal(esn, "untouched");
    test_key_free(key);
    test_key_free(other);
}

static void enrolment_get__each_truncation_or_one_byte_more__is_refused(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    char esn[KQ_ESN_LEN + 1];
    struct kq_slice public_key;
    make_request(key, key, &der);
    for (size_t len = 0; len < der.len; len++)
        assert_status(kq_enrolment_get(kq_slice_of(der.data, len), esn, &public_key), KQ_ERR_FORMAT);
    assert_ok(kq_buffer_append(&der, "", 1));
    assert_status(kq_enrolment_get(kq_buffer_slice(&der), esn, &public_key), KQ_ERR_FORMAT);
    test_key_free(key);
}

static void enrolment_body__esn_or_key_outside_the_profile__is_refused(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    struct test_key *small = test_key_new(KQ_KEY_EC_P256, 256);
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    kq_buffer_init(&body, 4096);
    assert_status(kq_enrolment_body(test_key_public(key), "", &body), KQ_ERR_ARGUMENT);
    assert_status(kq_enrolment_body(test_key_public(key), "0A1B-2C3D-4E5F-", &body), KQ_ERR_ARGUMENT);
    assert_status(kq_enrolment_body(test_key_public(small), ESN, &body), KQ_ERR_FORMAT);
    assert_int_equal(body.len, 0);
    test_key_free(key);
    test_key_free(small);
}

/* A request made by OpenSSL, with a name of its own. */
static kq_status read_foreign(const char *common_name, bool has_attribute)
{
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    X509_REQ *request = X509_REQ_new();
    X509_NAME *name = X509_REQ_get_subject_name(request);
    X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING, (const uint8_t *)common_name, -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "serialNumber", V_ASN1_PRINTABLESTRING, (const uint8_t *)ESN, -1, -1, 0);
    X509_REQ_set_version(request, 0);
    X509_REQ_set_pubkey(request, key->pkey);
    if (has_attribute)
        X509_REQ_add1_attr_by_txt(request, "challengePassword", V_ASN1_UTF8STRING, (const uint8_t *)"x", 1);
    X509_REQ_sign(request, key->pkey, EVP_sha384());
    uint8_t *der = NULL;
    int len = i2d_X509_REQ(request, &der);
    assert_true(len > 0);
    char esn[KQ_ESN_LEN + 1];
    struct kq_slice public_key;
    kq_status status = kq_enrolment_get(kq_slice_of(der, (size_t)len), esn, &public_key);
    OPENSSL_free(der);
    X509_REQ_free(request);
    test_key_free(key);
    return status;
}

static void enrolment_get__written_by_the_library__reads_the_profile_only(void **state)
{
    (void)state;
    assert_ok(read_foreign("Keyquay module", false));
    assert_status(read_foreign("Some module", false), KQ_ERR_FORMAT);
    assert_status(read_foreign("Keyquay module", true), KQ_ERR_FORMAT);
}

static void enrolment__openssl_req_verify__accepts(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    KQ_AUTO_VALUE(kq_buffer) said = {0};
    char folder[COMMAND_PATH_SIZE];
    make_request(key, key, &der);
    kq_buffer_init(&pem, 8192);
    assert_ok(kq_pem_encode("CERTIFICATE REQUEST", kq_buffer_slice(&der), &pem));
    command_folder_make(folder);
    command_write(folder, "request.pem", kq_buffer_slice(&pem));
    const char *const verify[] = {"openssl", "req", "-in", "request.pem", "-verify", "-noout", "-subject", NULL};
    int status = command_run_in(folder, verify, &said);
    command_folder_remove(folder);
    assert_int_equal(status, 0);
    assert_ok(kq_buffer_append(&said, "", 1));
    assert_non_null(strstr((const char *)said.data, "serialNumber = " ESN));
    assert_non_null(strstr((const char *)said.data, "CN = Keyquay module"));
    test_key_free(key);
}

UNIT_MAIN(cmocka_unit_test(enrolment_get__a_request_of_ours__gives_esn_and_key),
          cmocka_unit_test(enrolment_get__signed_by_another_key__is_refused),
          cmocka_unit_test(enrolment_get__each_truncation_or_one_byte_more__is_refused),
          cmocka_unit_test(enrolment_body__esn_or_key_outside_the_profile__is_refused),
          cmocka_unit_test(enrolment_get__written_by_the_library__reads_the_profile_only),
          cmocka_unit_test(enrolment__openssl_req_verify__accepts))
