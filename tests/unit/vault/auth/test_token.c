/* Tokens: ours are good for what they say and no longer; nobody else's are. */
#include "unit.h"

#include <jansson.h>

#include "base/text.h"
#include "vault/auth/token_maker.h"

#define TEXT_SIZE 16384

struct fixture {
    struct token_maker maker;
    struct kq_buffer token; /* "Bearer ...", a C string */
    struct vault_caller caller;
    char message[512];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    token_maker_init(&fixture->maker);
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

static enum vault_problem check_text(struct fixture *fixture, const char *authorization, enum vault_audience audience,
                                     uint64_t now)
{
    memset(&fixture->caller, 0, sizeof fixture->caller);
    fixture->message[0] = '\0';
    return vault_token_check(fixture->maker.authority, authorization, audience, now, &fixture->caller, fixture->message,
                             sizeof fixture->message);
}

static enum vault_problem check(struct fixture *fixture, uint64_t now)
{
    return check_text(fixture, (const char *)fixture->token.data, VAULT_AUDIENCE_VAULT, now);
}

/* A token with changed header and claims; "" changes nothing. */
static void forge(struct fixture *fixture, const char *header_change, const char *claims_change,
                  enum maker_signature signature)
{
    char header[TEXT_SIZE];
    char claims[TEXT_SIZE];
    token_maker_header(&fixture->maker, header_change, header, sizeof header);
    token_maker_claims(claims_change, claims, sizeof claims);
    token_maker_make(&fixture->maker, header, claims, signature, &fixture->token);
}

static void assert_refused(struct fixture *fixture, const char *says)
{
    assert_int_equal(check(fixture, MAKER_NOW), VAULT_UNAUTHORIZED);
    if (strstr(fixture->message, says) == NULL)
        fail_msg("'%s' does not say '%s'", fixture->message, says);
    assert_string_equal(fixture->caller.object_id, "");
}

static void issue(struct fixture *fixture, const char *audience, uint64_t now)
{
    KQ_AUTO_VALUE(kq_buffer) token = {0};
    kq_buffer_init(&token, 8192);
    assert_ok(vault_token_issue(fixture->maker.authority, MAKER_CLIENT, MAKER_OBJECT, audience, now, &token));
    kq_buffer_clear(&fixture->token);
    kq_buffer_init(&fixture->token, TEXT_SIZE);
    assert_ok(kq_buffer_append(&fixture->token, "Bearer ", 7));
    assert_ok(kq_buffer_append(&fixture->token, token.data, token.len));
    assert_ok(kq_buffer_append(&fixture->token, "", 1));
}

/* ---- good ones ---------------------------------------------------------------------------- */

static void token_issue__then_check__names_the_caller(void **state)
{
    struct fixture *fixture = *state;
    unsigned num_signed = fixture->maker.num_signed;
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    assert_int_equal(check(fixture, MAKER_NOW), VAULT_OK);
    assert_string_equal(fixture->caller.client_id, MAKER_CLIENT);
    assert_string_equal(fixture->caller.object_id, MAKER_OBJECT);
    assert_string_equal(fixture->caller.tenant_id, MAKER_TENANT);
    assert_string_equal(fixture->caller.issuer, MAKER_ISSUER);
    assert_int_equal(fixture->caller.expires, MAKER_NOW + MAKER_LIFE);
    assert_int_equal(fixture->maker.num_signed, num_signed + 1);
}

static json_t *part_of(const char *token, size_t number)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_buffer_init(&bytes, TEXT_SIZE);
    for (; number > 0; number--)
        token = strchr(token, '.') + 1;
    assert_ok(kq_base64url_decode(kq_slice_of(token, strcspn(token, ".")), &bytes));
    json_t *part = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(part);
    return part;
}

