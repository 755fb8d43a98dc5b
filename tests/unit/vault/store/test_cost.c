#include "fixture.h"
#include "vault/store/sqlite/database.h"

/* What a look-up or a page costs does not grow with the database: no statement
 * steps through a whole table or sorts. */

static bool see_key(void *context, const struct vault_key *key, const struct vault_key_version *newest)
{
    (void)context;
    return key != NULL && newest != NULL;
}

static bool see_version(void *context, const struct vault_key_version *version)
{
    (void)context;
    return version != NULL;
}

static bool see_vault(void *context, const struct vault_record *vault)
{
    (void)context;
    return vault != NULL;
}

static bool see_subscription(void *context, const struct vault_subscription *subscription)
{
    (void)context;
    return subscription != NULL;
}

static bool see_group(void *context, const struct vault_group *group)
{
    (void)context;
    return group != NULL;
}

static bool see_assignment(void *context, const struct vault_assignment *assignment)
{
    (void)context;
    return assignment != NULL;
}

static bool see_due(void *context, uint64_t vault_id, uint64_t key_id)
{
    (void)context;
    return vault_id + key_id > 0;
}

static void read_keys(struct vault_store *store, uint64_t vault_id)
{
    static const enum vault_list_state states[] = {VAULT_LIST_ACTIVE, VAULT_LIST_DELETED, VAULT_LIST_BOTH};
    KQ_AUTO_VALUE(vault_key) key = {0};
    KQ_AUTO_VALUE(vault_key) by_id = {0};
    KQ_AUTO_VALUE(vault_key_version) newest = {0};
    KQ_AUTO_VALUE(vault_key_version) version = {0};
    assert_ok(vault_store_get_key(store, vault_id, "KEY-7", &key));
    assert_ok(vault_store_get_key_by_id(store, key.id, &by_id));
    assert_ok(vault_store_get_key_version(store, key.id, NULL, &newest));
    assert_ok(vault_store_get_key_version(store, key.id, newest.version, &version));
    for (size_t i = 0; i < 3; i++) {
        struct vault_page page = {.marker = "key-3", .max = 5};
        assert_ok(vault_store_list_keys(store, vault_id, states[i], &page, see_key, NULL));
    }
    struct vault_page page = {.max = 5};
    assert_ok(vault_store_list_versions(store, key.id, &page, see_version, NULL));
}

static void read_others(struct vault_store *store, uint64_t vault_id)
{
    KQ_AUTO_VALUE(vault_record) vault = {0};
    KQ_AUTO_VALUE(vault_record) by_id = {0};
    KQ_AUTO_VALUE(vault_subscription) subscription = {0};
    KQ_AUTO_VALUE(vault_group) group = {0};
    KQ_AUTO_VALUE(vault_principal) principal = {0};
    KQ_AUTO_VALUE(vault_assignment) assignment = {0};
    KQ_AUTO_VALUE(kq_buffer) setting = {0};
    struct vault_client_secret secret;
    struct vault_access *access = NULL;
    size_t num_access;
    uint32_t bits;
    struct vault_page page = {.max = 5};
    assert_ok(vault_store_get_vault(store, "VAULT", &vault));
    assert_ok(vault_store_get_vault_by_id(store, vault_id, &by_id));
    assert_ok(vault_store_get_access(store, vault_id, &access, &num_access));
    vault_access_free(access, num_access);
    assert_ok(vault_store_get_access_keys(store, vault_id, SUBSCRIPTION, &bits));
    assert_status(vault_store_get_setting(store, "none", &setting), KQ_ERR_NOT_FOUND);
    assert_ok(vault_store_get_subscription(store, SUBSCRIPTION, &subscription));
    assert_status(vault_store_get_group(store, SUBSCRIPTION, "g", &group), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_get_principal(store, SUBSCRIPTION, &principal), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_get_client_secret(store, SUBSCRIPTION, 0, &secret), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_get_assignment(store, SUBSCRIPTION, &assignment), KQ_ERR_NOT_FOUND);
    assert_ok(vault_store_list_vaults(store, NULL, NULL, VAULT_LIST_ACTIVE, &page, see_vault, NULL));
    assert_ok(vault_store_list_vaults(store, SUBSCRIPTION, NULL, VAULT_LIST_ACTIVE, &page, see_vault, NULL));
    assert_ok(vault_store_list_vaults(store, SUBSCRIPTION, "group", VAULT_LIST_ACTIVE, &page, see_vault, NULL));
    assert_ok(vault_store_list_subscriptions(store, &page, see_subscription, NULL));
    assert_ok(vault_store_list_groups(store, SUBSCRIPTION, &page, see_group, NULL));
    assert_ok(vault_store_list_assignments(store, SUBSCRIPTION, NULL, &page, see_assignment, NULL));
    for (int due = VAULT_DUE_KEY_PURGE; due <= VAULT_DUE_VAULT_PURGE; due++)
        assert_ok(vault_store_list_due(store, (enum vault_due)due, 1000, 5, see_due, NULL));
}

static size_t check_statements(const struct vault_connection *connection)
{
    size_t num = 0;
    for (sqlite3_stmt *at = sqlite3_next_stmt(connection->database, NULL); at != NULL;
         at = sqlite3_next_stmt(connection->database, at)) {
        num++;
        if (sqlite3_stmt_status(at, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0) > 0 ||
            sqlite3_stmt_status(at, SQLITE_STMTSTATUS_SORT, 0) > 0 ||
            sqlite3_stmt_status(at, SQLITE_STMTSTATUS_AUTOINDEX, 0) > 0)
            fail_msg("%s: steps through a table or sorts", sqlite3_sql(at));
    }
    return num;
}

static void vault_store__every_read__by_index(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    fixture_put_vault(&fixture, "vault2");
    for (unsigned i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "key-%u", i);
        struct vault_key key = {.id = fixture_put_key(&fixture, vault_id, name, 1)};
        fixture_put_key(&fixture, vault_id, name, 2);
        key.deleted = key.scheduled_purge = i % 3;
        key.next_rotation = i % 5;
        assert_ok(vault_store_update_key(fixture.store, &key));
    }
    read_keys(fixture.store, vault_id);
    read_others(fixture.store, vault_id);
    const struct vault_database *database = vault_database_of(fixture.store);
    assert_non_null(database->idle_readers);
    assert_in_range(check_statements(database->idle_readers), 25, VAULT_CONNECTION_STATEMENTS);
    assert_in_range(check_statements(database->writer), 5, VAULT_CONNECTION_STATEMENTS);
    fixture_end(&fixture);
}

UNIT_MAIN(cmocka_unit_test(vault_store__every_read__by_index))
