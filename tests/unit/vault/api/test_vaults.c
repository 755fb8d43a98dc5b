#include "control_world.h"

#include <stdio.h>

#define START                                                                                                          \
    (void)state;                                                                                                       \
    struct control_world *world = control_world_new()
#define END control_world_free(world)
#define BODY(more) "{'location':'eastus2','properties':{'tenantId':'" TENANT "','sku':{'name':'premium'}" more "}}"
#define ENTRY(keys) "{'tenantId':'" TENANT "','objectId':'" BOB "','permissions':{'keys':[" keys "]}}"
#define POLICIES(list) "{'properties':{'accessPolicies':[" list "]}}"
#define DELETED IN_SUBSCRIPTION "/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/contoso"

static size_t num_of(const struct control_world *world, const char *path)
{
    return json_array_size(control_value(world, path));
}

static void put_vault__all_given__answers_what_clients_read(void **state)
{
    START;
    control_put_contoso(world);
    assert_string_equal(control_text(world, "id"), CONTOSO);
    assert_string_equal(control_text(world, "name"), "contoso");
    assert_string_equal(control_text(world, "type"), "Microsoft.KeyVault/vaults");
    assert_string_equal(control_text(world, "location"), "eastus2");
    assert_string_equal(control_text(world, "tags.a"), "b");
    assert_string_equal(control_text(world, "properties.vaultUri"), "https://contoso.vault.keyquay.test:8443/");
    assert_string_equal(control_text(world, "properties.provisioningState"), "Succeeded");
    assert_string_equal(control_text(world, "properties.sku.name"), "standard");
    assert_int_equal(json_integer_value(control_value(world, "properties.softDeleteRetentionInDays")), 90);
    assert_null(control_value(world, "properties.enablePurgeProtection"));
    assert_string_equal(world->last_event, "vault.create");
    assert_string_equal(world->last_region, "UnitedStates");
    END;
}

/* az reads a vault, changes one thing and puts it all back. */
static void put_vault__what_get_gave__changes_nothing(void **state)
{
    START;
    assert_int_equal(
        control_send(world, VAULT_PUT, CONTOSO,
                     BODY(",'softDeleteRetentionInDays':7,'enablePurgeProtection':true,'enabledForDeployment':true,"
                          "'networkAcls':{'bypass':'None','defaultAction':'Deny','ipRules':[{'value':'203.0.113.0/24'}]"
                          "},'accessPolicies':[" ENTRY("'get','Sign'") "]")),
        200);
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 200);
    json_t *before = json_deep_copy(world->body);
    assert_int_equal(control_send_json(world, VAULT_PUT, CONTOSO, before), 200);
    assert_true(json_equal(world->body, before));
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 200);
    assert_true(json_equal(world->body, before));
    assert_string_equal(control_text(world, "properties.networkAcls.defaultAction"), "Deny");
    assert_string_equal(control_text(world, "properties.accessPolicies.0.permissions.keys.1"), "Sign");
    json_decref(before);
    END;
}

