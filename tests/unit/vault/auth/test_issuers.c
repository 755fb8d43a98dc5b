/* Tokens of other issuers: each issuer's keys are good for its own tokens, with their own algorithm, and no further. */
#include "unit.h"

#include <jansson.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "vault/auth/jwk.h"
#include "vault/auth/token_maker.h"
#include "webclient/issuer.h"

#define TEXT_SIZE 16384
#define ISSUER_A "https://a.example/tenant"
#define ISSUER_B "https://b.example/"
#define KID "one"

struct fixture {
    struct token_maker maker;
    struct kq_buffer token;
    struct vault_caller caller;
    char message[512];
};

static json_t *jwk_of(void *key, const char *alg, const char *kid)
{
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    uint8_t *der = NULL;
    json_t *jwk = NULL;
    int len = i2d_PUBKEY(key, &der);
    kq_buffer_init(&spki, 4096);
    assert_ok(kq_buffer_append(&spki, der, (size_t)len));
    OPENSSL_free(der);
    assert_ok(vault_jwk_from_spki(kq_buffer_slice(&spki), alg, &jwk));
    json_object_set_new(jwk, "kid", json_string(kid));
    return jwk;
}

/* An issuer with one key. */
static struct kqw_issuer issuer_of(const char *name, const char *url, void *key, const char *alg, const char *kid)
{
    struct kqw_issuer issuer = {.object_claim = "sub", .client_claim = "azp"};
    char why[KQW_ISSUER_WHY_SIZE];
    snprintf(issuer.name, sizeof issuer.name, "%s", name);
    snprintf(issuer.url, sizeof issuer.url, "%s", url);
    json_t *set = json_pack("{s:[o]}", "keys", jwk_of(key, alg, kid));
    assert_ok(kqw_issuer_take_keys(set, &issuer.keys, why));
    json_decref(set);
    return issuer;
}

/* A signs with the key that nobody else has; B's key is the authority's, so that a token of B could pass for ours. */
static void set_both(struct fixture *fixture, const char *kid_a)
{
    struct kqw_issuer issuers[] = {issuer_of("a", ISSUER_A, fixture->maker.other, "RS256", kid_a),
                                   issuer_of("b", ISSUER_B, fixture->maker.key, "RS256", KID)};
    assert_ok(vault_authority_set_issuers(fixture->maker.authority, issuers, 2));
    assert_null(issuers[0].keys);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    token_maker_init(&fixture->maker);
    set_both(fixture, KID);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    token_maker_clear(&fixture->maker);
    kq_buffer_clear(&fixture->token);
    free(fixture);
    return 0;
}

/* A token of A, with changes. */
static void forge(struct fixture *fixture, const char *header_change, const char *claims_change,
                  enum maker_signature signature)
{
    char header[TEXT_SIZE], claims[TEXT_SIZE], change[TEXT_SIZE];
    snprintf(change, sizeof change, "\"kid\":\"" KID "\"%s%s", header_change[0] == '\0' ? "" : ",", header_change);
    token_maker_header(&fixture->maker, change, header, sizeof header);
    snprintf(change, sizeof change,
             "\"iss\":\"" ISSUER_A
             "\",\"sub\":\"robot\",\"azp\":\"app\",\"appid\":\"-\",\"oid\":\"-\",\"tid\":\"-\"%s%s",
             claims_change[0] == '\0' ? "" : ",", claims_change);
    token_maker_claims(change, claims, sizeof claims);
    token_maker_make(&fixture->maker, header, claims, signature, &fixture->token);
}

static enum vault_problem check_for(struct fixture *fixture, enum vault_audience audience)
{
    memset(&fixture->caller, 0, sizeof fixture->caller);
    fixture->message[0] = '\0';
    return vault_token_check(fixture->maker.authority, (const char *)fixture->token.data, audience, MAKER_NOW,
                             &fixture->caller, fixture->message, sizeof fixture->message);
}

static void assert_refused(struct fixture *fixture, const char *says)
{
    assert_int_equal(check_for(fixture, VAULT_AUDIENCE_VAULT), VAULT_UNAUTHORIZED);
    if (strstr(fixture->message, says) == NULL)
        fail_msg("'%s' does not say '%s'", fixture->message, says);
    assert_string_equal(fixture->caller.object_id, "");
}

static bool is_remembered(struct fixture *fixture)
{
    struct vault_caller caller;
    return vault_token_is_remembered(fixture->maker.authority, (const char *)fixture->token.data, MAKER_NOW, &caller);
}

static void assert_taken(struct fixture *fixture)
{
    if (check_for(fixture, VAULT_AUDIENCE_VAULT) != VAULT_OK)
        fail_msg("%s", fixture->message);
}

