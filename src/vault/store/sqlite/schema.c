#include "vault/store/sqlite/schema.h"

#include <stdio.h>

#include "base/size.h"

/* What leads from one version to the next. A migration that was released never
 * changes: databases in the field have run it. */
static const char *const to_version_1[] = {
    "CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE subscription ("
    "id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, "
    "display_name TEXT NOT NULL, "
    "created INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE resource_group ("
    "subscription TEXT NOT NULL COLLATE NOCASE REFERENCES subscription (id), "
    "name TEXT NOT NULL COLLATE NOCASE, "
    "location TEXT NOT NULL, "
    "tags TEXT, "
    "PRIMARY KEY (subscription, name)) STRICT, WITHOUT ROWID",

    "CREATE TABLE principal ("
    "client_id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, "
    "object_id TEXT NOT NULL COLLATE NOCASE UNIQUE, "
    "display_name TEXT NOT NULL, "
    "is_operator INTEGER NOT NULL, "
    "created INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE client_secret ("
    "id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, "
    "client_id TEXT NOT NULL COLLATE NOCASE REFERENCES principal (client_id) ON DELETE CASCADE, "
    "salt BLOB NOT NULL, "
    "hash BLOB NOT NULL, "
    "scrypt_log2_n INTEGER NOT NULL, "
    "created INTEGER NOT NULL, "
    "expires INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX client_secret_of_client ON client_secret (client_id, created, id)",

    "CREATE TABLE vault ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "subscription TEXT NOT NULL COLLATE NOCASE REFERENCES subscription (id), "
    "resource_group TEXT NOT NULL COLLATE NOCASE, "
    "name TEXT NOT NULL COLLATE NOCASE UNIQUE, "
    "location TEXT NOT NULL, "
    "region TEXT NOT NULL, "
    "is_premium INTEGER NOT NULL, "
    "uses_rbac INTEGER NOT NULL, "
    "has_purge_protection INTEGER NOT NULL, "
    "retention_days INTEGER NOT NULL, "
    "properties TEXT, "
    "tags TEXT, "
    "created INTEGER NOT NULL, "
    "updated INTEGER NOT NULL, "
    "deleted INTEGER NOT NULL, "
    "scheduled_purge INTEGER NOT NULL) STRICT",
    "CREATE INDEX vault_of_group ON vault (subscription, resource_group, name)",
    "CREATE INDEX vault_of_subscription ON vault (subscription, name)",
    "CREATE INDEX vault_to_purge ON vault (scheduled_purge) WHERE scheduled_purge > 0",

    "CREATE TABLE access ("
    "vault_id INTEGER NOT NULL REFERENCES vault (id) ON DELETE CASCADE, "
    "position INTEGER NOT NULL, "
    "object_id TEXT NOT NULL COLLATE NOCASE, "
    "application_id TEXT NOT NULL COLLATE NOCASE, "
    "keys INTEGER NOT NULL, "
    "others TEXT, "
    "PRIMARY KEY (vault_id, position)) STRICT, WITHOUT ROWID",
    "CREATE INDEX access_of_principal ON access (vault_id, object_id, application_id, keys)",

    "CREATE TABLE assignment ("
    "name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, "
    "scope TEXT NOT NULL COLLATE NOCASE, "
    "role TEXT NOT NULL COLLATE NOCASE, "
    "principal_id TEXT NOT NULL COLLATE NOCASE, "
    "created INTEGER NOT NULL, "
    "UNIQUE (scope, role, principal_id)) STRICT, WITHOUT ROWID",
    "CREATE INDEX assignment_of_principal ON assignment (principal_id, name)",

    "CREATE TABLE key ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "vault_id INTEGER NOT NULL REFERENCES vault (id) ON DELETE CASCADE, "
    "name TEXT NOT NULL COLLATE NOCASE, "
    "rotation_policy TEXT, "
    "next_rotation INTEGER NOT NULL, "
    "deleted INTEGER NOT NULL, "
    "scheduled_purge INTEGER NOT NULL, "
    "UNIQUE (vault_id, name)) STRICT",
    "CREATE INDEX key_of_state ON key (vault_id, (deleted <> 0), name)",
    "CREATE INDEX key_to_purge ON key (scheduled_purge) WHERE scheduled_purge > 0",
    "CREATE INDEX key_to_rotate ON key (next_rotation) WHERE next_rotation > 0",

    "CREATE TABLE key_version ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "key_id INTEGER NOT NULL REFERENCES key (id) ON DELETE CASCADE, "
    "version TEXT NOT NULL COLLATE NOCASE, "
    "kty INTEGER NOT NULL, "
    "type INTEGER NOT NULL, "
    "bits INTEGER NOT NULL, "
    "key_ops INTEGER NOT NULL, "
    "origin INTEGER NOT NULL, "
    "purpose INTEGER NOT NULL, "
    "enabled INTEGER NOT NULL, "
    "nbf INTEGER NOT NULL, "
    "exp INTEGER NOT NULL, "
    "created INTEGER NOT NULL, "
    "updated INTEGER NOT NULL, "
    "tags TEXT, "
    "public_key BLOB NOT NULL, "
    "blob BLOB NOT NULL, "
    "receipt BLOB NOT NULL, "
    "UNIQUE (key_id, version)) STRICT",
    "CREATE INDEX key_version_of_key ON key_version (key_id)",
};