static void token_issue__claims__have_the_layout_of_version_1(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"aud", "iss", "iat", "nbf", "exp", "appid", "appidacr",
                                        "idp", "oid", "sub", "tid", "uti", "ver"};
    issue(fixture, MAKER_VAULT "/", MAKER_NOW);
    const char *token = (const char *)fixture->token.data + 7;
    json_t *header = part_of(token, 0);
    json_t *claims = part_of(token, 1);
    assert_string_equal(json_string_value(json_object_get(header, "alg")), "RS256");
    assert_string_equal(json_string_value(json_object_get(header, "typ")), "JWT");
    assert_string_equal(json_string_value(json_object_get(header, "kid")), fixture->maker.kid);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(json_object_get(claims, names[i]));
    assert_int_equal(json_object_size(claims), sizeof names / sizeof names[0]);
    assert_string_equal(json_string_value(json_object_get(claims, "aud")), MAKER_VAULT "/");
    assert_string_equal(json_string_value(json_object_get(claims, "ver")), "1.0");
    assert_string_equal(json_string_value(json_object_get(claims, "sub")), MAKER_OBJECT);
    json_decref(header);
    json_decref(claims);
}

static void token_issue__twice__two_ids(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    json_t *first = part_of((const char *)fixture->token.data, 1);
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    json_t *second = part_of((const char *)fixture->token.data, 1);
    assert_false(json_equal(json_object_get(first, "uti"), json_object_get(second, "uti")));
    json_decref(first);
    json_decref(second);
}

static void token_issue__audience_of_somebody_else__not_found(void **state)
{
    struct fixture *fixture = *state;
    static const char *const others[] = {"https://vault.azure.net",
                                         "",
                                         "/",
                                         "https://vault.keyquay.localhost:8443/x",
                                         "https://vault.keyquay.localhost:8443//",
                                         "vault.keyquay.localhost:8443"};
    unsigned num_signed = fixture->maker.num_signed;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        KQ_AUTO_VALUE(kq_buffer) token = {0};
        kq_buffer_init(&token, 8192);
        assert_status(
            vault_token_issue(fixture->maker.authority, MAKER_CLIENT, MAKER_OBJECT, others[i], MAKER_NOW, &token),
            KQ_ERR_NOT_FOUND);
        assert_int_equal(token.len, 0);
    }
    assert_int_equal(fixture->maker.num_signed, num_signed);
}

static void token_issue__module_away__says_so_and_leaves_the_output(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(kq_buffer) token = {0};
    kq_buffer_init(&token, 8192);
    fixture->maker.sign_status = KQ_ERR_CONNECT;
    assert_status(
        vault_token_issue(fixture->maker.authority, MAKER_CLIENT, MAKER_OBJECT, MAKER_VAULT, MAKER_NOW, &token),
        KQ_ERR_CONNECT);
    fixture->maker.sign_status = KQ_OK;
    assert_int_equal(token.len, 0);
}

static void token_check__second_time__from_memory_until_its_end(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    for (uint64_t now = MAKER_NOW; now < MAKER_NOW + MAKER_LIFE; now += MAKER_LIFE / 4)
        assert_int_equal(check(fixture, now), VAULT_OK);
    assert_int_equal(check(fixture, MAKER_NOW + MAKER_LIFE + MAKER_LEEWAY), VAULT_UNAUTHORIZED);
    assert_non_null(strstr(fixture->message, "expired"));
}

static void token_check__remembered_for_one_audience__not_good_for_another(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    assert_int_equal(check(fixture, MAKER_NOW), VAULT_OK);
    assert_int_equal(check_text(fixture, (const char *)fixture->token.data, VAULT_AUDIENCE_MANAGEMENT, MAKER_NOW),
                     VAULT_UNAUTHORIZED);
    assert_string_equal(fixture->message,
                        "AKV10022: Invalid audience. Expected " MAKER_MANAGEMENT ", found: " MAKER_VAULT ".");
}

static bool is_remembered(struct fixture *fixture, const char *authorization, uint64_t now)
{
    memset(&fixture->caller, 0, sizeof fixture->caller);
    return vault_token_is_remembered(fixture->maker.authority, authorization, now, &fixture->caller);
}

