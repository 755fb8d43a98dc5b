#include "vault/api/cidr.h"

#include "unit.h"

static void vault_cidr_contains__table(void **state)
{
    (void)state;
    static const struct {
        const char *cidr, *address;
        bool is_in;
    } rows[] = {
        {"203.0.113.7", "203.0.113.7", true},
        {"203.0.113.7", "203.0.113.8", false},
        {"203.0.113.0/24", "203.0.113.255", true},
        {"203.0.113.0/24", "203.0.114.0", false},
        {"203.0.113.8/29", "203.0.113.15", true},
        {"203.0.113.8/29", "203.0.113.16", false},
        {"0.0.0.0/0", "198.51.100.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"203.0.113.0/24", "::ffff:203.0.113.9", true},
        {"::ffff:203.0.113.9", "203.0.113.9", true},
        {"203.0.113.7", "", false},
        {"", "203.0.113.7", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(vault_cidr_contains(rows[i].cidr, rows[i].address), rows[i].is_in);
}

static void vault_cidr_is_valid__damaged__no(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "203.0.113",
                                        "203.0.113.0/",
                                        "203.0.113.0/33",
                                        "203.0.113.0/-1",
                                        "::1/129",
                                        "203.0.113.0/24/",
                                        "example.test",
                                        "203.0.113.0 /24",
                                        "/24",
                                        "2001:db8::/ 33",
                                        "203.0.113.256"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(vault_cidr_is_valid(texts[i]));
    assert_true(vault_cidr_is_valid("203.0.113.0/32"));
    assert_true(vault_cidr_is_valid("2001:db8::/128"));
}

UNIT_MAIN(cmocka_unit_test(vault_cidr_contains__table), cmocka_unit_test(vault_cidr_is_valid__damaged__no))
