#ifndef VAULT_STORE_SQLITE_KEY_ROWS_H
#define VAULT_STORE_SQLITE_KEY_ROWS_H

#include "vault/store/sqlite/statement.h"

/* Columns of keys (k) and their versions (v), and taking them. What a list of
 * keys shows comes before the bytes, which it does not read. */
#define VAULT_KEY_COLUMNS "k.id, k.vault_id, k.name, k.rotation_policy, k.next_rotation, k.deleted, k.scheduled_purge"
#define VAULT_VERSION_COLUMNS                                                                                          \
    "v.key_id, v.version, v.kty, v.type, v.bits, v.key_ops, v.origin, v.purpose, v.enabled, v.nbf, v.exp, "            \
    "v.created, v.updated, v.tags"
#define VAULT_VERSION_BYTES "v.public_key, v.blob, v.receipt"

void vault_take_key(struct vault_statement *statement, struct vault_key *out);
void vault_take_version(struct vault_statement *statement, struct vault_key_version *out);
void vault_take_version_bytes(struct vault_statement *statement, struct vault_key_version *out);

#endif
