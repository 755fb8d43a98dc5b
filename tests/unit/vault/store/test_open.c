#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/file.h"
#include "fixture.h"

static void vault_store_open_sqlite__create__private_file_that_opens_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_put_subscription(&fixture);
    static const char *const names[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[160];
        struct stat facts;
        snprintf(path, sizeof path, "%s%s", fixture.path, names[i]);
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 07777, 0600);
    }
    fixture_close(&fixture);
    assert_ok(fixture_open(&fixture, VAULT_STORE_USE));
    KQ_AUTO_VALUE(vault_subscription) found = {0};
    assert_ok(vault_store_get_subscription(fixture.store, SUBSCRIPTION, &found));
    fixture_end(&fixture);
}

static void vault_store_open_sqlite__create_over_something__refused_and_left_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_put_subscription(&fixture);
    fixture_close(&fixture);
    assert_status(fixture_open(&fixture, VAULT_STORE_CREATE), KQ_ERR_EXISTS);
    assert_non_null(strstr(fixture.error, fixture.path));
    assert_ok(fixture_open(&fixture, VAULT_STORE_USE));
    KQ_AUTO_VALUE(vault_subscription) found = {0};
    assert_ok(vault_store_get_subscription(fixture.store, SUBSCRIPTION, &found));
    fixture_end(&fixture);
}

static void write_file(const char *path, const void *data, size_t len)
{
    assert_ok(kq_file_write(path, kq_slice_of(data, len), 0600, KQ_FILE_REPLACE));
}

static void vault_store_open_sqlite__leftover_of_an_interrupted_start__made_anew(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_folder(&fixture);
    char leftover[160];
    snprintf(leftover, sizeof leftover, "%s.new", fixture.path);
    write_file(leftover, "half", 4);
    assert_ok(fixture_open(&fixture, VAULT_STORE_CREATE));
    assert_false(kq_file_exists(leftover));
    fixture_end(&fixture);
}

static void vault_store_open_sqlite__nothing_there__says_how_to_make_it(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_folder(&fixture);
    assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_NOT_FOUND);
    assert_non_null(strstr(fixture.error, fixture.path));
    assert_non_null(strstr(fixture.error, "--init"));
    fixture_end(&fixture);
}

static void vault_store_open_sqlite__no_folder__io(void **state)
{
    (void)state;
    struct vault_store *store = NULL;
    char error[256];
    assert_status(
        vault_store_open_sqlite("/nonexistent/a/keyvault.db", VAULT_STORE_CREATE, &store, error, sizeof error),
        KQ_ERR_IO);
    assert_non_null(strstr(error, "/nonexistent/a/keyvault.db"));
}

static void vault_store_open_sqlite__symbolic_link__refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_close(&fixture);
    char other[128];
    snprintf(other, sizeof other, "%s/other", fixture.folder);
    assert_int_equal(rename(fixture.path, other), 0);
    assert_int_equal(symlink(other, fixture.path), 0);
    assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_IO);
    assert_non_null(strstr(fixture.error, "link"));
    assert_status(fixture_open(&fixture, VAULT_STORE_CREATE), KQ_ERR_EXISTS);
    fixture_end(&fixture);
}

static void vault_store_open_sqlite__others_may_read_it__refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620};
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_close(&fixture);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(chmod(fixture.path, modes[i]), 0);
        assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_IO);
        assert_non_null(strstr(fixture.error, "chmod"));
    }
    fixture_end(&fixture);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void vault_store_open_sqlite__newer_version__refused_by_name(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_close(&fixture);
    run_sql(fixture.path, "PRAGMA user_version = 3");
    assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_VERSION);
    assert_non_null(strstr(fixture.error, "newer"));
    fixture_end(&fixture);
}

static void vault_store_open_sqlite__database_of_another_program__refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_folder(&fixture);
    run_sql(fixture.path, "CREATE TABLE t (a); PRAGMA user_version = 1");
    assert_int_equal(chmod(fixture.path, 0600), 0);
    assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_FORMAT);
    assert_non_null(strstr(fixture.error, "not a key vault"));
    fixture_end(&fixture);
}

static void vault_store_open_sqlite__garbage_or_empty__refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_folder(&fixture);
    char garbage[5000];
    memset(garbage, 'x', sizeof garbage);
    write_file(fixture.path, garbage, sizeof garbage);
    assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_FORMAT);
    assert_non_null(strstr(fixture.error, fixture.path));
    write_file(fixture.path, garbage, 0);
    assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_FORMAT);
    fixture_end(&fixture);
}