/* ---- good ones ---------------------------------------------------------------------------- */

static void token_check__other_issuer__names_the_caller(void **state)
{
    struct fixture *fixture = *state;
    char object[37];
    forge(fixture, "", "", MAKER_OTHER_KEY);
    assert_taken(fixture);
    kqw_issuer_guid(ISSUER_A, "robot", object);
    assert_string_equal(fixture->caller.object_id, object);
    assert_true(kq_guid_is_valid(kq_slice_text(fixture->caller.client_id)));
    assert_string_equal(fixture->caller.tenant_id, MAKER_TENANT);
    assert_string_equal(fixture->caller.issuer, ISSUER_A);
    assert_int_equal(check_for(fixture, VAULT_AUDIENCE_MANAGEMENT), VAULT_UNAUTHORIZED);
}

static void token_check__other_issuers_guid__is_the_object_id(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "\"sub\":\"" MAKER_OBJECT "\",\"azp\":\"" MAKER_CLIENT "\"", MAKER_OTHER_KEY);
    assert_taken(fixture);
    assert_string_equal(fixture->caller.object_id, MAKER_OBJECT);
    assert_string_equal(fixture->caller.client_id, MAKER_CLIENT);
}

static void token_check__list_of_audiences__one_is_enough(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "\"aud\":[\"x\",\"" MAKER_VAULT "\"]", MAKER_OTHER_KEY);
    assert_taken(fixture);
    forge(fixture, "", "\"aud\":[\"x\",7,\"" MAKER_VAULT ".x\"]", MAKER_OTHER_KEY);
    assert_refused(fixture, "AKV10022");
}

static void token_check__other_algorithms_of_its_key__verify(void **state)
{
    struct fixture *fixture = *state;
    struct kqw_issuer issuer = issuer_of("a", ISSUER_A, fixture->maker.key, "PS256", KID);
    assert_ok(vault_authority_set_issuers(fixture->maker.authority, &issuer, 1));
    forge(fixture, "\"alg\":\"PS256\"", "", MAKER_PS256);
    assert_taken(fixture);
    forge(fixture, "", "", MAKER_RS256);
    assert_refused(fixture, "algorithm");
}

/* ---- forged ones --------------------------------------------------------------------------- */

static void token_check__key_of_another_issuer__signature(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "", MAKER_RS256); /* B's key has the same kid */
    assert_refused(fixture, "signature");
    forge(fixture, "", "\"iss\":\"" ISSUER_B "\"", MAKER_OTHER_KEY);
    assert_refused(fixture, "signature");
}

static void token_check__kid_of_another_issuer__akv10046(void **state)
{
    struct fixture *fixture = *state;
    char name[KQW_ISSUER_NAME_SIZE];
    set_both(fixture, "two");
    forge(fixture, "", "", MAKER_RS256);
    assert_refused(fixture, "AKV10046");
    assert_int_equal(vault_authority_take_unknown_keys(fixture->maker.authority, name, sizeof name), 1);
    assert_string_equal(name, "a");
    assert_int_equal(vault_authority_take_unknown_keys(fixture->maker.authority, name, sizeof name), 0);
    forge(fixture, "\"kid\":\"-\"", "", MAKER_OTHER_KEY);
    assert_refused(fixture, "AKV10046");
}

static void token_check__our_kid_with_other_issuer__akv10046(void **state)
{
    struct fixture *fixture = *state;
    char change[128];
    snprintf(change, sizeof change, "\"kid\":\"%s\"", fixture->maker.kid);
    forge(fixture, change, "", MAKER_RS256);
    assert_refused(fixture, "AKV10046");
}

static void token_check__issuers_key_for_our_issuer__refused(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "\"iss\":\"" MAKER_ISSUER "\",\"tid\":\"" MAKER_TENANT "\"", MAKER_OTHER_KEY);
    assert_refused(fixture, "AKV10046");
}

static void token_check__other_issuer_wrong_algorithm__refused(void **state)
{
    static const struct {
        const char *header;
        enum maker_signature signature;
    } rows[] = {{"\"alg\":\"HS256\"", MAKER_HS256_DER},
                {"\"alg\":\"HS256\"", MAKER_HS256_PEM},
                {"\"alg\":\"PS256\"", MAKER_PS256},
                {"\"alg\":\"RS512\"", MAKER_RS256},
                {"\"alg\":\"none\"", MAKER_RS256}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        forge(fixture, rows[i].header, "\"iss\":\"" ISSUER_B "\"", rows[i].signature);
        assert_refused(fixture, "algorithm");
    }
    forge(fixture, "\"alg\":\"none\"", "", MAKER_EMPTY);
    assert_refused(fixture, "compact form");
}

