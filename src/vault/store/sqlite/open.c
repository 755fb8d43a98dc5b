#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "vault/store/recent.h"
#include "vault/store/sqlite/operations.h"
#include "vault/store/sqlite/schema.h"
#include "vault/store/sqlite/statement.h"

/* A database up to this size is read whole when it is opened (some 50 ms); of
 * a larger one only what the look-ups need. */
#define CHECK_PAGES_MAX 4096u

static const struct vault_store_backend backend;

/* Where a failure is explained: one sentence. */
struct reporter {
    const char *path;
    char *text;
    size_t size;
};

static kq_status report(const struct reporter *reporter, kq_status status, const char *what, const char *remedy)
{
    snprintf(reporter->text, reporter->size, "%.150s %s; %s", reporter->path, what, remedy);
    return status;
}

static kq_status report_status(const struct reporter *reporter, kq_status status)
{
    switch (status) {
    case KQ_ERR_FORMAT:
        return report(reporter, status, "is damaged or cut short", "restore it from a backup");
    case KQ_ERR_FULL:
        return report(reporter, status, "has no room on its disk", "make room and start again");
    case KQ_ERR_MEMORY:
        return report(reporter, status, "cannot be opened", "there is no memory left");
    default:
        return report(reporter, status, "cannot be read or written", "look at the disk and at the folder's rights");
    }
}

/* ---- one database as an object ---- */

static void database_free(struct vault_store *store)
{
    struct vault_database *database = vault_database_of(store);
    while (database->idle_readers != NULL) {
        struct vault_connection *reader = database->idle_readers;
        database->idle_readers = reader->next;
        vault_connection_free(reader);
    }
    vault_connection_free(database->writer); /* last, so that it tidies the log away */
    pthread_mutex_destroy(&database->readers_lock);
    pthread_mutex_destroy(&database->write_lock);
    pthread_cond_destroy(&database->committed);
    vault_recent_free(database->base.recent);
    vault_turns_clear(&database->base.turns);
    free(database->path);
    free(database);
}

static kq_status database_new(const char *path, struct vault_connection *writer, struct vault_store **out)
{
    struct vault_database *database = calloc(1, sizeof *database);
    char *copy = strdup(path);
    if (database == NULL || copy == NULL || vault_recent_new(&database->base.recent) != KQ_OK) {
        free(database);
        free(copy);
        return KQ_ERR_MEMORY;
    }
    database->base.backend = &backend;
    database->path = copy;
    database->writer = writer;
    pthread_mutex_init(&database->readers_lock, NULL);
    pthread_mutex_init(&database->write_lock, NULL);
    pthread_cond_init(&database->committed, NULL);
    vault_turns_init(&database->base.turns);
    *out = &database->base;
    return KQ_OK;
}

/* ---- checks ---- */

/* A number that a PRAGMA gives; sql is a constant. */
static kq_status ask(struct vault_connection *connection, const char *sql, uint64_t *out)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(connection, sql, &statement));
    KQ_TRY(vault_statement_row(&statement));
    *out = vault_take_uint(&statement);
    return vault_statement_taken(&statement);
}

static kq_status check_file(const struct reporter *reporter)
{
    struct stat facts;
    if (lstat(reporter->path, &facts) != 0) {
        if (errno == ENOENT)
            return report(reporter, KQ_ERR_NOT_FOUND, "is not there", "make it with keyvaultd --init");
        return report_status(reporter, KQ_ERR_IO);
    }
    if (!S_ISREG(facts.st_mode))
        return report(reporter, KQ_ERR_IO, "is a link or no file", "put the database itself there");
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return report(reporter, KQ_ERR_IO, "can be read or written by others", "chmod 600 it");
    return KQ_OK;
}

static kq_status check_identity(const struct reporter *reporter, struct vault_connection *writer, uint64_t *out_version)
{
    uint64_t application = 0, version = 0;
    kq_status status = ask(writer, "PRAGMA application_id", &application);
    if (status == KQ_OK)
        status = ask(writer, "PRAGMA user_version", &version);
    if (status != KQ_OK)
        return report_status(reporter, status);
    if (application != VAULT_DATABASE_APPLICATION || version == 0)
        return report(reporter, KQ_ERR_FORMAT, "is not a key vault's database", "name the right file");
    if (version > VAULT_DATABASE_VERSION)
        return report(reporter, KQ_ERR_VERSION, "was written by a newer keyvaultd", "run that version or a later one");
    *out_version = version;
    return KQ_OK;
}

/* Reads a small database whole; of a large one SQLite itself has compared the size with the header. */
static kq_status check_pages(struct vault_connection *writer)
{
    uint64_t num_pages;
    KQ_TRY(ask(writer, "PRAGMA page_count", &num_pages));
    if (num_pages > CHECK_PAGES_MAX)
        return KQ_OK;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "PRAGMA quick_check(1)", &statement));
    KQ_TRY(vault_statement_row(&statement));
    char verdict[8];
    vault_take_text_into(&statement, verdict, sizeof verdict);
    KQ_TRY(vault_statement_taken(&statement));
    return strcmp(verdict, "ok") == 0 ? KQ_OK : KQ_ERR_FORMAT;
}

/* ---- using, making ---- */

static kq_status use(const struct reporter *reporter, struct vault_store **out)
{
    KQ_TRY(check_file(reporter));
    KQ_AUTO(vault_connection) writer = NULL;
    kq_status status = vault_connection_open(reporter->path, VAULT_CONNECTION_WRITES, &writer);
    if (status != KQ_OK)
        return report_status(reporter, status);
    uint64_t version = 0;
    KQ_TRY(check_identity(reporter, writer, &version));
    status = check_pages(writer);
    if (status == KQ_OK)
        status = vault_schema_migrate(writer, version);
    if (status == KQ_OK)
        status = database_new(reporter->path, writer, out);
    if (status != KQ_OK)
        return report_status(reporter, status);
    writer = NULL; /* the database's now */
    return KQ_OK;
}

