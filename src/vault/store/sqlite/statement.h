#ifndef VAULT_STORE_SQLITE_STATEMENT_H
#define VAULT_STORE_SQLITE_STATEMENT_H

#include "vault/store/sqlite/database.h"

/* A prepared statement of a connection for one use. Parameters are bound in
 * the order of their numbers, columns taken from left to right; both remember
 * the first failure, which step or finish then returns. SQL texts are string
 * constants: the connection knows its statements by their address. */
struct vault_statement {
    struct vault_connection *connection;
    sqlite3_stmt *handle;
    kq_status status;
    int num_bound;
    int num_taken;
};
KQ_MUST_CHECK kq_status vault_statement_begin(struct vault_connection *connection, const char *sql,
                                              struct vault_statement *out);
void vault_statement_clear(struct vault_statement *statement);
KQ_AUTO_DEFINE_VALUE(vault_statement);

/* Borrowed until the statement is cleared. Text NULL: SQL NULL. */
void vault_bind_text(struct vault_statement *statement, const char *text);
void vault_bind_bytes(struct vault_statement *statement, struct kq_slice bytes);
void vault_bind_uint(struct vault_statement *statement, uint64_t value);

/* Goes to the next row. */
KQ_MUST_CHECK kq_status vault_statement_step(struct vault_statement *statement, bool *out_has_row);
/* The one row that must be there.  Errors: KQ_ERR_NOT_FOUND. */
KQ_MUST_CHECK kq_status vault_statement_row(struct vault_statement *statement);
/* Runs a statement that gives no row. */
KQ_MUST_CHECK kq_status vault_statement_run(struct vault_statement *statement);
/* As run; KQ_ERR_NOT_FOUND if no row was changed. */
KQ_MUST_CHECK kq_status vault_statement_change(struct vault_statement *statement);

uint64_t vault_take_uint(struct vault_statement *statement);
uint32_t vault_take_uint32(struct vault_statement *statement);
bool vault_take_bool(struct vault_statement *statement);
/* NULL for SQL NULL; owned by the caller. */
char *vault_take_text(struct vault_statement *statement);
void vault_take_text_into(struct vault_statement *statement, char *out, size_t size);
/* Starts out. */
void vault_take_bytes(struct vault_statement *statement, struct kq_buffer *out);
/* Exactly len bytes. */
void vault_take_bytes_into(struct vault_statement *statement, uint8_t *out, size_t len);
/* What taking came to. */
KQ_MUST_CHECK kq_status vault_statement_taken(const struct vault_statement *statement);

#endif
