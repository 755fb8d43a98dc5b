#include "vault/store/sqlite/statement.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Keeps the first failure: what follows it means nothing. */
static void note(struct vault_statement *statement, kq_status status)
{
    if (statement->status == KQ_OK)
        statement->status = status;
}

static void note_code(struct vault_statement *statement, int code)
{
    if (code != SQLITE_OK)
        note(statement, vault_sqlite_status(statement->connection->database, code));
}

static kq_status prepare(struct vault_connection *connection, const char *sql, sqlite3_stmt **out)
{
    for (size_t i = 0; i < connection->num_statements; i++) {
        if (connection->statements[i].sql == sql) {
            *out = connection->statements[i].handle;
            return KQ_OK;
        }
    }
    if (connection->num_statements == VAULT_CONNECTION_STATEMENTS)
        KQ_BUG("more SQL texts than a connection keeps");
    sqlite3_stmt *handle = NULL;
    int code = sqlite3_prepare_v3(connection->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    if (code != SQLITE_OK)
        return vault_sqlite_status(connection->database, code);
    connection->statements[connection->num_statements].sql = sql;
    connection->statements[connection->num_statements++].handle = handle;
    *out = handle;
    return KQ_OK;
}

kq_status vault_statement_begin(struct vault_connection *connection, const char *sql, struct vault_statement *out)
{
    sqlite3_stmt *handle = NULL;
    KQ_TRY(prepare(connection, sql, &handle));
    *out = (struct vault_statement){.connection = connection, .handle = handle};
    return KQ_OK;
}

void vault_statement_clear(struct vault_statement *statement)
{
    if (statement->handle != NULL) {
        sqlite3_reset(statement->handle);
        sqlite3_clear_bindings(statement->handle);
    }
    *statement = (struct vault_statement){0};
}

void vault_bind_text(struct vault_statement *statement, const char *text)
{
    int place = ++statement->num_bound;
    note_code(statement, sqlite3_bind_text(statement->handle, place, text, -1, SQLITE_STATIC));
}

void vault_bind_bytes(struct vault_statement *statement, struct kq_slice bytes)
{
    int place = ++statement->num_bound;
    if (bytes.len == 0) /* a NULL pointer would become SQL NULL */
        note_code(statement, sqlite3_bind_zeroblob(statement->handle, place, 0));
    else
        note_code(statement, sqlite3_bind_blob64(statement->handle, place, bytes.data, bytes.len, SQLITE_STATIC));
}

void vault_bind_uint(struct vault_statement *statement, uint64_t value)
{
    int place = ++statement->num_bound;
    if (value > INT64_MAX)
        note(statement, KQ_ERR_ARGUMENT);
    else
        note_code(statement, sqlite3_bind_int64(statement->handle, place, (sqlite3_int64)value));
}

kq_status vault_statement_step(struct vault_statement *statement, bool *out_has_row)
{
    KQ_TRY(statement->status);
    int code = sqlite3_step(statement->handle);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return statement->status = vault_sqlite_status(statement->connection->database, code);
    statement->num_taken = 0;
    *out_has_row = code == SQLITE_ROW;
    return KQ_OK;
}

kq_status vault_statement_row(struct vault_statement *statement)
{
    bool has_row = false;
    KQ_TRY(vault_statement_step(statement, &has_row));
    return has_row ? KQ_OK : KQ_ERR_NOT_FOUND;
}

kq_status vault_statement_run(struct vault_statement *statement)
{
    bool has_row;
    return vault_statement_step(statement, &has_row);
}

kq_status vault_statement_change(struct vault_statement *statement)
{
    KQ_TRY(vault_statement_run(statement));
    return sqlite3_changes(statement->connection->database) > 0 ? KQ_OK : KQ_ERR_NOT_FOUND;
}

uint64_t vault_take_uint(struct vault_statement *statement)
{
    sqlite3_int64 value = sqlite3_column_int64(statement->handle, statement->num_taken++);
    if (value < 0) {
        note(statement, KQ_ERR_FORMAT);
        return 0;
    }
    return (uint64_t)value;
}

uint32_t vault_take_uint32(struct vault_statement *statement)
{
    uint64_t value = vault_take_uint(statement);
    if (value > UINT32_MAX) {
        note(statement, KQ_ERR_FORMAT);
        return 0;
    }
    return (uint32_t)value;
}

bool vault_take_bool(struct vault_statement *statement)
{
    return vault_take_uint(statement) != 0;
}

/* The text of the next column, NULL for SQL NULL. Text with a NUL inside is not ours. */
static const char *next_text(struct vault_statement *statement, size_t *out_len)
{
    int column = statement->num_taken++;
    *out_len = 0;
    if (sqlite3_column_type(statement->handle, column) == SQLITE_NULL)
        return NULL;
    const char *text = (const char *)sqlite3_column_text(statement->handle, column);
    if (text == NULL) {
        note(statement, KQ_ERR_MEMORY);
        return NULL;
    }
    *out_len = (size_t)sqlite3_column_bytes(statement->handle, column);
    if (strlen(text) != *out_len)
        note(statement, KQ_ERR_FORMAT);
    return text;
}

char *vault_take_text(struct vault_statement *statement)
{
    size_t len;
    const char *text = next_text(statement, &len);
    if (text == NULL)
        return NULL;
    char *copy = strdup(text);
    if (copy == NULL)
        note(statement, KQ_ERR_MEMORY);
    return copy;
}

void vault_take_text_into(struct vault_statement *statement, char *out, size_t size)
{
    size_t len;
    const char *text = next_text(statement, &len);
    out[0] = '\0';
    if (text == NULL || len >= size) {
        note(statement, KQ_ERR_FORMAT);
        return;
    }
    memcpy(out, text, len + 1);
}

/* The bytes of the next column. */
static struct kq_slice next_bytes(struct vault_statement *statement)
{
    int column = statement->num_taken++;
    const void *data = sqlite3_column_blob(statement->handle, column);
    size_t len = (size_t)sqlite3_column_bytes(statement->handle, column);
    return data == NULL ? KQ_SLICE_EMPTY : kq_slice_of(data, len);
}

void vault_take_bytes(struct vault_statement *statement, struct kq_buffer *out)
{
    struct kq_slice bytes = next_bytes(statement);
    kq_buffer_init(out, bytes.len);
    if (bytes.len > 0)
        note(statement, kq_buffer_append(out, bytes.data, bytes.len));
}

void vault_take_bytes_into(struct vault_statement *statement, uint8_t *out, size_t len)
{
    struct kq_slice bytes = next_bytes(statement);
    if (bytes.len != len)
        note(statement, KQ_ERR_FORMAT);
    else
        memcpy(out, bytes.data, len);
}

kq_status vault_statement_taken(const struct vault_statement *statement)
{
    return statement->status;
}
