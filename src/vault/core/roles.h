#ifndef VAULT_CORE_ROLES_H
#define VAULT_CORE_ROLES_H

#include <stdbool.h>
#include <stddef.h>

/* The built-in roles of role-based access (azure-key-vault facts 3.3, and the
 * general ones), by their published ids. One const table; nothing else knows.
 * Lists are NULL-terminated; a star stands for any run of characters. Roles
 * for secrets and certificates are there to be assigned; nothing here asks for
 * what they allow. */
struct vault_role {
    const char *id; /* a GUID, lower case */
    const char *name;
    const char *description;
    const char *const *actions;
    const char *const *not_actions;
    const char *const *data_actions;
    const char *const *not_data_actions;
    bool assigns_data_roles_only; /* of role assignments, it may write those of vault_role_is_data() alone */
};

/* NULL for an unknown id. */
const struct vault_role *vault_role_find(const char *id);
/* The i-th role; NULL after the last. */
const struct vault_role *vault_role_at(size_t i);
/* action  "Microsoft.KeyVault/vaults/write", in any case */
bool vault_role_allows(const struct vault_role *role, const char *action);
/* action  "Microsoft.KeyVault/vaults/keys/sign/action", in any case */
bool vault_role_allows_data(const struct vault_role *role, const char *action);
/* Is it one of the roles over the contents of vaults, which a Key Vault Data
 * Access Administrator may give? */
bool vault_role_is_data(const struct vault_role *role);

#endif
