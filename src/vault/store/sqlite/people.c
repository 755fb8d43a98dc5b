#include "vault/store/sqlite/lists.h"
#include "vault/store/sqlite/operations.h"

static kq_status put_person(struct vault_connection *writer, void *context)
{
    const struct vault_person *record = *(const struct vault_person **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer,
                                 "INSERT INTO person (object_id, user_name, display_name, is_operator, salt, hash, "
                                 "scrypt_log2_n, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                                 &statement));
    vault_bind_text(&statement, record->object_id);
    vault_bind_text(&statement, record->user_name);
    vault_bind_text(&statement, record->display_name);
    vault_bind_uint(&statement, record->is_operator);
    vault_bind_bytes(&statement, kq_slice_of(record->salt, sizeof record->salt));
    vault_bind_bytes(&statement, kq_slice_of(record->hash, sizeof record->hash));
    vault_bind_uint(&statement, record->scrypt_log2_n);
    vault_bind_uint(&statement, record->created);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_put_person(struct vault_store *store, const struct vault_person *record)
{
    return vault_database_write(store, put_person, &record);
}

#define PERSON                                                                                                         \
    "SELECT object_id, user_name, display_name, is_operator, salt, hash, scrypt_log2_n, created FROM person WHERE "

static kq_status take_person(struct vault_statement *statement, struct vault_person *out)
{
    vault_take_text_into(statement, out->object_id, sizeof out->object_id);
    out->user_name = vault_take_text(statement);
    out->display_name = vault_take_text(statement);
    out->is_operator = vault_take_bool(statement);
    vault_take_bytes_into(statement, out->salt, sizeof out->salt);
    vault_take_bytes_into(statement, out->hash, sizeof out->hash);
    out->scrypt_log2_n = vault_take_uint(statement);
    out->created = vault_take_uint(statement);
    return vault_statement_taken(statement);
}

static kq_status find_person(struct vault_store *store, const char *sql, const char *name, struct vault_person *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_AUTO_VALUE(vault_person) record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, sql, &statement));
    vault_bind_text(&statement, name);
    KQ_TRY(vault_statement_row(&statement));
    KQ_TRY(take_person(&statement, &record));
    *out = record;
    record = (struct vault_person){0};
    return KQ_OK;
}

kq_status vault_sqlite_get_person(struct vault_store *store, const char *object_id, struct vault_person *out)
{
    return find_person(store, PERSON "object_id = ?1", object_id, out);
}

kq_status vault_sqlite_find_person(struct vault_store *store, const char *user_name, struct vault_person *out)
{
    return find_person(store, PERSON "user_name = ?1", user_name, out);
}

static kq_status delete_person(struct vault_connection *writer, void *context)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "DELETE FROM person WHERE object_id = ?1", &statement));
    vault_bind_text(&statement, *(const char **)context);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_delete_person(struct vault_store *store, const char *object_id)
{
    return vault_database_write(store, delete_person, &object_id);
}

struct person_list {
    vault_person_row *row;
    void *context;
};

static kq_status person_row(struct vault_sql_list *list, struct vault_statement *statement)
{
    const struct person_list *wanted = list->context;
    KQ_AUTO_VALUE(vault_person) record = {0};
    KQ_TRY(take_person(statement, &record));
    memset(record.salt, 0, sizeof record.salt);
    memset(record.hash, 0, sizeof record.hash);
    vault_list_mark_text(list, record.user_name);
    list->goes_on = wanted->row(wanted->context, &record);
    return KQ_OK;
}

kq_status vault_sqlite_list_people(struct vault_store *store, struct vault_page *page, vault_person_row *row,
                                   void *context)
{
    struct person_list wanted = {.row = row, .context = context};
    KQ_AUTO_VALUE(vault_sql_list) list = {0};
    KQ_TRY(vault_sql_list_begin(&list, store, page, person_row, &wanted));
    KQ_TRY(vault_list_sql(&list, PERSON "user_name > ?1 ORDER BY user_name LIMIT ?2"));
    vault_bind_text(&list.statement, vault_list_marker(&list));
    vault_bind_uint(&list.statement, vault_list_limit(&list));
    return vault_list_run(&list);
}

/* ---- sessions ------------------------------------------------------------------------- */

static kq_status end_sessions(struct vault_connection *writer, uint64_t now)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "DELETE FROM session WHERE expires <= ?1", &statement));
    vault_bind_uint(&statement, now);
    return vault_statement_run(&statement);
}

static kq_status put_session(struct vault_connection *writer, void *context)
{
    const struct vault_session *record = *(const struct vault_session **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(end_sessions(writer, record->created));
    KQ_TRY(vault_statement_begin(writer,
                                 "INSERT INTO session (id, object_id, client_id, hash, previous, rotated, created, "
                                 "expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                                 &statement));
    vault_bind_text(&statement, record->id);
    vault_bind_text(&statement, record->object_id);
    vault_bind_text(&statement, record->client_id);
    vault_bind_bytes(&statement, kq_slice_of(record->hash, sizeof record->hash));
    vault_bind_bytes(&statement, kq_slice_of(record->previous, sizeof record->previous));
    vault_bind_uint(&statement, record->rotated);
    vault_bind_uint(&statement, record->created);
    vault_bind_uint(&statement, record->expires);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_put_session(struct vault_store *store, const struct vault_session *record)
{
    return vault_database_write(store, put_session, &record);
}

kq_status vault_sqlite_find_session(struct vault_store *store, const uint8_t hash[32], struct vault_session *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    struct vault_session record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection,
                                 "SELECT id, object_id, client_id, hash, previous, rotated, created, expires "
                                 "FROM session WHERE hash = ?1 OR previous = ?1 LIMIT 1",
                                 &statement));
    vault_bind_bytes(&statement, kq_slice_of(hash, 32));
    KQ_TRY(vault_statement_row(&statement));
    vault_take_text_into(&statement, record.id, sizeof record.id);
    vault_take_text_into(&statement, record.object_id, sizeof record.object_id);
    vault_take_text_into(&statement, record.client_id, sizeof record.client_id);
    vault_take_bytes_into(&statement, record.hash, sizeof record.hash);
    vault_take_bytes_into(&statement, record.previous, sizeof record.previous);
    record.rotated = vault_take_uint(&statement);
    record.created = vault_take_uint(&statement);
    record.expires = vault_take_uint(&statement);
    KQ_TRY(vault_statement_taken(&statement));
    *out = record;
    return KQ_OK;
}

static kq_status rotate_session(struct vault_connection *writer, void *context)
{
    const struct vault_session *record = *(const struct vault_session **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer,
                                 "UPDATE session SET hash = ?3, previous = ?2, rotated = ?4, expires = ?5 "
                                 "WHERE id = ?1 AND hash = ?2",
                                 &statement));
    vault_bind_text(&statement, record->id);
    vault_bind_bytes(&statement, kq_slice_of(record->previous, sizeof record->previous));
    vault_bind_bytes(&statement, kq_slice_of(record->hash, sizeof record->hash));
    vault_bind_uint(&statement, record->rotated);
    vault_bind_uint(&statement, record->expires);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_rotate_session(struct vault_store *store, const struct vault_session *record)
{
    return vault_database_write(store, rotate_session, &record);
}

static kq_status delete_session(struct vault_connection *writer, void *context)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "DELETE FROM session WHERE id = ?1", &statement));
    vault_bind_text(&statement, *(const char **)context);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_delete_session(struct vault_store *store, const char *id)
{
    return vault_database_write(store, delete_session, &id);
}
