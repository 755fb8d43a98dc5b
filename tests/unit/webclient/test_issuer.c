/* An issuer's file: what is not exactly one, with public keys alone, is refused. */
#include "unit.h"

#include <jansson.h>

#include "base/text.h"
#include "webclient/issuer.h"

#define N256                                                                                                           \
    "wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"             \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"             \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"             \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ"
#define RSA_KEY "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"kid\":\"a\",\"n\":\"" N256 "\",\"e\":\"AQAB\"}"
#define X32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define EC_KEY "{\"kty\":\"EC\",\"alg\":\"ES256\",\"kid\":\"b\",\"crv\":\"P-256\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}"
#define FILE_WITH(change, keys)                                                                                        \
    "{\"version\":1,\"name\":\"one\",\"issuer\":\"https://a.example\",\"audiences\":[\"x\"],\"objectClaim\":\"oid\","  \
    "\"clientClaim\":\"azp\",\"fetched\":7" change ",\"keys\":[" keys "]}"

static kq_status read_text(const char *text, struct kqw_issuer *out)
{
    char why[KQW_ISSUER_WHY_SIZE] = "";
    kq_status status = kqw_issuer_read(kq_slice_text(text), out, why);
    assert_true(status == KQ_OK || why[0] != '\0');
    return status;
}

static void issuer_read__a_file__round_trip(void **state)
{
    KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
    KQ_AUTO_VALUE(kqw_issuer) again = {.keys = NULL};
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    char why[KQW_ISSUER_WHY_SIZE];
    (void)state;
    assert_ok(read_text(
        FILE_WITH(",\"tenant\":\"11111111-2222-4333-8444-555555555555\",\"ca\":\"/ca\"", RSA_KEY "," EC_KEY), &issuer));
    assert_int_equal(json_array_size(issuer.keys), 2);
    assert_non_null(kqw_issuer_key(&issuer, "b"));
    assert_null(kqw_issuer_key(&issuer, "c"));
    assert_null(kqw_issuer_key(&issuer, ""));
    kq_buffer_init(&text, KQW_ISSUER_FILE_MAX);
    assert_ok(kqw_issuer_write(&issuer, &text));
    assert_ok(kqw_issuer_read(kq_buffer_slice(&text), &again, why));
    assert_true(json_equal(issuer.keys, again.keys));
    assert_string_equal(again.tenant, issuer.tenant);
    assert_string_equal(again.ca, "/ca");
    assert_int_equal(again.fetched, 7);
    assert_string_equal(again.audiences[0], "x");
}

static void issuer_read__each_truncation__refused(void **state)
{
    static const char text[] = FILE_WITH("", RSA_KEY);
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
        char why[KQW_ISSUER_WHY_SIZE];
        assert_int_not_equal(kqw_issuer_read(kq_slice_of((const uint8_t *)text, len), &issuer, why), KQ_OK);
    }
}