static void put_vault__bad_bodies__refused_and_nothing_made(void **state)
{
    START;
    static const struct {
        const char *body, *says;
        unsigned status;
    } rows[] = {
        {"{}", "location", 400},
        {"{'location':'eastus2'}", "properties", 400},
        {"{'location':5,'properties':{}}", "location", 400},
        {"{'location':'atlantis','properties':{}}", "eastus2", 400},
        {"{'location':'eastus2','properties':{'tenantId':'" TENANT "'}}", "sku", 400},
        {"{'location':'eastus2','properties':{'tenantId':'" TENANT "','sku':{'name':'gold'}}}", "premium", 400},
        {"{'location':'eastus2','properties':{'tenantId':'" BOB "','sku':{'name':'premium'}}}", TENANT, 400},
        {BODY(",'softDeleteRetentionInDays':6"), "from 7 to 90", 400},
        {BODY(",'softDeleteRetentionInDays':91"), "from 7 to 90", 400},
        {BODY(",'softDeleteRetentionInDays':'90'"), "from 7 to 90", 400},
        {BODY(",'enableSoftDelete':false"), "enableSoftDelete", 400},
        {BODY(",'enableRbacAuthorization':1"), "enableRbacAuthorization", 400},
        {BODY(",'createMode':'magic'"), "createMode", 400},
        {BODY(",'publicNetworkAccess':'Maybe'"), "publicNetworkAccess", 400},
        {BODY(",'networkAcls':{'defaultAction':'Perhaps'}"), "defaultAction", 400},
        {BODY(",'networkAcls':{'ipRules':[{'value':'1.2.3'}]}"), "ipRules[0]", 400},
        {BODY(",'networkAcls':{'virtualNetworkRules':[{'id':'x'}]}"), "virtualNetworkRules", 400},
        {BODY(",'accessPolicies':[" ENTRY("'sing'") "]"), "'sing'", 400},
        {BODY(",'accessPolicies':[" ENTRY("'get'") "," ENTRY("'list'") "]"), "twice", 400},
        {BODY(",'accessPolicies':[{'tenantId':'" BOB "','objectId':'" BOB "','permissions':{}}]"), "tenantId", 400},
        {BODY(",'accessPolicies':[{'tenantId':'" TENANT "','objectId':'bob','permissions':{}}]"), "objectId", 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(control_send(world, VAULT_PUT, CONTOSO, rows[i].body), rows[i].status);
        if (strstr(world->message, rows[i].says) == NULL)
            fail_msg("'%s' does not name '%s'", world->message, rows[i].says);
    }
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 404);
    assert_int_equal(world->num_audited, 0);
    END;
}

static void put_vault__region_without_a_world__names_the_command(void **state)
{
    START;
    static const char body[] =
        "{'location':'West Europe','properties':{'tenantId':'" TENANT "','sku':{'name':'premium'}}}";
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO, body), 400);
    assert_int_equal(world->problem, VAULT_REGION_NOT_SUPPORTED);
    assert_non_null(strstr(world->message, "keyquay region create EU --data /data"));
    world->has_europe = true;
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO, body), 200);
    assert_string_equal(world->last_region, "Europe");
    END;
}

static void put_vault__group_name_or_location__refused_where_they_do_not_fit(void **state)
{
    START;
    assert_int_equal(control_send(world, VAULT_PUT,
                                  IN_SUBSCRIPTION "/resourceGroups/none/providers/Microsoft.KeyVault"
                                                  "/vaults/contoso",
                                  BODY("")),
                     404);
    assert_int_equal(world->problem, VAULT_RESOURCE_GROUP_NOT_FOUND);
    assert_int_equal(control_send(world, VAULT_PUT, IN_GROUP "/providers/Microsoft.KeyVault/vaults/1contoso", BODY("")),
                     400);
    assert_int_equal(world->problem, VAULT_VAULT_NAME_NOT_VALID);
    control_put_contoso(world);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO,
                                  "{'location':'westus','properties':{'tenantId':'" TENANT
                                  "','sku':{'name':'premium'}}}"),
                     409);
    assert_int_equal(world->problem, VAULT_INVALID_RESOURCE_LOCATION);
    assert_int_equal(control_send(world, VAULT_PUT, IN_SUBSCRIPTION "/resourceGroups/other", "{'location':'eastus'}"),
                     201);
    assert_int_equal(control_send(world, VAULT_PUT,
                                  IN_SUBSCRIPTION "/resourcegroups/OTHER/providers/Microsoft.KeyVault"
                                                  "/vaults/Contoso",
                                  BODY("")),
                     409);
    assert_int_equal(world->problem, VAULT_VAULT_ALREADY_EXISTS);
    END;
}

static void patch_vault__what_cannot_be_undone__stays(void **state)
{
    START;
    control_put_contoso(world);
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'properties':{'enablePurgeProtection':true}}"), 200);
    assert_true(json_is_true(control_value(world, "properties.enablePurgeProtection")));
    assert_string_equal(control_text(world, "tags.a"), "b");
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'properties':{'enablePurgeProtection':false}}"), 400);
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'properties':{'softDeleteRetentionInDays':30}}"), 400);
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'properties':{'sku':{'name':'premium'}}}"), 200);
    assert_string_equal(control_text(world, "properties.sku.name"), "premium");
    assert_true(json_is_true(control_value(world, "properties.enablePurgeProtection")));
    END;
}

