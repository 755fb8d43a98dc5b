#include "vault/store/sqlite/database.h"
#include "vault/store/sqlite/statement.h"

/* More than this many threads do not wait for each other. */
#define BATCH_MAX 64u

/* A thread whose change lies in the open transaction; on its own stack. */
struct vault_waiter {
    kq_status result;
    bool is_done;
    struct vault_waiter *next;
};

static kq_status run(struct vault_connection *writer, const char *sql)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, sql, &statement));
    return vault_statement_run(&statement);
}

static bool has_transaction(const struct vault_database *database)
{
    return sqlite3_get_autocommit(database->writer->database) == 0;
}

static void undo(struct vault_database *database)
{
    if (has_transaction(database))
        kq_ignore(run(database->writer, "ROLLBACK"), "SQLite drops the transaction whatever it answers");
}

/* Tells everybody in the transaction how it ended. */
static void finish(struct vault_database *database, kq_status result)
{
    for (struct vault_waiter *waiter = database->waiting; waiter != NULL; waiter = waiter->next) {
        waiter->result = result;
        waiter->is_done = true;
    }
    database->waiting = NULL;
    database->num_waiting = 0;
    pthread_cond_broadcast(&database->committed);
}

static void commit(struct vault_database *database)
{
    kq_status status = run(database->writer, "COMMIT");
    if (status != KQ_OK)
        undo(database);
    finish(database, status);
}

/* Ends an act of which nothing may stay. If that is not possible, nothing of the whole transaction stays. */
static void take_back(struct vault_database *database)
{
    if (!has_transaction(database))
        return;
    kq_status status = run(database->writer, "ROLLBACK TO act");
    if (status == KQ_OK)
        status = run(database->writer, "RELEASE act");
    if (status != KQ_OK)
        undo(database);
}

/* One act within the transaction: done or undone, whatever the others did. */
static kq_status act(struct vault_database *database, vault_work *work, void *context)
{
    struct vault_connection *writer = database->writer;
    if (!has_transaction(database))
        KQ_TRY(run(writer, "BEGIN IMMEDIATE"));
    KQ_TRY(run(writer, "SAVEPOINT act"));
    kq_status status = work(writer, context);
    if (status == KQ_OK)
        status = run(writer, "RELEASE act");
    if (status != KQ_OK)
        take_back(database);
    return status;
}

kq_status vault_database_write(struct vault_store *store, vault_work *work, void *context)
{
    struct vault_database *database = vault_database_of(store);
    atomic_fetch_add(&database->num_coming, 1);
    pthread_mutex_lock(&database->write_lock);
    atomic_fetch_sub(&database->num_coming, 1);

    struct vault_waiter self = {.result = act(database, work, context), .next = database->waiting};
    if (self.result == KQ_OK) {
        database->waiting = &self;
        database->num_waiting++;
    }
    /* A failure like a full disk can cost the whole transaction: then nothing of it was changed. */
    if (!has_transaction(database))
        finish(database, self.result == KQ_OK ? KQ_ERR_IO : self.result);
    /* Whoever is coming will commit, or leave it to the next; the last one has nobody to leave it to. */
    else if (database->num_waiting >= BATCH_MAX || atomic_load(&database->num_coming) == 0)
        commit(database);
    while (self.result == KQ_OK && !self.is_done)
        pthread_cond_wait(&database->committed, &database->write_lock);
    pthread_mutex_unlock(&database->write_lock);
    return self.result;
}