static void token_is_remembered__checked_before__until_its_end_for_whichever_audience(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, MAKER_MANAGEMENT, MAKER_NOW);
    const char *token = (const char *)fixture->token.data;
    assert_false(is_remembered(fixture, token, MAKER_NOW));
    assert_int_equal(check(fixture, MAKER_NOW), VAULT_UNAUTHORIZED);
    assert_false(is_remembered(fixture, token, MAKER_NOW));
    assert_int_equal(check_text(fixture, token, VAULT_AUDIENCE_MANAGEMENT, MAKER_NOW), VAULT_OK);
    const struct vault_caller caller = fixture->caller;
    assert_true(is_remembered(fixture, token, MAKER_NOW));
    assert_memory_equal(&fixture->caller, &caller, sizeof caller);
    assert_true(is_remembered(fixture, token, MAKER_NOW + MAKER_LIFE - 1));
    assert_false(is_remembered(fixture, token, MAKER_NOW + MAKER_LIFE));
}

static void token_is_remembered__claims_of_a_good_token__are_nothing(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "", MAKER_RS256);
    assert_int_equal(check(fixture, MAKER_NOW), VAULT_OK);
    static const enum maker_signature forged[] = {MAKER_OTHER_KEY, MAKER_PS256, MAKER_EMPTY};
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        forge(fixture, "", "", forged[i]);
        assert_int_equal(check(fixture, MAKER_NOW), VAULT_UNAUTHORIZED);
        assert_false(is_remembered(fixture, (const char *)fixture->token.data, MAKER_NOW));
    }
    static const char *const none[] = {NULL, "", "Bearer", "Bearer ", "Basic abc", "Bearer garbage"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(is_remembered(fixture, none[i], MAKER_NOW));
}

static uint64_t number_of_next(struct fixture *fixture, const char *claims_change)
{
    forge(fixture, "", claims_change, MAKER_RS256);
    assert_int_equal(check(fixture, MAKER_NOW), VAULT_OK);
    assert_int_not_equal(fixture->caller.number, 0);
    return fixture->caller.number;
}

static void token_check__number__is_the_principals_in_all_its_tokens(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number = number_of_next(fixture, "");
    assert_true(number_of_next(fixture, "\"uti\":\"another\"") == number);
    assert_true(number_of_next(fixture, "\"appid\":\"" MAKER_OBJECT "\"") == number);
    assert_true(number_of_next(fixture, "\"oid\":\"BBBBBBBB-0000-4000-8000-000000000002\"") == number);
    assert_true(number_of_next(fixture, "\"oid\":\"" MAKER_CLIENT "\"") != number);
}

static void token_check__audience_forms__slash_and_case_of_host_do_not_matter(void **state)
{
    struct fixture *fixture = *state;
    static const char *const forms[] = {MAKER_VAULT, MAKER_VAULT "/", "https://vault.keyquay.localhost/",
                                        "HTTPS://Vault.KeyQuay.localhost:8443"};
    char change[200];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        snprintf(change, sizeof change, "\"aud\":\"%s\"", forms[i]);
        forge(fixture, "", change, MAKER_RS256);
        assert_int_equal(check(fixture, MAKER_NOW), VAULT_OK);
    }
    issue(fixture, "https://graph.keyquay.localhost", MAKER_NOW);
    assert_int_equal(check_text(fixture, (const char *)fixture->token.data, VAULT_AUDIENCE_GRAPH, MAKER_NOW), VAULT_OK);
}

static void token_check__scheme_of_another_case_and_spaces__taken(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT_SIZE];
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    snprintf(text, sizeof text, "bEARER   %s", (const char *)fixture->token.data + 7);
    assert_int_equal(check_text(fixture, text, VAULT_AUDIENCE_VAULT, MAKER_NOW), VAULT_OK);
}

static void token_check__azp_instead_of_appid__taken(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "\"appid\":\"-\",\"azp\":\"" MAKER_CLIENT "\"", MAKER_RS256);
    assert_int_equal(check(fixture, MAKER_NOW), VAULT_OK);
    assert_string_equal(fixture->caller.client_id, MAKER_CLIENT);
}

