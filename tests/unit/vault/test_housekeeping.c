#include "vault/api/api_world.h"
#include "vault/housekeeping.h"

#include <pthread.h>
#include <time.h>

#include "vault/ops/metrics.h"

#define DAY INT64_C(86400)
#define POLICY                                                                                                         \
    "{'lifetimeActions':[{'trigger':{'timeAfterCreate':'P30D'},'action':{'type':'Rotate'}}],"                          \
    "'attributes':{'expiryTime':'P90D'}}"

struct world {
    struct api_world *api;
    struct vault_housekeeping *housekeeping;
    struct vault_housekeeping_result result;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->api = api_world_new();
    assert_ok(vault_test_mode_new(true, false, &world->api->service.test_mode));
    assert_ok(vault_housekeeping_new(&world->api->service, &world->housekeeping));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    vault_housekeeping_free(world->housekeeping);
    vault_test_mode_free(world->api->service.test_mode);
    api_world_free(world->api);
    free(world);
    return 0;
}

/* One pass, so many days from now. */
static const struct vault_housekeeping_result *pass_after(struct world *world, int64_t days)
{
    vault_test_clock_set(world->api->service.test_mode, days * DAY);
    vault_housekeeping_pass(world->housekeeping, &world->result);
    return &world->result;
}

static void make_key(struct world *world, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/keys/%s/create", name);
    assert_int_equal(api_send(world->api, VAULT_POST, path, "{'kty':'EC-HSM'}"), 200);
}

static void make_rotating_key(struct world *world, const char *name)
{
    char path[64];
    make_key(world, name);
    snprintf(path, sizeof path, "/keys/%s/rotationpolicy", name);
    assert_int_equal(api_send(world->api, VAULT_PUT, path, POLICY), 200);
}

static size_t count_versions(struct world *world, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/keys/%s/versions", name);
    assert_int_equal(api_send(world->api, VAULT_GET, path, NULL), 200);
    return json_array_size(api_value(world->api, "value"));
}

/* ---- purging ---------------------------------------------------------------------------- */

static void pass__deleted_key__is_purged_when_its_day_comes(void **state)
{
    struct world *world = *state;
    struct fake_module *fake = fake_module_of(world->api->service.keyops);
    make_key(world, "n");
    assert_int_equal(api_send(world->api, VAULT_DELETE, "/keys/n", NULL), 200);
    unsigned num_audited = fake->num_audited, num_unloaded = fake->num_unloaded;
    assert_int_equal(pass_after(world, 6)->num_keys_purged, 0);
    assert_int_equal(api_send(world->api, VAULT_GET, "/deletedkeys/n", NULL), 200);
    assert_int_equal(pass_after(world, 7)->num_keys_purged, 1);
    assert_int_equal(api_send(world->api, VAULT_GET, "/deletedkeys/n", NULL), 404);
    assert_int_equal(fake->num_audited, num_audited + 1);
    assert_int_equal(fake->num_unloaded, num_unloaded + 1);
    assert_string_equal(fake->last_event, "vault.key.purge");
    assert_string_equal(fake->last_caller, "keyvaultd (scheduler)");
    assert_string_equal(fake->name, "n");
    assert_int_equal(pass_after(world, 8)->num_keys_purged, 0);
}

static void pass__recovered_key__stays(void **state)
{
    struct world *world = *state;
    make_key(world, "n");
    api_send(world->api, VAULT_DELETE, "/keys/n", NULL);
    api_send(world->api, VAULT_POST, "/deletedkeys/n/recover", NULL);
    assert_int_equal(pass_after(world, 100)->num_keys_purged, 0);
    assert_int_equal(api_send(world->api, VAULT_GET, "/keys/n", NULL), 200);
}

static void *pass_in_a_week(void *argument)
{
    pass_after(argument, 7);
    return NULL;
}

