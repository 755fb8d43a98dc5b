/* Forms: one reading for each body, or none. */
#include "unit.h"

#include <stdio.h>

#include "vault/api/form.h"

static kq_status parse(const char *text, struct vault_form *out)
{
    const char *why = NULL;
    kq_status status = vault_form_parse(kq_slice_text(text), out, &why);
    assert_true(status == KQ_OK || why != NULL);
    return status;
}

static void form_parse__names_and_values__decoded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name;
        const char *value;
    } cases[] = {
        {"a=b", "a", "b"},
        {"a=b&c=d", "c", "d"},
        {"&&a=b&&", "a", "b"},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"=b", "", "b"},
        {"a=b=c", "a", "b=c"},
        {"a=b+c", "a", "b c"},
        {"a=b%20c%2B", "a", "b c+"},
        {"client%5Fid=1", "client_id", "1"},
        {"scope=https%3A%2F%2Fvault.x%3a8443%2f.default", "scope", "https://vault.x:8443/.default"},
        {"s=%7E%2e_-%26%3d", "s", "~._-&="},
        {"u=Schl%C3%BCssel", "u", "Schl\xc3\xbcssel"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
        assert_ok(parse(cases[i].text, &form));
        const char *value = vault_form_value(&form, cases[i].name);
        assert_non_null(value);
        assert_string_equal(value, cases[i].value);
        assert_null(vault_form_value(&form, "other"));
    }
}

static void form_parse__empty_body__no_pairs(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
    assert_ok(parse("", &form));
    assert_int_equal(form.num_pairs, 0);
}

static void form_parse__not_well_formed__refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"a=%",    "a=%2",    "a=%2&b=c", "a=%zz",   "%=a",      "a=%00", "a=b%0Ac",
                                        "a=\x7f", "a=%C3",   "a=%FF",    "a=b&a=c", "a&a",      "a=%0d", "a%00b=c",
                                        "=&=",    "a=\xc3(", "a=\n",     "b=1&a=%", "%61=1&a=2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
        assert_status(parse(texts[i], &form), KQ_ERR_FORMAT);
        assert_int_equal(form.num_pairs, 0);
        assert_null(form.text.data);
    }
}

static void form_parse__nul_byte__refused(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
    const char *why = NULL;
    assert_status(vault_form_parse(kq_slice_of("a=b\0c", 5), &form, &why), KQ_ERR_FORMAT);
}

static void form_parse__most_pairs_and_one_more__taken_and_refused(void **state)
{
    (void)state;
    char text[VAULT_FORM_PAIRS_MAX * 8 + 16] = "";
    size_t len = 0;
    for (size_t i = 0; i < VAULT_FORM_PAIRS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "n%zu&", i);
    KQ_AUTO_VALUE(vault_form) most = {.num_pairs = 0};
    KQ_AUTO_VALUE(vault_form) more = {.num_pairs = 0};
    assert_ok(parse(text, &most));
    assert_int_equal(most.num_pairs, VAULT_FORM_PAIRS_MAX);
    snprintf(text + len, sizeof text - len, "x");
    assert_status(parse(text, &more), KQ_ERR_TOO_LARGE);
}

static void form_parse__longest_and_one_more__taken_and_refused(void **state)
{
    (void)state;
    char *text = malloc(VAULT_FORM_MAX + 1);
    const char *why = NULL;
    memset(text, 'x', VAULT_FORM_MAX + 1);
    KQ_AUTO_VALUE(vault_form) longest = {.num_pairs = 0};
    KQ_AUTO_VALUE(vault_form) longer = {.num_pairs = 0};
    assert_ok(vault_form_parse(kq_slice_of(text, VAULT_FORM_MAX), &longest, &why));
    assert_int_equal(strlen(longest.pairs[0].name), VAULT_FORM_MAX);
    assert_status(vault_form_parse(kq_slice_of(text, VAULT_FORM_MAX + 1), &longer, &why), KQ_ERR_TOO_LARGE);
    free(text);
}

static void form_is_type__media_types__with_and_without_parameters(void **state)
{
    (void)state;
    assert_true(vault_form_is_type("application/x-www-form-urlencoded"));
    assert_true(vault_form_is_type("Application/X-WWW-Form-Urlencoded;charset=utf-8"));
    assert_true(vault_form_is_type("application/x-www-form-urlencoded ; charset=utf-8"));
    assert_false(vault_form_is_type("application/x-www-form-urlencodedX"));
    assert_false(vault_form_is_type("application/json"));
    assert_false(vault_form_is_type(""));
    assert_false(vault_form_is_type(NULL));
}

UNIT_MAIN(cmocka_unit_test(form_parse__names_and_values__decoded), cmocka_unit_test(form_parse__empty_body__no_pairs),
          cmocka_unit_test(form_parse__not_well_formed__refused), cmocka_unit_test(form_parse__nul_byte__refused),
          cmocka_unit_test(form_parse__most_pairs_and_one_more__taken_and_refused),
          cmocka_unit_test(form_parse__longest_and_one_more__taken_and_refused),
          cmocka_unit_test(form_is_type__media_types__with_and_without_parameters))
