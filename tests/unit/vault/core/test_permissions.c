#include "vault/core/permissions.h"

#include "unit.h"

static void vault_permission_find__each_name__there_and_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VAULT_NUM_PERMISSIONS; i++) {
        assert_int_equal(vault_permission_find(vault_permission_text(1u << i)), 1u << i);
        assert_string_not_equal(vault_permission_action(1u << i), "unknown");
    }
    assert_int_equal(VAULT_NUM_PERMISSIONS, 20);
}

static void vault_permission_find__other_case__the_same(void **state)
{
    (void)state;
    assert_int_equal(vault_permission_find("WrapKey"), VAULT_PERMISSION_WRAP);
    assert_int_equal(vault_permission_find("GET"), VAULT_PERMISSION_GET);
    assert_int_equal(vault_permission_find("All"), VAULT_PERMISSIONS_ALL);
    assert_int_equal(vault_permission_find("wrap"), 0);
    assert_int_equal(vault_permission_find(""), 0);
}

static void vault_permission_action__get_and_list__one_action(void **state)
{
    (void)state;
    assert_string_equal(vault_permission_action(VAULT_PERMISSION_GET), "keys/read");
    assert_string_equal(vault_permission_action(VAULT_PERMISSION_LIST), "keys/read");
    assert_string_equal(vault_permission_action(VAULT_PERMISSION_WRAP), "keys/wrap/action");
    assert_string_equal(vault_permission_action(VAULT_PERMISSIONS_ALL), "unknown");
    assert_string_equal(vault_permission_text(0), "unknown");
}

UNIT_MAIN(cmocka_unit_test(vault_permission_find__each_name__there_and_back),
          cmocka_unit_test(vault_permission_find__other_case__the_same),
          cmocka_unit_test(vault_permission_action__get_and_list__one_action))
