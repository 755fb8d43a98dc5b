/* Client assertions and the certificates that they are signed with. */
#include "unit.h"

#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>

#include "base/size.h"
#include "base/text.h"
#include "vault/auth/assertion.h"
#include "vault/auth/client_certificate.h"
#include "vault/auth/token_maker.h"

#define ENDPOINT "https://login.keyquay.localhost:8443/adfs/oauth2/token"
#define DAY 86400u

struct fixture {
    struct token_maker maker;
    struct kq_buffer certificate;
    struct vault_certificate_facts facts;
    struct kq_buffer text; /* "Bearer " and the assertion */
    char sha256[64];       /* base64url, not padded */
    char sha1[64];         /* base64url, padded */
};

static void encode(const uint8_t *bytes, size_t len, bool is_padded, char out[64])
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, 64);
    assert_ok(kq_base64url_encode(kq_slice_of(bytes, len), &text));
    snprintf(out, 64, "%.*s%s", (int)text.len, (const char *)text.data, is_padded ? "=" : "");
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *why = NULL;
    token_maker_init(&fixture->maker);
    token_maker_certificate(&fixture->maker, fixture->maker.key, MAKER_NOW - DAY, MAKER_NOW + DAY,
                            &fixture->certificate);
    assert_ok(vault_client_certificate_read(kq_buffer_slice(&fixture->certificate), &fixture->facts, &why));
    encode(fixture->facts.sha256, 32, false, fixture->sha256);
    encode(fixture->facts.sha1, 20, true, fixture->sha1);
    kq_buffer_init(&fixture->text, 65536);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    token_maker_clear(&fixture->maker);
    kq_buffer_clear(&fixture->certificate);
    kq_buffer_clear(&fixture->text);
    free(fixture);
    return 0;
}

/* ---- making them -------------------------------------------------------------------------- */

static const char good_claims[] = "{\"iss\":\"" MAKER_CLIENT "\",\"sub\":\"" MAKER_CLIENT "\",\"aud\":\"" ENDPOINT
                                  "\",\"jti\":\"one\",\"iat\":1796000000.25,\"nbf\":1796000000,\"exp\":1796000600.5}";

/* Claims with one member replaced, or taken out where value is NULL (a JSON text). */
static char *claims_with(const char *name, const char *value)
{
    json_t *claims = json_loads(good_claims, 0, NULL);
    if (name != NULL && value == NULL)
        json_object_del(claims, name);
    else if (name != NULL)
        json_object_set_new(claims, name, json_loads(value, JSON_DECODE_ANY, NULL));
    char *text = json_dumps(claims, JSON_COMPACT);
    json_decref(claims);
    return text;
}

static const char *make(struct fixture *fixture, const char *header, const char *claims, enum maker_signature kind)
{
    token_maker_make(&fixture->maker, header, claims, kind, &fixture->text);
    return (const char *)fixture->text.data + sizeof "Bearer " - 1;
}

static bool is_endpoint(void *context, const char *audience)
{
    (void)context;
    return strcmp(audience, ENDPOINT) == 0;
}

static kq_status check_with(struct fixture *fixture, const char *text, struct kq_slice certificate, uint64_t now,
                            uint8_t id[32], const char **out_why)
{
    KQ_AUTO_VALUE(vault_assertion) assertion = {.has_sha1 = false};
    const struct vault_assertion_rules rules = {
        .client_id = MAKER_CLIENT, .is_audience = is_endpoint, .context = fixture, .now = now, .leeway_s = 60};
    uint64_t expires = 0;
    KQ_TRY(vault_assertion_parse(text, &assertion, out_why));
    KQ_TRY(vault_assertion_verify(&assertion, certificate, &rules, id, &expires, out_why));
    assert_in_range(expires, now - 60, now + 3661);
    return KQ_OK;
}

static kq_status check(struct fixture *fixture, const char *text, const char **out_why)
{
    uint8_t id[32];
    return check_with(fixture, text, kq_buffer_slice(&fixture->certificate), MAKER_NOW, id, out_why);
}

static void sha256_header(const struct fixture *fixture, const char *alg, char out[512])
{
    snprintf(out, 512, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"x5t#S256\":\"%s\"}", alg, fixture->sha256);
}

/* ---- good ones ------------------------------------------------------------------------------ */

