#ifndef VAULT_CORE_PERMISSIONS_H
#define VAULT_CORE_PERMISSIONS_H

#include <stddef.h>
#include <stdint.h>

/* Key permissions of access policies, and the RBAC
 * data action that stands for each. */
#define VAULT_PERMISSIONS(X)                                                                                           \
    X(ENCRYPT, "encrypt", "keys/encrypt/action")                                                                       \
    X(DECRYPT, "decrypt", "keys/decrypt/action")                                                                       \
    X(WRAP, "wrapKey", "keys/wrap/action")                                                                             \
    X(UNWRAP, "unwrapKey", "keys/unwrap/action")                                                                       \
    X(SIGN, "sign", "keys/sign/action")                                                                                \
    X(VERIFY, "verify", "keys/verify/action")                                                                          \
    X(GET, "get", "keys/read")                                                                                         \
    X(LIST, "list", "keys/read")                                                                                       \
    X(CREATE, "create", "keys/create/action")                                                                          \
    X(UPDATE, "update", "keys/update/action")                                                                          \
    X(IMPORT, "import", "keys/import/action")                                                                          \
    X(DELETE, "delete", "keys/delete")                                                                                 \
    X(BACKUP, "backup", "keys/backup/action")                                                                          \
    X(RESTORE, "restore", "keys/restore/action")                                                                       \
    X(RECOVER, "recover", "keys/recover/action")                                                                       \
    X(PURGE, "purge", "keys/purge/action")                                                                             \
    X(RELEASE, "release", "keys/release/action")                                                                       \
    X(ROTATE, "rotate", "keys/rotate/action")                                                                          \
    X(GET_ROTATION_POLICY, "getrotationpolicy", "keyrotationpolicies/read")                                            \
    X(SET_ROTATION_POLICY, "setrotationpolicy", "keyrotationpolicies/write")

#define VAULT_PERMISSION_INDEX_(NAME, text, action) VAULT_PERMISSION_INDEX_##NAME,
enum vault_permission_index { VAULT_PERMISSIONS(VAULT_PERMISSION_INDEX_) VAULT_NUM_PERMISSIONS };
#define VAULT_PERMISSION_BIT_(NAME, text, action) VAULT_PERMISSION_##NAME = 1u << VAULT_PERMISSION_INDEX_##NAME,
enum vault_permission { VAULT_PERMISSIONS(VAULT_PERMISSION_BIT_) };
#define VAULT_PERMISSIONS_ALL ((1u << VAULT_NUM_PERMISSIONS) - 1u)

/* A name of either case to its bit; "all" to all of them; 0: unknown. */
uint32_t vault_permission_find(const char *text);
/* "wrapKey", "keys/wrap/action" for a single bit. */
const char *vault_permission_text(uint32_t permission);
const char *vault_permission_action(uint32_t permission);

#endif
