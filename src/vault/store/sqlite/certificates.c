#include "vault/store/sqlite/operations.h"
#include "vault/store/sqlite/statement.h"

static kq_status put_certificate(struct vault_connection *writer, void *context)
{
    const struct vault_client_certificate *record = *(const struct vault_client_certificate **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer,
                                 "INSERT INTO client_certificate (id, client_id, certificate, sha256, sha1, "
                                 "not_before, not_after, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                                 &statement));
    vault_bind_text(&statement, record->id);
    vault_bind_text(&statement, record->client_id);
    vault_bind_bytes(&statement, kq_buffer_slice(&record->certificate));
    vault_bind_bytes(&statement, kq_slice_of(record->sha256, sizeof record->sha256));
    vault_bind_bytes(&statement, kq_slice_of(record->sha1, sizeof record->sha1));
    vault_bind_uint(&statement, record->not_before);
    vault_bind_uint(&statement, record->not_after);
    vault_bind_uint(&statement, record->created);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_put_client_certificate(struct vault_store *store, const struct vault_client_certificate *record)
{
    return vault_database_write(store, put_certificate, &record);
}

kq_status vault_sqlite_get_client_certificate(struct vault_store *store, const char *client_id, size_t i,
                                              struct vault_client_certificate *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_AUTO_VALUE(vault_client_certificate) record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection,
                                 "SELECT id, client_id, certificate, sha256, sha1, not_before, not_after, created "
                                 "FROM client_certificate WHERE client_id = ?1 ORDER BY created, id LIMIT 1 OFFSET ?2",
                                 &statement));
    vault_bind_text(&statement, client_id);
    vault_bind_uint(&statement, i);
    KQ_TRY(vault_statement_row(&statement));
    vault_take_text_into(&statement, record.id, sizeof record.id);
    vault_take_text_into(&statement, record.client_id, sizeof record.client_id);
    vault_take_bytes(&statement, &record.certificate);
    vault_take_bytes_into(&statement, record.sha256, sizeof record.sha256);
    vault_take_bytes_into(&statement, record.sha1, sizeof record.sha1);
    record.not_before = vault_take_uint(&statement);
    record.not_after = vault_take_uint(&statement);
    record.created = vault_take_uint(&statement);
    KQ_TRY(vault_statement_taken(&statement));
    *out = record;
    record = (struct vault_client_certificate){0};
    return KQ_OK;
}

struct of_client {
    const char *sql;
    const char *client_id;
    const char *id;
};

static kq_status delete_of_client(struct vault_connection *writer, void *context)
{
    const struct of_client *what = context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, what->sql, &statement));
    vault_bind_text(&statement, what->client_id);
    vault_bind_text(&statement, what->id);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_delete_client_certificate(struct vault_store *store, const char *client_id, const char *id)
{
    struct of_client what = {
        .sql = "DELETE FROM client_certificate WHERE client_id = ?1 AND id = ?2", .client_id = client_id, .id = id};
    return vault_database_write(store, delete_of_client, &what);
}

kq_status vault_sqlite_delete_client_secret(struct vault_store *store, const char *client_id, const char *id)
{
    struct of_client what = {
        .sql = "DELETE FROM client_secret WHERE client_id = ?1 AND id = ?2", .client_id = client_id, .id = id};
    return vault_database_write(store, delete_of_client, &what);
}
