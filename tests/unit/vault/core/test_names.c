#include "vault/core/names.h"

#include "base/size.h"
#include "base/text.h"
#include "unit.h"

#define A10 "abcdefghij"
#define A100 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10

struct name_case {
    const char *text;
    bool is_valid;
};

static void check(bool (*is_valid)(const char *), const struct name_case *cases, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        if (is_valid(cases[i].text) != cases[i].is_valid)
            fail_msg("\"%s\": expected %s", cases[i].text, cases[i].is_valid ? "valid" : "refused");
    }
}

static void vault_name_is_valid__rule_by_rule__as_the_rule_says(void **state)
{
    (void)state;
    static const struct name_case cases[] = {
        {"abc", true},          {"a1-", false},           {"ab", false},   {"", false},           {"A-b-C9", true},
        {"1bc", false},         {"-bc", false},           {"a--b", false}, {"a_b", false},        {"a.b", false},
        {A10 A10 "abcd", true}, {A10 A10 "abcde", false}, {"ab c", false}, {"ab\xc3\xa9", false},
    };
    check(vault_name_is_valid, cases, KQ_COUNT_OF(cases));
}

static void vault_key_name_is_valid__rule_by_rule__as_the_rule_says(void **state)
{
    (void)state;
    static const struct name_case cases[] = {
        {"a", true},
        {"", false},
        {"-", true},
        {"0--9", true},
        {A100 A10 A10 "abcdefg", true},
        {A100 A10 A10 "abcdefgh", false},
        {"a/b", false},
        {"a_b", false},
        {"a b", false},
    };
    check(vault_key_name_is_valid, cases, KQ_COUNT_OF(cases));
}

static void vault_key_version_is_valid__rule_by_rule__as_the_rule_says(void **state)
{
    (void)state;
    static const struct name_case cases[] = {
        {"0123456789abcdef0123456789ABCDEF", true},
        {"0123456789abcdef0123456789ABCDE", false},
        {"0123456789abcdef0123456789ABCDEF0", false},
        {"0123456789abcdef0123456789ABCDEg", false},
        {"", false},
    };
    check(vault_key_version_is_valid, cases, KQ_COUNT_OF(cases));
}

static void vault_group_name_is_valid__rule_by_rule__as_the_rule_says(void **state)
{
    (void)state;
    static const struct name_case cases[] = {
        {"g", true},
        {"a.b-c_(d)", true},
        {"a.", false},
        {".a", true},
        {"", false},
        {"a/b", false},
        {"a b", false},
        {A10 A10 A10 A10 A10 A10 A10 A10 A10, true},
        {A10 A10 A10 A10 A10 A10 A10 A10 A10 "x", false},
    };
    check(vault_group_name_is_valid, cases, KQ_COUNT_OF(cases));
}

static void vault_new_version__twice__two_lower_case_versions(void **state)
{
    (void)state;
    char one[VAULT_KEY_VERSION_LEN + 1], other[VAULT_KEY_VERSION_LEN + 1];
    assert_ok(vault_new_version(one));
    assert_ok(vault_new_version(other));
    assert_true(vault_key_version_is_valid(one));
    assert_int_equal(strspn(one, "0123456789abcdef"), VAULT_KEY_VERSION_LEN);
    assert_string_not_equal(one, other);
}

static void vault_new_guid__many__are_random_guids_of_version_4(void **state)
{
    (void)state;
    char last[VAULT_GUID_LEN + 1] = "";
    for (size_t i = 0; i < 100; i++) {
        char guid[VAULT_GUID_LEN + 1];
        assert_ok(vault_new_guid(guid));
        assert_true(kq_guid_is_valid(kq_slice_text(guid)));
        assert_int_equal(guid[14], '4');
        assert_non_null(strchr("89ab", guid[19]));
        assert_string_not_equal(guid, last);
        memcpy(last, guid, sizeof last);
    }
}

UNIT_MAIN(cmocka_unit_test(vault_name_is_valid__rule_by_rule__as_the_rule_says),
          cmocka_unit_test(vault_key_name_is_valid__rule_by_rule__as_the_rule_says),
          cmocka_unit_test(vault_key_version_is_valid__rule_by_rule__as_the_rule_says),
          cmocka_unit_test(vault_group_name_is_valid__rule_by_rule__as_the_rule_says),
          cmocka_unit_test(vault_new_version__twice__two_lower_case_versions),
          cmocka_unit_test(vault_new_guid__many__are_random_guids_of_version_4))
