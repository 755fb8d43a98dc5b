#include "vault/http/target.h"

#include "base/size.h"
#include "unit.h"

#define TARGET_MAX 9000u

static char storage[VAULT_TARGET_STORAGE(TARGET_MAX)];

static kq_status parse(const char *target, struct vault_http_request *request)
{
    const char *why = NULL;
    *request = (struct vault_http_request){0};
    kq_status status = vault_http_target_parse(kq_slice_text(target), storage, request, &why);
    assert_true((status == KQ_OK) == (why == NULL));
    return status;
}

static void target_parse__path__is_cut_before_it_is_decoded(void **state)
{
    struct vault_http_request request;
    (void)state;
    assert_ok(parse("/keys/My%2dKey/0123/sign", &request));
    assert_int_equal(request.num_segments, 4);
    assert_string_equal(request.segments[0], "keys");
    assert_string_equal(request.segments[1], "My-Key");
    assert_string_equal(request.segments[2], "0123");
    assert_string_equal(request.segments[3], "sign");
}

static void target_parse__empty_segments__are_dropped(void **state)
{
    struct vault_http_request request;
    (void)state;
    assert_ok(parse("/", &request));
    assert_int_equal(request.num_segments, 0);
    assert_ok(parse("//metadata/endpoints", &request));
    assert_int_equal(request.num_segments, 2);
    assert_ok(parse("/keys/N//encrypt/", &request));
    assert_int_equal(request.num_segments, 3);
    assert_string_equal(request.segments[2], "encrypt");
}

static void target_parse__query__names_and_values_are_decoded(void **state)
{
    struct vault_http_request request;
    (void)state;
    assert_ok(parse("/x?api%2Dversion=7.4&a=b=c&plus=1+2%2B3&flag&&empty=&path=%2Fa%3F/b", &request));
    assert_int_equal(request.num_parameters, 6);
    assert_string_equal(vault_http_parameter(&request, "api-version"), "7.4");
    assert_string_equal(vault_http_parameter(&request, "a"), "b=c");
    assert_string_equal(vault_http_parameter(&request, "plus"), "1 2+3");
    assert_string_equal(vault_http_parameter(&request, "flag"), "");
    assert_string_equal(vault_http_parameter(&request, "empty"), "");
    assert_string_equal(vault_http_parameter(&request, "path"), "/a?/b");
    assert_string_equal(vault_http_parameter(&request, "API-Version"), "7.4");
    assert_null(vault_http_parameter(&request, "api-versio"));
    assert_null(vault_http_parameter(&request, "api-versions"));
}

static void target_parse__utf8__is_kept(void **state)
{
    struct vault_http_request request;
    (void)state;
    assert_ok(parse("/gr%C3%BC%C3%9Fe?n=%E2%82%AC", &request));
    assert_string_equal(request.segments[0], "gr\xc3\xbc\xc3\x9f"
                                             "e");
    assert_string_equal(request.parameters[0].value, "\xe2\x82\xac");
}

static void target_parse__hostile__is_refused_and_leaves_nothing(void **state)
{
    static const char *const targets[] = {
        "",
        "*",
        "keys",
        "http://host/keys",
        "host:443",
        "/a%2Fb",
        "/a%2fb",
        "/%00",
        "/a%",
        "/a%1",
        "/a%zz",
        "/a%+1",
        "/a/../b",
        "/a/%2e%2E/",
        "/./a",
        "/a/.",
        "/a%0d%0ab",
        "/a%7f",
        "/a b",
        "/a\tb",
        "/a\x80",
        "/a#b",
        "/%c0%af",
        "/%ff",
        "/?a=%00",
        "/?a=%0a",
        "/?a=%",
        "/?%zz=1",
        "/?a=%ed%a0%80",
        "/?a#",
        "/%1",
        "/..",
    };
    struct vault_http_request request;
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(targets); i++) {
        if (parse(targets[i], &request) != KQ_ERR_FORMAT)
            fail_msg("%s is not refused", targets[i]);
        assert_int_equal(request.num_segments + request.num_parameters, 0);
    }
}

static void target_parse__dots_that_are_names__are_kept(void **state)
{
    struct vault_http_request request;
    (void)state;
    assert_ok(parse("/.well-known/...a/..%2e", &request));
    assert_string_equal(request.segments[1], "...a");
    assert_string_equal(request.segments[2], "...");
}

