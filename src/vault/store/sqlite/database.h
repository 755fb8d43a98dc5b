#ifndef VAULT_STORE_SQLITE_DATABASE_H
#define VAULT_STORE_SQLITE_DATABASE_H

#include <pthread.h>
#include <sqlite3.h>

#include "vault/store/backend.h"

/* One database: a connection that writes, under a lock, and as many that read
 * as there are threads reading at the same moment. A connection keeps its
 * prepared statements. */

#define VAULT_CONNECTION_STATEMENTS 96u
struct vault_connection {
    sqlite3 *database;
    struct {
        const char *sql;
        sqlite3_stmt *handle;
    } statements[VAULT_CONNECTION_STATEMENTS];
    size_t num_statements;
    struct vault_connection *next; /* in the list of idle ones */
};

enum vault_connection_kind { VAULT_CONNECTION_READS, VAULT_CONNECTION_WRITES };
/* Errors: as vault_sqlite_status(). */
KQ_MUST_CHECK kq_status vault_connection_open(const char *path, enum vault_connection_kind kind,
                                              struct vault_connection **out);
void vault_connection_free(struct vault_connection *connection);
KQ_AUTO_DEFINE(vault_connection);

/* What a result code of SQLite means to the callers of store.h. */
kq_status vault_sqlite_status(sqlite3 *database, int code);
/* Runs SQL that has no parameters and whose rows nobody wants. */
KQ_MUST_CHECK kq_status vault_connection_run(struct vault_connection *connection, const char *sql);

struct vault_waiter; /* write.c */

struct vault_database {
    struct vault_store base;
    char *path;
    pthread_mutex_t readers_lock;
    struct vault_connection *idle_readers;
    size_t num_idle_readers;

    pthread_mutex_t write_lock; /* guards all below */
    pthread_cond_t committed;
    atomic_size_t num_coming; /* threads on their way to the lock */
    struct vault_connection *writer;
    struct vault_waiter *waiting; /* whose changes lie in the open transaction */
    size_t num_waiting;
};

static inline struct vault_database *vault_database_of(struct vault_store *store)
{
    return (struct vault_database *)store; /* its first member */
}

/* A connection for reading, given back at the end of the scope. What one
 * statement reads is one moment of the database. */
struct vault_reader {
    struct vault_database *database;
    struct vault_connection *connection;
};
KQ_MUST_CHECK kq_status vault_reader_open(struct vault_store *store, struct vault_reader *out);
void vault_reader_clear(struct vault_reader *reader);
KQ_AUTO_DEFINE_VALUE(vault_reader);

/* Runs work alone on the writing connection and returns when what it did is on
 * the disk, or undone. Threads that come at the same time share one
 * transaction, so that they wait for the disk once. */
typedef kq_status vault_work(struct vault_connection *writer, void *context);
KQ_MUST_CHECK kq_status vault_database_write(struct vault_store *store, vault_work *work, void *context);

#endif
