#include "vault/api/filter.h"

#include "unit.h"

static void vault_filter_parse__what_clients_send__values(void **state)
{
    (void)state;
    struct vault_filter filter;
    assert_true(vault_filter_parse("resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'mine'", &filter));
    assert_int_equal(filter.num_clauses, 2);
    assert_string_equal(vault_filter_value(&filter, "RESOURCETYPE"), "Microsoft.KeyVault/vaults");
    assert_string_equal(vault_filter_value(&filter, "name"), "mine");
    assert_null(vault_filter_value(&filter, "location"));
    assert_true(vault_filter_parse(" atScope()  and assignedTo( '4c0e' ) ", &filter));
    assert_true(filter.clauses[0].is_call);
    assert_string_equal(vault_filter_value(&filter, "atScope"), "");
    assert_string_equal(vault_filter_value(&filter, "assignedTo"), "4c0e");
    assert_true(vault_filter_parse("roleName eq 'it''s'", &filter));
    assert_string_equal(vault_filter_value(&filter, "roleName"), "it's");
}

static void vault_filter_parse__nothing__empty(void **state)
{
    (void)state;
    struct vault_filter filter;
    assert_true(vault_filter_parse(NULL, &filter));
    assert_int_equal(filter.num_clauses, 0);
    assert_true(vault_filter_parse("  ", &filter));
    assert_int_equal(filter.num_clauses, 0);
}

static void vault_filter_parse__other_forms__refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "name",
        "name eq",
        "name eq mine",
        "name eq 'mine",
        "name ne 'mine'",
        "name eq 'a' or",
        "name eq 'a' and",
        "name eq 'a' 'b'",
        "eq 'a'",
        "atScope(",
        "atScope('a'",
        "atScope('a','b')",
        "(name eq 'a')",
        "name eq 'a'and'b'",
        "not name eq 'a'",
        "a eq '1' and b eq '2' and c eq '3' and d eq '4' and e eq '5'",
    };
    struct vault_filter filter;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(vault_filter_parse(texts[i], &filter));
}

static void vault_filter_parse__maxima__exact_fit_and_one_more(void **state)
{
    (void)state;
    struct vault_filter filter;
    char text[VAULT_FILTER_VALUE_SIZE + 20] = "a eq '";
    size_t len = strlen(text);
    memset(text + len, 'x', VAULT_FILTER_VALUE_SIZE - 1);
    memcpy(text + len + VAULT_FILTER_VALUE_SIZE - 1, "'", 2);
    assert_true(vault_filter_parse(text, &filter));
    assert_int_equal(strlen(filter.clauses[0].value), VAULT_FILTER_VALUE_SIZE - 1);
    memcpy(text + len + VAULT_FILTER_VALUE_SIZE - 1, "x'", 3);
    assert_false(vault_filter_parse(text, &filter));
}

static void vault_filter_has_only__an_unknown_name__no(void **state)
{
    (void)state;
    static const char *const names[] = {"name", "resourceType", NULL};
    struct vault_filter filter;
    assert_true(vault_filter_parse("Name eq 'a'", &filter));
    assert_true(vault_filter_has_only(&filter, names));
    assert_true(vault_filter_parse("name eq 'a' and tagName eq 'b'", &filter));
    assert_false(vault_filter_has_only(&filter, names));
}

UNIT_MAIN(cmocka_unit_test(vault_filter_parse__what_clients_send__values),
          cmocka_unit_test(vault_filter_parse__nothing__empty),
          cmocka_unit_test(vault_filter_parse__other_forms__refused),
          cmocka_unit_test(vault_filter_parse__maxima__exact_fit_and_one_more),
          cmocka_unit_test(vault_filter_has_only__an_unknown_name__no))