static void vault_assertion_verify__every_form_of_header__taken(void **state)
{
    struct fixture *fixture = *state;
    const char *why = NULL;
    char header[8][512];
    const enum maker_signature kinds[] = {MAKER_RS256, MAKER_PS256, MAKER_RS256, MAKER_PS256, MAKER_RS256};
    sha256_header(fixture, "RS256", header[0]);
    sha256_header(fixture, "PS256", header[1]);
    snprintf(header[2], 512, "{\"alg\":\"RS256\",\"x5t\":\"%s\"}", fixture->sha1);
    snprintf(header[3], 512, "{\"alg\":\"PS256\",\"x5t\":\"%.27s\",\"kid\":\"whatever\"}", fixture->sha1);
    snprintf(header[4], 512, "{\"alg\":\"RS256\",\"x5t\":\"%s\",\"x5t#S256\":\"%s=\"}", fixture->sha1, fixture->sha256);
    for (size_t i = 0; i < 5; i++)
        if (check(fixture, make(fixture, header[i], good_claims, kinds[i]), &why) != KQ_OK)
            fail_msg("%s: %s", header[i], why);
}

static void vault_assertion_verify__same_jti_of_same_client__same_id(void **state)
{
    struct fixture *fixture = *state;
    const char *why = NULL;
    char header[512];
    uint8_t ids[3][32];
    char *other_jti = claims_with("jti", "\"two\"");
    char *other_iat = claims_with("iat", "1796000001");
    const char *const claims[] = {good_claims, other_iat, other_jti};
    sha256_header(fixture, "RS256", header);
    for (size_t i = 0; i < 3; i++)
        assert_ok(check_with(fixture, make(fixture, header, claims[i], MAKER_RS256),
                             kq_buffer_slice(&fixture->certificate), MAKER_NOW, ids[i], &why));
    assert_memory_equal(ids[0], ids[1], 32);
    assert_memory_not_equal(ids[0], ids[2], 32);
    free(other_jti);
    free(other_iat);
}

static void vault_assertion_verify__chain_that_begins_with_the_certificate__taken(void **state)
{
    struct fixture *fixture = *state;
    const char *why = NULL;
    char header[9000];
    uint8_t text[4096];
    int len = EVP_EncodeBlock(text, fixture->certificate.data, (int)fixture->certificate.len);
    snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"x5t#S256\":\"%s\",\"x5c\":[\"%.*s\",\"AAAA\"]}",
             fixture->sha256, len, (const char *)text);
    if (check(fixture, make(fixture, header, good_claims, MAKER_RS256), &why) != KQ_OK)
        fail_msg("%s", why);
    text[100] = text[100] == 'A' ? 'B' : 'A';
    snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"x5t#S256\":\"%s\",\"x5c\":[\"%.*s\"]}", fixture->sha256, len,
             (const char *)text);
    assert_status(check(fixture, make(fixture, header, good_claims, MAKER_RS256), &why), KQ_ERR_MISMATCH);
}

/* ---- forged ones ---------------------------------------------------------------------------- */

static void vault_assertion_verify__forged__refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *alg;
        enum maker_signature kind;
        kq_status status;
    } cases[] = {
        {"RS256", MAKER_OTHER_KEY, KQ_ERR_SIGNATURE},   {"RS256", MAKER_PS256, KQ_ERR_SIGNATURE},
        {"PS256", MAKER_RS256, KQ_ERR_SIGNATURE},       {"HS256", MAKER_HS256_DER, KQ_ERR_UNSUPPORTED},
        {"HS256", MAKER_HS256_PEM, KQ_ERR_UNSUPPORTED}, {"RS256", MAKER_HS256_PEM, KQ_ERR_SIGNATURE},
        {"none", MAKER_RS256, KQ_ERR_UNSUPPORTED},      {"RS384", MAKER_RS256, KQ_ERR_UNSUPPORTED},
        {"none", MAKER_EMPTY, KQ_ERR_FORMAT},           {"RS256", MAKER_EMPTY, KQ_ERR_FORMAT},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        char header[512];
        const char *why = "";
        sha256_header(fixture, cases[i].alg, header);
        assert_status(check(fixture, make(fixture, header, good_claims, cases[i].kind), &why), cases[i].status);
        assert_true(why[0] != '\0');
    }
}

