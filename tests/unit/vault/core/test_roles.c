#include "vault/core/roles.h"

#include "base/text.h"
#include "unit.h"

#define OWNER "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
#define CONTRIBUTOR "b24988ac-6180-42a0-ab88-20f7382dd24c"
#define READER "acdd72a7-3385-48ef-bd42-f606fba81ae7"
#define VAULT_READER "21090545-7ca7-4776-b22c-e363652d74d2"
#define VAULT_CONTRIBUTOR "f25e0fa2-a7c8-4377-a976-54943a77a395"
#define CRYPTO_OFFICER "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
#define CRYPTO_USER "12338af0-0e69-4776-bea7-57ae8d297424"
#define ENCRYPTION_USER "e147488a-f6f5-4113-8e2d-b22465e65bf6"
#define SECRETS_OFFICER "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
#define KEYS "Microsoft.KeyVault/vaults/keys/"

static void vault_role_find__each_role__by_its_guid_in_any_case(void **state)
{
    (void)state;
    const struct vault_role *role;
    size_t num = 0;
    for (; (role = vault_role_at(num)) != NULL; num++) {
        assert_true(kq_guid_is_valid(kq_slice_text(role->id)));
        assert_ptr_equal(vault_role_find(role->id), role);
    }
    assert_in_range(num, 15, 30);
    assert_string_equal(vault_role_find("12338AF0-0E69-4776-BEA7-57AE8D297424")->name, "Key Vault Crypto User");
    assert_null(vault_role_find("12338af0-0e69-4776-bea7-57ae8d297425"));
    assert_null(vault_role_find(""));
}

/* Source: azure-key-vault facts 3.3 */
static void vault_role_allows_data__table__as_published(void **state)
{
    (void)state;
    static const struct {
        const char *role, *action;
        bool is_allowed;
    } rows[] = {
        {CRYPTO_USER, KEYS "sign/action", true},
        {CRYPTO_USER, KEYS "SIGN/Action", true},
        {CRYPTO_USER, KEYS "read", true},
        {CRYPTO_USER, KEYS "create/action", false},
        {CRYPTO_USER, KEYS "delete", false},
        {CRYPTO_USER, KEYS "sign/actions", false},
        {CRYPTO_USER, KEYS "sign", false},
        {ENCRYPTION_USER, KEYS "wrap/action", true},
        {ENCRYPTION_USER, KEYS "sign/action", false},
        {CRYPTO_OFFICER, KEYS "purge/action", true},
        {CRYPTO_OFFICER, "Microsoft.KeyVault/vaults/keyrotationpolicies/write", true},
        {CRYPTO_OFFICER, "Microsoft.KeyVault/vaults/secrets/delete", false},
        {SECRETS_OFFICER, KEYS "read", false},
        {OWNER, KEYS "read", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(vault_role_allows_data(vault_role_find(rows[i].role), rows[i].action), rows[i].is_allowed);
}

static void vault_role_allows__table__what_is_taken_away_counts(void **state)
{
    (void)state;
    static const struct {
        const char *role, *action;
        bool is_allowed;
    } rows[] = {
        {OWNER, "Microsoft.Authorization/roleAssignments/write", true},
        {CONTRIBUTOR, "Microsoft.Authorization/roleAssignments/write", false},
        {CONTRIBUTOR, "Microsoft.Authorization/roleAssignments/read", true},
        {CONTRIBUTOR, "Microsoft.KeyVault/vaults/delete", true},
        {READER, "Microsoft.KeyVault/vaults/read", true},
        {VAULT_READER, "Microsoft.KeyVault/vaults/read", true},
        {VAULT_READER, "Microsoft.KeyVault/vaults/secrets/read", true},
        {VAULT_READER, "Microsoft.KeyVault/vaultsread", false},
        {VAULT_READER, "Microsoft.KeyVault/vaults/write", false},
        {READER, "Microsoft.KeyVault/vaults/write", false},
        {VAULT_CONTRIBUTOR, "Microsoft.KeyVault/vaults/write", true},
        {VAULT_CONTRIBUTOR, "microsoft.keyvault/locations/deletedvaults/purge/action", false},
        {VAULT_CONTRIBUTOR, "Microsoft.Resources/subscriptions/resourceGroups/write", false},
        {CRYPTO_USER, "Microsoft.KeyVault/vaults/read", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(vault_role_allows(vault_role_find(rows[i].role), rows[i].action), rows[i].is_allowed);
}

static void vault_role_is_data__roles_that_manage__are_not(void **state)
{
    (void)state;
    assert_true(vault_role_is_data(vault_role_find(CRYPTO_OFFICER)));
    assert_false(vault_role_is_data(vault_role_find(OWNER)));
    assert_false(vault_role_is_data(vault_role_find(VAULT_CONTRIBUTOR)));
    size_t num_limited = 0;
    for (size_t i = 0; vault_role_at(i) != NULL; i++) {
        num_limited += vault_role_at(i)->assigns_data_roles_only;
        assert_false(vault_role_at(i)->assigns_data_roles_only && vault_role_is_data(vault_role_at(i)));
    }
    assert_int_equal(num_limited, 1);
}

UNIT_MAIN(cmocka_unit_test(vault_role_find__each_role__by_its_guid_in_any_case),
          cmocka_unit_test(vault_role_allows_data__table__as_published),
          cmocka_unit_test(vault_role_allows__table__what_is_taken_away_counts),
          cmocka_unit_test(vault_role_is_data__roles_that_manage__are_not))
