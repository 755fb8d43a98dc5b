#include <pthread.h>
#include <stdatomic.h>

#include "fixture.h"
#include "vault/store/recent.h"

/* ---- what is kept ---- */

static struct vault_recent *recent_start(void)
{
    struct vault_recent *recent = NULL;
    assert_ok(vault_recent_new(&recent));
    return recent;
}

static void vault_recent_get__nothing_written_since__copy(void **state)
{
    (void)state;
    KQ_AUTO(vault_recent) recent = recent_start();
    KQ_AUTO_VALUE(vault_key_version) version = fixture_version(1), found = {0};
    uint64_t moment = vault_recent_moment(recent);
    assert_false(vault_recent_get(recent, VAULT_RECENT_VERSION, "1/abc", moment, &found));
    vault_recent_put(recent, VAULT_RECENT_VERSION, "1/abc", moment, &version);
    assert_true(vault_recent_get(recent, VAULT_RECENT_VERSION, "1/ABC", moment, &found));
    assert_string_equal(found.tags, version.tags);
    assert_ptr_not_equal(found.tags, version.tags);
    assert_slice_equal(kq_buffer_slice(&found.blob), kq_buffer_slice(&version.blob));
    assert_slice_equal(kq_buffer_slice(&found.public_key), kq_buffer_slice(&version.public_key));
    assert_slice_equal(kq_buffer_slice(&found.receipt), kq_buffer_slice(&version.receipt));
    assert_int_equal(found.updated, version.updated);
    KQ_AUTO_VALUE(vault_key_version) other = {0};
    assert_false(vault_recent_get(recent, VAULT_RECENT_VERSION, "1/abd", moment, &other));
    assert_false(vault_recent_get(recent, VAULT_RECENT_KEY, "1/abc", moment, &other));
}

static void vault_recent_get__written_since_the_reading_began__nothing(void **state)
{
    (void)state;
    KQ_AUTO(vault_recent) recent = recent_start();
    uint32_t bits = 5, found = 0;
    uint64_t moment = vault_recent_moment(recent);
    vault_recent_outdate(recent); /* while the database was being read */
    vault_recent_put(recent, VAULT_RECENT_ACCESS, "1/a", moment, &bits);
    assert_false(vault_recent_get(recent, VAULT_RECENT_ACCESS, "1/a", vault_recent_moment(recent), &found));
    vault_recent_put(recent, VAULT_RECENT_ACCESS, "1/a", vault_recent_moment(recent), &bits);
    assert_true(vault_recent_get(recent, VAULT_RECENT_ACCESS, "1/a", vault_recent_moment(recent), &found));
    assert_int_equal(found, 5);
    vault_recent_outdate(recent);
    assert_false(vault_recent_get(recent, VAULT_RECENT_ACCESS, "1/a", vault_recent_moment(recent), &found));
}

static void vault_recent_put__names_that_do_not_fit__not_kept(void **state)
{
    (void)state;
    KQ_AUTO(vault_recent) recent = recent_start();
    char name[VAULT_RECENT_NAME_SIZE + 1] = "";
    uint32_t bits = 5, found = 0;
    uint64_t moment = vault_recent_moment(recent);
    vault_recent_put(recent, VAULT_RECENT_ACCESS, name, moment, &bits);
    assert_false(vault_recent_get(recent, VAULT_RECENT_ACCESS, name, moment, &found));
    memset(name, 'a', sizeof name - 1);
    vault_recent_put(recent, VAULT_RECENT_ACCESS, name, moment, &bits);
    assert_false(vault_recent_get(recent, VAULT_RECENT_ACCESS, name, moment, &found));
    name[sizeof name - 2] = '\0';
    vault_recent_put(recent, VAULT_RECENT_ACCESS, name, moment, &bits);
    assert_true(vault_recent_get(recent, VAULT_RECENT_ACCESS, name, moment, &found));
}