static const char *const to_version_2[] = {
    "CREATE TABLE client_certificate ("
    "id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, "
    "client_id TEXT NOT NULL COLLATE NOCASE REFERENCES principal (client_id) ON DELETE CASCADE, "
    "certificate BLOB NOT NULL, "
    "sha256 BLOB NOT NULL, "
    "sha1 BLOB NOT NULL, "
    "not_before INTEGER NOT NULL, "
    "not_after INTEGER NOT NULL, "
    "created INTEGER NOT NULL, "
    "UNIQUE (client_id, sha256)) STRICT, WITHOUT ROWID",
    "CREATE INDEX client_certificate_of_client ON client_certificate (client_id, created, id)",

    "CREATE TABLE person ("
    "object_id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, "
    "user_name TEXT NOT NULL COLLATE NOCASE UNIQUE, "
    "display_name TEXT NOT NULL, "
    "is_operator INTEGER NOT NULL, "
    "salt BLOB NOT NULL, "
    "hash BLOB NOT NULL, "
    "scrypt_log2_n INTEGER NOT NULL, "
    "created INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE session ("
    "id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, "
    "object_id TEXT NOT NULL COLLATE NOCASE REFERENCES person (object_id) ON DELETE CASCADE, "
    "client_id TEXT NOT NULL COLLATE NOCASE, "
    "hash BLOB NOT NULL UNIQUE, "
    "previous BLOB NOT NULL, "
    "rotated INTEGER NOT NULL, "
    "created INTEGER NOT NULL, "
    "expires INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX session_of_previous ON session (previous)",
    "CREATE INDEX session_of_person ON session (object_id)",
    "CREATE INDEX session_to_end ON session (expires)",
};

/* The i-th leads from version i to i + 1. */
static const struct {
    const char *const *statements;
    size_t num;
} migrations[VAULT_DATABASE_VERSION] = {
    {to_version_1, KQ_COUNT_OF(to_version_1)},
    {to_version_2, KQ_COUNT_OF(to_version_2)},
};

static kq_status migrate_once(struct vault_connection *writer, uint64_t version)
{
    for (size_t i = 0; i < migrations[version].num; i++)
        KQ_TRY(vault_connection_run(writer, migrations[version].statements[i]));
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id = %u; PRAGMA user_version = %u",
             (unsigned)VAULT_DATABASE_APPLICATION, (unsigned)version + 1);
    KQ_TRY(vault_connection_run(writer, mark));
    return vault_connection_run(writer, "COMMIT");
}

kq_status vault_schema_migrate(struct vault_connection *writer, uint64_t version)
{
    for (; version < VAULT_DATABASE_VERSION; version++) {
        KQ_TRY(vault_connection_run(writer, "BEGIN IMMEDIATE"));
        kq_status status = migrate_once(writer, version);
        if (status != KQ_OK) {
            kq_ignore(vault_connection_run(writer, "ROLLBACK"), "closing the connection rolls back too");
            return status;
        }
    }
    return KQ_OK;
}
