#include "api_world.h"

#define CRYPTO_USER "12338af0-0e69-4776-bea7-57ae8d297424"
#define CRYPTO_OFFICER "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
#define VAULT_SCOPE "/subscriptions/" SUBSCRIPTION "/resourcegroups/group/providers/microsoft.keyvault/vaults/contoso"

static int start(void **state)
{
    struct api_world *world = api_world_new();
    *state = world;
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC'}");
    return 0;
}

static int stop(void **state)
{
    api_world_free(*state);
    return 0;
}

static unsigned send_as(struct api_world *world, const char *who, enum vault_method method, const char *path,
                        const char *peer)
{
    char authorization[64], target[256];
    snprintf(authorization, sizeof authorization, "Bearer %s", who);
    snprintf(target, sizeof target, "%s?api-version=7.5", path);
    return api_send_raw(world, &(struct api_request){.method = method,
                                                     .host = "contoso.vault." DOMAIN,
                                                     .port = 8443,
                                                     .path = target,
                                                     .body = "{\"kty\":\"EC\"}",
                                                     .authorization = authorization,
                                                     .peer = peer});
}

static void policy__nobody__hears_the_documented_words(void **state)
{
    send_as(*state, NOBODY, VAULT_GET, "/keys/n", NULL);
    assert_problem((struct api_world *)*state, 403, "Forbidden", "AccessDenied");
    assert_string_equal(api_text(*state, "error.message"),
                        "The user, group or application 'appid=app;oid=" NOBODY
                        ";iss=https://issuer/' does not have keys get permission "
                        "on key vault 'contoso;location=eastus2'. For help resolving this issue, please see "
                        "https://go.microsoft.com/fwlink/?linkid=2125287");
}

static void policy__nobody__learns_of_no_key(void **state)
{
    struct api_world *world = *state;
    static const char *const paths[] = {"/keys/n", "/keys/absent", "/keys/n/versions", "/deletedkeys/n", "/keys/!bad!"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        send_as(world, NOBODY, VAULT_GET, paths[i], NULL);
        assert_problem(world, 403, "Forbidden", "AccessDenied");
    }
}

/* Every route of the data plane refuses somebody with all rights but its own. */
static void policy__each_route__wants_its_own_permission(void **state)
{
    struct api_world *world = *state;
    static const struct vault_route *const tables[] = {vault_key_routes, vault_key_use_routes};
    for (size_t i = 0; i < 2; i++) {
        for (const struct vault_route *route = tables[i]; route->method != 0; route++) {
            struct vault_access access = {.object_id = ALICE, .keys = VAULT_PERMISSIONS_ALL & ~route->permission};
            char path[128] = "";
            if (route->permission == 0)
                continue;
            assert_ok(vault_store_update_vault(world->service.store, &world->vault, &access, 1));
            for (const char *at = route->pattern; *at != '\0'; at++)
                snprintf(path + strlen(path), sizeof path - strlen(path), "%s%.*s", *at == '{' ? "n" : "",
                         *at == '{' || *at == '}' ? 0 : 1, at);
            send_as(world, ALICE, route->method, path, NULL);
            assert_problem(world, 403, "Forbidden", "AccessDenied");
            assert_non_null(strstr(api_text(world, "error.message"), vault_permission_text(route->permission)));
        }
    }
}

static void assign(struct api_world *world, const char *name, const char *role, const char *scope)
{
    struct vault_assignment assignment = {.scope = (char *)scope, .principal_id = ALICE, .created = NOW};
    memcpy(assignment.name, name, 37);
    memcpy(assignment.role, role, 37);
    assert_ok(vault_store_put_assignment(world->service.store, &assignment));
}

static void use_rbac(struct api_world *world)
{
    world->vault.uses_rbac = true;
    assert_ok(vault_store_update_vault(world->service.store, &world->vault, NULL, 0));
}

static void rbac__no_assignment__policy_counts_no_more(void **state)
{
    struct api_world *world = *state;
    use_rbac(world);
    send_as(world, ALICE, VAULT_GET, "/keys/n", NULL);
    assert_problem(world, 403, "Forbidden", "ForbiddenByRbac");
    assert_non_null(strstr(api_text(world, "error.message"),
                           "\r\nAction: 'Microsoft.KeyVault/vaults/keys/read'\r\nResource: '/subscriptions/"));
}

static void rbac__assignment_above__allows_what_the_role_has(void **state)
{
    struct api_world *world = *state;
    use_rbac(world);
    assign(world, "00000000-0000-4000-8000-000000000001", CRYPTO_USER, "/subscriptions/" SUBSCRIPTION);
    assert_int_equal(send_as(world, ALICE, VAULT_GET, "/keys/n", NULL), 200);
    assert_string_equal(api_header(world, "x-ms-keyvault-rbac-assignment-id"), "00000000-0000-4000-8000-000000000001");
    send_as(world, ALICE, VAULT_POST, "/keys/m/create", NULL);
    assert_problem(world, 403, "Forbidden", "ForbiddenByRbac");
    send_as(world, NOBODY, VAULT_GET, "/keys/n", NULL);
    assert_problem(world, 403, "Forbidden", "ForbiddenByRbac");
}