/* ---- none at all ---------------------------------------------------------------------------- */

static void token_check__no_bearer_token__akv10000(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {NULL,         "",           "Bearer",      "Bearer ",
                                        "Bearer    ", "Basic YTpi", "Bearerx.y.z", "PoP a.b.c"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(check_text(fixture, texts[i], VAULT_AUDIENCE_VAULT, MAKER_NOW), VAULT_UNAUTHORIZED);
        assert_string_equal(fixture->message, "AKV10000: Request is missing a Bearer or PoP token.");
    }
}

/* ---- forged ones ------------------------------------------------------------------------------ */

static void token_check__alg_none__refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"none", "None", "NONE", "nOnE"};
    char change[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(change, sizeof change, "\"alg\":\"%s\"", names[i]);
        forge(fixture, change, "", MAKER_EMPTY);
        assert_refused(fixture, "not a JSON Web Token");
        forge(fixture, change, "", MAKER_RS256);
        assert_refused(fixture, "algorithm of the issuer's key");
    }
}

static void token_check__hs256_with_our_public_key__refused(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "\"alg\":\"HS256\"", "", MAKER_HS256_DER);
    assert_refused(fixture, "algorithm of the issuer's key");
    forge(fixture, "\"alg\":\"HS256\"", "", MAKER_HS256_PEM);
    assert_refused(fixture, "algorithm of the issuer's key");
    forge(fixture, "", "", MAKER_HS256_DER); /* and under the right name */
    assert_refused(fixture, "signature does not verify");
}

static void token_check__other_algorithm_of_the_same_key__refused(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "\"alg\":\"PS256\"", "", MAKER_PS256);
    assert_refused(fixture, "algorithm of the issuer's key");
    forge(fixture, "", "", MAKER_PS256);
    assert_refused(fixture, "signature does not verify");
    forge(fixture, "\"alg\":\"rs256\"", "", MAKER_RS256);
    assert_refused(fixture, "algorithm of the issuer's key");
    forge(fixture, "\"alg\":\"-\"", "", MAKER_RS256);
    assert_refused(fixture, "not a JSON Web Token");
    forge(fixture, "\"alg\":1", "", MAKER_RS256);
    assert_refused(fixture, "not a JSON Web Token");
}

static void token_check__signed_by_another_key__refused(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "", "", MAKER_OTHER_KEY);
    assert_refused(fixture, "signature does not verify");
    /* A key that the token brings along is nobody's. */
    forge(fixture, "\"jwk\":{\"kty\":\"RSA\"},\"jku\":\"https://evil.example/\"", "", MAKER_OTHER_KEY);
    assert_refused(fixture, "signature does not verify");
}

static void token_check__unknown_kid__akv10046(void **state)
{
    struct fixture *fixture = *state;
    static const char *const changes[] = {"\"kid\":\"other\"", "\"kid\":\"-\"", "\"kid\":\"\""};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge(fixture, changes[i], "", MAKER_RS256);
        assert_refused(fixture, "AKV10046: Unable to resolve the key used for signature validation.");
    }
    forge(fixture, "\"kid\":7", "", MAKER_RS256);
    assert_refused(fixture, "not a JSON Web Token");
}

static void token_check__crit_or_b64__refused(void **state)
{
    struct fixture *fixture = *state;
    forge(fixture, "\"crit\":[\"exp\"]", "", MAKER_RS256);
    assert_refused(fixture, "crit, b64");
    forge(fixture, "\"crit\":[]", "", MAKER_RS256);
    assert_refused(fixture, "crit, b64");
    forge(fixture, "\"b64\":false", "", MAKER_RS256);
    assert_refused(fixture, "crit, b64");
}