static void vault_assertion_parse__headers_that_name_no_certificate__refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const headers[] = {
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"RS256\",\"x5t\":\"\"}",
        "{\"alg\":\"RS256\",\"x5t\":\"AAAA\"}",
        "{\"alg\":\"RS256\",\"x5t\":7}",
        "{\"alg\":\"RS256\",\"x5t#S256\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"alg\":\"RS256\",\"x5t\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA==\"}",
        "{\"alg\":\"RS256\",\"x5t\":\"AAAAAAAAAAAAAAAAAAAAAAAAAA+=\"}",
        "{\"alg\":\"RS256\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"alg\":\"RS256\",\"crit\":[\"x\"],\"x5t\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    };
    for (size_t i = 0; i < KQ_COUNT_OF(headers); i++) {
        KQ_AUTO_VALUE(vault_assertion) assertion = {.has_sha1 = false};
        const char *why = "";
        kq_status status = vault_assertion_parse(make(fixture, headers[i], good_claims, MAKER_RS256), &assertion, &why);
        if (status == KQ_OK || why[0] == '\0')
            fail_msg("taken: %s", headers[i]);
    }
}

static void vault_assertion_verify__hash_of_another_certificate__refused(void **state)
{
    struct fixture *fixture = *state;
    const char *why = "";
    char header[512];
    snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"x5t\":\"%s\",\"x5t#S256\":\"%.*s\"}", fixture->sha1, 43,
             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_status(check(fixture, make(fixture, header, good_claims, MAKER_RS256), &why), KQ_ERR_MISMATCH);
    assert_non_null(strstr(why, "hash"));
}

static void vault_assertion_verify__claims_that_do_not_fit__refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        const char *value;
        kq_status status;
    } cases[] = {
        {"iss", "\"" MAKER_OBJECT "\"", KQ_ERR_MISMATCH},
        {"iss", NULL, KQ_ERR_MISMATCH},
        {"sub", "\"" MAKER_OBJECT "\"", KQ_ERR_MISMATCH},
        {"sub", NULL, KQ_ERR_MISMATCH},
        {"aud", "\"https://login.example/adfs/oauth2/token\"", KQ_ERR_MISMATCH},
        {"aud", NULL, KQ_ERR_MISMATCH},
        {"aud", "[\"" ENDPOINT "\",\"https://login.example\"]", KQ_ERR_MISMATCH},
        {"aud", "[\"" ENDPOINT "\"]", KQ_OK},
        {"jti", NULL, KQ_ERR_FORMAT},
        {"jti", "\"\"", KQ_ERR_FORMAT},
        {"jti", "7", KQ_ERR_FORMAT},
        {"exp", NULL, KQ_ERR_FORMAT},
        {"exp", "\"1796000600\"", KQ_ERR_FORMAT},
        {"exp", "null", KQ_ERR_FORMAT},
        {"exp", "-1", KQ_ERR_FORMAT},
        {"exp", "0", KQ_ERR_FORMAT},
        {"exp", "1e300", KQ_ERR_FORMAT},
        {"exp", "1795999940", KQ_ERR_EXPIRED}, /* 60 seconds ago: the leeway is over */
        {"exp", "1795999940.5", KQ_OK},
        {"exp", "1796003660", KQ_OK}, /* an hour and the leeway */
        {"exp", "1796003660.5", KQ_ERR_EXPIRED},
        {"nbf", "1796000061", KQ_ERR_EXPIRED},
        {"nbf", NULL, KQ_OK},
        {"iat", "1796000061", KQ_ERR_EXPIRED},
        {"iat", "true", KQ_ERR_FORMAT},
        {"iat", NULL, KQ_OK},
    };
    char header[512];
    sha256_header(fixture, "RS256", header);
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        const char *why = "";
        char *claims = claims_with(cases[i].name, cases[i].value);
        kq_status status = check(fixture, make(fixture, header, claims, MAKER_RS256), &why);
        if (status != cases[i].status)
            fail_msg("%s: status %d, %s", claims, (int)status, why);
        free(claims);
    }
}

static void vault_assertion_verify__certificate_past_its_end__refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        uint64_t not_before, not_after;
        kq_status status;
    } cases[] = {{MAKER_NOW - DAY, MAKER_NOW - 1, KQ_ERR_EXPIRED},
                 {MAKER_NOW - DAY, MAKER_NOW, KQ_OK},
                 {MAKER_NOW + 61, MAKER_NOW + DAY, KQ_ERR_EXPIRED},
                 {MAKER_NOW + 60, MAKER_NOW + DAY, KQ_OK}};
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        KQ_AUTO_VALUE(kq_buffer) der = {0};
        struct vault_certificate_facts facts;
        const char *why = "";
        char header[512];
        uint8_t id[32];
        token_maker_certificate(&fixture->maker, fixture->maker.key, cases[i].not_before, cases[i].not_after, &der);
        assert_ok(vault_client_certificate_read(kq_buffer_slice(&der), &facts, &why));
        encode(facts.sha256, 32, false, fixture->sha256);
        sha256_header(fixture, "RS256", header);
        assert_status(check_with(fixture, make(fixture, header, good_claims, MAKER_RS256), kq_buffer_slice(&der),
                                 MAKER_NOW, id, &why),
                      cases[i].status);
    }
}