/* "/" or "?" and so many times a piece. */
static kq_status parse_repeated(char first, const char *piece, size_t num)
{
    static char target[TARGET_MAX + 1];
    struct vault_http_request request;
    size_t at = 0;
    target[at++] = '/';
    if (first == '?')
        target[at++] = '?';
    for (size_t i = 0; i < num; i++)
        for (const char *c = piece; *c != '\0' && at < TARGET_MAX; c++)
            target[at++] = *c;
    target[at] = '\0';
    return parse(target, &request);
}

static void target_parse__maxima__hold_and_one_more_is_refused(void **state)
{
    (void)state;
    assert_ok(parse_repeated('/', "a/", VAULT_SEGMENTS_MAX));
    assert_status(parse_repeated('/', "a/", VAULT_SEGMENTS_MAX + 1), KQ_ERR_TOO_LARGE);
    assert_ok(parse_repeated('?', "a&", VAULT_PARAMETERS_MAX));
    assert_status(parse_repeated('?', "a&", VAULT_PARAMETERS_MAX + 1), KQ_ERR_TOO_LARGE);
    assert_ok(parse_repeated('/', "a", VAULT_TARGET_MAX - 1));
    assert_status(parse_repeated('/', "a", VAULT_TARGET_MAX), KQ_ERR_TOO_LARGE);
}

static void host_parse__names_and_addresses__are_cut_from_the_port(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
    } cases[] = {
        {"MyVault.Vault.Example:8443", "myvault.vault.example", 8443},
        {"localhost", "localhost", 443},
        {"127.0.0.1:1", "127.0.0.1", 1},
        {"[::1]", "[::1]", 443},
        {"[FE80::1]:65535", "[fe80::1]", 65535},
        {"under_score", "under_score", 443},
    };
    char host[VAULT_HOST_SIZE];
    uint16_t port;
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        assert_ok(vault_http_host_parse(kq_slice_text(cases[i].text), host, &port));
        assert_string_equal(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

static void host_parse__malformed__is_refused(void **state)
{
    static const char *const texts[] = {
        "",      ":443",  "a:",    "a:0",      "a:65536", "a:-1", "a:1x", "a b",    "a/b",
        "a@b",   "a,b",   "a..b",  ".a",       "a.",      "::1",  "[::1", "[]",     "[::1]x",
        "[::g]", "[a]:1", "a:1:2", "user@a:1", "a%2eb",   "a\\b", "a?b",  "[::1]:", "h\xc3\xa4",
    };
    char host[VAULT_HOST_SIZE];
    uint16_t port;
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(texts); i++)
        if (vault_http_host_parse(kq_slice_text(texts[i]), host, &port) != KQ_ERR_FORMAT)
            fail_msg("%s is not refused", texts[i]);
}

static void host_parse__longest__fits_and_one_more_is_refused(void **state)
{
    char text[VAULT_HOST_SIZE + 1];
    char host[VAULT_HOST_SIZE];
    uint16_t port;
    (void)state;
    memset(text, 'a', sizeof text);
    assert_ok(vault_http_host_parse(kq_slice_of(text, VAULT_HOST_SIZE - 1), host, &port));
    assert_int_equal(strlen(host), VAULT_HOST_SIZE - 1);
    assert_status(vault_http_host_parse(kq_slice_of(text, VAULT_HOST_SIZE), host, &port), KQ_ERR_FORMAT);
}

UNIT_MAIN(cmocka_unit_test(target_parse__path__is_cut_before_it_is_decoded),
          cmocka_unit_test(target_parse__empty_segments__are_dropped),
          cmocka_unit_test(target_parse__query__names_and_values_are_decoded),
          cmocka_unit_test(target_parse__utf8__is_kept),
          cmocka_unit_test(target_parse__hostile__is_refused_and_leaves_nothing),
          cmocka_unit_test(target_parse__dots_that_are_names__are_kept),
          cmocka_unit_test(target_parse__maxima__hold_and_one_more_is_refused),
          cmocka_unit_test(host_parse__names_and_addresses__are_cut_from_the_port),
          cmocka_unit_test(host_parse__malformed__is_refused),
          cmocka_unit_test(host_parse__longest__fits_and_one_more_is_refused))
