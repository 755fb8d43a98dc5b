#include "api_world.h"
#include "vault/api/rotation.h"

#define DAY UINT64_C(86400)
#define POLICY                                                                                                         \
    "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'P15D'},'action':{'type':'rotate'}},"                           \
    "{'trigger':{'timeBeforeExpiry':'P7D'},'action':{'type':'Notify'}}],'attributes':{'expiryTime':'P30D'}}"

static int start(void **state)
{
    struct api_world *world = api_world_new();
    *state = world;
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC-HSM','crv':'P-384','key_ops':['sign'],'tags':{'a':'b'}}");
    return 0;
}

static int stop(void **state)
{
    api_world_free(*state);
    return 0;
}

static void policy__none_yet__shows_the_default(void **state)
{
    assert_int_equal(api_send(*state, VAULT_GET, "/keys/n/rotationpolicy", NULL), 200);
    assert_string_equal(api_text(*state, "id"), "https://contoso.vault." DOMAIN ":8443/keys/n/rotationpolicy");
    assert_string_equal(api_text(*state, "lifetimeActions.0.action.type"), "Notify");
}

static void policy__put__comes_back_and_plans(void **state)
{
    struct api_world *world = *state;
    KQ_AUTO_VALUE(vault_key) key = {0};
    assert_int_equal(api_send(world, VAULT_PUT, "/keys/n/rotationpolicy", POLICY), 200);
    assert_int_equal(api_send(world, VAULT_GET, "/keys/n/rotationpolicy", NULL), 200);
    assert_string_equal(api_text(world, "lifetimeActions.0.trigger.timeAfterCreate"), "P15D");
    assert_string_equal(api_text(world, "lifetimeActions.0.action.type"), "Rotate");
    assert_string_equal(api_text(world, "attributes.expiryTime"), "P30D");
    assert_int_equal(api_integer(world, "attributes.created"), NOW);
    assert_ok(vault_store_get_key(world->service.store, world->vault.id, "n", &key));
    assert_int_equal(key.next_rotation, NOW + 15 * DAY);
    assert_string_equal(fake_module_of(world->service.keyops)->last_event, "vault.key.rotationpolicy");
}

static void policy__bad__is_refused(void **state)
{
    static const char *const bodies[] = {
        "{'lifetimeActions':7}",
        "{'lifetimeActions':[7]}",
        "{'lifetimeActions':[{}]}",
        "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'P15D'},'action':{'type':'Dance'}}]}",
        "{'lifetimeActions':[{'trigger':{},'action':{'type':'Rotate'}}]}",
        "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'15 days'},'action':{'type':'Rotate'}}]}",
        "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'P6D'},'action':{'type':'Rotate'}}]}",
        "{'lifetimeActions':[{'trigger':{'timeBeforeExpiry':'P10D'},'action':{'type':'Rotate'}}]}",
        "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'P9D','timeBeforeExpiry':'P9D'},'action':{'type':'Rotate'}}]"
        "}",
        "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'P15D'},'action':{'type':'Rotate'}},"
        "{'trigger':{'timeAfterCreate':'P16D'},'action':{'type':'Rotate'}}]}",
        "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'P40D'},'action':{'type':'Rotate'}}],"
        "'attributes':{'expiryTime':'P30D'}}",
        "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'P24D'},'action':{'type':'Rotate'}}],"
        "'attributes':{'expiryTime':'P30D'}}",
        "{'lifetimeActions':[{'trigger':{'timeBeforeExpiry':'P24D'},'action':{'type':'Rotate'}}],"
        "'attributes':{'expiryTime':'P30D'}}",
        "{'attributes':{'expiryTime':'P27D'}}",
        "{'attributes':{'expiryTime':7}}",
        "{'attributes':7}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        api_send(*state, VAULT_PUT, "/keys/n/rotationpolicy", bodies[i]);
        assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
    }
    assert_int_equal(fake_module_of(((struct api_world *)*state)->service.keyops)->num_audited, 0);
}

static void policy__at_the_minima__is_taken(void **state)
{
    static const char *const triggers[] = {"'timeAfterCreate':'P7D'", "'timeAfterCreate':'P23D'",
                                           "'timeBeforeExpiry':'P7D'", "'timeBeforeExpiry':'P23D'"};
    char body[200];
    for (size_t i = 0; i < sizeof triggers / sizeof triggers[0]; i++) {
        snprintf(body, sizeof body,
                 "{'lifetimeActions':[{'trigger':{%s},'action':{'type':'Rotate'}}],'attributes':{'expiryTime':'P30D'}}",
                 triggers[i]);
        assert_int_equal(api_send(*state, VAULT_PUT, "/keys/n/rotationpolicy", body), 200);
    }
}

static uint64_t planned(struct api_world *world)
{
    KQ_AUTO_VALUE(vault_key) key = {0};
    assert_ok(vault_store_get_key(world->service.store, world->vault.id, "n", &key));
    return key.next_rotation;
}