/* ---- certificates ------------------------------------------------------------------------------ */

static void vault_client_certificate_read__dates_and_hashes__as_made(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t dates[] = {MAKER_NOW + DAY, UINT64_C(2524607999), UINT64_C(2524608000),
                                     UINT64_C(253402300799)};
    for (size_t i = 0; i < KQ_COUNT_OF(dates); i++) {
        KQ_AUTO_VALUE(kq_buffer) der = {0};
        struct vault_certificate_facts facts;
        const char *why = NULL;
        token_maker_certificate(&fixture->maker, fixture->maker.key, 0, dates[i], &der);
        assert_ok(vault_client_certificate_read(kq_buffer_slice(&der), &facts, &why));
        assert_int_equal(facts.not_before, 0);
        assert_int_equal(facts.not_after, dates[i]);
        assert_slice_equal(facts.public_key, kq_buffer_slice(&fixture->maker.spki));
    }
}

static void vault_client_certificate_read__cut_or_longer__refused(void **state)
{
    struct fixture *fixture = *state;
    struct vault_certificate_facts facts;
    const char *why = "";
    struct kq_slice whole = kq_buffer_slice(&fixture->certificate);
    for (size_t len = 0; len < whole.len; len++)
        assert_status(vault_client_certificate_read(kq_slice_of(whole.data, len), &facts, &why), KQ_ERR_FORMAT);
    assert_ok(kq_buffer_append(&fixture->certificate, "", 1));
    assert_status(vault_client_certificate_read(kq_buffer_slice(&fixture->certificate), &facts, &why), KQ_ERR_FORMAT);
    assert_status(
        vault_client_certificate_read(kq_slice_of(whole.data, VAULT_CLIENT_CERTIFICATE_MAX + 1), &facts, &why),
        KQ_ERR_TOO_LARGE);
}

static void vault_client_certificate_read__other_keys__refused(void **state)
{
    struct fixture *fixture = *state;
    EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_RSA_gen(1024)};
    for (size_t i = 0; i < 2; i++) {
        KQ_AUTO_VALUE(kq_buffer) der = {0};
        struct vault_certificate_facts facts;
        const char *why = "";
        token_maker_certificate(&fixture->maker, keys[i], MAKER_NOW, MAKER_NOW + DAY, &der);
        assert_status(vault_client_certificate_read(kq_buffer_slice(&der), &facts, &why), KQ_ERR_UNSUPPORTED);
        assert_non_null(strstr(why, "2048"));
        EVP_PKEY_free(keys[i]);
    }
}

static void vault_authority_take_assertion__same_id_of_another__refused(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t id[32] = {1};
    struct vault_authority *authority = fixture->maker.authority;
    assert_true(vault_authority_take_assertion(authority, id, kq_slice_text("a"), MAKER_NOW + 10, MAKER_NOW));
    assert_true(vault_authority_take_assertion(authority, id, kq_slice_text("a"), MAKER_NOW + 10, MAKER_NOW + 1));
    assert_false(vault_authority_take_assertion(authority, id, kq_slice_text("b"), MAKER_NOW + 10, MAKER_NOW + 1));
    assert_true(vault_authority_take_assertion(authority, id, kq_slice_text("b"), MAKER_NOW + 99, MAKER_NOW + 10));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
UNIT_MAIN(CASE(vault_assertion_verify__every_form_of_header__taken),
          CASE(vault_assertion_verify__same_jti_of_same_client__same_id),
          CASE(vault_assertion_verify__chain_that_begins_with_the_certificate__taken),
          CASE(vault_assertion_verify__forged__refused),
          CASE(vault_assertion_parse__headers_that_name_no_certificate__refused),
          CASE(vault_assertion_verify__hash_of_another_certificate__refused),
          CASE(vault_assertion_verify__claims_that_do_not_fit__refused),
          CASE(vault_assertion_verify__certificate_past_its_end__refused),
          CASE(vault_client_certificate_read__dates_and_hashes__as_made),
          CASE(vault_client_certificate_read__cut_or_longer__refused),
          CASE(vault_client_certificate_read__other_keys__refused),
          CASE(vault_authority_take_assertion__same_id_of_another__refused))