static void delete_vault__then_recover__as_it_was(void **state)
{
    START;
    control_put_contoso(world);
    json_t *before = json_deep_copy(world->body);
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO, NULL), 200);
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO, NULL), 204);
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 404);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO, BODY("")), 409);
    assert_int_equal(control_send(world, VAULT_GET, DELETED, NULL), 200);
    assert_string_equal(control_text(world, "properties.vaultId"), CONTOSO);
    assert_string_equal(control_text(world, "properties.deletionDate"), "2023-11-14T22:13:20Z");
    assert_string_equal(control_text(world, "properties.scheduledPurgeDate"), "2024-02-12T22:13:20Z");
    /* az sends a sku of its own invention here */
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO, BODY(",'createMode':'recover'")), 200);
    assert_true(json_equal(control_value(world, "properties"), json_object_get(before, "properties")));
    assert_int_equal(control_send(world, VAULT_GET, DELETED, NULL), 404);
    json_decref(before);
    END;
}

static void purge_vault__only_without_protection(void **state)
{
    START;
    control_put_contoso(world);
    assert_int_equal(control_send(world, VAULT_POST, DELETED "/purge", NULL), 404);
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO, NULL), 200);
    assert_int_equal(control_send(world, VAULT_POST, DELETED "/purge", NULL), 200);
    assert_string_equal(world->last_event, "vault.purge");
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO, BODY(",'enablePurgeProtection':true")), 200);
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO, NULL), 200);
    assert_int_equal(control_send(world, VAULT_POST, DELETED "/purge", NULL), 405);
    assert_int_equal(control_send(world, VAULT_GET, DELETED, NULL), 200);
    END;
}

static void access_policies__add_replace_remove__as_asked(void **state)
{
    START;
    control_put_contoso(world);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/add", POLICIES(ENTRY("'get','list'"))),
                     200);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/add", POLICIES(ENTRY("'SIGN'"))), 200);
    assert_int_equal(num_of(world, "properties.accessPolicies"), 1);
    assert_int_equal(num_of(world, "properties.accessPolicies.0.permissions.keys"), 3);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/remove", POLICIES(ENTRY("'get'"))), 200);
    assert_int_equal(num_of(world, "properties.accessPolicies.0.permissions.keys"), 2);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/replace", POLICIES(ENTRY("'all'"))), 200);
    assert_string_equal(control_text(world, "properties.accessPolicies.0.permissions.keys.0"), "all");
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/remove", POLICIES(ENTRY("'all'"))), 200);
    assert_int_equal(num_of(world, "properties.accessPolicies"), 0);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/forget", POLICIES("")), 400);
    assert_string_equal(world->last_event, "vault.policy");
    END;
}

/* Clients that keep a plan compare names, their order and letters. */
static void access_policies__names_of_permissions__shown_as_given(void **state)
{
    START;
    control_put_contoso(world);
    static const char keys[] = "properties.accessPolicies.0.permissions.keys";
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/add", POLICIES(ENTRY("'List','Get'"))),
                     200);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/add", POLICIES(ENTRY("'get','Sign'"))),
                     200);
    assert_int_equal(num_of(world, keys), 3);
    assert_string_equal(control_text(world, "properties.accessPolicies.0.permissions.keys.0"), "List");
    assert_string_equal(control_text(world, "properties.accessPolicies.0.permissions.keys.2"), "Sign");
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/replace",
                                  POLICIES(ENTRY("'Get','List','Update','Create','Import','Delete','Recover','Backup',"
                                                 "'Restore','Decrypt','Encrypt','UnwrapKey','WrapKey','Verify','Sign',"
                                                 "'Purge','Release','Rotate','GetRotationPolicy',"
                                                 "'SetRotationPolicy'"))),
                     200);
    assert_int_equal(num_of(world, keys), 20);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/replace", POLICIES(ENTRY("'all'"))), 200);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/remove", POLICIES(ENTRY("'Get'"))), 200);
    assert_int_equal(num_of(world, keys), 19);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/remove", POLICIES(ENTRY("'All'"))), 200);
    assert_int_equal(num_of(world, "properties.accessPolicies"), 0);
    END;
}

