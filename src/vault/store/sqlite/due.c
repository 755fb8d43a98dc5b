#include "vault/store/sqlite/operations.h"
#include "vault/store/sqlite/statement.h"

static const char *due_sql(enum vault_due due)
{
    switch (due) {
    case VAULT_DUE_KEY_PURGE:
        return "SELECT vault_id, id FROM key WHERE scheduled_purge > 0 AND scheduled_purge <= ?1 "
               "ORDER BY scheduled_purge LIMIT ?2";
    case VAULT_DUE_KEY_ROTATION:
        return "SELECT k.vault_id, k.id FROM key k CROSS JOIN vault v ON v.id = k.vault_id "
               "WHERE k.next_rotation > 0 AND k.next_rotation <= ?1 AND k.deleted = 0 AND v.deleted = 0 "
               "ORDER BY k.next_rotation LIMIT ?2";
    case VAULT_DUE_VAULT_PURGE:
        return "SELECT id, 0 FROM vault WHERE scheduled_purge > 0 AND scheduled_purge <= ?1 "
               "ORDER BY scheduled_purge LIMIT ?2";
    }
    return NULL;
}

kq_status vault_sqlite_list_due(struct vault_store *store, enum vault_due due, uint64_t now, size_t max,
                                vault_due_row *row, void *context)
{
    const char *sql = due_sql(due);
    if (sql == NULL)
        return KQ_ERR_ARGUMENT;
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, sql, &statement));
    vault_bind_uint(&statement, now);
    vault_bind_uint(&statement, max);
    bool has_row;
    KQ_TRY(vault_statement_step(&statement, &has_row));
    while (has_row) {
        uint64_t vault_id = vault_take_uint(&statement);
        uint64_t key_id = vault_take_uint(&statement);
        KQ_TRY(vault_statement_taken(&statement));
        if (!row(context, vault_id, key_id))
            return KQ_OK;
        KQ_TRY(vault_statement_step(&statement, &has_row));
    }
    return KQ_OK;
}
