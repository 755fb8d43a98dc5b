#include <stdlib.h>

#include "vault/store/sqlite/operations.h"
#include "vault/store/sqlite/statement.h"

static kq_status take_access(struct vault_statement *statement, struct vault_access *out)
{
    vault_take_text_into(statement, out->object_id, sizeof out->object_id);
    vault_take_text_into(statement, out->application_id, sizeof out->application_id);
    out->keys = vault_take_uint32(statement);
    out->others = vault_take_text(statement);
    return vault_statement_taken(statement);
}

/* Grows by doubling; the policy's maximum is checked when it is put. */
static kq_status append(struct vault_statement *statement, struct vault_access **list, size_t *num)
{
    if ((*num & (*num - 1)) == 0) { /* 0, 1, 2, 4, 8: the room is used up */
        size_t room = *num == 0 ? 1 : 2 * *num;
        struct vault_access *grown = reallocarray(*list, room, sizeof **list);
        if (grown == NULL)
            return KQ_ERR_MEMORY;
        *list = grown;
    }
    (*list)[*num] = (struct vault_access){0};
    (*num)++;
    return take_access(statement, &(*list)[*num - 1]);
}

static kq_status collect(struct vault_statement *statement, struct vault_access **list, size_t *num)
{
    bool has_row;
    KQ_TRY(vault_statement_step(statement, &has_row));
    while (has_row) {
        KQ_TRY(append(statement, list, num));
        KQ_TRY(vault_statement_step(statement, &has_row));
    }
    return KQ_OK;
}

kq_status vault_sqlite_get_access(struct vault_store *store, uint64_t vault_id, struct vault_access **out,
                                  size_t *out_num)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection,
                                 "SELECT object_id, application_id, keys, others FROM access WHERE vault_id = ?1 "
                                 "ORDER BY position",
                                 &statement));
    vault_bind_uint(&statement, vault_id);
    struct vault_access *list = NULL;
    size_t num = 0;
    kq_status status = collect(&statement, &list, &num);
    if (status != KQ_OK) {
        vault_access_free(list, num);
        return status;
    }
    *out = list;
    *out_num = num;
    return KQ_OK;
}

kq_status vault_sqlite_get_access_keys(struct vault_store *store, uint64_t vault_id, const char *object_id,
                                       uint32_t *out_keys)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(
        reader.connection, "SELECT keys FROM access WHERE vault_id = ?1 AND object_id = ?2 AND application_id = ''",
        &statement));
    vault_bind_uint(&statement, vault_id);
    vault_bind_text(&statement, object_id);
    uint32_t keys = 0;
    bool has_row;
    KQ_TRY(vault_statement_step(&statement, &has_row));
    while (has_row) {
        keys |= vault_take_uint32(&statement);
        KQ_TRY(vault_statement_step(&statement, &has_row));
    }
    KQ_TRY(vault_statement_taken(&statement));
    *out_keys = keys;
    return KQ_OK;
}