static void policy__before_expiry__is_planned_by_the_newest_exp(void **state)
{
    struct api_world *world = *state;
    char path[100], body[100];
    api_send(world, VAULT_PUT, "/keys/n/rotationpolicy",
             "{'lifetimeActions':[{'trigger':{'timeBeforeExpiry':'P10D'},'action':{'type':'Rotate'}}],"
             "'attributes':{'expiryTime':'P30D'}}");
    assert_int_equal(planned(world), 0); /* a key that never expires */
    snprintf(body, sizeof body, "{'attributes':{'exp':%llu}}", (unsigned long long)(NOW + 40 * DAY));
    assert_int_equal(api_send(world, VAULT_PATCH, "/keys/n", body), 200);
    assert_int_equal(planned(world), NOW + 30 * DAY);
    snprintf(path, sizeof path, "/keys/n/%s", strrchr(api_text(world, "key.kid"), '/') + 1);
    assert_int_equal(api_send(world, VAULT_POST, "/keys/n/rotate", NULL), 200);
    assert_int_equal(planned(world), NOW + 20 * DAY);
    assert_int_equal(api_send(world, VAULT_PATCH, path, "{'attributes':{'exp':0}}"), 200); /* an older version */
    assert_int_equal(planned(world), NOW + 20 * DAY);
    assert_int_equal(api_send(world, VAULT_PATCH, "/keys/n", "{'attributes':{'exp':0}}"), 200);
    assert_int_equal(planned(world), 0);
}

static void rotate__key__new_version_like_the_old(void **state)
{
    struct api_world *world = *state;
    char first[200];
    api_send(world, VAULT_PUT, "/keys/n/rotationpolicy", POLICY);
    api_send(world, VAULT_GET, "/keys/n", NULL);
    snprintf(first, sizeof first, "%s", api_text(world, "key.kid"));
    assert_null(api_value(world, "attributes.exp"));
    assert_int_equal(api_send(world, VAULT_POST, "/keys/n/rotate", NULL), 200);
    assert_string_not_equal(api_text(world, "key.kid"), first);
    assert_string_equal(api_text(world, "key.kty"), "EC-HSM");
    assert_string_equal(api_text(world, "key.crv"), "P-384");
    assert_int_equal(json_array_size(api_value(world, "key.key_ops")), 1);
    assert_string_equal(api_text(world, "tags.a"), "b");
    assert_int_equal(api_integer(world, "attributes.exp"), NOW + 30 * DAY);
    api_send(world, VAULT_GET, "/keys/n/versions", NULL);
    assert_int_equal(json_array_size(api_value(world, "value")), 2);
}

static void rotate__module_away__changes_nothing(void **state)
{
    struct api_world *world = *state;
    fake_module_of(world->service.keyops)->fails_with = KQ_ERR_CONNECT;
    api_send(world, VAULT_POST, "/keys/n/rotate", NULL);
    assert_problem(world, 503, "ServiceUnavailable", NULL);
    api_send(world, VAULT_GET, "/keys/n/versions", NULL);
    assert_int_equal(json_array_size(api_value(world, "value")), 1);
}

static void rotate_due__only_when_due(void **state)
{
    struct api_world *world = *state;
    KQ_AUTO_VALUE(vault_key) key = {0};
    char why[VAULT_WHY_SIZE] = "";
    api_send(world, VAULT_PUT, "/keys/n/rotationpolicy", POLICY);
    assert_ok(vault_store_get_key(world->service.store, world->vault.id, "n", &key));
    assert_ok(vault_rotate_due(&world->service, world->vault.id, key.id, NOW + 15 * DAY - 1, why));
    api_send(world, VAULT_GET, "/keys/n/versions", NULL);
    assert_int_equal(json_array_size(api_value(world, "value")), 1);
    assert_ok(vault_rotate_due(&world->service, world->vault.id, key.id, NOW + 15 * DAY, why));
    assert_ok(vault_rotate_due(&world->service, world->vault.id, key.id, NOW + 15 * DAY, why));
    api_send(world, VAULT_GET, "/keys/n/versions", NULL);
    assert_int_equal(json_array_size(api_value(world, "value")), 2);
    vault_key_clear(&key);
    assert_ok(vault_store_get_key(world->service.store, world->vault.id, "n", &key));
    assert_int_equal(key.next_rotation, NOW + 30 * DAY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(policy__none_yet__shows_the_default),
        TEST(policy__put__comes_back_and_plans),
        TEST(policy__bad__is_refused),
        TEST(policy__at_the_minima__is_taken),
        TEST(policy__before_expiry__is_planned_by_the_newest_exp),
        TEST(rotate__key__new_version_like_the_old),
        TEST(rotate__module_away__changes_nothing),
        TEST(rotate_due__only_when_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
