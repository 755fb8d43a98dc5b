#ifndef VAULT_STORE_SQLITE_SCOPES_H
#define VAULT_STORE_SQLITE_SCOPES_H

/* Role assignments go with what they were given over: who makes another
 * resource of that name has not given them. */

/* The scope of a row of vault, as table assignment writes it. */
#define VAULT_SQL_SCOPE_OF_VAULT                                                                                       \
    "'/subscriptions/' || vault.subscription || '/resourcegroups/' || vault.resource_group || "                        \
    "'/providers/microsoft.keyvault/vaults/' || vault.name"

/* Removes the assignments at the scope that a SELECT gives as "scope", and those below it: after a slash, which '0'
 * follows. */
#define VAULT_SQL_FORGET(select)                                                                                       \
    "DELETE FROM assignment WHERE name IN (SELECT assignment.name FROM (" select ") AS gone, assignment "              \
    "WHERE assignment.scope = gone.scope "                                                                             \
    "OR (assignment.scope > gone.scope || '/' AND assignment.scope < gone.scope || '0'))"

#endif
