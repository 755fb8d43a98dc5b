#include "vault/http/message.h"

#include "base/size.h"
#include "unit.h"

static void address_parse__addresses_with_port__are_read(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
    } cases[] = {
        {"127.0.0.1:8443", "127.0.0.1", 8443},
        {"[::1]:8443", "::1", 8443},
        {"0.0.0.0:0", "0.0.0.0", 0},
        {"[::]:65535", "::", 65535},
    };
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        struct vault_http_address address;
        assert_ok(vault_http_address_parse(cases[i].text, &address));
        assert_string_equal(address.host, cases[i].host);
        assert_int_equal(address.port, cases[i].port);
    }
}

static void address_parse__anything_else__is_refused(void **state)
{
    static const char *const texts[] = {
        "",         "127.0.0.1",   "127.0.0.1:", ":8443", "localhost:8443", "::1:8443",
        "[::1]",    "[::1]8443",   "[]:1",       "[:1",   "[127.0.0.1]:1",  "127.0.0.1:65536",
        "1.2.3:80", "127.0.0.1:x", "::1",        "a:1:2", "127.0.0.1: 1"};
    struct vault_http_address address = {"untouched", 7};
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(texts); i++)
        if (vault_http_address_parse(texts[i], &address) != KQ_ERR_ARGUMENT)
            fail_msg("%s is not refused", texts[i]);
    assert_string_equal(address.host, "untouched");
    assert_int_equal(address.port, 7);
}

static void response_header__control_characters__are_refused(void **state)
{
    struct vault_http_response response;
    (void)state;
    vault_http_response_init(&response);
    assert_ok(vault_http_response_header(&response, "Location", "https://a/b"));
    assert_status(vault_http_response_header(&response, "Location", "a\r\nSet-Cookie: b"), KQ_ERR_ARGUMENT);
    assert_status(vault_http_response_header(&response, "Location", "a\tb"), KQ_ERR_ARGUMENT);
    assert_int_equal(response.num_headers, 1);
    vault_http_response_clear(&response);
    vault_http_response_clear(&response);
}

static void response_header__too_many__are_refused(void **state)
{
    struct vault_http_response response;
    (void)state;
    vault_http_response_init(&response);
    for (size_t i = 0; i < VAULT_RESPONSE_HEADERS_MAX; i++)
        assert_ok(vault_http_response_header(&response, "X", "y"));
    assert_status(vault_http_response_header(&response, "X", "y"), KQ_ERR_TOO_LARGE);
    vault_http_response_clear(&response);
}

static void method_text__every_method__has_one(void **state)
{
    (void)state;
    assert_string_equal(vault_method_text(VAULT_GET), "GET");
    assert_string_equal(vault_method_text(VAULT_DELETE), "DELETE");
    assert_string_equal(vault_method_text((enum vault_method)0), "?");
    assert_string_equal(vault_method_text((enum vault_method)99), "?");
}

UNIT_MAIN(cmocka_unit_test(address_parse__addresses_with_port__are_read),
          cmocka_unit_test(address_parse__anything_else__is_refused),
          cmocka_unit_test(response_header__control_characters__are_refused),
          cmocka_unit_test(response_header__too_many__are_refused),
          cmocka_unit_test(method_text__every_method__has_one))
