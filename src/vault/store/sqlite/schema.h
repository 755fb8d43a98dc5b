#ifndef VAULT_STORE_SQLITE_SCHEMA_H
#define VAULT_STORE_SQLITE_SCHEMA_H

#include "vault/store/sqlite/database.h"

#define VAULT_DATABASE_APPLICATION 0x4b515653 /* "KQVS" */
#define VAULT_DATABASE_VERSION 2u             /* docs/formats/vault-database.md */

/* Brings a database of an older version (0: empty) up to VAULT_DATABASE_VERSION,
 * one version in one transaction. */
KQ_MUST_CHECK kq_status vault_schema_migrate(struct vault_connection *writer, uint64_t version);

#endif
