#include "api_world.h"
#include "vault/api/router.h"

static enum vault_problem nothing(struct vault_call *call)
{
    (void)call;
    return VAULT_OK;
}

static const struct vault_route first_table[] = {
    {VAULT_HOST_VAULT, VAULT_GET, "/keys/{}/{}", nothing, 1, 0},
    {VAULT_HOST_VAULT, VAULT_GET, "/keys/{}/versions", nothing, 2, 0},
    {VAULT_HOST_VAULT, VAULT_POST, "/keys/{}/create", nothing, 3, 0},
    {VAULT_HOST_VAULT, VAULT_PATCH, "/keys/{}/{}", nothing, 4, 0},
    {0},
};
static const struct vault_route second_table[] = {
    {VAULT_HOST_ANY, VAULT_GET, "/", nothing, 5, 0},
    {VAULT_HOST_MANAGEMENT, VAULT_HEAD, "/subscriptions/{}/resourcegroups/{}", nothing, 6, 0},
    {VAULT_HOST_MANAGEMENT, VAULT_GET, "/subscriptions/{}/resourcegroups/{}", nothing, 7, 0},
    {VAULT_HOST_VAULT, VAULT_GET, "/{}/x/versions", nothing, 8, 0},
    {0},
};
static const struct vault_route *const tables[] = {first_table, second_table, NULL};

/* permission is the number of the route in these tables */
static uint32_t find(enum vault_host host, enum vault_method method, const char *const *segments, const char *names[8],
                     uint32_t *methods)
{
    struct vault_http_request request = {.method = method};
    for (; segments[request.num_segments] != NULL; request.num_segments++)
        request.segments[request.num_segments] = segments[request.num_segments];
    const struct vault_route *route = vault_route_find(tables, host, &request, names, methods);
    return route == NULL ? 0 : route->permission;
}

#define FIND(host, method, ...) find((host), (method), (const char *const[]){__VA_ARGS__ NULL}, names, &methods)

static void route_find__literal_and_name_fit__literal_wins(void **state)
{
    (void)state;
    const char *names[8] = {0};
    uint32_t methods = 0;
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_GET, "keys", "n", "versions", ), 2);
    assert_string_equal(names[0], "n");
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_GET, "keys", "n", "0123", ), 1);
    assert_string_equal(names[1], "0123");
    /* the earlier literal counts more than the later one */
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_GET, "keys", "x", "versions", ), 2);
}

static void route_find__other_case__matches(void **state)
{
    (void)state;
    const char *names[8] = {0};
    uint32_t methods = 0;
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_POST, "KEYS", "MyKey", "Create", ), 3);
    assert_string_equal(names[0], "MyKey");
    assert_int_equal(FIND(VAULT_HOST_MANAGEMENT, VAULT_GET, "Subscriptions", "s", "resourceGroups", "g", ), 7);
}

static void route_find__prefix_of_a_literal__does_not_match(void **state)
{
    (void)state;
    const char *names[8] = {0};
    uint32_t methods = 0;
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_POST, "key", "n", "create", ), 0);
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_POST, "keyss", "n", "create", ), 0);
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_POST, "keys", "n", "create", "more", ), 0);
    assert_int_equal(methods, 0);
}

static void route_find__other_method__names_those_the_path_knows(void **state)
{
    (void)state;
    const char *names[8] = {0};
    uint32_t methods = 0;
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_DELETE, "keys", "n", "v", ), 0);
    assert_int_equal(methods, 1u << VAULT_GET | 1u << VAULT_HEAD | 1u << VAULT_PATCH);
}

static void route_find__head__takes_its_own_route_then_get(void **state)
{
    (void)state;
    const char *names[8] = {0};
    uint32_t methods = 0;
    assert_int_equal(FIND(VAULT_HOST_MANAGEMENT, VAULT_HEAD, "subscriptions", "s", "resourcegroups", "g", ), 6);
    assert_int_equal(FIND(VAULT_HOST_VAULT, VAULT_HEAD, "keys", "n", "v", ), 1);
}

static void route_find__root_and_hosts__are_told_apart(void **state)
{
    (void)state;
    const char *names[8] = {0};
    uint32_t methods = 0;
    struct vault_http_request request = {.method = VAULT_GET};
    assert_non_null(vault_route_find(tables, VAULT_HOST_LOGIN, &request, names, &methods));
    assert_null(vault_route_find(tables, VAULT_HOST_OTHER, &request, names, &methods));
    assert_int_equal(FIND(VAULT_HOST_LOGIN, VAULT_GET, "keys", "n", "v", ), 0);
}

static void host_classify__each_kind__is_found(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        enum vault_host kind;
        const char *label;
    } rows[] = {
        {"contoso.vault.keyquay.test", VAULT_HOST_VAULT, "contoso"},
        {"CONTOSO.Vault.KeyQuay.TEST", VAULT_HOST_VAULT, "CONTOSO"},
        {"login.keyquay.test", VAULT_HOST_LOGIN, ""},
        {"management.keyquay.test", VAULT_HOST_MANAGEMENT, ""},
        {"vault.keyquay.test", VAULT_HOST_OTHER, ""},
        {".vault.keyquay.test", VAULT_HOST_OTHER, ""},
        {"a.b.vault.keyquay.test", VAULT_HOST_OTHER, ""},
        {"contoso.vault.keyquay.test.evil", VAULT_HOST_OTHER, ""},
        {"contoso.vaultskeyquay.test", VAULT_HOST_OTHER, ""},
        {"login.keyquay.tes", VAULT_HOST_OTHER, ""},
        {"127.0.0.1", VAULT_HOST_OTHER, ""},
        {"", VAULT_HOST_OTHER, ""},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.vault.keyquay.test", VAULT_HOST_OTHER, ""},
    };
    char label[VAULT_HOST_LABEL_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(vault_host_classify("keyquay.test", rows[i].host, label), rows[i].kind);
        assert_string_equal(label, rows[i].label);
    }
}

/* No two routes of the service answer the same request, and every key route names what it needs. */
static void tables__all_routes__are_distinct_and_guarded(void **state)
{
    (void)state;
    for (const struct vault_route *const *table = vault_route_tables; *table != NULL; table++) {
        for (const struct vault_route *route = *table; route->method != 0; route++) {
            assert_non_null(route->handler);
            for (const struct vault_route *other = route + 1; other->method != 0; other++)
                assert_false(other->method == route->method && (other->hosts & route->hosts) != 0 &&
                             strcmp(other->pattern, route->pattern) == 0);
        }
    }
    for (const struct vault_route *route = vault_key_use_routes; route->method != 0; route++)
        assert_int_not_equal(route->permission, 0);
    for (const struct vault_route *route = vault_key_routes; route->method != 0; route++)
        assert_true(route->permission != 0 || strcmp(route->pattern, "/rng") == 0 ||
                    strcmp(route->pattern, "/certificates/contacts") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_find__literal_and_name_fit__literal_wins),
        cmocka_unit_test(route_find__other_case__matches),
        cmocka_unit_test(route_find__prefix_of_a_literal__does_not_match),
        cmocka_unit_test(route_find__other_method__names_those_the_path_knows),
        cmocka_unit_test(route_find__head__takes_its_own_route_then_get),
        cmocka_unit_test(route_find__root_and_hosts__are_told_apart),
        cmocka_unit_test(host_classify__each_kind__is_found),
        cmocka_unit_test(tables__all_routes__are_distinct_and_guarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
