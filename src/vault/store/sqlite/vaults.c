#include "vault/store/sqlite/lists.h"
#include "vault/store/sqlite/operations.h"
#include "vault/store/sqlite/scopes.h"

#define VAULT                                                                                                          \
    "SELECT id, subscription, resource_group, name, location, region, is_premium, uses_rbac, has_purge_protection, "   \
    "retention_days, properties, tags, created, updated, deleted, scheduled_purge FROM vault "

static kq_status take_vault(struct vault_statement *statement, struct vault_record *out)
{
    out->id = vault_take_uint(statement);
    vault_take_text_into(statement, out->subscription, sizeof out->subscription);
    out->group = vault_take_text(statement);
    out->name = vault_take_text(statement);
    out->location = vault_take_text(statement);
    out->region = vault_take_text(statement);
    out->is_premium = vault_take_bool(statement);
    out->uses_rbac = vault_take_bool(statement);
    out->has_purge_protection = vault_take_bool(statement);
    out->retention_days = vault_take_uint32(statement);
    out->properties = vault_take_text(statement);
    out->tags = vault_take_text(statement);
    out->created = vault_take_uint(statement);
    out->updated = vault_take_uint(statement);
    out->deleted = vault_take_uint(statement);
    out->scheduled_purge = vault_take_uint(statement);
    return vault_statement_taken(statement);
}

static kq_status take_one(struct vault_statement *statement, struct vault_record *out)
{
    KQ_AUTO_VALUE(vault_record) record = {0};
    KQ_TRY(vault_statement_row(statement));
    KQ_TRY(take_vault(statement, &record));
    *out = record;
    record = (struct vault_record){0};
    return KQ_OK;
}

kq_status vault_sqlite_get_vault(struct vault_store *store, const char *name, struct vault_record *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, VAULT "WHERE name = ?1", &statement));
    vault_bind_text(&statement, name);
    return take_one(&statement, out);
}

kq_status vault_sqlite_get_vault_by_id(struct vault_store *store, uint64_t id, struct vault_record *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, VAULT "WHERE id = ?1", &statement));
    vault_bind_uint(&statement, id);
    return take_one(&statement, out);
}

/* ---- changes ---- */

struct vault_change {
    const struct vault_record *record;
    const struct vault_access *access;
    size_t num_access;
    uint64_t id;
};

static kq_status forget_access(struct vault_connection *writer, uint64_t vault_id)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "DELETE FROM access WHERE vault_id = ?1", &statement));
    vault_bind_uint(&statement, vault_id);
    return vault_statement_run(&statement);
}

static kq_status put_access(struct vault_connection *writer, uint64_t vault_id, uint64_t position,
                            const struct vault_access *access)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer,
                                 "INSERT INTO access (vault_id, position, object_id, application_id, keys, others) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                                 &statement));
    vault_bind_uint(&statement, vault_id);
    vault_bind_uint(&statement, position);
    vault_bind_text(&statement, access->object_id);
    vault_bind_text(&statement, access->application_id);
    vault_bind_uint(&statement, access->keys);
    vault_bind_text(&statement, access->others);
    return vault_statement_run(&statement);
}

static kq_status put_policy(struct vault_connection *writer, const struct vault_change *change)
{
    for (size_t i = 0; i < change->num_access; i++)
        KQ_TRY(put_access(writer, change->id, i, &change->access[i]));
    return KQ_OK;
}

/* What a change of a vault may change, in the order of both statements. */
static void bind_changeable(struct vault_statement *statement, const struct vault_record *record)
{
    vault_bind_text(statement, record->group);
    vault_bind_uint(statement, record->is_premium);
    vault_bind_uint(statement, record->uses_rbac);
    vault_bind_uint(statement, record->has_purge_protection);
    vault_bind_uint(statement, record->retention_days);
    vault_bind_text(statement, record->properties);
    vault_bind_text(statement, record->tags);
    vault_bind_uint(statement, record->updated);
    vault_bind_uint(statement, record->deleted);
    vault_bind_uint(statement, record->scheduled_purge);
}

static kq_status put_vault(struct vault_connection *writer, void *context)
{
    struct vault_change *change = context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        writer,
        "INSERT INTO vault (resource_group, is_premium, uses_rbac, has_purge_protection, retention_days, properties, "
        "tags, updated, deleted, scheduled_purge, subscription, name, location, region, created) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        &statement));
    bind_changeable(&statement, change->record);
    vault_bind_text(&statement, change->record->subscription);
    vault_bind_text(&statement, change->record->name);
    vault_bind_text(&statement, change->record->location);
    vault_bind_text(&statement, change->record->region);
    vault_bind_uint(&statement, change->record->created);
    KQ_TRY(vault_statement_run(&statement));
    change->id = (uint64_t)sqlite3_last_insert_rowid(writer->database);
    return put_policy(writer, change);
}

kq_status vault_sqlite_put_vault(struct vault_store *store, struct vault_record *record,
                                 const struct vault_access *access, size_t num_access)
{
    if (num_access > VAULT_ACCESS_MAX)
        return KQ_ERR_TOO_LARGE;
    struct vault_change change = {.record = record, .access = access, .num_access = num_access};
    KQ_TRY(vault_database_write(store, put_vault, &change));
    record->id = change.id;
    return KQ_OK;
}