static void access_policies__other_kinds__kept_as_given(void **state)
{
    START;
    control_put_contoso(world);
    static const char entry[] = POLICIES("{'tenantId':'" TENANT "','objectId':'" BOB
                                         "','permissions':{'secrets':['Get'],'certificates':['list']}}");
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/add", entry), 200);
    assert_string_equal(control_text(world, "properties.accessPolicies.0.permissions.secrets.0"), "Get");
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO "/accessPolicies/add",
                                  POLICIES("{'tenantId':'" TENANT "','objectId':'" BOB
                                           "','permissions':{'secrets':['get','set']}}")),
                     200);
    assert_int_equal(num_of(world, "properties.accessPolicies.0.permissions.secrets"), 2);
    assert_int_equal(num_of(world, "properties.accessPolicies.0.permissions.keys"), 0);
    END;
}

static void write__audit_log_away__refused_and_nothing_changed(void **state)
{
    START;
    control_put_contoso(world);
    world->audit_fails_with = KQ_ERR_CONNECT;
    assert_int_equal(control_send(world, VAULT_DELETE, CONTOSO, NULL), 503);
    assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, "{'tags':{}}"), 503);
    assert_int_equal(control_send(world, VAULT_GET, CONTOSO, NULL), 200);
    assert_string_equal(control_text(world, "tags.a"), "b");
    END;
}

static void list_vaults__filters_and_pages(void **state)
{
    START;
    control_put_contoso(world);
    assert_int_equal(control_send(world, VAULT_PUT, IN_GROUP "/providers/Microsoft.KeyVault/vaults/fabrikam", BODY("")),
                     200);
    assert_int_equal(control_send(world, VAULT_GET, IN_GROUP "/providers/Microsoft.KeyVault/vaults?$top=1", NULL), 200);
    assert_int_equal(num_of(world, "value"), 1);
    char next[400];
    snprintf(next, sizeof next, "%s", control_text(world, "nextLink"));
    static const char base[] = "https://management.keyquay.test:8443";
    assert_int_equal(strncmp(next, base, sizeof base - 1), 0);
    assert_non_null(strstr(next, "%24top=1&$skiptoken="));
    assert_int_equal(control_send(world, VAULT_GET,
                                  IN_SUBSCRIPTION "/resources?$filter=resourceType eq "
                                                  "'Microsoft.KeyVault/vaults'",
                                  NULL),
                     200);
    assert_int_equal(num_of(world, "value"), 2);
    assert_true(json_is_null(control_value(world, "nextLink")));
    assert_int_equal(control_send(world, VAULT_GET,
                                  IN_SUBSCRIPTION "/resources?$filter=resourceType eq "
                                                  "'Microsoft.KeyVault/vaults' and name eq 'FABRIKAM'",
                                  NULL),
                     200);
    assert_int_equal(num_of(world, "value"), 1);
    assert_string_equal(control_text(world, "value.0.name"), "fabrikam");
    assert_int_equal(control_send(world, VAULT_GET, IN_SUBSCRIPTION "/resources?$filter=tagName eq 'a'", NULL), 400);
    static const char grouped[] = IN_SUBSCRIPTION "/resources?$filter=resourceGroup eq ";
    char path[300];
    assert_int_equal(control_send(world, VAULT_PUT, IN_SUBSCRIPTION "/resourceGroups/empty", "{'location':'eastus'}"),
                     201);
    snprintf(path, sizeof path, "%s'%s'", grouped, "EMPTY");
    assert_int_equal(control_send(world, VAULT_GET, path, NULL), 200);
    assert_int_equal(num_of(world, "value"), 0);
    snprintf(path, sizeof path, "%s'%s'", grouped, strrchr(IN_GROUP, '/') + 1);
    assert_int_equal(control_send(world, VAULT_GET, path, NULL), 200);
    assert_int_equal(num_of(world, "value"), 2);
    assert_int_equal(control_send(world, VAULT_GET, IN_GROUP "/resources?$filter=resourceGroup eq 'empty'", NULL), 400);
    END;
}