static void token_check__other_issuer__akv10032(void **state)
{
    struct fixture *fixture = *state;
    static const char *const changes[] = {"\"iss\":\"https://login.keyquay.localhost:8443/" MAKER_TENANT "\"",
                                          "\"iss\":\"https://sts.windows.net/" MAKER_TENANT "/\"",
                                          "\"iss\":\"-\"",
                                          "\"iss\":5",
                                          "\"iss\":[\"" MAKER_ISSUER "\"]",
                                          "\"iss\":\"HTTPS://login.keyquay.localhost:8443/" MAKER_TENANT "/\""};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge(fixture, "", changes[i], MAKER_RS256);
        assert_refused(fixture, "AKV10032: Invalid issuer. Expected one of " MAKER_ISSUER ", found ");
    }
}

static void token_check__other_audience__akv10022(void **state)
{
    struct fixture *fixture = *state;
    static const char *const changes[] = {"\"aud\":\"" MAKER_MANAGEMENT "\"",
                                          "\"aud\":\"https://vault.azure.net\"",
                                          "\"aud\":\"-\"",
                                          "\"aud\":\"\"",
                                          "\"aud\":[\"" MAKER_VAULT "\"]",
                                          "\"aud\":\"" MAKER_VAULT "//\"",
                                          "\"aud\":\"" MAKER_VAULT ".evil.example\"",
                                          "\"aud\":\"http://vault.keyquay.localhost:8443\""};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge(fixture, "", changes[i], MAKER_RS256);
        assert_refused(fixture, "AKV10022: Invalid audience. Expected " MAKER_VAULT ", found: ");
    }
}

static void token_check__dates__within_leeway_only(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *claim;
        int64_t from_now;
        bool is_good;
    } cases[] = {{"exp", 1, true},      {"exp", 0, true},   {"exp", -59, true},  {"exp", -60, false},
                 {"exp", -3600, false}, {"nbf", 60, true},  {"nbf", 61, false},  {"nbf", -1, true},
                 {"iat", 60, true},     {"iat", 61, false}, {"iat", -7200, true}};
    char change[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(change, sizeof change, "\"%s\":%lld", cases[i].claim,
                 (long long)((int64_t)MAKER_NOW + cases[i].from_now));
        forge(fixture, "", change, MAKER_RS256);
        assert_int_equal(check(fixture, MAKER_NOW), cases[i].is_good ? VAULT_OK : VAULT_UNAUTHORIZED);
    }
}

static void token_check__dates_of_wrong_kind__refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const changes[] = {"\"exp\":\"-\"",
                                          "\"exp\":null",
                                          "\"exp\":\"1796003600\"",
                                          "\"exp\":1796003600.5",
                                          "\"exp\":-1",
                                          "\"exp\":0",
                                          "\"exp\":true",
                                          "\"nbf\":\"0\"",
                                          "\"nbf\":-5",
                                          "\"iat\":[]",
                                          "\"exp\":-9223372036854775807",
                                          "\"nbf\":9223372036854775807",
                                          "\"iat\":9223372036854775807"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge(fixture, "", changes[i], MAKER_RS256);
        assert_refused(fixture, "Error validating token: ");
    }
}

static void token_check__other_tenant__refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const changes[] = {"\"tid\":\"99999999-2222-4333-8444-555555555555\"", "\"tid\":\"-\"",
                                          "\"tid\":\"adfs\"", "\"tid\":1"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge(fixture, "", changes[i], MAKER_RS256);
        assert_refused(fixture, "another tenant");
    }
}

static void token_check__principal_that_is_no_guid__refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const changes[] = {"\"oid\":\"-\"",   "\"oid\":\"me\"",  "\"oid\":7",
                                          "\"appid\":\"-\"", "\"appid\":\"x\"", "\"appid\":\"" MAKER_CLIENT "0\""};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge(fixture, "", changes[i], MAKER_RS256);
        assert_refused(fixture, "it names no");
    }
}

