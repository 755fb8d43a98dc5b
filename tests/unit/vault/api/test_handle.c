#include "api_world.h"

static int start(void **state)
{
    *state = api_world_new();
    return 0;
}

static int stop(void **state)
{
    api_world_free(*state);
    return 0;
}

#define CHALLENGE                                                                                                      \
    "Bearer authorization=\"https://login.keyquay.test:8443/" TENANT "\", "                                            \
    "resource=\"https://vault.keyquay.test:8443\""

static struct api_request plain(enum vault_method method, const char *path)
{
    return (struct api_request){.method = method, .host = "contoso.vault." DOMAIN, .port = 8443, .path = path};
}

static void handle__no_authorization__challenges_before_anything_else(void **state)
{
    static const char *const paths[] = {
        "/keys/n/create", "/keys/n/create?api-version=7.5", "/keys/n%2/", "/nothing", "/secrets/x", "/rng"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct api_request request = plain(VAULT_POST, paths[i]);
        api_send_raw(*state, &request);
        assert_problem((struct api_world *)*state, 401, "Unauthorized", NULL);
        assert_string_equal(api_text(*state, "error.message"), "AKV10000: Request is missing a Bearer or PoP token.");
        assert_string_equal(api_header(*state, "WWW-Authenticate"), CHALLENGE);
    }
}

static void handle__no_authorization_unknown_vault__challenges_too(void **state)
{
    struct api_request request = plain(VAULT_GET, "/keys?api-version=7.5");
    request.host = "unknown.vault." DOMAIN;
    api_send_raw(*state, &request);
    assert_problem((struct api_world *)*state, 401, "Unauthorized", NULL);
    request.authorization = "Bearer " ALICE;
    api_send_raw(*state, &request);
    assert_problem((struct api_world *)*state, 404, "VaultNotFound", NULL);
}

static void handle__bad_token__challenges_with_its_words(void **state)
{
    struct api_request request = plain(VAULT_GET, "/keys?api-version=7.5");
    request.authorization = "Bearer forged";
    api_send_raw(*state, &request);
    assert_problem((struct api_world *)*state, 401, "Unauthorized", NULL);
    assert_string_equal(api_text(*state, "error.message"), "AKV10042: a bad token");
    assert_string_equal(api_header(*state, "WWW-Authenticate"), CHALLENGE);
}

static void handle__management_without_token__answers_like_arm(void **state)
{
    struct api_request request = plain(VAULT_GET, "/whoami?api-version=1");
    request.host = "management." DOMAIN;
    api_send_raw(*state, &request);
    assert_problem((struct api_world *)*state, 401, "AuthenticationFailed", NULL);
    assert_non_null(strstr(api_header(*state, "WWW-Authenticate"), "authorization_uri=\"https://login."));
}

static void handle__management_caller__operator_flag_is_the_stores(void **state)
{
    struct api_world *world = *state;
    struct api_request request = plain(VAULT_GET, "/whoami?api-version=1");
    struct vault_principal principal = {
        .client_id = "app", .object_id = ALICE, .display_name = (char *)"Alice", .is_operator = true, .created = 1};
    request.host = "management." DOMAIN;
    request.authorization = "Bearer " ALICE;
    api_send_raw(world, &request);
    assert_true(json_is_false(api_value(world, "operator")));
    assert_ok(vault_store_put_principal(world->service.store, &principal));
    api_send_raw(world, &request);
    assert_true(json_is_true(api_value(world, "operator")));
}

static void handle__person_through_an_operators_client__has_none_of_its_rights(void **state)
{
    struct api_world *world = *state;
    struct api_request request = plain(VAULT_GET, "/whoami?api-version=1");
    struct vault_principal principal = {
        .client_id = "app", .object_id = NOBODY, .display_name = (char *)"Robot", .is_operator = true, .created = 1};
    struct vault_person person = {
        .object_id = ALICE, .user_name = (char *)"alice", .display_name = (char *)"Alice", .created = 1};
    request.host = "management." DOMAIN;
    request.authorization = "Bearer " ALICE;
    assert_ok(vault_store_put_principal(world->service.store, &principal));
    api_send_raw(world, &request);
    assert_true(json_is_false(api_value(world, "operator")));
    assert_ok(vault_store_put_person(world->service.store, &person));
    api_send_raw(world, &request);
    assert_true(json_is_false(api_value(world, "operator")));
    assert_ok(vault_store_delete_person(world->service.store, ALICE));
    person.is_operator = true;
    assert_ok(vault_store_put_person(world->service.store, &person));
    api_send_raw(world, &request);
    assert_true(json_is_true(api_value(world, "operator")));
}

