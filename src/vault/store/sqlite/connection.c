#include <errno.h>
#include <stdlib.h>

#include "vault/store/sqlite/database.h"

#define BUSY_TIMEOUT_MS 10000
#define IDLE_READERS_MAX 32u

/* Secure and strict for every connection; those that read may not write. */
static const char *const settings[] = {
    [VAULT_CONNECTION_READS] = "PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -1000;"
                               "PRAGMA query_only = ON;",
    [VAULT_CONNECTION_WRITES] = "PRAGMA foreign_keys = ON;"
                                "PRAGMA trusted_schema = OFF;"
                                "PRAGMA cell_size_check = ON;"
                                "PRAGMA temp_store = MEMORY;"
                                "PRAGMA cache_size = -8000;"
                                "PRAGMA synchronous = FULL;"
                                "PRAGMA secure_delete = ON;"
                                "PRAGMA journal_size_limit = 67108864;",
};

static bool is_no_room(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static kq_status constraint_status(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return KQ_ERR_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return KQ_ERR_NOT_FOUND;
    default:
        return KQ_ERR_ARGUMENT;
    }
}

kq_status vault_sqlite_status(sqlite3 *database, int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return KQ_OK;
    case SQLITE_CONSTRAINT:
        return constraint_status(code);
    case SQLITE_BUSY: /* another program has held it for BUSY_TIMEOUT_MS */
    case SQLITE_LOCKED:
        return KQ_ERR_WAIT;
    case SQLITE_FULL:
        return KQ_ERR_FULL;
    case SQLITE_NOMEM:
        return KQ_ERR_MEMORY;
    case SQLITE_TOOBIG:
        return KQ_ERR_TOO_LARGE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return KQ_ERR_FORMAT;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (code == SQLITE_IOERR_NOMEM)
            return KQ_ERR_MEMORY;
        /* A quota or limit, which SQLite does not know as a full disk; a failed commit leaves it in errno alone. */
        return is_no_room(sqlite3_system_errno(database)) || is_no_room(errno) ? KQ_ERR_FULL : KQ_ERR_IO;
    default:
        return KQ_ERR_IO;
    }
}

kq_status vault_connection_run(struct vault_connection *connection, const char *sql)
{
    int code = sqlite3_exec(connection->database, sql, NULL, NULL, NULL);
    return vault_sqlite_status(connection->database, code);
}

kq_status vault_connection_open(const char *path, enum vault_connection_kind kind, struct vault_connection **out)
{
    KQ_AUTO(vault_connection) connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return KQ_ERR_MEMORY;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, &connection->database, flags, NULL);
    if (connection->database == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = vault_sqlite_status(connection->database, code);
    if (status == KQ_OK) {
        sqlite3_busy_timeout(connection->database, BUSY_TIMEOUT_MS);
        sqlite3_db_config(connection->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        status = vault_connection_run(connection, settings[kind]);
    }
    if (status != KQ_OK)
        return status;
    *out = KQ_TAKE(connection);
    return KQ_OK;
}

void vault_connection_free(struct vault_connection *connection)
{
    if (connection == NULL)
        return;
    for (size_t i = 0; i < connection->num_statements; i++)
        sqlite3_finalize(connection->statements[i].handle);
    sqlite3_close_v2(connection->database);
    free(connection);
}

kq_status vault_reader_open(struct vault_store *store, struct vault_reader *out)
{
    struct vault_database *database = vault_database_of(store);
    pthread_mutex_lock(&database->readers_lock);
    struct vault_connection *connection = database->idle_readers;
    if (connection != NULL) {
        database->idle_readers = connection->next;
        database->num_idle_readers--;
    }
    pthread_mutex_unlock(&database->readers_lock);
    if (connection == NULL)
        KQ_TRY(vault_connection_open(database->path, VAULT_CONNECTION_READS, &connection));
    *out = (struct vault_reader){.database = database, .connection = connection};
    return KQ_OK;
}

void vault_reader_clear(struct vault_reader *reader)
{
    struct vault_database *database = reader->database;
    struct vault_connection *surplus = reader->connection;
    if (surplus == NULL)
        return;
    pthread_mutex_lock(&database->readers_lock);
    if (database->num_idle_readers < IDLE_READERS_MAX) {
        surplus->next = database->idle_readers;
        database->idle_readers = surplus;
        database->num_idle_readers++;
        surplus = NULL;
    }
    pthread_mutex_unlock(&database->readers_lock);
    vault_connection_free(surplus);
    *reader = (struct vault_reader){0};
}
