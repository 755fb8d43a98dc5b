#include "api_world.h"

static int start(void **state)
{
    struct api_world *world = api_world_new();
    *state = world;
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC-HSM','tags':{'a':'b'}}");
    return 0;
}

static int stop(void **state)
{
    api_world_free(*state);
    return 0;
}

static struct fake_module *fake(struct api_world *world)
{
    return fake_module_of(world->service.keyops);
}

static void get__absent__says_the_documented_words(void **state)
{
    api_send(*state, VAULT_GET, "/keys/absent/0123", NULL);
    assert_problem((struct api_world *)*state, 404, "KeyNotFound", NULL);
    assert_string_equal(
        api_text(*state, "error.message"),
        "A key with (name/id) absent/0123 was not found in this key vault. If you recently deleted this "
        "key you may be able to recover it using the correct recovery command. For help resolving this "
        "issue, please see https://go.microsoft.com/fwlink/?linkid=2125182");
}

static void get__name_in_other_case__is_the_same_key(void **state)
{
    assert_int_equal(api_send(*state, VAULT_GET, "/Keys/N/", NULL), 200);
    assert_non_null(strstr(api_text(*state, "key.kid"), "/keys/n/"));
    assert_string_equal(api_text(*state, "tags.a"), "b");
}

static void list__items__have_no_version_and_no_key(void **state)
{
    api_send(*state, VAULT_GET, "/keys", NULL);
    assert_string_equal(api_text(*state, "value.0.kid"), "https://contoso.vault." DOMAIN ":8443/keys/n");
    assert_null(api_value(*state, "value.0.key"));
    assert_null(api_value(*state, "value.0.recoveryId"));
    assert_string_equal(api_text(*state, "value.0.tags.a"), "b");
}

static void update__members__replace_what_was_there(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(api_send(world, VAULT_PATCH, "/keys/n/",
                              "{'attributes':{'enabled':false,'exp':1924992000},'tags':{},'key_ops':['verify']}"),
                     200);
    assert_true(json_is_false(api_value(world, "attributes.enabled")));
    assert_int_equal(api_integer(world, "attributes.exp"), 1924992000);
    assert_int_equal(json_object_size(api_value(world, "tags")), 0);
    assert_non_null(api_value(world, "tags"));
    assert_int_equal(json_array_size(api_value(world, "key.key_ops")), 1);
    assert_string_equal(fake(world)->last_event, "vault.key.update");
    assert_non_null(strstr(fake(world)->last_caller, ALICE));
    assert_int_equal(api_send(world, VAULT_PATCH, "/keys/n", "{'attributes':{'enabled':true}}"), 200);
    assert_int_equal(api_integer(world, "attributes.exp"), 1924992000);
}

static void update__beyond_what_the_type_has__is_refused(void **state)
{
    api_send(*state, VAULT_PATCH, "/keys/n", "{'key_ops':['sign','wrapKey']}");
    assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
    api_send(*state, VAULT_PATCH, "/keys/n", "{'key_ops':['import']}");
    assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
}

static void changes__without_audit__do_not_happen(void **state)
{
    struct api_world *world = *state;
    fake(world)->audit_fails_with = KQ_ERR_CONNECT;
    api_send(world, VAULT_PATCH, "/keys/n", "{'attributes':{'enabled':false}}");
    assert_problem(world, 503, "ServiceUnavailable", NULL);
    api_send(world, VAULT_DELETE, "/keys/n", NULL);
    assert_problem(world, 503, "ServiceUnavailable", NULL);
    assert_int_equal(api_send(world, VAULT_GET, "/keys/n", NULL), 200);
    assert_true(json_is_true(api_value(world, "attributes.enabled")));
}

static void delete__key__is_deleted_at_once_and_listed_there(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(api_send(world, VAULT_DELETE, "/keys/N", NULL), 200);
    assert_string_equal(api_text(world, "recoveryId"), "https://contoso.vault." DOMAIN ":8443/deletedkeys/n");
    assert_int_equal(api_integer(world, "deletedDate"), NOW);
    assert_int_equal(api_integer(world, "scheduledPurgeDate"), NOW + 7 * 86400);
    assert_string_equal(api_text(world, "key.kty"), "EC-HSM");
    assert_string_equal(fake(world)->last_event, "vault.key.delete");
    assert_int_equal(fake(world)->num_unloaded, 1);
    api_send(world, VAULT_GET, "/keys/n", NULL);
    assert_problem(world, 404, "KeyNotFound", NULL);
    api_send(world, VAULT_DELETE, "/keys/n", NULL);
    assert_problem(world, 404, "KeyNotFound", NULL);
    assert_int_equal(api_send(world, VAULT_GET, "/deletedkeys/n", NULL), 200);
    assert_int_equal(api_send(world, VAULT_GET, "/deletedkeys", NULL), 200);
    assert_string_equal(api_text(world, "value.0.kid"), "https://contoso.vault." DOMAIN ":8443/keys/n");
    assert_int_equal(api_integer(world, "value.0.deletedDate"), NOW);
    api_send(world, VAULT_GET, "/keys", NULL);
    assert_int_equal(json_array_size(api_value(world, "value")), 0);
}