static void handle__api_version_missing__is_said_in_each_hosts_words(void **state)
{
    struct api_request request = plain(VAULT_GET, "/keys");
    request.authorization = "Bearer " ALICE;
    api_send_raw(*state, &request);
    assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
    request.host = "management." DOMAIN;
    request.path = "/whoami";
    api_send_raw(*state, &request);
    assert_problem((struct api_world *)*state, 400, "MissingApiVersionParameter", NULL);
}

static void handle__any_api_version__is_taken(void **state)
{
    static const char *const versions[] = {"/keys?api-version=2016-10-01", "/keys?api-version=7.6-preview.2",
                                           "/keys?api-version=2099-01-01", "/keys?api-version=x"};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        assert_int_equal(api_send(*state, VAULT_GET, versions[i], NULL), 200);
}

static void handle__unknown_host__names_the_hosts(void **state)
{
    struct api_request request = plain(VAULT_GET, "/keys?api-version=7.5");
    request.host = "elsewhere.example";
    api_send_raw(*state, &request);
    assert_problem((struct api_world *)*state, 404, "NotFound", NULL);
    assert_non_null(strstr(api_text(*state, "error.message"), "login." DOMAIN));
    request.path = "/healthz";
    assert_int_equal(api_send_raw(*state, &request), 200);
}

static void handle__other_method__405_with_allow(void **state)
{
    api_send(*state, VAULT_POST, "/keys", "{}");
    assert_problem((struct api_world *)*state, 405, "MethodNotAllowed", NULL);
    assert_string_equal(api_header(*state, "Allow"), "GET, HEAD");
}

static void handle__trees_of_other_services__are_refused_by_name(void **state)
{
    static const char *const paths[] = {"/secrets", "/secrets/x/y", "/certificates/c", "/storage", "/DeletedSecrets"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        api_send(*state, VAULT_GET, paths[i], NULL);
        assert_problem((struct api_world *)*state, 400, "NotSupported", NULL);
    }
}

static void handle__body_no_json__says_where(void **state)
{
    static const char *const bodies[] = {"{", "[]", "{'kty':'EC'} x", "{'a':1,'a':2}", "7"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        api_send(*state, VAULT_POST, "/keys/n/create", bodies[i]);
        assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
    }
}

static void handle__deleted_vault__is_gone(void **state)
{
    struct api_world *world = *state;
    world->vault.deleted = NOW;
    world->vault.scheduled_purge = NOW + 100;
    assert_ok(vault_store_update_vault(world->service.store, &world->vault, NULL, 0));
    api_send(world, VAULT_GET, "/keys", NULL);
    assert_problem(world, 404, "VaultNotFound", NULL);
}

static void handle__every_answer__has_the_standard_headers(void **state)
{
    struct api_request request = plain(VAULT_GET, "/keys?api-version=7.5");
    request.authorization = "Bearer " ALICE;
    assert_int_equal(api_send_raw(*state, &request), 200);
    assert_string_equal(api_header(*state, "Cache-Control"), "no-cache");
    assert_string_equal(api_header(*state, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(api_header(*state, "x-ms-keyvault-region"), "eastus2");
    assert_string_equal(api_header(*state, "x-ms-keyvault-network-info"),
                        "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;");
    assert_string_equal(((struct api_world *)*state)->response.content_type, "application/json; charset=utf-8");
}

static void handle__each_request__is_logged_without_its_query(void **state)
{
    struct api_world *world = *state;
    api_send(world, VAULT_GET, "/keys/absent?api-version=7.5&secret=1", NULL);
    assert_string_equal(world->log_path, "/keys/absent");
    assert_int_equal(world->log.status, 404);
    assert_string_equal(world->log_code, "KeyNotFound");
    assert_string_equal(world->log.method, "GET");
}

static void handle__name_that_is_no_utf8__still_answers_in_json(void **state)
{
    api_send(*state, VAULT_GET, "/keys/\xff\xfe", NULL);
    assert_problem((struct api_world *)*state, 404, "KeyNotFound", NULL);
    assert_non_null(strstr(api_text(*state, "error.message"), "??"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handle__no_authorization__challenges_before_anything_else),
        TEST(handle__no_authorization_unknown_vault__challenges_too),
        TEST(handle__bad_token__challenges_with_its_words),
        TEST(handle__management_without_token__answers_like_arm),
        TEST(handle__management_caller__operator_flag_is_the_stores),
        TEST(handle__person_through_an_operators_client__has_none_of_its_rights),
        TEST(handle__api_version_missing__is_said_in_each_hosts_words),
        TEST(handle__any_api_version__is_taken),
        TEST(handle__unknown_host__names_the_hosts),
        TEST(handle__other_method__405_with_allow),
        TEST(handle__trees_of_other_services__are_refused_by_name),
        TEST(handle__body_no_json__says_where),
        TEST(handle__deleted_vault__is_gone),
        TEST(handle__every_answer__has_the_standard_headers),
        TEST(handle__each_request__is_logged_without_its_query),
        TEST(handle__name_that_is_no_utf8__still_answers_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
