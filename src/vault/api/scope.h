#ifndef VAULT_API_SCOPE_H
#define VAULT_API_SCOPE_H

#include <stdbool.h>

#include "vault/core/names.h"

/* Resource ids of the control plane: a subscription, a group, a vault or one
 * key. What is deeper is filled only if what holds it is. */
struct vault_scope {
    char subscription[VAULT_GUID_LEN + 1];
    char group[VAULT_GROUP_NAME_MAX + 1];
    char vault[VAULT_NAME_MAX + 1];
    char key[VAULT_KEY_NAME_MAX + 1];
};
#define VAULT_SCOPE_TEXT_SIZE 420

/* Reads "/subscriptions/S[/resourceGroups/G[/providers/Microsoft.KeyVault/vaults/V[/keys/K]]]".
 * The fixed words in any case, slashes at the end ignored. false: no such id. */
bool vault_scope_parse(const char *text, struct vault_scope *out);

/* The id as resources show it. */
void vault_scope_text(const struct vault_scope *scope, char out[VAULT_SCOPE_TEXT_SIZE]);
/* The id in lower case, as the store keeps it. */
void vault_scope_lower(const struct vault_scope *scope, char out[VAULT_SCOPE_TEXT_SIZE]);

/* Is inner the same as outer, or in it? Without regard to case. */
bool vault_scope_covers(const char *outer, const char *inner);

#endif
