#include "control_world.h"

#include <stdio.h>

#define START                                                                                                          \
    (void)state;                                                                                                       \
    struct control_world *world = control_world_new();                                                                 \
    control_put_contoso(world)
#define END control_world_free(world)

#define ASSIGNMENTS "/providers/Microsoft.Authorization/roleAssignments"
#define NAME1 "00000000-0000-4000-8000-000000000001"
#define NAME2 "00000000-0000-4000-8000-000000000002"
#define OWNER "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
#define CONTRIBUTOR "b24988ac-6180-42a0-ab88-20f7382dd24c"
#define READER "acdd72a7-3385-48ef-bd42-f606fba81ae7"
#define DATA_ADMIN "8b54135c-b56d-4d72-a534-26097cfdc8d8"
#define CRYPTO_USER "12338af0-0e69-4776-bea7-57ae8d297424"
#define CAROL "00000000-0000-4000-8000-000000000ca0"

static unsigned assign(struct control_world *world, const char *scope, const char *name, const char *role,
                       const char *principal)
{
    char path[600], body[600];
    snprintf(path, sizeof path, "%s" ASSIGNMENTS "/%s", scope, name);
    snprintf(body, sizeof body,
             "{'properties':{'roleDefinitionId':'/subscriptions/" SUBSCRIPTION
             "/providers/Microsoft.Authorization/roleDefinitions/%s','principalId':'%s'}}",
             role, principal);
    return control_send(world, VAULT_PUT, path, body);
}

static void allow__no_role__refused_with_the_documented_words(void **state)
{
    START;
    world->caller = BOB;
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 403);
    assert_int_equal(world->problem, VAULT_AUTHORIZATION_FAILED);
    assert_non_null(strstr(world->message, "object id '" BOB "' does not have authorization to perform action "
                                           "'Microsoft.KeyVault/vaults/read' over scope '" CONTOSO "'"));
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO, NULL), 403);
    assert_int_equal(control_send(world, VAULT_PUT, IN_SUBSCRIPTION "/resourceGroups/mine", "{'location':'eastus'}"),
                     403);
    assert_int_equal(control_send(world, VAULT_GET, "/subscriptions", NULL), 200);
    assert_int_equal(json_array_size(control_value(world, "value")), 0);
    END;
}

static void allow__reader_of_the_vault__reads_it_and_changes_nothing(void **state)
{
    START;
    assert_int_equal(assign(world, CONTOSO, NAME1, READER, BOB), 201);
    assert_string_equal(world->last_event, "vault.role.assign");
    world->caller = BOB;
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 200);
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'tags':{}}"), 403);
    assert_int_equal(control_send(world, VAULT_GET, IN_GROUP, NULL), 403);
    assert_int_equal(control_send(world, VAULT_GET, "/subscriptions", NULL), 200);
    assert_int_equal(json_array_size(control_value(world, "value")), 1);
    assert_int_equal(control_send(world, VAULT_GET, IN_SUBSCRIPTION "/providers/Microsoft.KeyVault/vaults", NULL), 200);
    assert_int_equal(json_array_size(control_value(world, "value")), 1);
    END;
}

static void delete_assignment__at_once__the_right_is_gone(void **state)
{
    START;
    assert_int_equal(assign(world, CONTOSO, NAME1, READER, BOB), 201);
    assert_int_equal(control_send(world, VAULT_DELETE, IN_GROUP ASSIGNMENTS "/" NAME1, NULL), 204);
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO ASSIGNMENTS "/" NAME1, NULL), 200);
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO ASSIGNMENTS "/" NAME1, NULL), 204);
    world->caller = BOB;
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 403);
    END;
}

static void purge_vault__another_of_its_name__nobody_keeps_a_role(void **state)
{
    START;
    assert_int_equal(assign(world, CONTOSO, NAME1, READER, BOB), 201);
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO, NULL), 200);
    assert_int_equal(control_send(world, VAULT_POST,
                                  IN_SUBSCRIPTION
                                  "/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/contoso"
                                  "/purge",
                                  NULL),
                     200);
    control_put_contoso(world);
    world->caller = BOB;
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 403);
    END;
}