static void recover__deleted_key__is_back(void **state)
{
    struct api_world *world = *state;
    api_send(world, VAULT_POST, "/deletedkeys/n/recover", NULL);
    assert_problem(world, 404, "KeyNotFound", NULL);
    assert_string_equal(api_text(world, "error.message"), "Deleted Key not found: n");
    api_send(world, VAULT_DELETE, "/keys/n", NULL);
    assert_int_equal(api_send(world, VAULT_POST, "/deletedkeys/n/recover", NULL), 200);
    assert_null(api_value(world, "recoveryId"));
    assert_int_equal(api_send(world, VAULT_GET, "/keys/n", NULL), 200);
    api_send(world, VAULT_GET, "/deletedkeys/n", NULL);
    assert_problem(world, 404, "KeyNotFound", NULL);
}

static void purge__deleted_key__is_gone_and_its_name_free(void **state)
{
    struct api_world *world = *state;
    api_send(world, VAULT_DELETE, "/keys/n", NULL);
    assert_int_equal(api_send(world, VAULT_DELETE, "/deletedkeys/n", NULL), 204);
    assert_int_equal(world->response.body.len, 0);
    assert_string_equal(fake(world)->last_event, "vault.key.purge");
    api_send(world, VAULT_GET, "/deletedkeys/n", NULL);
    assert_problem(world, 404, "KeyNotFound", NULL);
    assert_int_equal(api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC'}"), 200);
}

static void purge__active_key__is_not_found(void **state)
{
    api_send(*state, VAULT_DELETE, "/deletedkeys/n", NULL);
    assert_problem((struct api_world *)*state, 404, "KeyNotFound", NULL);
}

static void purge__protected_vault__is_forbidden(void **state)
{
    struct api_world *world = *state;
    world->vault.has_purge_protection = true;
    world->vault.retention_days = 90;
    assert_ok(vault_store_update_vault(world->service.store, &world->vault, NULL, 0));
    api_send(world, VAULT_DELETE, "/keys/n", NULL);
    assert_string_equal(api_text(world, "attributes.recoveryLevel"), "Recoverable");
    api_send(world, VAULT_DELETE, "/deletedkeys/n", NULL);
    assert_problem(world, 403, "Forbidden", NULL);
    assert_int_equal(api_send(world, VAULT_GET, "/deletedkeys/n", NULL), 200);
}

static void receipt__of_a_key__is_the_modules(void **state)
{
    assert_int_equal(api_send(*state, VAULT_GET, "/keys/n/receipt", NULL), 200);
    assert_string_equal(api_text(*state, "value"), "cmVjZWlwdA");
    assert_string_equal(api_text(*state, "origin"), "generated");
    assert_string_equal(api_text(*state, "kind"), "key-generation-certificate");
}

static void what_is_not_offered__says_so(void **state)
{
    static const struct {
        enum vault_method method;
        const char *path;
    } rows[] = {
        {VAULT_POST, "/rng"},
        {VAULT_POST, "/keys/n/release"},
        {VAULT_POST, "/keys/n/00000000000000000000000000000000/release"},
        {VAULT_POST, "/keys/n/00000000000000000000000000000000/securewrapkey"},
        {VAULT_POST, "/keys/n/secureunwrapkey"},
        {VAULT_GET, "/keys/n/attestation"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        api_send(*state, rows[i].method, rows[i].path, rows[i].method == VAULT_POST ? "{}" : NULL);
        assert_problem((struct api_world *)*state, 400, "NotSupported", NULL);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(get__absent__says_the_documented_words),
        TEST(get__name_in_other_case__is_the_same_key),
        TEST(list__items__have_no_version_and_no_key),
        TEST(update__members__replace_what_was_there),
        TEST(update__beyond_what_the_type_has__is_refused),
        TEST(changes__without_audit__do_not_happen),
        TEST(delete__key__is_deleted_at_once_and_listed_there),
        TEST(recover__deleted_key__is_back),
        TEST(purge__deleted_key__is_gone_and_its_name_free),
        TEST(purge__active_key__is_not_found),
        TEST(purge__protected_vault__is_forbidden),
        TEST(receipt__of_a_key__is_the_modules),
        TEST(what_is_not_offered__says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