static void issuer_read__damaged__refused(void **state)
{
    static const struct {
        const char *text;
        kq_status status;
    } rows[] = {
        {"[]", KQ_ERR_FORMAT},
        {"{}", KQ_ERR_FORMAT},
        {"{\"version\":2}", KQ_ERR_UNSUPPORTED},
        {FILE_WITH("", RSA_KEY) "x", KQ_ERR_FORMAT},
        {FILE_WITH(",\"more\":1", RSA_KEY), KQ_ERR_FORMAT},
        {FILE_WITH(",\"fetched\":7", RSA_KEY), KQ_ERR_FORMAT}, /* twice */
        {FILE_WITH(",\"tenant\":\"contoso\"", RSA_KEY), KQ_ERR_FORMAT},
        {FILE_WITH(",\"ca\":\"ca.pem\"", RSA_KEY), KQ_ERR_FORMAT},
        {FILE_WITH(",\"ca\":7", RSA_KEY), KQ_ERR_FORMAT},
        {FILE_WITH("", ""), KQ_ERR_NOT_FOUND},
        {FILE_WITH("", "7"), KQ_ERR_FORMAT},
        {FILE_WITH("", RSA_KEY "," RSA_KEY), KQ_ERR_FORMAT},
        {FILE_WITH("", "{\"d\":\"AQ\","
                       "\"kty\":\"RSA\",\"alg\":\"RS256\",\"kid\":\"a\",\"n\":\"" N256 "\",\"e\":\"AQAB\"}"),
         KQ_ERR_DENIED},
        {FILE_WITH("", RSA_KEY ",{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"c\",\"alg\":\"HS256\"}"), KQ_ERR_DENIED},
        {FILE_WITH("", RSA_KEY ",{\"kty\":\"OKP\",\"kid\":\"c\"}"), KQ_ERR_FORMAT}, /* not in our form */
        {FILE_WITH("", "{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"" N256 "\",\"e\":\"AQAB\"}"), KQ_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
        kq_status status = read_text(rows[i].text, &issuer);
        if (status != rows[i].status)
            fail_msg("row %zu: %s", i, kq_status_text(status));
        assert_null(issuer.keys);
    }
}

static void issuer_read__too_long__refused(void **state)
{
    char *text = calloc(1, KQW_ISSUER_FILE_MAX + 2);
    KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
    (void)state;
    memset(text, ' ', KQW_ISSUER_FILE_MAX + 1);
    memcpy(text, FILE_WITH("", EC_KEY), sizeof FILE_WITH("", EC_KEY) - 1);
    assert_int_equal(read_text(text, &issuer), KQ_ERR_TOO_LARGE);
    text[KQW_ISSUER_FILE_MAX] = '\0';
    assert_ok(read_text(text, &issuer));
    free(text);
}

static size_t num_taken(const char *keys, kq_status expected)
{
    char why[KQW_ISSUER_WHY_SIZE];
    json_t *set = json_loads(keys, 0, NULL);
    json_t *taken = NULL;
    assert_non_null(set);
    assert_int_equal(kqw_issuer_take_keys(set, &taken, why), expected);
    size_t num = json_array_size(taken);
    json_decref(set);
    json_decref(taken);
    return num;
}

static void take_keys__of_no_use__left_out(void **state)
{
    static const char *const useless[] = {
        "{\"kty\":\"RSA\",\"n\":\"" N256 "\",\"e\":\"AQAB\"}",                                  /* no kid */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"use\":\"enc\",\"n\":\"" N256 "\",\"e\":\"AQAB\"}",    /* for encryption */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"alg\":\"RS512\",\"n\":\"" N256 "\",\"e\":\"AQAB\"}",  /* not ours */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"alg\":\"HS256\",\"n\":\"" N256 "\",\"e\":\"AQAB\"}",  /* never */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"alg\":\"ES256\",\"n\":\"" N256 "\",\"e\":\"AQAB\"}",  /* another kind's */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"alg\":7,\"n\":\"" N256 "\",\"e\":\"AQAB\"}",          /* no text */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"n\":\"wAAB\",\"e\":\"AQAB\"}",                        /* short */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"n\":\"" N256 "\",\"e\":\"AQ\"}",                      /* e = 1 */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"n\":\"" N256 "\",\"e\":\"Ag\"}",                      /* e = 2 */
        "{\"kty\":\"RSA\",\"kid\":\"c\",\"n\":\"" N256 "=\",\"e\":\"AQAB\"}",                   /* padded */
        "{\"kty\":\"EC\",\"kid\":\"c\",\"crv\":\"P-384\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", /* short */
        "{\"kty\":\"EC\",\"kid\":\"c\",\"crv\":\"P-521\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", /* not ours */
        "{\"kty\":\"OKP\",\"kid\":\"c\",\"crv\":\"Ed25519\",\"x\":\"" X32 "\"}",
    };
    char text[8192];
    (void)state;
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        snprintf(text, sizeof text, "{\"keys\":[%s," EC_KEY "]}", useless[i]);
        assert_int_equal(num_taken(text, KQ_OK), 1);
    }
    assert_int_equal(num_taken("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"c\",\"x5c\":[\"MII\"],\"n\":\"" N256
                               "\",\"e\":\"AQAB\"}," EC_KEY "]}",
                               KQ_OK),
                     2);
}