static void token_check__other_issuers_claims__each_is_checked(void **state)
{
    static const struct {
        const char *change;
        const char *says;
    } rows[] = {
        {"\"iss\":\"https://a.example/tenant/\"", "AKV10046"},
        {"\"iss\":\"https://A.example/tenant\"", "AKV10046"},
        {"\"iss\":7", "AKV10046"},
        {"\"aud\":\"https://vault.example\"", "AKV10022"},
        {"\"aud\":\"-\"", "AKV10022"},
        {"\"aud\":[]", "AKV10022"},
        {"\"aud\":\"" MAKER_MANAGEMENT "\"", "AKV10022"},
        {"\"exp\":1", "expired"},
        {"\"exp\":\"-\"", "when it ends"},
        {"\"nbf\":1900000000", "nbf"},
        {"\"iat\":1900000000", "iat"},
        {"\"sub\":\"-\"", "whom it speaks of"},
        {"\"sub\":\"\"", "whom it speaks of"},
        {"\"azp\":\"-\"", "names no application"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        forge(fixture, "", rows[i].change, MAKER_OTHER_KEY);
        assert_refused(fixture, rows[i].says);
    }
}

static void token_check__tenant_of_an_issuer__must_be_it(void **state)
{
    struct fixture *fixture = *state;
    struct kqw_issuer issuer = issuer_of("a", ISSUER_A, fixture->maker.other, "RS256", KID);
    snprintf(issuer.tenant, sizeof issuer.tenant, "%s", MAKER_CLIENT);
    snprintf(issuer.audiences[issuer.num_audiences++], KQW_ISSUER_URL_SIZE, "%s", "api://keys");
    assert_ok(vault_authority_set_issuers(fixture->maker.authority, &issuer, 1));
    forge(fixture, "", "\"tid\":\"" MAKER_CLIENT "\",\"aud\":\"api://keys\"", MAKER_OTHER_KEY);
    assert_taken(fixture);
    forge(fixture, "", "\"tid\":\"" MAKER_TENANT "\",\"aud\":\"api://keys\"", MAKER_OTHER_KEY);
    assert_refused(fixture, "tid");
    forge(fixture, "", "\"tid\":\"" MAKER_CLIENT "\"", MAKER_OTHER_KEY); /* ours no longer counts */
    assert_refused(fixture, "AKV10022");
}

/* ---- changes ------------------------------------------------------------------------------- */

static void set_issuers__key_replaced__remembered_token_is_refused(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "", MAKER_OTHER_KEY);
    assert_taken(fixture);
    assert_true(is_remembered(fixture));
    set_both(fixture, "two");
    assert_false(is_remembered(fixture));
    assert_refused(fixture, "AKV10046");
    assert_ok(vault_authority_set_issuers(fixture->maker.authority, NULL, 0));
    assert_refused(fixture, "AKV10046");
}

static void token_check__good_for_two_audiences__remembered_for_those_asked_for(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "\"aud\":[\"" MAKER_VAULT "\",\"" MAKER_MANAGEMENT "\"]", MAKER_OTHER_KEY);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(check_for(fixture, VAULT_AUDIENCE_VAULT), VAULT_OK);
        assert_int_equal(check_for(fixture, VAULT_AUDIENCE_MANAGEMENT), VAULT_OK);
        assert_int_equal(check_for(fixture, VAULT_AUDIENCE_GRAPH), VAULT_UNAUTHORIZED);
    }
}

static void set_issuers__too_many__former_stay(void **state)
{
    struct fixture *fixture = *state;
    struct kqw_issuer many[KQW_ISSUERS_MAX + 1] = {{.keys = NULL}};
    assert_int_equal(vault_authority_set_issuers(fixture->maker.authority, many, KQW_ISSUERS_MAX + 1), KQ_ERR_ARGUMENT);
    forge(fixture, "", "", MAKER_OTHER_KEY);
    assert_taken(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(token_check__other_issuer__names_the_caller, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__other_issuers_guid__is_the_object_id, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__list_of_audiences__one_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__other_algorithms_of_its_key__verify, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__key_of_another_issuer__signature, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__kid_of_another_issuer__akv10046, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__our_kid_with_other_issuer__akv10046, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__issuers_key_for_our_issuer__refused, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__other_issuer_wrong_algorithm__refused, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__other_issuers_claims__each_is_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__tenant_of_an_issuer__must_be_it, setup, teardown),
        cmocka_unit_test_setup_teardown(set_issuers__key_replaced__remembered_token_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(token_check__good_for_two_audiences__remembered_for_those_asked_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(set_issuers__too_many__former_stay, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