/* At every page boundary, and inside the first page. */
static void vault_store_open_sqlite__cut_short__refused_at_every_length(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    for (unsigned i = 0; i < 5; i++)
        fixture_put_key(&fixture, i == 0 ? fixture_put_vault(&fixture, "vault") : 1, "key", i);
    fixture_close(&fixture);
    KQ_AUTO_VALUE(kq_buffer) whole = {0};
    assert_ok(kq_file_read(fixture.path, 1u << 24, &whole));
    for (size_t len = 4096; len < whole.len; len += 4096) {
        write_file(fixture.path, whole.data, len);
        assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_FORMAT);
        assert_non_null(strstr(fixture.error, "backup"));
    }
    write_file(fixture.path, whole.data, 50);
    assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_FORMAT);
    write_file(fixture.path, whole.data, whole.len);
    assert_ok(fixture_open(&fixture, VAULT_STORE_USE));
    fixture_end(&fixture);
}

/* A page of the middle overwritten: a small database is read whole. */
static void vault_store_open_sqlite__damaged_page__refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_put_key(&fixture, fixture_put_vault(&fixture, "vault"), "key", 1);
    fixture_close(&fixture);
    KQ_AUTO_VALUE(kq_buffer) whole = {0};
    assert_ok(kq_file_read(fixture.path, 1u << 24, &whole));
    memset(whole.data + whole.len / 4096 / 2 * 4096, 0xa5, 4096);
    write_file(fixture.path, whole.data, whole.len);
    assert_status(fixture_open(&fixture, VAULT_STORE_USE), KQ_ERR_FORMAT);
    fixture_end(&fixture);
}

/* ---- the schema, for ever ---- */

static int append_row(void *context, int num, char **values, char **names)
{
    (void)num;
    (void)names;
    struct kq_buffer *out = context;
    assert_ok(kq_buffer_append(out, values[0], strlen(values[0])));
    assert_ok(kq_buffer_append(out, ";\n", 2));
    return 0;
}

static void golden(const char *name, struct kq_buffer *out)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s", getenv("KEYQUAY_TESTS"), name);
    assert_ok(kq_file_read(path, 1u << 20, out));
}