/* An empty file, ours alone. What a start before us left unfinished goes. */
static kq_status make_file(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char leftover[KQ_PATH_MAX + 16];
        snprintf(leftover, sizeof leftover, "%s%s", path, suffixes[i]);
        unlink(leftover);
    }
    KQ_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd >= 0 ? KQ_OK : KQ_ERR_IO;
}

static kq_status fill_file(const char *path)
{
    KQ_AUTO(vault_connection) writer = NULL;
    KQ_TRY(vault_connection_open(path, VAULT_CONNECTION_WRITES, &writer));
    KQ_TRY(vault_connection_run(writer, "PRAGMA journal_mode = WAL"));
    return vault_schema_migrate(writer, 0);
}

static kq_status sync_path(const char *path, int flags)
{
    KQ_AUTO_FD fd = open(path, flags | O_RDONLY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? KQ_OK : KQ_ERR_IO;
}

/* The finished file gets its name, or nothing does. */
static kq_status publish(const char *made, const char *path)
{
    char folder[KQ_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    KQ_TRY(sync_path(made, 0));
    if (link(made, path) != 0)
        return errno == EEXIST ? KQ_ERR_EXISTS : KQ_ERR_IO;
    unlink(made);
    return sync_path(dirname(folder), O_DIRECTORY);
}

static kq_status create(const struct reporter *reporter)
{
    char made[KQ_PATH_MAX];
    if ((size_t)snprintf(made, sizeof made, "%s.new", reporter->path) >= sizeof made)
        return report(reporter, KQ_ERR_IO, "is too long a path", "choose a shorter one");
    if (kq_file_exists(reporter->path))
        return report(reporter, KQ_ERR_EXISTS, "is there already", "it is never overwritten");
    kq_status status = make_file(made);
    if (status == KQ_OK) {
        status = fill_file(made);
        if (status == KQ_OK)
            status = publish(made, reporter->path);
        unlink(made);
    }
    if (status == KQ_ERR_EXISTS)
        return report(reporter, status, "is there already", "it is never overwritten");
    return status == KQ_OK ? KQ_OK : report_status(reporter, status);
}

kq_status vault_store_open_sqlite(const char *path, enum vault_store_access access, struct vault_store **out,
                                  char *out_error, size_t out_error_size)
{
    const struct reporter reporter = {.path = path, .text = out_error, .size = out_error_size};
    out_error[0] = '\0';
    if (access == VAULT_STORE_CREATE)
        KQ_TRY(create(&reporter));
    return use(&reporter, out);
}

static const struct vault_store_backend backend = {
    .free = database_free,
    .get_setting = vault_sqlite_get_setting,
    .put_setting = vault_sqlite_put_setting,
    .put_subscription = vault_sqlite_put_subscription,
    .get_subscription = vault_sqlite_get_subscription,
    .set_group = vault_sqlite_set_group,
    .get_group = vault_sqlite_get_group,
    .delete_group = vault_sqlite_delete_group,
    .put_principal = vault_sqlite_put_principal,
    .get_principal = vault_sqlite_get_principal,
    .put_client_secret = vault_sqlite_put_client_secret,
    .get_client_secret = vault_sqlite_get_client_secret,
    .put_vault = vault_sqlite_put_vault,
    .get_vault = vault_sqlite_get_vault,
    .update_vault = vault_sqlite_update_vault,
    .purge_vault = vault_sqlite_purge_vault,
    .get_access = vault_sqlite_get_access,
    .get_access_keys = vault_sqlite_get_access_keys,
    .put_assignment = vault_sqlite_put_assignment,
    .get_assignment = vault_sqlite_get_assignment,
    .delete_assignment = vault_sqlite_delete_assignment,
    .put_key_version = vault_sqlite_put_key_version,
    .put_restored_key = vault_sqlite_put_restored_key,
    .get_key = vault_sqlite_get_key,
    .get_key_version = vault_sqlite_get_key_version,
    .update_key_version = vault_sqlite_update_key_version,
    .update_key = vault_sqlite_update_key,
    .purge_key = vault_sqlite_purge_key,
    .list_keys = vault_sqlite_list_keys,
    .list_versions = vault_sqlite_list_versions,
    .list_vaults = vault_sqlite_list_vaults,
    .list_subscriptions = vault_sqlite_list_subscriptions,
    .list_groups = vault_sqlite_list_groups,
    .list_assignments = vault_sqlite_list_assignments,
    .list_due = vault_sqlite_list_due,
    .get_vault_by_id = vault_sqlite_get_vault_by_id,
    .get_key_by_id = vault_sqlite_get_key_by_id,
    .delete_principal = vault_sqlite_delete_principal,
    .delete_client_secret = vault_sqlite_delete_client_secret,
    .put_client_certificate = vault_sqlite_put_client_certificate,
    .get_client_certificate = vault_sqlite_get_client_certificate,
    .delete_client_certificate = vault_sqlite_delete_client_certificate,
    .put_person = vault_sqlite_put_person,
    .get_person = vault_sqlite_get_person,
    .find_person = vault_sqlite_find_person,
    .delete_person = vault_sqlite_delete_person,
    .put_session = vault_sqlite_put_session,
    .find_session = vault_sqlite_find_session,
    .rotate_session = vault_sqlite_rotate_session,
    .delete_session = vault_sqlite_delete_session,
    .list_principals = vault_sqlite_list_principals,
    .list_people = vault_sqlite_list_people,
};