static kq_status update_vault(struct vault_connection *writer, void *context)
{
    struct vault_change *change = context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        writer,
        "UPDATE vault SET resource_group = ?1, is_premium = ?2, uses_rbac = ?3, has_purge_protection = ?4, "
        "retention_days = ?5, properties = ?6, tags = ?7, updated = ?8, deleted = ?9, scheduled_purge = ?10 "
        "WHERE id = ?11",
        &statement));
    bind_changeable(&statement, change->record);
    vault_bind_uint(&statement, change->id);
    KQ_TRY(vault_statement_change(&statement));
    if (change->access == NULL)
        return KQ_OK;
    KQ_TRY(forget_access(writer, change->id));
    return put_policy(writer, change);
}

kq_status vault_sqlite_update_vault(struct vault_store *store, const struct vault_record *record,
                                    const struct vault_access *access, size_t num_access)
{
    if (num_access > VAULT_ACCESS_MAX)
        return KQ_ERR_TOO_LARGE;
    struct vault_change change = {.record = record, .access = access, .num_access = num_access, .id = record->id};
    return vault_database_write(store, update_vault, &change);
}

/* ---- purging ---- */

/* A large vault goes in slices, so that other writers and the log of the
 * database do not suffer. From the first slice on it has a name that no vault
 * can have, stands at the head of what is due, and nobody finds it by name. */
#define PURGE_SLICE 500
#define PURGE_SLICES_MAX 20u
#define TEXT_OF_(value) #value
#define TEXT_OF(value) TEXT_OF_(value)

struct vault_purge {
    uint64_t id;
    bool is_done;
};

static kq_status run_on_vault(struct vault_connection *writer, const char *sql, uint64_t id)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, sql, &statement));
    vault_bind_uint(&statement, id);
    return vault_statement_change(&statement);
}

/* The next vault of this name is another one: nobody keeps a role over it. */
static kq_status forget_assignments(struct vault_connection *writer, uint64_t id)
{
    kq_status status = run_on_vault(
        writer, VAULT_SQL_FORGET("SELECT " VAULT_SQL_SCOPE_OF_VAULT " AS scope FROM vault WHERE id = ?1"), id);
    return status == KQ_ERR_NOT_FOUND ? KQ_OK : status;
}

static kq_status purge_slice(struct vault_connection *writer, void *context)
{
    struct vault_purge *purge = context;
    KQ_TRY(forget_assignments(writer, purge->id));
    KQ_TRY(run_on_vault(writer,
                        "UPDATE vault SET name = '#' || id, deleted = max(deleted, 1), scheduled_purge = 1 "
                        "WHERE id = ?1",
                        purge->id));
    kq_status status = run_on_vault(
        writer, "DELETE FROM key WHERE id IN (SELECT id FROM key WHERE vault_id = ?1 LIMIT " TEXT_OF(PURGE_SLICE) ")",
        purge->id);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return status;
    purge->is_done = status == KQ_ERR_NOT_FOUND || sqlite3_changes(writer->database) < PURGE_SLICE;
    return !purge->is_done ? KQ_OK : run_on_vault(writer, "DELETE FROM vault WHERE id = ?1", purge->id);
}

kq_status vault_sqlite_purge_vault(struct vault_store *store, uint64_t id)
{
    struct vault_purge purge = {.id = id};
    for (size_t i = 0; i < PURGE_SLICES_MAX && !purge.is_done; i++)
        KQ_TRY(vault_database_write(store, purge_slice, &purge));
    return KQ_OK;
}

/* ---- lists ---- */

struct vault_filter {
    vault_vault_row *row;
    void *context;
};

static kq_status vault_row(struct vault_sql_list *list, struct vault_statement *statement)
{
    const struct vault_filter *wanted = list->context;
    KQ_AUTO_VALUE(vault_record) record = {0};
    KQ_TRY(take_vault(statement, &record));
    vault_list_mark_text(list, record.name);
    list->goes_on = wanted->row(wanted->context, &record);
    return KQ_OK;
}

/* ?5 and ?6 are the subscription and the group, where the list is of one. */
#define IN_STATE "(deleted <> 0) BETWEEN ?1 AND ?2 AND name > ?3 "
#define PAGE "ORDER BY name LIMIT ?4"

kq_status vault_sqlite_list_vaults(struct vault_store *store, const char *subscription, const char *group,
                                   enum vault_list_state state, struct vault_page *page, vault_vault_row *row,
                                   void *context)
{
    struct vault_filter wanted = {.row = row, .context = context};
    KQ_AUTO_VALUE(vault_sql_list) list = {0};
    KQ_TRY(vault_sql_list_begin(&list, store, page, vault_row, &wanted));
    if (subscription == NULL)
        KQ_TRY(vault_list_sql(&list, VAULT "WHERE " IN_STATE PAGE));
    else if (group == NULL)
        KQ_TRY(vault_list_sql(&list, VAULT "WHERE subscription = ?5 AND " IN_STATE PAGE));
    else
        KQ_TRY(vault_list_sql(&list, VAULT "WHERE subscription = ?5 AND resource_group = ?6 AND " IN_STATE PAGE));
    vault_bind_uint(&list.statement, state == VAULT_LIST_DELETED);
    vault_bind_uint(&list.statement, state != VAULT_LIST_ACTIVE);
    const char *marker = vault_list_marker(&list);
    vault_bind_text(&list.statement, marker[0] == '\0' ? "$" : marker); /* behind '#': what is being purged */
    vault_bind_uint(&list.statement, vault_list_limit(&list));
    if (subscription != NULL)
        vault_bind_text(&list.statement, subscription);
    if (subscription != NULL && group != NULL)
        vault_bind_text(&list.statement, group);
    return vault_list_run(&list);
}