static void assert_schema_is_golden(struct fixture *fixture)
{
    KQ_AUTO_VALUE(kq_buffer) found = {0};
    KQ_AUTO_VALUE(kq_buffer) expected = {0};
    kq_buffer_init(&found, 1u << 20);
    sqlite3 *database;
    fixture_close(fixture);
    assert_int_equal(sqlite3_open(fixture->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
                                  "ORDER BY rowid",
                                  append_row, &found, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    golden("vault-database-2.schema.sql", &expected);
    assert_slice_equal(kq_buffer_slice(&found), kq_buffer_slice(&expected));
}

static void vault_schema_migrate__new_database__schema_of_the_golden_file(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    assert_schema_is_golden(&fixture);
    fixture_end(&fixture);
}

/* Opens a database as an older version wrote it. */
static void fixture_of_golden(struct fixture *fixture, const char *version)
{
    fixture_folder(fixture);
    static const char *const kinds[] = {"schema", "rows"};
    KQ_AUTO_VALUE(kq_buffer) both = {0};
    kq_buffer_init(&both, 1u << 20);
    for (size_t i = 0; i < 2; i++) {
        KQ_AUTO_VALUE(kq_buffer) text = {0};
        char name[64];
        snprintf(name, sizeof name, "vault-database-%s.%s.sql", version, kinds[i]);
        golden(name, &text);
        assert_ok(kq_buffer_append(&both, text.data, text.len));
    }
    assert_ok(kq_buffer_append(&both, "", 1));
    run_sql(fixture->path, (const char *)both.data);
    assert_int_equal(chmod(fixture->path, 0600), 0);
    assert_ok(fixture_open(fixture, VAULT_STORE_USE));
}

/* A database as version 1 wrote it, with a record of every table. */
static void vault_store_open_sqlite__database_of_version_1__everything_is_found(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_of_golden(&fixture, "1");
    KQ_AUTO_VALUE(vault_record) vault = {0};
    KQ_AUTO_VALUE(vault_key) key = {0};
    KQ_AUTO_VALUE(vault_key_version) version = {0};
    KQ_AUTO_VALUE(vault_principal) principal = {0};
    KQ_AUTO_VALUE(vault_assignment) assignment = {0};
    KQ_AUTO_VALUE(vault_group) group = {0};
    KQ_AUTO_VALUE(kq_buffer) setting = {0};
    struct vault_client_secret secret;
    uint32_t bits;
    assert_ok(vault_store_get_setting(fixture.store, "tenant", &setting));
    assert_true(kq_slice_is_text(kq_buffer_slice(&setting), "t"));
    assert_ok(vault_store_get_vault(fixture.store, "ContosoKeys", &vault));
    assert_int_equal(vault.id, 1);
    assert_int_equal(vault.retention_days, 90);
    assert_string_equal(vault.region, "UnitedStates");
    assert_ok(vault_store_get_group(fixture.store, vault.subscription, "group", &group));
    assert_ok(vault_store_get_key(fixture.store, vault.id, "firstkey", &key));
    assert_string_equal(key.name, "FirstKey");
    assert_ok(vault_store_get_key_version(fixture.store, key.id, NULL, &version));
    assert_string_equal(version.version, "00000000000000000000000000000002");
    assert_true(kq_slice_is_text(kq_buffer_slice(&version.blob), "blob2"));
    assert_ok(vault_store_get_access_keys(fixture.store, vault.id, "00000000-0000-4000-8000-0000000000b0", &bits));
    assert_int_equal(bits, 7);
    assert_ok(vault_store_get_principal(fixture.store, "00000000-0000-4000-8000-0000000000b1", &principal));
    assert_ok(vault_store_get_client_secret(fixture.store, principal.client_id, 0, &secret));
    assert_int_equal(secret.salt[31], 0x20);
    assert_ok(vault_store_get_assignment(fixture.store, "00000000-0000-4000-8000-0000000000d0", &assignment));
    assert_string_equal(assignment.scope, "/subscriptions/00000000-0000-4000-8000-00000000000a");
    fixture_end(&fixture);
}

/* A database that version 1 made becomes the one that version 2 makes, and takes its records. */
static void vault_schema_migrate__version_1__takes_records_of_version_2(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_of_golden(&fixture, "1");
    struct vault_client_certificate certificate = {.id = "00000000-0000-4000-8000-0000000000c1",
                                                   .client_id = "00000000-0000-4000-8000-0000000000b1"};
    kq_buffer_init(&certificate.certificate, 8);
    assert_ok(kq_buffer_append(&certificate.certificate, "der", 3));
    assert_ok(vault_store_put_client_certificate(fixture.store, &certificate));
    vault_client_certificate_clear(&certificate);
    assert_ok(
        vault_store_get_client_certificate(fixture.store, "00000000-0000-4000-8000-0000000000b1", 0, &certificate));
    vault_client_certificate_clear(&certificate);
    assert_schema_is_golden(&fixture);
    fixture_end(&fixture);
}

static void vault_store_open_sqlite__database_of_version_2__everything_is_found(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_of_golden(&fixture, "2");
    KQ_AUTO_VALUE(vault_client_certificate) certificate = {.created = 0};
    KQ_AUTO_VALUE(vault_person) person = {.created = 0};
    struct vault_session session = {.created = 0};
    uint8_t hash[32];
    assert_ok(
        vault_store_get_client_certificate(fixture.store, "00000000-0000-4000-8000-0000000000b1", 0, &certificate));
    assert_true(kq_slice_is_text(kq_buffer_slice(&certificate.certificate), "der"));
    assert_int_equal(certificate.sha1[19], 0x14);
    assert_int_equal(certificate.not_after, 11);
    assert_ok(vault_store_find_person(fixture.store, "ALICE", &person));
    assert_string_equal(person.display_name, "Alice");
    memset(hash, 0x33, sizeof hash);
    assert_ok(vault_store_find_session(fixture.store, hash, &session));
    assert_string_equal(session.object_id, person.object_id);
    assert_int_equal(session.expires, 99);
    fixture_end(&fixture);
}

UNIT_MAIN(cmocka_unit_test(vault_store_open_sqlite__create__private_file_that_opens_again),
          cmocka_unit_test(vault_store_open_sqlite__create_over_something__refused_and_left_alone),
          cmocka_unit_test(vault_store_open_sqlite__leftover_of_an_interrupted_start__made_anew),
          cmocka_unit_test(vault_store_open_sqlite__nothing_there__says_how_to_make_it),
          cmocka_unit_test(vault_store_open_sqlite__no_folder__io),
          cmocka_unit_test(vault_store_open_sqlite__symbolic_link__refused),
          cmocka_unit_test(vault_store_open_sqlite__others_may_read_it__refused),
          cmocka_unit_test(vault_store_open_sqlite__newer_version__refused_by_name),
          cmocka_unit_test(vault_store_open_sqlite__database_of_another_program__refused),
          cmocka_unit_test(vault_store_open_sqlite__garbage_or_empty__refused),
          cmocka_unit_test(vault_store_open_sqlite__cut_short__refused_at_every_length),
          cmocka_unit_test(vault_store_open_sqlite__damaged_page__refused),
          cmocka_unit_test(vault_schema_migrate__new_database__schema_of_the_golden_file),
          cmocka_unit_test(vault_store_open_sqlite__database_of_version_1__everything_is_found),
          cmocka_unit_test(vault_schema_migrate__version_1__takes_records_of_version_2),
          cmocka_unit_test(vault_store_open_sqlite__database_of_version_2__everything_is_found))