static void token_check__duplicate_members__refused(void **state)
{
    struct fixture *fixture = *state;
    char header[TEXT_SIZE];
    char claims[TEXT_SIZE];
    char twice[TEXT_SIZE * 2];
    token_maker_header(&fixture->maker, "", header, sizeof header);
    token_maker_claims("", claims, sizeof claims);
    snprintf(twice, sizeof twice, "{\"oid\":\"" MAKER_CLIENT "\",%s", claims + 1);
    token_maker_make(&fixture->maker, header, twice, MAKER_RS256, &fixture->token);
    assert_refused(fixture, "not a JSON Web Token");
    snprintf(twice, sizeof twice, "{\"alg\":\"none\",%s", header + 1);
    token_maker_make(&fixture->maker, twice, claims, MAKER_RS256, &fixture->token);
    assert_refused(fixture, "not a JSON Web Token");
}

static void token_check__parts_that_are_no_objects__refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {"", "[]", "1", "null", "{", "{}x", "\"alg\"", "{\"alg\":\"RS256\"} {}"};
    char header[TEXT_SIZE];
    char claims[TEXT_SIZE];
    token_maker_header(&fixture->maker, "", header, sizeof header);
    token_maker_claims("", claims, sizeof claims);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        token_maker_make(&fixture->maker, texts[i], claims, MAKER_RS256, &fixture->token);
        assert_int_equal(check(fixture, MAKER_NOW), VAULT_UNAUTHORIZED);
        token_maker_make(&fixture->maker, header, texts[i], MAKER_RS256, &fixture->token);
        assert_int_equal(check(fixture, MAKER_NOW), VAULT_UNAUTHORIZED);
    }
}

static void token_check__each_bit_flipped__refused(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    char *token = (char *)fixture->token.data + 7;
    size_t len = strlen(token);
    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 7; bit++) {
            token[i] = (char)(token[i] ^ (1 << bit));
            if (token[i] != '\0' && check(fixture, MAKER_NOW) != VAULT_UNAUTHORIZED)
                fail_msg("bit %u of byte %zu does not matter", bit, i);
            token[i] = (char)(token[i] ^ (1 << bit));
        }
    }
    assert_int_equal(check(fixture, MAKER_NOW), VAULT_OK);
}

static void token_check__each_truncation__refused(void **state)
{
    struct fixture *fixture = *state;
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    char *token = (char *)fixture->token.data;
    for (size_t len = strlen(token); len > 7; len--) {
        token[len - 1] = '\0';
        assert_int_equal(check(fixture, MAKER_NOW), VAULT_UNAUTHORIZED);
    }
}

static void token_check__something_added__refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const tails[] = {".", ".x", "=", "A", " ", "AAAA", "\n", "."};
    char text[TEXT_SIZE];
    issue(fixture, MAKER_VAULT, MAKER_NOW);
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        snprintf(text, sizeof text, "%s%s", (const char *)fixture->token.data, tails[i]);
        assert_int_equal(check_text(fixture, text, VAULT_AUDIENCE_VAULT, MAKER_NOW), VAULT_UNAUTHORIZED);
    }
}

/* A good token with a claim of len characters more. */
static void make_padded(struct fixture *fixture, size_t len)
{
    char pad[8192];
    char change[sizeof pad + 16];
    memset(pad, 'x', len);
    pad[len] = '\0';
    snprintf(change, sizeof change, "\"pad\":\"%s\"", pad);
    forge(fixture, "", change, MAKER_RS256);
}

static void token_check__longest_and_one_more__taken_and_refused(void **state)
{
    struct fixture *fixture = *state;
    const size_t scheme_len = 7;
    size_t len = 3000;
    make_padded(fixture, len);
    while (strlen((const char *)fixture->token.data) - scheme_len <= 8192) {
        assert_int_equal(check(fixture, MAKER_NOW), VAULT_OK);
        len += strlen((const char *)fixture->token.data) < 8100 ? 32 : 1;
        make_padded(fixture, len);
    }
    assert_true(strlen((const char *)fixture->token.data) - scheme_len <= 8194);
    assert_refused(fixture, "longer than 8192 bytes");
}

/* ---- the authority ------------------------------------------------------------------------------ */

