#include "vault/store/sqlite/key_rows.h"
#include "vault/store/sqlite/lists.h"
#include "vault/store/sqlite/operations.h"

void vault_take_key(struct vault_statement *statement, struct vault_key *out)
{
    out->id = vault_take_uint(statement);
    out->vault_id = vault_take_uint(statement);
    vault_take_text_into(statement, out->name, sizeof out->name);
    out->rotation_policy = vault_take_text(statement);
    out->next_rotation = vault_take_uint(statement);
    out->deleted = vault_take_uint(statement);
    out->scheduled_purge = vault_take_uint(statement);
}

void vault_take_version(struct vault_statement *statement, struct vault_key_version *out)
{
    out->key_id = vault_take_uint(statement);
    vault_take_text_into(statement, out->version, sizeof out->version);
    out->kty = vault_take_uint32(statement);
    out->type = vault_take_uint32(statement);
    out->bits = vault_take_uint32(statement);
    out->key_ops = vault_take_uint32(statement);
    out->origin = vault_take_uint32(statement);
    out->purpose = vault_take_uint32(statement);
    out->enabled = vault_take_bool(statement);
    out->nbf = vault_take_uint(statement);
    out->exp = vault_take_uint(statement);
    out->created = vault_take_uint(statement);
    out->updated = vault_take_uint(statement);
    out->tags = vault_take_text(statement);
}

void vault_take_version_bytes(struct vault_statement *statement, struct vault_key_version *out)
{
    vault_take_bytes(statement, &out->public_key);
    vault_take_bytes(statement, &out->blob);
    vault_take_bytes(statement, &out->receipt);
}

#define WHOLE "SELECT " VAULT_VERSION_COLUMNS ", " VAULT_VERSION_BYTES " FROM key_version v "

kq_status vault_sqlite_get_key_version(struct vault_store *store, uint64_t key_id, const char *version,
                                       struct vault_key_version *out)
{
    bool is_newest = version == NULL || version[0] == '\0';
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_AUTO_VALUE(vault_key_version) record = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    if (is_newest)
        KQ_TRY(vault_statement_begin(reader.connection, WHOLE "WHERE v.key_id = ?1 ORDER BY v.id DESC LIMIT 1",
                                     &statement));
    else
        KQ_TRY(vault_statement_begin(reader.connection, WHOLE "WHERE v.key_id = ?1 AND v.version = ?2", &statement));
    vault_bind_uint(&statement, key_id);
    if (!is_newest)
        vault_bind_text(&statement, version);
    KQ_TRY(vault_statement_row(&statement));
    vault_take_version(&statement, &record);
    vault_take_version_bytes(&statement, &record);
    KQ_TRY(vault_statement_taken(&statement));
    *out = record;
    record = (struct vault_key_version){0};
    return KQ_OK;
}

/* ---- versions of a key ---- */

struct version_list {
    vault_version_row *row;
    void *context;
};

static kq_status version_row(struct vault_sql_list *list, struct vault_statement *statement)
{
    const struct version_list *wanted = list->context;
    KQ_AUTO_VALUE(vault_key_version) record = {0};
    uint64_t id = vault_take_uint(statement);
    vault_take_version(statement, &record);
    vault_take_version_bytes(statement, &record);
    KQ_TRY(vault_statement_taken(statement));
    vault_list_mark_id(list, id);
    list->goes_on = wanted->row(wanted->context, &record);
    return KQ_OK;
}

kq_status vault_sqlite_list_versions(struct vault_store *store, uint64_t key_id, struct vault_page *page,
                                     vault_version_row *row, void *context)
{
    struct version_list wanted = {.row = row, .context = context};
    KQ_AUTO_VALUE(vault_sql_list) list = {0};
    KQ_TRY(vault_sql_list_begin(&list, store, page, version_row, &wanted));
    uint64_t before;
    KQ_TRY(vault_list_marker_id(&list, &before));
    KQ_TRY(vault_list_sql(&list, "SELECT v.id, " VAULT_VERSION_COLUMNS ", " VAULT_VERSION_BYTES
                                 " FROM key_version v WHERE v.key_id = ?1 AND v.id < ?2 ORDER BY v.id DESC LIMIT ?3"));
    vault_bind_uint(&list.statement, key_id);
    vault_bind_uint(&list.statement, before);
    vault_bind_uint(&list.statement, vault_list_limit(&list));
    return vault_list_run(&list);
}

/* ---- keys of a vault ---- */

struct key_list {
    vault_key_row *row;
    void *context;
};

static kq_status key_row(struct vault_sql_list *list, struct vault_statement *statement)
{
    const struct key_list *wanted = list->context;
    KQ_AUTO_VALUE(vault_key) key = {0};
    KQ_AUTO_VALUE(vault_key_version) newest = {0};
    vault_take_key(statement, &key);
    vault_take_version(statement, &newest);
    KQ_TRY(vault_statement_taken(statement));
    vault_list_mark_text(list, key.name);
    list->goes_on = wanted->row(wanted->context, &key, &newest);
    return KQ_OK;
}

#define KEYS                                                                                                           \
    "SELECT " VAULT_KEY_COLUMNS ", " VAULT_VERSION_COLUMNS " FROM key k CROSS JOIN key_version v "                     \
    "ON v.id = (SELECT max(n.id) FROM key_version n WHERE n.key_id = k.id) "                                           \
    "WHERE k.vault_id = ?1 AND k.name > ?2 "
#define PAGE "ORDER BY k.name LIMIT ?3"

kq_status vault_sqlite_list_keys(struct vault_store *store, uint64_t vault_id, enum vault_list_state state,
                                 struct vault_page *page, vault_key_row *row, void *context)
{
    struct key_list wanted = {.row = row, .context = context};
    KQ_AUTO_VALUE(vault_sql_list) list = {0};
    KQ_TRY(vault_sql_list_begin(&list, store, page, key_row, &wanted));
    if (state == VAULT_LIST_BOTH)
        KQ_TRY(vault_list_sql(&list, KEYS PAGE));
    else
        KQ_TRY(vault_list_sql(&list, KEYS "AND (k.deleted <> 0) = ?4 " PAGE));
    vault_bind_uint(&list.statement, vault_id);
    vault_bind_text(&list.statement, vault_list_marker(&list));
    vault_bind_uint(&list.statement, vault_list_limit(&list));
    if (state != VAULT_LIST_BOTH)
        vault_bind_uint(&list.statement, state == VAULT_LIST_DELETED);
    return vault_list_run(&list);
}