static void vault_recent_put__more_names_than_places__never_another_ones_record(void **state)
{
    (void)state;
    KQ_AUTO(vault_recent) recent = recent_start();
    uint64_t moment = vault_recent_moment(recent);
    size_t num_found = 0;
    char name[32];
    for (uint32_t i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "%u/owner", i);
        vault_recent_put(recent, VAULT_RECENT_ACCESS, name, moment, &i);
    }
    for (uint32_t i = 0, found; i < 20000; i++) {
        snprintf(name, sizeof name, "%u/owner", i);
        if (!vault_recent_get(recent, VAULT_RECENT_ACCESS, name, moment, &found))
            continue;
        assert_int_equal(found, i);
        num_found++;
    }
    assert_in_range(num_found, 128, 256);
}

/* ---- the store: each change is seen at once ---- */

static uint64_t start_with_vault(struct fixture *fixture)
{
    fixture_start(fixture);
    return fixture_put_vault(fixture, "contoso");
}

static void vault_store_get_vault__changed_between__new_record(void **state)
{
    (void)state;
    struct fixture fixture;
    start_with_vault(&fixture);
    for (uint32_t days = 7; days < 10; days++) {
        KQ_AUTO_VALUE(vault_record) record = {0}, again = {0}, changed = {0};
        assert_ok(vault_store_get_vault(fixture.store, "contoso", &record));
        assert_ok(vault_store_get_vault(fixture.store, "CONTOSO", &again));
        assert_string_equal(again.name, "contoso");
        record.retention_days = days;
        record.deleted = days;
        assert_ok(vault_store_update_vault(fixture.store, &record, NULL, 0));
        assert_ok(vault_store_get_vault(fixture.store, "contoso", &changed));
        assert_int_equal(changed.retention_days, days);
        assert_int_equal(changed.deleted, days);
    }
    KQ_AUTO_VALUE(vault_record) record = {0};
    assert_ok(vault_store_get_vault(fixture.store, "contoso", &record));
    assert_ok(vault_store_purge_vault(fixture.store, record.id));
    KQ_AUTO_VALUE(vault_record) gone = {0};
    assert_status(vault_store_get_vault(fixture.store, "contoso", &gone), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static void vault_store_get_access_keys__policy_removed__nothing_allowed(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t vault_id = start_with_vault(&fixture);
    static const char who[] = "20000000-0000-4000-8000-00000000000D";
    KQ_AUTO_VALUE(vault_record) record = {0};
    assert_ok(vault_store_get_vault(fixture.store, "contoso", &record));
    struct vault_access access = {.object_id = "20000000-0000-4000-8000-00000000000d", .keys = 7};
    uint32_t keys = 1;
    for (unsigned round = 0; round < 3; round++) {
        assert_ok(vault_store_update_vault(fixture.store, &record, &access, 1));
        for (unsigned i = 0; i < 2; i++) {
            assert_ok(vault_store_get_access_keys(fixture.store, vault_id, who, &keys));
            assert_int_equal(keys, 7);
        }
        assert_ok(vault_store_update_vault(fixture.store, &record, &access, 0));
        assert_ok(vault_store_get_access_keys(fixture.store, vault_id, who, &keys));
        assert_int_equal(keys, 0);
    }
    fixture_end(&fixture);
}

static void vault_store_get_key_version__disabled__seen_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t vault_id = start_with_vault(&fixture);
    uint64_t key_id = fixture_put_key(&fixture, vault_id, "signer", 1);
    for (unsigned i = 0; i < 4; i++) {
        KQ_AUTO_VALUE(vault_key_version) read = {0}, newest = {0}, named = {0};
        assert_ok(vault_store_get_key_version(fixture.store, key_id, NULL, &read));
        read.enabled = !read.enabled;
        assert_ok(vault_store_update_key_version(fixture.store, &read));
        assert_ok(vault_store_get_key_version(fixture.store, key_id, "", &newest));
        assert_ok(vault_store_get_key_version(fixture.store, key_id, read.version, &named));
        assert_int_equal(newest.enabled, read.enabled);
        assert_int_equal(named.enabled, read.enabled);
    }
    assert_int_equal(fixture_put_key(&fixture, vault_id, "signer", 2), key_id);
    KQ_AUTO_VALUE(vault_key_version) newest = {0};
    assert_ok(vault_store_get_key_version(fixture.store, key_id, NULL, &newest));
    assert_string_equal(newest.version, "00000000000000000000000000000002");
    fixture_end(&fixture);
}

static void vault_store_get_key__deleted_and_purged__seen_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t vault_id = start_with_vault(&fixture);
    fixture_put_key(&fixture, vault_id, "signer", 1);
    KQ_AUTO_VALUE(vault_key) key = {0}, again = {0}, deleted = {0}, gone = {0};
    assert_ok(vault_store_get_key(fixture.store, vault_id, "signer", &key));
    assert_ok(vault_store_get_key(fixture.store, vault_id, "SIGNER", &again));
    assert_string_equal(again.name, "signer");
    key.deleted = 77;
    assert_ok(vault_store_update_key(fixture.store, &key));
    assert_ok(vault_store_get_key(fixture.store, vault_id, "signer", &deleted));
    assert_int_equal(deleted.deleted, 77);
    assert_ok(vault_store_purge_key(fixture.store, key.id));
    assert_status(vault_store_get_key(fixture.store, vault_id, "signer", &gone), KQ_ERR_NOT_FOUND);
    KQ_AUTO_VALUE(vault_key_version) version = {0};
    assert_status(vault_store_get_key_version(fixture.store, key.id, NULL, &version), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

/* ---- threads: what is read is never older than what was acknowledged before ---- */

#define READERS 6
#define CHANGES 300u

struct race {
    struct vault_store *store;
    uint64_t key_id;
    atomic_uint_fast64_t acknowledged; /* number of the last change */
    atomic_bool ends;
    atomic_size_t num_stale;
    atomic_size_t num_read;
};

static void *read_on(void *context)
{
    struct race *race = context;
    while (!atomic_load(&race->ends)) {
        KQ_AUTO_VALUE(vault_key_version) version = {0};
        uint64_t acknowledged = atomic_load(&race->acknowledged);
        if (vault_store_get_key_version(race->store, race->key_id, NULL, &version) != KQ_OK ||
            version.updated < acknowledged)
            atomic_fetch_add(&race->num_stale, 1);
        atomic_fetch_add(&race->num_read, 1);
    }
    return NULL;
}

static void vault_store_get_key_version__read_by_many_while_it_changes__never_stale(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t vault_id = start_with_vault(&fixture);
    struct race race = {.store = fixture.store, .key_id = fixture_put_key(&fixture, vault_id, "signer", 1)};
    pthread_t readers[READERS];
    KQ_AUTO_VALUE(vault_key_version) version = {0};
    assert_ok(vault_store_get_key_version(fixture.store, race.key_id, NULL, &version));
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &race), 0);
    for (uint64_t i = 1; i <= CHANGES; i++) {
        version.updated = 10000 + i;
        assert_ok(vault_store_update_key_version(fixture.store, &version));
        atomic_store(&race.acknowledged, version.updated);
    }
    atomic_store(&race.ends, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(race.num_stale, 0);
    assert_true(race.num_read > 0);
    fixture_end(&fixture);
}

UNIT_MAIN(cmocka_unit_test(vault_recent_get__nothing_written_since__copy),
          cmocka_unit_test(vault_recent_get__written_since_the_reading_began__nothing),
          cmocka_unit_test(vault_recent_put__names_that_do_not_fit__not_kept),
          cmocka_unit_test(vault_recent_put__more_names_than_places__never_another_ones_record),
          cmocka_unit_test(vault_store_get_vault__changed_between__new_record),
          cmocka_unit_test(vault_store_get_access_keys__policy_removed__nothing_allowed),
          cmocka_unit_test(vault_store_get_key_version__disabled__seen_at_once),
          cmocka_unit_test(vault_store_get_key__deleted_and_purged__seen_at_once),
          cmocka_unit_test(vault_store_get_key_version__read_by_many_while_it_changes__never_stale))
