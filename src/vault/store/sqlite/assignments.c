#include "vault/store/sqlite/lists.h"
#include "vault/store/sqlite/operations.h"

#define ASSIGNMENT "SELECT name, scope, role, principal_id, created FROM assignment "

static kq_status take_assignment(struct vault_statement *statement, struct vault_assignment *out)
{
    vault_take_text_into(statement, out->name, sizeof out->name);
    out->scope = vault_take_text(statement);
    vault_take_text_into(statement, out->role, sizeof out->role);
    vault_take_text_into(statement, out->principal_id, sizeof out->principal_id);
    out->created = vault_take_uint(statement);
    return vault_statement_taken(statement);
}

static kq_status put_assignment(struct vault_connection *writer, void *context)
{
    const struct vault_assignment *record = *(const struct vault_assignment **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        writer, "INSERT INTO assignment (name, scope, role, principal_id, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        &statement));
    vault_bind_text(&statement, record->name);
    vault_bind_text(&statement, record->scope);
    vault_bind_text(&statement, record->role);
    vault_bind_text(&statement, record->principal_id);
    vault_bind_uint(&statement, record->created);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_put_assignment(struct vault_store *store, const struct vault_assignment *record)
{
    return vault_database_write(store, put_assignment, &record);
}

kq_status vault_sqlite_get_assignment(struct vault_store *store, const char *name, struct vault_assignment *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_AUTO_VALUE(vault_assignment) record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, ASSIGNMENT "WHERE name = ?1", &statement));
    vault_bind_text(&statement, name);
    KQ_TRY(vault_statement_row(&statement));
    KQ_TRY(take_assignment(&statement, &record));
    *out = record;
    record = (struct vault_assignment){0};
    return KQ_OK;
}

static kq_status delete_assignment(struct vault_connection *writer, void *context)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "DELETE FROM assignment WHERE name = ?1", &statement));
    vault_bind_text(&statement, *(const char **)context);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_delete_assignment(struct vault_store *store, const char *name)
{
    return vault_database_write(store, delete_assignment, &name);
}

struct assignment_list {
    vault_assignment_row *row;
    void *context;
};

static kq_status assignment_row(struct vault_sql_list *list, struct vault_statement *statement)
{
    const struct assignment_list *wanted = list->context;
    KQ_AUTO_VALUE(vault_assignment) record = {0};
    KQ_TRY(take_assignment(statement, &record));
    vault_list_mark_text(list, record.name);
    list->goes_on = wanted->row(wanted->context, &record);
    return KQ_OK;
}

#define BEGINS "substr(scope, 1, length(?2)) = ?2 COLLATE NOCASE "
#define PAGE "AND name > ?1 ORDER BY name LIMIT ?3"

kq_status vault_sqlite_list_assignments(struct vault_store *store, const char *principal_id, const char *prefix,
                                        struct vault_page *page, vault_assignment_row *row, void *context)
{
    struct assignment_list wanted = {.row = row, .context = context};
    KQ_AUTO_VALUE(vault_sql_list) list = {0};
    KQ_TRY(vault_sql_list_begin(&list, store, page, assignment_row, &wanted));
    if (principal_id == NULL)
        KQ_TRY(vault_list_sql(&list, ASSIGNMENT "WHERE " BEGINS PAGE));
    else
        KQ_TRY(vault_list_sql(&list, ASSIGNMENT "WHERE principal_id = ?4 AND " BEGINS PAGE));
    vault_bind_text(&list.statement, vault_list_marker(&list));
    vault_bind_text(&list.statement, prefix == NULL ? "" : prefix);
    vault_bind_uint(&list.statement, vault_list_limit(&list));
    if (principal_id != NULL)
        vault_bind_text(&list.statement, principal_id);
    return vault_list_run(&list);
}
