#include "api_world.h"
#include "base/text.h"
#include "vault/api/backup.h"

static int start(void **state)
{
    struct api_world *world = api_world_new();
    *state = world;
    api_send(world, VAULT_POST, "/keys/Name/create", "{'kty':'EC-HSM','key_ops':['sign'],'tags':{'a':'b'}}");
    api_send(world, VAULT_POST, "/keys/name/create",
             "{'kty':'EC-HSM','attributes':{'enabled':false,'exp':1800000000}}");
    return 0;
}

static int stop(void **state)
{
    api_world_free(*state);
    return 0;
}

/* The restore body of a backup of "name". */
static char *backup_body(struct api_world *world)
{
    assert_int_equal(api_send(world, VAULT_POST, "/keys/name/backup", NULL), 200);
    const char *value = api_text(world, "value");
    size_t size = strlen(value) + 32;
    char *body = malloc(size);
    assert_non_null(body);
    snprintf(body, size, "{\"value\":\"%s\"}", value);
    return body;
}

static unsigned restore(struct api_world *world, const char *host, const char *body)
{
    return api_send_raw(world, &(struct api_request){.method = VAULT_POST,
                                                     .host = host,
                                                     .port = 8443,
                                                     .path = "/keys/restore?api-version=7.5",
                                                     .body = body,
                                                     .authorization = "Bearer " ALICE});
}

static void put_second_vault(struct api_world *world, const char *name, const char *region, const char *subscription)
{
    struct vault_record vault = world->vault;
    struct vault_access access = {.object_id = ALICE, .keys = VAULT_PERMISSIONS_ALL};
    struct vault_subscription second = {.display_name = (char *)"Two", .created = 5};
    struct vault_group group = {.name = (char *)"group", .location = (char *)"eastus2"};
    bool is_created;
    memcpy(second.id, subscription, sizeof second.id);
    memcpy(group.subscription, subscription, sizeof group.subscription);
    memcpy(vault.subscription, subscription, sizeof vault.subscription);
    if (strcmp(subscription, SUBSCRIPTION) != 0)
        assert_ok(vault_store_put_subscription(world->service.store, &second));
    assert_ok(vault_store_set_group(world->service.store, &group, &is_created));
    vault.id = 0;
    vault.name = (char *)name;
    vault.region = (char *)region;
    assert_ok(vault_store_put_vault(world->service.store, &vault, &access, 1));
}

static void restore__after_purge__brings_all_versions_back(void **state)
{
    struct api_world *world = *state;
    char kid[200];
    char *body = backup_body(world);
    api_send(world, VAULT_GET, "/keys/name", NULL);
    snprintf(kid, sizeof kid, "%s", api_text(world, "key.kid"));
    api_send(world, VAULT_DELETE, "/keys/name", NULL);
    api_send(world, VAULT_DELETE, "/deletedkeys/name", NULL);
    assert_int_equal(restore(world, "contoso.vault." DOMAIN, body), 200);
    free(body);
    assert_string_equal(api_text(world, "key.kid"), kid);
    assert_true(json_is_false(api_value(world, "attributes.enabled")));
    assert_int_equal(api_integer(world, "attributes.exp"), 1800000000);
    api_send(world, VAULT_GET, "/keys/name/versions", NULL);
    assert_int_equal(json_array_size(api_value(world, "value")), 2);
    assert_string_equal(api_text(world, "value.1.tags.a"), "b");
    assert_int_equal(fake_module_of(world->service.keyops)->num_restored, 2);
}

static void restore__to_another_vault__tells_the_module_where_from(void **state)
{
    struct api_world *world = *state;
    char *body = backup_body(world);
    put_second_vault(world, "fabrikam", "UnitedStates", SUBSCRIPTION);
    assert_int_equal(restore(world, "fabrikam.vault." DOMAIN, body), 200);
    free(body);
    assert_string_equal(fake_module_of(world->service.keyops)->vault, "fabrikam");
    assert_string_equal(fake_module_of(world->service.keyops)->from_vault, "contoso");
}