static void delete_group__with_vaults__they_can_be_recovered(void **state)
{
    START;
    control_put_contoso(world);
    assert_int_equal(control_send(world, VAULT_DELETE, IN_GROUP, NULL), 200);
    assert_string_equal(world->last_event, "vault.group.delete");
    assert_int_equal(control_send(world, VAULT_HEAD, IN_GROUP, NULL), 404);
    assert_int_equal(control_send(world, VAULT_GET, DELETED, NULL), 200);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO, BODY(",'createMode':'recover'")), 404);
    assert_int_equal(control_send(world, VAULT_PUT, IN_GROUP, "{'location':'eastus'}"), 201);
    assert_int_equal(control_send(world, VAULT_HEAD, IN_GROUP, NULL), 204);
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO, BODY(",'createMode':'recover'")), 200);
    world->audit_fails_with = KQ_ERR_CONNECT;
    assert_int_equal(control_send(world, VAULT_DELETE, IN_GROUP, NULL), 503);
    assert_int_equal(control_send(world, VAULT_HEAD, IN_GROUP, NULL), 204);
    world->audit_fails_with = KQ_OK;
    assert_int_equal(control_send(world, VAULT_PUT, IN_SUBSCRIPTION "/resourceGroups/empty", "{'location':'eastus'}"),
                     201);
    world->audit_fails_with = KQ_ERR_CONNECT;
    assert_int_equal(control_send(world, VAULT_DELETE, IN_SUBSCRIPTION "/resourceGroups/empty", NULL), 503);
    assert_int_equal(control_send(world, VAULT_HEAD, IN_SUBSCRIPTION "/resourceGroups/empty", NULL), 204);
    END;
}

static void check_name__each_case__as_documented(void **state)
{
    START;
    static const char check[] = IN_SUBSCRIPTION "/providers/Microsoft.KeyVault/checkNameAvailability";
    control_put_contoso(world);
    assert_int_equal(control_send(world, VAULT_POST, check, "{'name':'free-name'}"), 200);
    assert_true(json_is_true(control_value(world, "nameAvailable")));
    assert_int_equal(control_send(world, VAULT_POST, check, "{'name':'CONTOSO'}"), 200);
    assert_string_equal(control_text(world, "reason"), "AlreadyExists");
    assert_int_equal(control_send(world, VAULT_POST, check, "{'name':'a--b'}"), 200);
    assert_string_equal(control_text(world, "reason"), "AccountNameInvalid");
    END;
}

static void patch_vault__tags__fifty_and_no_more(void **state)
{
    START;
    control_put_contoso(world);
    for (unsigned num = 50; num <= 51; num++) {
        char body[1200] = "{'tags':{";
        size_t len = strlen(body);
        for (unsigned i = 0; i < num; i++)
            len += (size_t)snprintf(body + len, sizeof body - len, "%s'k%u':'v'", i == 0 ? "" : ",", i);
        snprintf(body + len, sizeof body - len, "}}");
        assert_int_equal(control_send(world, VAULT_PATCH, CONTOSO, body), num == 50 ? 200 : 400);
    }
    END;
}

UNIT_MAIN(cmocka_unit_test(patch_vault__tags__fifty_and_no_more),
          cmocka_unit_test(put_vault__all_given__answers_what_clients_read),
          cmocka_unit_test(put_vault__what_get_gave__changes_nothing),
          cmocka_unit_test(put_vault__bad_bodies__refused_and_nothing_made),
          cmocka_unit_test(put_vault__region_without_a_world__names_the_command),
          cmocka_unit_test(put_vault__group_name_or_location__refused_where_they_do_not_fit),
          cmocka_unit_test(patch_vault__what_cannot_be_undone__stays),
          cmocka_unit_test(delete_vault__then_recover__as_it_was),
          cmocka_unit_test(purge_vault__only_without_protection),
          cmocka_unit_test(access_policies__add_replace_remove__as_asked),
          cmocka_unit_test(access_policies__names_of_permissions__shown_as_given),
          cmocka_unit_test(access_policies__other_kinds__kept_as_given),
          cmocka_unit_test(write__audit_log_away__refused_and_nothing_changed),
          cmocka_unit_test(list_vaults__filters_and_pages),
          cmocka_unit_test(delete_group__with_vaults__they_can_be_recovered),
          cmocka_unit_test(check_name__each_case__as_documented))
