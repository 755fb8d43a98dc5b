#ifndef VAULT_API_GROUPS_H
#define VAULT_API_GROUPS_H

#include "vault/api/call.h"

/* Resource groups: handlers of vault_subscription_routes. */
vault_handler vault_groups_list;
vault_handler vault_groups_get;
vault_handler vault_groups_check; /* HEAD */
vault_handler vault_groups_put;
vault_handler vault_groups_patch;
/* Deletes the vaults of the group first, softly: they may be recovered into a group of the same name. */
vault_handler vault_groups_delete;

#endif