static void recover_in_store(struct world *world, const char *name)
{
    KQ_AUTO_VALUE(vault_key) key = {.id = 0};
    struct vault_store *store = world->api->service.store;
    assert_ok(vault_store_get_key(store, world->api->vault.id, name, &key));
    key.deleted = key.scheduled_purge = 0;
    assert_ok(vault_store_update_key(store, &key));
}

static void pass__key_is_being_recovered__stays(void **state)
{
    struct world *world = *state;
    struct vault_turn turn = {.lock = NULL};
    pthread_t thread;
    make_key(world, "n");
    api_send(world->api, VAULT_DELETE, "/keys/n", NULL);
    assert_ok(vault_store_take_turn(world->api->service.store, world->api->vault.name, "n", &turn));
    assert_int_equal(pthread_create(&thread, NULL, pass_in_a_week, world), 0);
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    recover_in_store(world, "n");
    vault_turn_clear(&turn);
    pthread_join(thread, NULL);
    assert_int_equal(world->result.num_keys_purged, 0);
    assert_int_equal(world->result.num_failures, 0);
    assert_int_equal(api_send(world->api, VAULT_GET, "/keys/n", NULL), 200);
}

/* No purge without its record; the next pass tries again. */
static void pass__module_away__purges_nothing_until_it_is_back(void **state)
{
    struct world *world = *state;
    struct fake_module *fake = fake_module_of(world->api->service.keyops);
    make_key(world, "a");
    make_key(world, "b");
    api_send(world->api, VAULT_DELETE, "/keys/a", NULL);
    api_send(world->api, VAULT_DELETE, "/keys/b", NULL);
    fake->audit_fails_with = KQ_ERR_CONNECT;
    assert_int_equal(pass_after(world, 7)->num_keys_purged, 0);
    assert_int_equal(world->result.num_failures, 1);
    assert_int_equal(world->result.num_put_off, 1); /* the same region is not waited for twice */
    assert_int_equal(api_send(world->api, VAULT_GET, "/deletedkeys/a", NULL), 200);
    fake->audit_fails_with = KQ_OK;
    assert_int_equal(pass_after(world, 7)->num_keys_purged, 2);
}

static void pass__other_failure__is_put_off_for_a_while(void **state)
{
    struct world *world = *state;
    struct fake_module *fake = fake_module_of(world->api->service.keyops);
    make_key(world, "a");
    api_send(world->api, VAULT_DELETE, "/keys/a", NULL);
    fake->audit_fails_with = KQ_ERR_IO;
    assert_int_equal(pass_after(world, 7)->num_failures, 1);
    assert_int_equal(pass_after(world, 7)->num_failures, 0);
    assert_int_equal(world->result.num_put_off, 1);
    assert_int_equal(api_send(world->api, VAULT_GET, "/deletedkeys/a", NULL), 200);
}

static void delete_vault(struct world *world, uint64_t purge_at)
{
    struct vault_record *vault = &world->api->vault;
    vault->deleted = NOW;
    vault->scheduled_purge = purge_at;
    assert_ok(vault_store_update_vault(world->api->service.store, vault, NULL, 0));
}

static void pass__deleted_vault__is_purged_with_its_keys_when_its_day_comes(void **state)
{
    struct world *world = *state;
    struct fake_module *fake = fake_module_of(world->api->service.keyops);
    KQ_AUTO_VALUE(vault_record) gone = {.id = 0};
    make_key(world, "a");
    make_key(world, "b");
    unsigned num_unloaded = fake->num_unloaded;
    delete_vault(world, NOW + 7 * (uint64_t)DAY);
    assert_int_equal(pass_after(world, 6)->num_vaults_purged, 0);
    assert_int_equal(pass_after(world, 7)->num_vaults_purged, 1);
    assert_string_equal(fake->last_event, "vault.purge");
    assert_string_equal(fake->vault, "contoso");
    assert_int_equal(fake->num_unloaded, num_unloaded + 2);
    assert_status(vault_store_get_vault(world->api->service.store, "contoso", &gone), KQ_ERR_NOT_FOUND);
    assert_int_equal(pass_after(world, 8)->num_vaults_purged, 0);
}

