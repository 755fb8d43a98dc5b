#include "vault/api/scope.h"

#include <stdio.h>

#include "unit.h"

#define SUBSCRIPTION "/subscriptions/00000000-0000-4000-8000-00000000000A"
#define GROUP SUBSCRIPTION "/resourceGroups/My.group_(1)"
#define VAULT GROUP "/providers/Microsoft.KeyVault/vaults/contoso"

static void vault_scope_parse__each_depth__there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = {SUBSCRIPTION, GROUP, VAULT, VAULT "/keys/k-1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct vault_scope scope;
        char text[VAULT_SCOPE_TEXT_SIZE];
        assert_true(vault_scope_parse(texts[i], &scope));
        vault_scope_text(&scope, text);
        assert_string_equal(text, texts[i]);
    }
}

static void vault_scope_parse__other_case_and_slashes__the_same(void **state)
{
    (void)state;
    struct vault_scope scope;
    char text[VAULT_SCOPE_TEXT_SIZE];
    assert_true(vault_scope_parse("/SUBSCRIPTIONS/00000000-0000-4000-8000-00000000000A//resourcegroups/My.group_(1)"
                                  "/Providers/microsoft.keyvault/Vaults/contoso/",
                                  &scope));
    vault_scope_text(&scope, text);
    assert_string_equal(text, VAULT);
    vault_scope_lower(&scope, text);
    assert_string_equal(text, "/subscriptions/00000000-0000-4000-8000-00000000000a/resourcegroups/my.group_(1)"
                              "/providers/microsoft.keyvault/vaults/contoso");
}

static void vault_scope_parse__anything_else__refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "/",
        "/subscriptions",
        "/subscriptions/1",
        "/subscriptions/00000000-0000-4000-8000-00000000000",
        SUBSCRIPTION "/resourceGroups",
        SUBSCRIPTION "/groups/g",
        SUBSCRIPTION "/resourceGroups/ends.",
        SUBSCRIPTION "/resourceGroups/a b",
        GROUP "/providers/Microsoft.KeyVault/vaults",
        GROUP "/providers/Microsoft.Storage/vaults/contoso",
        GROUP "/providers/Microsoft.KeyVault/managedHSMs/contoso",
        GROUP "/providers/Microsoft.KeyVault/vaults/ab",
        GROUP "/providers/Microsoft.KeyVault/vaults/abcdefghijklmnopqrstuvwxy",
        VAULT "/keys",
        VAULT "/secrets/s",
        VAULT "/keys/a_b",
        VAULT "/keys/k/version",
    };
    struct vault_scope scope = {.subscription = "untouched"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(vault_scope_parse(texts[i], &scope));
    assert_string_equal(scope.subscription, "untouched");
}

static void vault_scope_covers__neighbours__only_whole_segments(void **state)
{
    (void)state;
    assert_true(vault_scope_covers(GROUP, GROUP));
    assert_true(vault_scope_covers(GROUP, VAULT));
    assert_true(vault_scope_covers(GROUP "/", VAULT));
    assert_true(vault_scope_covers("/Subscriptions/00000000-0000-4000-8000-00000000000a", VAULT));
    assert_false(vault_scope_covers(VAULT, GROUP));
    assert_false(vault_scope_covers(VAULT, VAULT "2"));
    assert_false(vault_scope_covers(SUBSCRIPTION "/resourceGroups/My", GROUP));
}

UNIT_MAIN(cmocka_unit_test(vault_scope_parse__each_depth__there_and_back),
          cmocka_unit_test(vault_scope_parse__other_case_and_slashes__the_same),
          cmocka_unit_test(vault_scope_parse__anything_else__refused),
          cmocka_unit_test(vault_scope_covers__neighbours__only_whole_segments))