static void rbac__assignment_on_one_key__reaches_that_key_only(void **state)
{
    struct api_world *world = *state;
    use_rbac(world);
    assign(world, "00000000-0000-4000-8000-000000000002", CRYPTO_OFFICER, VAULT_SCOPE "/keys/n");
    assert_int_equal(send_as(world, ALICE, VAULT_GET, "/keys/N", NULL), 200);
    send_as(world, ALICE, VAULT_GET, "/keys/nn", NULL);
    assert_problem(world, 403, "Forbidden", "ForbiddenByRbac");
    send_as(world, ALICE, VAULT_GET, "/keys", NULL);
    assert_problem(world, 403, "Forbidden", "ForbiddenByRbac");
}

static void rbac__assignment_on_a_vault_of_a_longer_name__does_not_count(void **state)
{
    struct api_world *world = *state;
    use_rbac(world);
    assign(world, "00000000-0000-4000-8000-000000000003", CRYPTO_OFFICER, VAULT_SCOPE "2");
    assign(world, "00000000-0000-4000-8000-000000000004", CRYPTO_OFFICER,
           "/subscriptions/" SUBSCRIPTION "/resourcegroups/grou");
    send_as(world, ALICE, VAULT_GET, "/keys/n", NULL);
    assert_problem(world, 403, "Forbidden", "ForbiddenByRbac");
}

static void network__rules__decide_by_address(void **state)
{
    struct api_world *world = *state;
    world->vault.properties =
        (char *)"{\"networkAcls\":{\"defaultAction\":\"Deny\",\"ipRules\":[{\"value\":\"10.1.0.0/16\"}]}}";
    assert_ok(vault_store_update_vault(world->service.store, &world->vault, NULL, 0));
    assert_int_equal(send_as(world, ALICE, VAULT_GET, "/keys/n", "10.1.2.3"), 200);
    send_as(world, ALICE, VAULT_GET, "/keys/n", "10.2.0.1");
    assert_problem(world, 403, "Forbidden", "ForbiddenByFirewall");
    assert_non_null(strstr(api_text(world, "error.message"), "Client address: 10.2.0.1"));
    world->vault.properties = (char *)"{\"networkAcls\":{\"defaultAction\":\"Allow\"}}";
    assert_ok(vault_store_update_vault(world->service.store, &world->vault, NULL, 0));
    assert_int_equal(send_as(world, ALICE, VAULT_GET, "/keys/n", "10.2.0.1"), 200);
    world->vault.properties = (char *)"{\"publicNetworkAccess\":\"Disabled\"}";
    assert_ok(vault_store_update_vault(world->service.store, &world->vault, NULL, 0));
    send_as(world, ALICE, VAULT_GET, "/keys/n", "127.0.0.1");
    assert_problem(world, 403, "Forbidden", "ForbiddenByFirewall");
}

/* Some are read without being parsed: that must never open what the others close. */
static void network__each_form_of_properties__closed_where_it_says_so(void **state)
{
    struct api_world *world = *state;
    static const struct {
        const char *properties;
        bool is_open;
    } rows[] = {
        {"{}", true},
        {"{\"publicNetworkAccess\":\"Enabled\"}", true},
        {"{\"publicNetworkAccess\":\"Enabled\",\"networkAcls\":{\"defaultAction\":\"Allow\",\"ipRules\":[]}}", true},
        {"{\"networkAcls\":{\"defaultAction\": \"allow\"}}", true},
        {"{\"networkAcls\":{\"ipRules\":[]}}", true},
        {"{\"publicNetworkAccess\":\"Enabled\",\"networkAcls\":{\"defaultAction\":\"Deny\"}}", false},
        {"{\"networkAcls\":{\"defaultAction\":\"deny\"}}", false},
        {"{\"networkAcls\":{\"defaultAction\":\"Other\"}}", false},
        {"{\"publicNetworkAccess\":\"disabled\",\"networkAcls\":{\"defaultAction\":\"Allow\"}}", false},
        {"{\"other\":{\"defaultAction\":\"Allow\"},\"networkAcls\":{\"defaultAction\":\"Deny\"}}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world->vault.properties = (char *)rows[i].properties;
        assert_ok(vault_store_update_vault(world->service.store, &world->vault, NULL, 0));
        assert_int_equal(send_as(world, ALICE, VAULT_GET, "/keys/n", "10.2.0.1"), rows[i].is_open ? 200 : 403);
    }
}

static void other_tenant__is_unauthorized(void **state)
{
    struct api_world *world = *state;
    snprintf(world->service.tenant_id, sizeof world->service.tenant_id, "%s", NOBODY);
    send_as(world, ALICE, VAULT_GET, "/keys/n", NULL);
    assert_problem(world, 401, "Unauthorized", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(policy__nobody__hears_the_documented_words),
        TEST(policy__nobody__learns_of_no_key),
        TEST(policy__each_route__wants_its_own_permission),
        TEST(rbac__no_assignment__policy_counts_no_more),
        TEST(rbac__assignment_above__allows_what_the_role_has),
        TEST(rbac__assignment_on_one_key__reaches_that_key_only),
        TEST(rbac__assignment_on_a_vault_of_a_longer_name__does_not_count),
        TEST(network__rules__decide_by_address),
        TEST(network__each_form_of_properties__closed_where_it_says_so),
        TEST(other_tenant__is_unauthorized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