static void restore__name_in_use__is_a_conflict(void **state)
{
    struct api_world *world = *state;
    char *body = backup_body(world);
    restore(world, "contoso.vault." DOMAIN, body);
    assert_problem(world, 409, "Conflict", NULL);
    api_send(world, VAULT_DELETE, "/keys/name", NULL);
    restore(world, "contoso.vault." DOMAIN, body);
    assert_problem(world, 409, "Conflict", "ObjectIsDeletedButRecoverable");
    free(body);
    assert_int_equal(fake_module_of(world->service.keyops)->num_restored, 0);
}

static void restore__other_subscription_or_world__names_what_is_missing(void **state)
{
    struct api_world *world = *state;
    char *body = backup_body(world);
    put_second_vault(world, "europa", "Europe", SUBSCRIPTION);
    put_second_vault(world, "second", "UnitedStates", NOBODY);
    restore(world, "europa.vault." DOMAIN, body);
    assert_problem(world, 400, "BadParameter", NULL);
    assert_non_null(strstr(api_text(world, "error.message"), "the world UnitedStates"));
    restore(world, "second.vault." DOMAIN, body);
    assert_problem(world, 400, "BadParameter", NULL);
    assert_non_null(strstr(api_text(world, "error.message"), SUBSCRIPTION));
    free(body);
}

static void restore__module_refuses_a_version__keeps_nothing(void **state)
{
    struct api_world *world = *state;
    char *body = backup_body(world);
    put_second_vault(world, "fabrikam", "UnitedStates", SUBSCRIPTION);
    fake_module_of(world->service.keyops)->fails_with = KQ_ERR_CONNECT;
    restore(world, "fabrikam.vault." DOMAIN, body);
    free(body);
    assert_problem(world, 503, "ServiceUnavailable", NULL);
}

static void restore__no_backup__is_refused(void **state)
{
    static const char *const bodies[] = {"{}",
                                         "{'value':7}",
                                         "{'value':'***'}",
                                         "{'value':''}",
                                         "{'value':'AAAA'}",
                                         "{'value':'e30'}",
                                         "{'value':'W10'}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        api_send(*state, VAULT_POST, "/keys/restore", bodies[i]);
        assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
    }
}

/* Each member left out, and each of another type, is found. */
static void backup_decode__member_damaged__is_named(void **state)
{
    struct api_world *world = *state;
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    api_send(world, VAULT_POST, "/keys/name/backup", NULL);
    kq_buffer_init(&text, 65536);
    assert_ok(kq_base64url_decode(kq_slice_text(api_text(world, "value")), &text));
    json_t *document = json_loadb((const char *)text.data, text.len, 0, NULL);
    json_t *version = json_array_get(json_object_get(document, "versions"), 0);
    json_t *objects[] = {document, version};
    for (size_t i = 0; i < 2; i++) {
        json_t *names = json_copy(objects[i]);
        const char *name;
        json_t *value;
        json_object_foreach(names, name, value)
        {
            struct vault_backup backup = {0};
            char why[200] = "";
            if (strcmp(name, "tags") == 0)
                continue; /* may be absent */
            json_object_del(objects[i], name);
            char *damaged = json_dumps(document, 0);
            assert_status(vault_backup_decode(kq_slice_text(damaged), &backup, why, sizeof why), KQ_ERR_FORMAT);
            assert_non_null(strstr(why, name));
            vault_backup_clear(&backup);
            free(damaged);
            json_object_set(objects[i], name, value);
        }
        json_decref(names);
    }
    json_decref(document);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(restore__after_purge__brings_all_versions_back),
        TEST(restore__to_another_vault__tells_the_module_where_from),
        TEST(restore__name_in_use__is_a_conflict),
        TEST(restore__other_subscription_or_world__names_what_is_missing),
        TEST(restore__module_refuses_a_version__keeps_nothing),
        TEST(restore__no_backup__is_refused),
        TEST(backup_decode__member_damaged__is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