/* ---- rotating ------------------------------------------------------------------------------ */

static void pass__policy_is_due__makes_a_version_with_expiry_and_plans_the_next(void **state)
{
    struct world *world = *state;
    make_rotating_key(world, "n");
    assert_int_equal(pass_after(world, 29)->num_keys_rotated, 0);
    assert_int_equal(pass_after(world, 30)->num_keys_rotated, 1);
    assert_int_equal(pass_after(world, 30)->num_keys_rotated, 0);
    assert_int_equal(api_send(world->api, VAULT_GET, "/keys/n", NULL), 200);
    assert_int_equal(api_integer(world->api, "attributes.created"), NOW + 30 * DAY);
    assert_int_equal(api_integer(world->api, "attributes.exp"), NOW + 120 * DAY);
    assert_int_equal(pass_after(world, 60)->num_keys_rotated, 1);
    assert_int_equal(count_versions(world, "n"), 3);
}

static void pass__deleted_key__is_not_rotated(void **state)
{
    struct world *world = *state;
    make_rotating_key(world, "n");
    world->api->vault.retention_days = 90;
    assert_ok(vault_store_update_vault(world->api->service.store, &world->api->vault, NULL, 0));
    assert_int_equal(api_send(world->api, VAULT_DELETE, "/keys/n", NULL), 200);
    assert_int_equal(pass_after(world, 31)->num_keys_rotated, 0);
    assert_int_equal(world->result.num_failures, 0);
}

static void pass__module_away__rotates_when_it_is_back(void **state)
{
    struct world *world = *state;
    struct fake_module *fake = fake_module_of(world->api->service.keyops);
    struct vault_metrics metrics = {.num_passes = 0};
    world->api->service.metrics = &metrics;
    make_rotating_key(world, "a");
    make_rotating_key(world, "b");
    fake->fails_with = KQ_ERR_CONNECT;
    assert_int_equal(pass_after(world, 30)->num_failures, 1);
    assert_int_equal(count_versions(world, "a"), 1);
    fake->fails_with = KQ_OK;
    assert_int_equal(pass_after(world, 30)->num_keys_rotated, 2);
    assert_int_equal(count_versions(world, "a"), 2);
    assert_int_equal(metrics.num_passes, 2);
    assert_int_equal(metrics.num_failures, 1);
    assert_int_equal(metrics.num_keys_rotated, 2);
    world->api->service.metrics = NULL;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void start__something_due__is_done_at_once_and_stop_ends_it(void **state)
{
    struct world *world = *state;
    struct vault_metrics metrics = {.num_passes = 0};
    struct vault_housekeeping *running = NULL;
    make_rotating_key(world, "n");
    world->api->service.metrics = &metrics;
    vault_test_clock_set(world->api->service.test_mode, 30 * DAY);
    assert_ok(vault_housekeeping_start(&world->api->service, 3600, &running));
    for (unsigned i = 0; i < 1000 && atomic_load(&metrics.num_keys_rotated) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    vault_housekeeping_stop(running);
    assert_int_equal(metrics.num_keys_rotated, 1);
    assert_int_equal(metrics.num_passes, 1);
    world->api->service.metrics = NULL;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
UNIT_MAIN(TEST(pass__deleted_key__is_purged_when_its_day_comes), TEST(pass__recovered_key__stays),
          TEST(pass__key_is_being_recovered__stays), TEST(pass__module_away__purges_nothing_until_it_is_back),
          TEST(pass__other_failure__is_put_off_for_a_while),
          TEST(pass__deleted_vault__is_purged_with_its_keys_when_its_day_comes),
          TEST(pass__policy_is_due__makes_a_version_with_expiry_and_plans_the_next),
          TEST(pass__deleted_key__is_not_rotated), TEST(pass__module_away__rotates_when_it_is_back),
          TEST(start__something_due__is_done_at_once_and_stop_ends_it))