static void take_keys__most_and_one_more(void **state)
{
    char why[KQW_ISSUER_WHY_SIZE];
    (void)state;
    for (size_t num = KQW_ISSUER_KEYS_MAX; num <= KQW_ISSUER_KEYS_MAX + 1; num++) {
        json_t *keys = json_array(), *taken = NULL;
        for (size_t i = 0; i < num; i++) {
            json_t *key = json_loads(EC_KEY, 0, NULL);
            json_object_set_new(key, "kid", json_sprintf("%zu", i));
            json_array_append_new(keys, key);
        }
        json_t *set = json_pack("{s:o}", "keys", keys);
        assert_int_equal(kqw_issuer_take_keys(set, &taken, why), num > KQW_ISSUER_KEYS_MAX ? KQ_ERR_TOO_LARGE : KQ_OK);
        json_decref(set);
        json_decref(taken);
    }
}

static void url_is_valid__table(void **state)
{
    static const char *const good[] = {"https://a", "https://a.example:8443/x/v2.0/", "https://[::1]:7/"};
    static const char *const bad[] = {"",
                                      "https://",
                                      "http://a",
                                      "HTTPS://a",
                                      "https:///a",
                                      "https://a b",
                                      "https://u@a",
                                      "https://a?x",
                                      "https://a#x",
                                      "https://a\n",
                                      "https://a\\b",
                                      "https://\xc3\xa9",
                                      "ftp://a"};
    char longest[KQW_ISSUER_URL_SIZE + 1];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(kqw_issuer_url_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(kqw_issuer_url_is_valid(bad[i]));
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "https://", 8);
    longest[KQW_ISSUER_URL_SIZE] = '\0';
    assert_false(kqw_issuer_url_is_valid(longest));
    longest[KQW_ISSUER_URL_SIZE - 1] = '\0';
    assert_true(kqw_issuer_url_is_valid(longest));
}

static void name_is_valid__table(void **state)
{
    static const char *const bad[] = {
        "", "-a", "a-", "A", "a.b", "a/b", "..", "a_b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(kqw_issuer_name_is_valid(bad[i]));
    assert_true(kqw_issuer_name_is_valid("a"));
    assert_true(kqw_issuer_name_is_valid("entra-id-2"));
    assert_true(kqw_issuer_name_is_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void guid__of_a_text__depends_on_issuer_and_text(void **state)
{
    char a[37], b[37], again[37];
    (void)state;
    kqw_issuer_guid("https://a", "robot", a);
    kqw_issuer_guid("https://a", "robot", again);
    assert_string_equal(a, again);
    assert_true(kq_guid_is_valid(kq_slice_text(a)));
    assert_int_equal(a[14], '8');
    assert_non_null(strchr("89ab", a[19]));
    kqw_issuer_guid("https://b", "robot", b);
    assert_string_not_equal(a, b);
    kqw_issuer_guid("https://a", "Robot", b);
    assert_string_not_equal(a, b);
    kqw_issuer_guid("https://a", "11111111-2222-4333-8444-555555555555", b);
    assert_string_equal(b, "11111111-2222-4333-8444-555555555555");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(issuer_read__a_file__round_trip),
        cmocka_unit_test(issuer_read__each_truncation__refused),
        cmocka_unit_test(issuer_read__damaged__refused),
        cmocka_unit_test(issuer_read__too_long__refused),
        cmocka_unit_test(take_keys__of_no_use__left_out),
        cmocka_unit_test(take_keys__most_and_one_more),
        cmocka_unit_test(url_is_valid__table),
        cmocka_unit_test(name_is_valid__table),
        cmocka_unit_test(guid__of_a_text__depends_on_issuer_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
