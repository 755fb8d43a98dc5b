#include "vault/store/sqlite/key_rows.h"
#include "vault/store/sqlite/operations.h"
#include "vault/store/sqlite/scopes.h"

#include <string.h>

static kq_status take_one(struct vault_statement *statement, struct vault_key *out)
{
    KQ_AUTO_VALUE(vault_key) record = {0};
    KQ_TRY(vault_statement_row(statement));
    vault_take_key(statement, &record);
    KQ_TRY(vault_statement_taken(statement));
    *out = record;
    record = (struct vault_key){0};
    return KQ_OK;
}

static kq_status find_key(struct vault_connection *connection, uint64_t vault_id, const char *name,
                          struct vault_key *out)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        connection, "SELECT " VAULT_KEY_COLUMNS " FROM key k WHERE k.vault_id = ?1 AND k.name = ?2", &statement));
    vault_bind_uint(&statement, vault_id);
    vault_bind_text(&statement, name);
    return take_one(&statement, out);
}

kq_status vault_sqlite_get_key(struct vault_store *store, uint64_t vault_id, const char *name, struct vault_key *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    return find_key(reader.connection, vault_id, name, out);
}

kq_status vault_sqlite_get_key_by_id(struct vault_store *store, uint64_t id, struct vault_key *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, "SELECT " VAULT_KEY_COLUMNS " FROM key k WHERE k.id = ?1",
                                 &statement));
    vault_bind_uint(&statement, id);
    return take_one(&statement, out);
}

/* ---- putting ---- */

/* A key's versions on their way in; ids are told after the commit. */
struct key_put {
    const struct vault_key *key;
    struct vault_key_version *versions;
    size_t num_versions;
    uint64_t id;
};

/* KQ_ERR_NOT_FOUND: no such vault; KQ_ERR_STATE: it is deleted. */
static kq_status check_vault(struct vault_connection *writer, uint64_t vault_id)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "SELECT deleted FROM vault WHERE id = ?1", &statement));
    vault_bind_uint(&statement, vault_id);
    KQ_TRY(vault_statement_row(&statement));
    return vault_take_bool(&statement) ? KQ_ERR_STATE : KQ_OK;
}

static kq_status insert_key(struct vault_connection *writer, struct key_put *put)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        writer,
        "INSERT INTO key (vault_id, name, rotation_policy, next_rotation, deleted, scheduled_purge) "
        "VALUES (?1, ?2, ?3, ?4, 0, 0)",
        &statement));
    vault_bind_uint(&statement, put->key->vault_id);
    vault_bind_text(&statement, put->key->name);
    vault_bind_text(&statement, put->key->rotation_policy);
    vault_bind_uint(&statement, put->key->next_rotation);
    KQ_TRY(vault_statement_run(&statement));
    put->id = (uint64_t)sqlite3_last_insert_rowid(writer->database);
    return KQ_OK;
}

static kq_status set_next_rotation(struct vault_connection *writer, uint64_t key_id, uint64_t next_rotation)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "UPDATE key SET next_rotation = ?1 WHERE id = ?2", &statement));
    vault_bind_uint(&statement, next_rotation);
    vault_bind_uint(&statement, key_id);
    return vault_statement_change(&statement);
}

static kq_status insert_version(struct vault_connection *writer, uint64_t key_id,
                                const struct vault_key_version *version)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        writer,
        "INSERT INTO key_version (key_id, version, kty, type, bits, key_ops, origin, purpose, enabled, nbf, exp, "
        "created, updated, tags, public_key, blob, receipt) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        &statement));
    vault_bind_uint(&statement, key_id);
    vault_bind_text(&statement, version->version);
    vault_bind_uint(&statement, version->kty);
    vault_bind_uint(&statement, version->type);
    vault_bind_uint(&statement, version->bits);
    vault_bind_uint(&statement, version->key_ops);
    vault_bind_uint(&statement, version->origin);
    vault_bind_uint(&statement, version->purpose);
    vault_bind_uint(&statement, version->enabled);
    vault_bind_uint(&statement, version->nbf);
    vault_bind_uint(&statement, version->exp);
    vault_bind_uint(&statement, version->created);
    vault_bind_uint(&statement, version->updated);
    vault_bind_text(&statement, version->tags);
    vault_bind_bytes(&statement, kq_buffer_slice(&version->public_key));
    vault_bind_bytes(&statement, kq_buffer_slice(&version->blob));
    vault_bind_bytes(&statement, kq_buffer_slice(&version->receipt));
    return vault_statement_run(&statement);
}

/* A plan is only as good as the policy that it was made by. */
static bool is_planned_by(const struct vault_key *found, const struct vault_key *key)
{
    if (found->rotation_policy == NULL || key->rotation_policy == NULL)
        return found->rotation_policy == key->rotation_policy;
    return strcmp(found->rotation_policy, key->rotation_policy) == 0;
}

