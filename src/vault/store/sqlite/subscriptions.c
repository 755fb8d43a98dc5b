#include "vault/store/sqlite/lists.h"
#include "vault/store/sqlite/operations.h"
#include "vault/store/sqlite/scopes.h"

/* ---- subscriptions ---- */

#define SUBSCRIPTION "SELECT id, display_name, created FROM subscription "

static kq_status take_subscription(struct vault_statement *statement, struct vault_subscription *out)
{
    vault_take_text_into(statement, out->id, sizeof out->id);
    out->display_name = vault_take_text(statement);
    out->created = vault_take_uint(statement);
    return vault_statement_taken(statement);
}

static kq_status put_subscription(struct vault_connection *writer, void *context)
{
    const struct vault_subscription *record = *(const struct vault_subscription **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "INSERT INTO subscription (id, display_name, created) VALUES (?1, ?2, ?3)",
                                 &statement));
    vault_bind_text(&statement, record->id);
    vault_bind_text(&statement, record->display_name);
    vault_bind_uint(&statement, record->created);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_put_subscription(struct vault_store *store, const struct vault_subscription *record)
{
    return vault_database_write(store, put_subscription, &record);
}

kq_status vault_sqlite_get_subscription(struct vault_store *store, const char *id, struct vault_subscription *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_AUTO_VALUE(vault_subscription) record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, SUBSCRIPTION "WHERE id = ?1", &statement));
    vault_bind_text(&statement, id);
    KQ_TRY(vault_statement_row(&statement));
    KQ_TRY(take_subscription(&statement, &record));
    *out = record;
    record = (struct vault_subscription){0};
    return KQ_OK;
}

struct subscription_list {
    vault_subscription_row *row;
    void *context;
};

static kq_status subscription_row(struct vault_sql_list *list, struct vault_statement *statement)
{
    const struct subscription_list *wanted = list->context;
    KQ_AUTO_VALUE(vault_subscription) record = {0};
    KQ_TRY(take_subscription(statement, &record));
    vault_list_mark_text(list, record.id);
    list->goes_on = wanted->row(wanted->context, &record);
    return KQ_OK;
}

kq_status vault_sqlite_list_subscriptions(struct vault_store *store, struct vault_page *page,
                                          vault_subscription_row *row, void *context)
{
    struct subscription_list wanted = {.row = row, .context = context};
    KQ_AUTO_VALUE(vault_sql_list) list = {0};
    KQ_TRY(vault_sql_list_begin(&list, store, page, subscription_row, &wanted));
    KQ_TRY(vault_list_sql(&list, SUBSCRIPTION "WHERE id > ?1 ORDER BY id LIMIT ?2"));
    vault_bind_text(&list.statement, vault_list_marker(&list));
    vault_bind_uint(&list.statement, vault_list_limit(&list));
    return vault_list_run(&list);
}

/* ---- resource groups ---- */

#define GROUP "SELECT subscription, name, location, tags FROM resource_group "

static kq_status take_group(struct vault_statement *statement, struct vault_group *out)
{
    vault_take_text_into(statement, out->subscription, sizeof out->subscription);
    out->name = vault_take_text(statement);
    out->location = vault_take_text(statement);
    out->tags = vault_take_text(statement);
    return vault_statement_taken(statement);
}

struct group_put {
    const struct vault_group *record;
    bool is_new;
};

static kq_status has_group(struct vault_connection *connection, const struct vault_group *record, bool *out)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(connection, "SELECT 1 FROM resource_group WHERE subscription = ?1 AND name = ?2",
                                 &statement));
    vault_bind_text(&statement, record->subscription);
    vault_bind_text(&statement, record->name);
    return vault_statement_step(&statement, out);
}

