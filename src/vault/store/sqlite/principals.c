#include "vault/store/sqlite/lists.h"
#include "vault/store/sqlite/operations.h"

static kq_status put_principal(struct vault_connection *writer, void *context)
{
    const struct vault_principal *record = *(const struct vault_principal **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer,
                                 "INSERT INTO principal (client_id, object_id, display_name, is_operator, created) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5)",
                                 &statement));
    vault_bind_text(&statement, record->client_id);
    vault_bind_text(&statement, record->object_id);
    vault_bind_text(&statement, record->display_name);
    vault_bind_uint(&statement, record->is_operator);
    vault_bind_uint(&statement, record->created);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_put_principal(struct vault_store *store, const struct vault_principal *record)
{
    return vault_database_write(store, put_principal, &record);
}

#define PRINCIPAL "SELECT client_id, object_id, display_name, is_operator, created FROM principal WHERE "

static kq_status take_principal(struct vault_statement *statement, struct vault_principal *out)
{
    vault_take_text_into(statement, out->client_id, sizeof out->client_id);
    vault_take_text_into(statement, out->object_id, sizeof out->object_id);
    out->display_name = vault_take_text(statement);
    out->is_operator = vault_take_bool(statement);
    out->created = vault_take_uint(statement);
    return vault_statement_taken(statement);
}

kq_status vault_sqlite_get_principal(struct vault_store *store, const char *client_id, struct vault_principal *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_AUTO_VALUE(vault_principal) record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, PRINCIPAL "client_id = ?1", &statement));
    vault_bind_text(&statement, client_id);
    KQ_TRY(vault_statement_row(&statement));
    KQ_TRY(take_principal(&statement, &record));
    *out = record;
    record = (struct vault_principal){0};
    return KQ_OK;
}

static kq_status delete_principal(struct vault_connection *writer, void *context)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "DELETE FROM principal WHERE client_id = ?1", &statement));
    vault_bind_text(&statement, *(const char **)context);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_delete_principal(struct vault_store *store, const char *client_id)
{
    return vault_database_write(store, delete_principal, &client_id);
}

struct principal_list {
    vault_principal_row *row;
    void *context;
};

static kq_status principal_row(struct vault_sql_list *list, struct vault_statement *statement)
{
    const struct principal_list *wanted = list->context;
    KQ_AUTO_VALUE(vault_principal) record = {0};
    KQ_TRY(take_principal(statement, &record));
    vault_list_mark_text(list, record.client_id);
    list->goes_on = wanted->row(wanted->context, &record);
    return KQ_OK;
}

kq_status vault_sqlite_list_principals(struct vault_store *store, struct vault_page *page, vault_principal_row *row,
                                       void *context)
{
    struct principal_list wanted = {.row = row, .context = context};
    KQ_AUTO_VALUE(vault_sql_list) list = {0};
    KQ_TRY(vault_sql_list_begin(&list, store, page, principal_row, &wanted));
    KQ_TRY(vault_list_sql(&list, PRINCIPAL "client_id > ?1 ORDER BY client_id LIMIT ?2"));
    vault_bind_text(&list.statement, vault_list_marker(&list));
    vault_bind_uint(&list.statement, vault_list_limit(&list));
    return vault_list_run(&list);
}

static kq_status put_client_secret(struct vault_connection *writer, void *context)
{
    const struct vault_client_secret *record = *(const struct vault_client_secret **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(
        vault_statement_begin(writer,
                              "INSERT INTO client_secret (id, client_id, salt, hash, scrypt_log2_n, created, expires) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                              &statement));
    vault_bind_text(&statement, record->id);
    vault_bind_text(&statement, record->client_id);
    vault_bind_bytes(&statement, kq_slice_of(record->salt, sizeof record->salt));
    vault_bind_bytes(&statement, kq_slice_of(record->hash, sizeof record->hash));
    vault_bind_uint(&statement, record->scrypt_log2_n);
    vault_bind_uint(&statement, record->created);
    vault_bind_uint(&statement, record->expires);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_put_client_secret(struct vault_store *store, const struct vault_client_secret *record)
{
    return vault_database_write(store, put_client_secret, &record);
}

kq_status vault_sqlite_get_client_secret(struct vault_store *store, const char *client_id, size_t i,
                                         struct vault_client_secret *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    struct vault_client_secret record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection,
                                 "SELECT id, client_id, salt, hash, scrypt_log2_n, created, expires "
                                 "FROM client_secret WHERE client_id = ?1 ORDER BY created, id LIMIT 1 OFFSET ?2",
                                 &statement));
    vault_bind_text(&statement, client_id);
    vault_bind_uint(&statement, i);
    KQ_TRY(vault_statement_row(&statement));
    vault_take_text_into(&statement, record.id, sizeof record.id);
    vault_take_text_into(&statement, record.client_id, sizeof record.client_id);
    vault_take_bytes_into(&statement, record.salt, sizeof record.salt);
    vault_take_bytes_into(&statement, record.hash, sizeof record.hash);
    record.scrypt_log2_n = vault_take_uint(&statement);
    record.created = vault_take_uint(&statement);
    record.expires = vault_take_uint(&statement);
    KQ_TRY(vault_statement_taken(&statement));
    *out = record;
    return KQ_OK;
}