static void authority_jwks__document__is_the_public_key_alone(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, 8192);
    assert_ok(vault_authority_jwks(fixture->maker.authority, &text));
    json_t *set = json_loadb((const char *)text.data, text.len, 0, NULL);
    json_t *keys = json_object_get(set, "keys");
    assert_int_equal(json_array_size(keys), 1);
    json_t *key = json_array_get(keys, 0);
    static const char *const names[] = {"kty", "use", "alg", "kid", "n", "e"};
    for (size_t i = 0; i < 6; i++)
        assert_true(json_is_string(json_object_get(key, names[i])));
    assert_int_equal(json_object_size(key), 6);
    assert_string_equal(json_string_value(json_object_get(key, "e")), "AQAB");
    assert_int_equal(strlen(json_string_value(json_object_get(key, "n"))), 342);
    json_decref(set);
}

static void authority_new__bad_options__refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct vault_audience_name audience = {VAULT_AUDIENCE_VAULT, MAKER_VAULT};
    char long_issuer[300];
    memset(long_issuer, 'i', sizeof long_issuer - 1);
    long_issuer[sizeof long_issuer - 1] = '\0';
    const struct vault_authority_options good = {
        .tenant_id = MAKER_TENANT,
        .issuer = MAKER_ISSUER,
        .public_key = kq_buffer_slice(&fixture->maker.spki),
        .sign = (vault_token_sign *)(void (*)(void))setup,
        .audiences = &audience,
        .num_audiences = 1,
        .token_life_s = 60,
    };
    struct vault_authority *authority = NULL;
    struct vault_authority_options bad[6] = {good, good, good, good, good, good};
    bad[0].tenant_id = "tenant";
    bad[1].issuer = "";
    bad[2].issuer = long_issuer;
    bad[3].num_audiences = 0;
    bad[4].token_life_s = 0;
    bad[5].public_key.len--;
    for (size_t i = 0; i < 6; i++) {
        assert_status(vault_authority_new(&bad[i], &authority), KQ_ERR_ARGUMENT);
        assert_null(authority);
    }
    assert_ok(vault_authority_new(&good, &authority));
    vault_authority_free(authority);
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(token_issue__then_check__names_the_caller),
        CASE(token_issue__claims__have_the_layout_of_version_1),
        CASE(token_issue__twice__two_ids),
        CASE(token_issue__audience_of_somebody_else__not_found),
        CASE(token_issue__module_away__says_so_and_leaves_the_output),
        CASE(token_check__second_time__from_memory_until_its_end),
        CASE(token_check__remembered_for_one_audience__not_good_for_another),
        CASE(token_is_remembered__checked_before__until_its_end_for_whichever_audience),
        CASE(token_is_remembered__claims_of_a_good_token__are_nothing),
        CASE(token_check__number__is_the_principals_in_all_its_tokens),
        CASE(token_check__audience_forms__slash_and_case_of_host_do_not_matter),
        CASE(token_check__scheme_of_another_case_and_spaces__taken),
        CASE(token_check__azp_instead_of_appid__taken),
        CASE(token_check__no_bearer_token__akv10000),
        CASE(token_check__alg_none__refused),
        CASE(token_check__hs256_with_our_public_key__refused),
        CASE(token_check__other_algorithm_of_the_same_key__refused),
        CASE(token_check__signed_by_another_key__refused),
        CASE(token_check__unknown_kid__akv10046),
        CASE(token_check__crit_or_b64__refused),
        CASE(token_check__other_issuer__akv10032),
        CASE(token_check__other_audience__akv10022),
        CASE(token_check__dates__within_leeway_only),
        CASE(token_check__dates_of_wrong_kind__refused),
        CASE(token_check__other_tenant__refused),
        CASE(token_check__principal_that_is_no_guid__refused),
        CASE(token_check__duplicate_members__refused),
        CASE(token_check__parts_that_are_no_objects__refused),
        CASE(token_check__each_bit_flipped__refused),
        CASE(token_check__each_truncation__refused),
        CASE(token_check__something_added__refused),
        CASE(token_check__longest_and_one_more__taken_and_refused),
        CASE(authority_jwks__document__is_the_public_key_alone),
        CASE(authority_new__bad_options__refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