static kq_status set_group(struct vault_connection *writer, void *context)
{
    struct group_put *act = context;
    bool is_there;
    KQ_TRY(has_group(writer, act->record, &is_there));
    act->is_new = !is_there;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        writer,
        "INSERT INTO resource_group (subscription, name, location, tags) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (subscription, name) DO UPDATE SET location = excluded.location, tags = excluded.tags",
        &statement));
    vault_bind_text(&statement, act->record->subscription);
    vault_bind_text(&statement, act->record->name);
    vault_bind_text(&statement, act->record->location);
    vault_bind_text(&statement, act->record->tags);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_set_group(struct vault_store *store, const struct vault_group *record, bool *out_created)
{
    struct group_put act = {.record = record};
    KQ_TRY(vault_database_write(store, set_group, &act));
    *out_created = act.is_new;
    return KQ_OK;
}

kq_status vault_sqlite_get_group(struct vault_store *store, const char *subscription, const char *name,
                                 struct vault_group *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_AUTO_VALUE(vault_group) record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, GROUP "WHERE subscription = ?1 AND name = ?2", &statement));
    vault_bind_text(&statement, subscription);
    vault_bind_text(&statement, name);
    KQ_TRY(vault_statement_row(&statement));
    KQ_TRY(take_group(&statement, &record));
    *out = record;
    record = (struct vault_group){0};
    return KQ_OK;
}

struct group_name {
    const char *subscription;
    const char *name;
};

/* The next group of this name is another one: nobody keeps a role over it. */
static kq_status forget_assignments(struct vault_connection *writer, const struct group_name *group)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        writer, VAULT_SQL_FORGET("SELECT '/subscriptions/' || ?1 || '/resourcegroups/' || ?2 AS scope"), &statement));
    vault_bind_text(&statement, group->subscription);
    vault_bind_text(&statement, group->name);
    return vault_statement_run(&statement);
}

static kq_status delete_group(struct vault_connection *writer, void *context)
{
    const struct group_name *group = context;
    KQ_AUTO_VALUE(vault_statement) vaults = {0};
    KQ_TRY(vault_statement_begin(
        writer, "SELECT 1 FROM vault WHERE subscription = ?1 AND resource_group = ?2 AND deleted = 0 LIMIT 1",
        &vaults));
    vault_bind_text(&vaults, group->subscription);
    vault_bind_text(&vaults, group->name);
    bool has_vaults;
    KQ_TRY(vault_statement_step(&vaults, &has_vaults));
    if (has_vaults)
        return KQ_ERR_STATE;
    KQ_TRY(forget_assignments(writer, group));
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(
        vault_statement_begin(writer, "DELETE FROM resource_group WHERE subscription = ?1 AND name = ?2", &statement));
    vault_bind_text(&statement, group->subscription);
    vault_bind_text(&statement, group->name);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_delete_group(struct vault_store *store, const char *subscription, const char *name)
{
    struct group_name group = {.subscription = subscription, .name = name};
    return vault_database_write(store, delete_group, &group);
}

struct group_list {
    vault_group_row *row;
    void *context;
};

static kq_status group_row(struct vault_sql_list *list, struct vault_statement *statement)
{
    const struct group_list *wanted = list->context;
    KQ_AUTO_VALUE(vault_group) record = {0};
    KQ_TRY(take_group(statement, &record));
    vault_list_mark_text(list, record.name);
    list->goes_on = wanted->row(wanted->context, &record);
    return KQ_OK;
}

kq_status vault_sqlite_list_groups(struct vault_store *store, const char *subscription, struct vault_page *page,
                                   vault_group_row *row, void *context)
{
    struct group_list wanted = {.row = row, .context = context};
    KQ_AUTO_VALUE(vault_sql_list) list = {0};
    KQ_TRY(vault_sql_list_begin(&list, store, page, group_row, &wanted));
    KQ_TRY(vault_list_sql(&list, GROUP "WHERE subscription = ?1 AND name > ?2 ORDER BY name LIMIT ?3"));
    vault_bind_text(&list.statement, subscription);
    vault_bind_text(&list.statement, vault_list_marker(&list));
    vault_bind_uint(&list.statement, vault_list_limit(&list));
    return vault_list_run(&list);
}