static void put_assignment__contributor__cannot_give_access(void **state)
{
    START;
    assert_int_equal(assign(world, IN_SUBSCRIPTION, NAME1, CONTRIBUTOR, BOB), 201);
    world->caller = BOB;
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'tags':{}}"), 200);
    assert_int_equal(assign(world, CONTOSO, NAME2, OWNER, BOB), 403);
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'properties':{'enableRbacAuthorization':true}}"), 403);
    world->caller = ALICE;
    assert_int_equal(assign(world, IN_SUBSCRIPTION, NAME2, DATA_ADMIN, BOB), 201);
    world->caller = BOB; /* still some roles only */
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'properties':{'enableRbacAuthorization':true}}"), 403);
    END;
}

static void put_assignment__administrator_of_data_access__data_roles_only(void **state)
{
    START;
    assert_int_equal(assign(world, IN_GROUP, NAME1, DATA_ADMIN, BOB), 201);
    world->caller = BOB;
    assert_int_equal(assign(world, CONTOSO, NAME2, OWNER, BOB), 403);
    assert_int_equal(assign(world, CONTOSO, NAME2, DATA_ADMIN, CAROL), 403);
    assert_int_equal(assign(world, CONTOSO, NAME2, CRYPTO_USER, BOB), 201);
    assert_int_equal(assign(world, IN_SUBSCRIPTION, NAME2, CRYPTO_USER, BOB), 403);
    assert_int_equal(control_send(world, VAULT_DELETE, IN_GROUP ASSIGNMENTS "/" NAME1, NULL), 403);
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO ASSIGNMENTS "/" NAME2, NULL), 200);
    END;
}

static void put_assignment__condition__refused_by_name(void **state)
{
    START;
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO ASSIGNMENTS "/" NAME1,
                                  "{'properties':{'roleDefinitionId':'" READER "','principalId':'" BOB
                                  "','condition':'true','conditionVersion':'2.0'}}"),
                     400);
    assert_int_equal(world->problem, VAULT_NOT_SUPPORTED);
    world->caller = BOB;
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 403);
    END;
}

static void put_assignment__repeats__same_is_fine_other_is_not(void **state)
{
    START;
    assert_int_equal(assign(world, CONTOSO, NAME1, READER, BOB), 201);
    assert_int_equal(assign(world, CONTOSO, NAME1, READER, BOB), 200);
    assert_int_equal(assign(world, CONTOSO, NAME1, OWNER, BOB), 409);
    assert_int_equal(assign(world, CONTOSO, NAME2, READER, BOB), 409);
    assert_int_equal(world->problem, VAULT_ROLE_ASSIGNMENT_EXISTS);
    assert_int_equal(assign(world, CONTOSO, NAME2, NAME2, BOB), 404);
    assert_int_equal(assign(world, CONTOSO, "name", READER, BOB), 400);
    assert_int_equal(assign(world, CONTOSO, NAME2, READER, "bob"), 400);
    assert_int_equal(assign(world, IN_GROUP "/providers/Microsoft.KeyVault/vaults/fabrikam", NAME2, READER, BOB), 404);
    END;
}

static void assignments__names_of_either_case__shown_as_written_first(void **state)
{
    START;
    static const char mine[] = IN_SUBSCRIPTION "/resourceGroups/MyGroup";
    static const char vault[] = IN_SUBSCRIPTION "/resourceGroups/MyGroup/providers/Microsoft.KeyVault/vaults/MyVault";
    assert_int_equal(control_send(world, VAULT_PUT, mine, "{'location':'eastus2'}"), 201);
    assert_int_equal(control_send(world, VAULT_PUT, vault,
                                  "{'location':'eastus2','properties':{'tenantId':'" TENANT
                                  "','sku':{'family':'A','name':'standard'},'accessPolicies':[]}}"),
                     200);
    assert_int_equal(assign(world,
                            IN_SUBSCRIPTION "/resourcegroups/mygroup/providers/microsoft.keyvault/vaults/myvault",
                            NAME1, READER, BOB),
                     201);
    assert_string_equal(control_text(world, "properties.scope"), vault);
    assert_string_equal(control_text(world, "properties.principalType"), "ServicePrincipal");
    assert_int_equal(assign(world, vault, NAME2, READER, CAROL), 201);
    assert_int_equal(control_send(world, VAULT_GET, mine, NULL), 200);
    assert_int_equal(
        control_send(world, VAULT_GET,
                     IN_SUBSCRIPTION "/resourceGroups/MYGROUP" ASSIGNMENTS "?$filter=assignedTo('" CAROL "')", NULL),
        200);
    assert_int_equal(json_array_size(control_value(world, "value")), 1);
    assert_string_equal(control_text(world, "value.0.properties.scope"), vault);
    assert_memory_equal(control_text(world, "value.0.id"), vault, sizeof vault - 1);
    END;
}