/* The key a version is for: found and fit, or made. */
static kq_status find_or_insert_key(struct vault_connection *writer, struct key_put *put)
{
    KQ_AUTO_VALUE(vault_key) found = {0};
    kq_status status = find_key(writer, put->key->vault_id, put->key->name, &found);
    if (status == KQ_ERR_NOT_FOUND && put->key->id == 0) /* one that was read before and is gone was purged */
        return insert_key(writer, put);
    KQ_TRY(status);
    if (found.deleted != 0)
        return KQ_ERR_STATE;
    if (strcmp(found.name, put->key->name) != 0)
        return KQ_ERR_MISMATCH;
    put->id = found.id;
    bool has_plan = put->key->id == found.id && is_planned_by(&found, put->key);
    return has_plan ? set_next_rotation(writer, found.id, put->key->next_rotation) : KQ_OK;
}

static kq_status put_version(struct vault_connection *writer, void *context)
{
    struct key_put *put = context;
    KQ_TRY(check_vault(writer, put->key->vault_id));
    KQ_TRY(find_or_insert_key(writer, put));
    return insert_version(writer, put->id, &put->versions[0]);
}

static kq_status put_restored(struct vault_connection *writer, void *context)
{
    struct key_put *put = context;
    KQ_TRY(check_vault(writer, put->key->vault_id));
    KQ_TRY(insert_key(writer, put));
    for (size_t i = 0; i < put->num_versions; i++)
        KQ_TRY(insert_version(writer, put->id, &put->versions[i]));
    return KQ_OK;
}

static void tell_ids(const struct key_put *put, struct vault_key *key)
{
    key->id = put->id;
    for (size_t i = 0; i < put->num_versions; i++)
        put->versions[i].key_id = put->id;
}

kq_status vault_sqlite_put_key_version(struct vault_store *store, struct vault_key *key,
                                       struct vault_key_version *version)
{
    struct key_put put = {.key = key, .versions = version, .num_versions = 1};
    KQ_TRY(vault_database_write(store, put_version, &put));
    tell_ids(&put, key);
    return KQ_OK;
}

kq_status vault_sqlite_put_restored_key(struct vault_store *store, struct vault_key *key,
                                        struct vault_key_version *versions, size_t num_versions)
{
    if (num_versions == 0)
        return KQ_ERR_ARGUMENT;
    struct key_put put = {.key = key, .versions = versions, .num_versions = num_versions};
    KQ_TRY(vault_database_write(store, put_restored, &put));
    tell_ids(&put, key);
    return KQ_OK;
}

/* ---- changing ---- */

static kq_status update_key(struct vault_connection *writer, void *context)
{
    const struct vault_key *key = *(const struct vault_key **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(
        writer,
        "UPDATE key SET rotation_policy = ?1, next_rotation = ?2, deleted = ?3, scheduled_purge = ?4 WHERE id = ?5",
        &statement));
    vault_bind_text(&statement, key->rotation_policy);
    vault_bind_uint(&statement, key->next_rotation);
    vault_bind_uint(&statement, key->deleted);
    vault_bind_uint(&statement, key->scheduled_purge);
    vault_bind_uint(&statement, key->id);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_update_key(struct vault_store *store, const struct vault_key *key)
{
    return vault_database_write(store, update_key, &key);
}

static kq_status update_version(struct vault_connection *writer, void *context)
{
    const struct vault_key_version *version = *(const struct vault_key_version **)context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer,
                                 "UPDATE key_version SET enabled = ?1, nbf = ?2, exp = ?3, key_ops = ?4, tags = ?5, "
                                 "updated = ?6 WHERE key_id = ?7 AND version = ?8",
                                 &statement));
    vault_bind_uint(&statement, version->enabled);
    vault_bind_uint(&statement, version->nbf);
    vault_bind_uint(&statement, version->exp);
    vault_bind_uint(&statement, version->key_ops);
    vault_bind_text(&statement, version->tags);
    vault_bind_uint(&statement, version->updated);
    vault_bind_uint(&statement, version->key_id);
    vault_bind_text(&statement, version->version);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_update_key_version(struct vault_store *store, const struct vault_key_version *version)
{
    return vault_database_write(store, update_version, &version);
}

static kq_status forget_assignments(struct vault_connection *writer, uint64_t key_id)
{
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(
        vault_statement_begin(writer,
                              VAULT_SQL_FORGET("SELECT " VAULT_SQL_SCOPE_OF_VAULT " || '/keys/' || key.name AS scope "
                                               "FROM key JOIN vault ON vault.id = key.vault_id WHERE key.id = ?1"),
                              &statement));
    vault_bind_uint(&statement, key_id);
    return vault_statement_run(&statement);
}

static kq_status purge_key(struct vault_connection *writer, void *context)
{
    KQ_TRY(forget_assignments(writer, *(uint64_t *)context));
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer, "DELETE FROM key WHERE id = ?1", &statement));
    vault_bind_uint(&statement, *(uint64_t *)context);
    return vault_statement_change(&statement);
}

kq_status vault_sqlite_purge_key(struct vault_store *store, uint64_t key_id)
{
    return vault_database_write(store, purge_key, &key_id);
}