static void list_assignments__filters__above_at_and_below(void **state)
{
    START;
    assert_int_equal(assign(world, IN_SUBSCRIPTION, NAME1, READER, BOB), 201);
    assert_int_equal(assign(world, CONTOSO "/keys/k1", NAME2, CRYPTO_USER, CAROL), 201);
    assert_int_equal(control_send(world, VAULT_GET, IN_GROUP ASSIGNMENTS, NULL), 200);
    assert_int_equal(json_array_size(control_value(world, "value")), 2);
    assert_int_equal(control_send(world, VAULT_GET, IN_GROUP ASSIGNMENTS "?$filter=atScope()", NULL), 200);
    assert_int_equal(json_array_size(control_value(world, "value")), 1);
    assert_string_equal(control_text(world, "value.0.properties.scope"), IN_SUBSCRIPTION);
    assert_int_equal(control_send(world, VAULT_GET, IN_GROUP ASSIGNMENTS "?$filter=principalId eq '" CAROL "'", NULL),
                     200);
    assert_int_equal(json_array_size(control_value(world, "value")), 1);
    assert_string_equal(control_text(world, "value.0.properties.principalId"), CAROL);
    assert_int_equal(control_send(world, VAULT_GET, IN_GROUP ASSIGNMENTS "?$filter=createdBy eq 'x'", NULL), 400);
    END;
}

static void list_definitions__by_name__one(void **state)
{
    START;
    world->caller = BOB;
    assert_int_equal(control_send(world, VAULT_GET,
                                  IN_SUBSCRIPTION "/providers/Microsoft.Authorization/roleDefinitions"
                                                  "?$filter=roleName eq 'Key Vault Crypto User'",
                                  NULL),
                     200);
    assert_int_equal(json_array_size(control_value(world, "value")), 1);
    assert_string_equal(control_text(world, "value.0.name"), CRYPTO_USER);
    assert_int_equal(json_array_size(control_value(world, "value.0.properties.permissions.0.dataActions")), 9);
    assert_int_equal(control_send(world, VAULT_GET, "/providers/Microsoft.Authorization/roleDefinitions/" NAME1, NULL),
                     404);
    END;
}

static void aliases__same_alias__same_subscription_and_only_for_operators(void **state)
{
    START;
    static const char alias[] = "/providers/Microsoft.Subscription/aliases/second";
    static const char body[] = "{'properties':{'displayName':'Second'}}";
    char id[64];
    assert_int_equal(control_send(world, VAULT_GET, alias, NULL), 404);
    assert_int_equal(control_send(world, VAULT_PUT, alias, body), 201);
    snprintf(id, sizeof id, "%s", control_text(world, "properties.subscriptionId"));
    assert_int_equal(control_send(world, VAULT_PUT, alias, body), 200);
    assert_string_equal(control_text(world, "properties.subscriptionId"), id);
    assert_int_equal(control_send(world, VAULT_GET, "/subscriptions", NULL), 200);
    assert_int_equal(json_array_size(control_value(world, "value")), 2);
    world->caller = BOB;
    assert_int_equal(control_send(world, VAULT_PUT, alias, body), 403);
    END;
}

UNIT_MAIN(cmocka_unit_test(allow__no_role__refused_with_the_documented_words),
          cmocka_unit_test(allow__reader_of_the_vault__reads_it_and_changes_nothing),
          cmocka_unit_test(delete_assignment__at_once__the_right_is_gone),
          cmocka_unit_test(purge_vault__another_of_its_name__nobody_keeps_a_role),
          cmocka_unit_test(put_assignment__contributor__cannot_give_access),
          cmocka_unit_test(put_assignment__administrator_of_data_access__data_roles_only),
          cmocka_unit_test(put_assignment__condition__refused_by_name),
          cmocka_unit_test(put_assignment__repeats__same_is_fine_other_is_not),
          cmocka_unit_test(assignments__names_of_either_case__shown_as_written_first),
          cmocka_unit_test(list_assignments__filters__above_at_and_below),
          cmocka_unit_test(list_definitions__by_name__one),
          cmocka_unit_test(aliases__same_alias__same_subscription_and_only_for_operators))
