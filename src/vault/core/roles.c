#include "vault/core/roles.h"

#include <ctype.h>
#include <strings.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})
#define KV "Microsoft.KeyVault/"
#define KEYS KV "vaults/keys/"

/* What the roles over a vault's contents may see of the vault itself. */
#define SEES_VAULTS                                                                                                    \
    LIST("Microsoft.Authorization/*/read", KV "checkNameAvailability/read", KV "deletedVaults/read",                   \
         KV "locations/*/read", KV "vaults/*/read", KV "operations/read",                                              \
         "Microsoft.Resources/subscriptions/resourceGroups/read")

static const struct vault_role roles[] = {
    {"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", "Manages everything, access included.", LIST("*"), NONE, NONE,
     NONE, false},
    {"b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", "Manages everything but who has access.", LIST("*"),
     LIST("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
          "Microsoft.Authorization/elevateAccess/Action"),
     NONE, NONE, false},
    {"acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", "Sees all resources and changes none.", LIST("*/read"), NONE,
     NONE, NONE, false},
    {"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", "Manages who has access.",
     LIST("*/read", "Microsoft.Authorization/*"), NONE, NONE, NONE, false},
    {"f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator",
     "Manages access by assigning roles.",
     LIST("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete", "*/read"),
     NONE, NONE, NONE, false},
    {"f25e0fa2-a7c8-4377-a976-54943a77a395", "Key Vault Contributor",
     "Manages key vaults, but neither roles nor what is in the vaults.",
     LIST("Microsoft.Authorization/*/read", KV "*", "Microsoft.Resources/subscriptions/resourceGroups/read"),
     LIST(KV "locations/deletedVaults/purge/action", KV "hsmPools/*", KV "managedHsms/*"), NONE, NONE, false},
    {"00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator",
     "Does everything with the contents of vaults that use roles, and manages neither vaults nor roles.", SEES_VAULTS,
     NONE, LIST(KV "vaults/*"), NONE, false},
    {"21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader",
     "Sees vaults and the properties of what is in them, never a secret's value.", SEES_VAULTS, NONE,
     LIST(KV "vaults/*/read", KV "vaults/secrets/readMetadata/action"), NONE, false},
    {"a68e7c17-0ab2-4c09-9a58-125dae29748c", "Key Vault Purge Operator", "Purges deleted vaults.",
     LIST(KV "locations/*/read", KV "locations/deletedVaults/purge/action", KV "locations/operationResults/read",
          KV "deletedVaults/read"),
     NONE, NONE, NONE, false},
    {"14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer", "Does everything with keys but give access.",
     SEES_VAULTS, NONE, LIST(KEYS "*", KV "vaults/keyrotationpolicies/*"), NONE, false},
    {"12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User", "Uses keys.", NONE, NONE,
     LIST(KEYS "read", KEYS "update/action", KEYS "backup/action", KEYS "encrypt/action", KEYS "decrypt/action",
          KEYS "wrap/action", KEYS "unwrap/action", KEYS "sign/action", KEYS "verify/action"),
     NONE, false},
    {"e147488a-f6f5-4113-8e2d-b22465e65bf6", "Key Vault Crypto Service Encryption User",
     "Sees keys, wraps and unwraps with them.", NONE, NONE, LIST(KEYS "read", KEYS "wrap/action", KEYS "unwrap/action"),
     NONE, false},
    {"08bbd89e-9f13-488c-ac41-acfcb10c90ab", "Key Vault Crypto Service Release User", "Releases keys.", NONE, NONE,
     LIST(KEYS "release/action"), NONE, false},
    {"a4417e6f-fecd-4de8-b567-7b0420556985", "Key Vault Certificates Officer",
     "Does everything with certificates but give access.", SEES_VAULTS, NONE,
     LIST(KV "vaults/certificatecas/*", KV "vaults/certificates/*", KV "vaults/certificatecontacts/write"), NONE,
     false},
    {"db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", "Key Vault Certificate User", "Reads certificates with their keys.", NONE,
     NONE,
     LIST(KV "vaults/certificates/read", KV "vaults/secrets/getSecret/action", KV "vaults/secrets/readMetadata/action",
          KEYS "read"),
     NONE, false},
    {"b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer",
     "Does everything with secrets but give access.", SEES_VAULTS, NONE, LIST(KV "vaults/secrets/*"), NONE, false},
    {"4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", "Reads secrets.", NONE, NONE,
     LIST(KV "vaults/secrets/getSecret/action", KV "vaults/secrets/readMetadata/action"), NONE, false},
    {"8b54135c-b56d-4d72-a534-26097cfdc8d8", "Key Vault Data Access Administrator",
     "Gives and takes the roles over the contents of vaults.",
     LIST("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",
          "Microsoft.Authorization/*/read", "Microsoft.Resources/subscriptions/resourceGroups/read",
          "Microsoft.Resources/subscriptions/read", KV "vaults/*/read"),
     NONE, NONE, NONE, true},
};
#define NUM_ROLES (sizeof roles / sizeof roles[0])

const struct vault_role *vault_role_at(size_t i)
{
    return i < NUM_ROLES ? &roles[i] : NULL;
}

const struct vault_role *vault_role_find(const char *id)
{
    for (size_t i = 0; i < NUM_ROLES; i++) {
        if (strcasecmp(roles[i].id, id) == 0)
            return &roles[i];
    }
    return NULL;
}

static bool is_same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* On a mismatch the last star takes one character more: no recursion, and at
 * most length times length steps. A star between slashes may stand for no part
 * at all: who may read vaults, their parts included, may read vaults. */
static bool matches(const char *pattern, const char *text)
{
    const char *after_star = NULL, *taken = NULL, *begin = text;
    while (*text != '\0') {
        if (*pattern == '*') {
            after_star = ++pattern;
            if (*pattern == '/' && text > begin && text[-1] == '/')
                text--; /* one slash for both */
            taken = text;
        } else if (is_same_letter(*pattern, *text)) {
            pattern++;
            text++;
        } else if (after_star != NULL) {
            pattern = after_star;
            text = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool is_in(const char *const *patterns, const char *action)
{
    for (; *patterns != NULL; patterns++) {
        if (matches(*patterns, action))
            return true;
    }
    return false;
}

bool vault_role_allows(const struct vault_role *role, const char *action)
{
    return is_in(role->actions, action) && !is_in(role->not_actions, action);
}

bool vault_role_allows_data(const struct vault_role *role, const char *action)
{
    return is_in(role->data_actions, action) && !is_in(role->not_data_actions, action);
}

/* The condition that stands in the role's published definition: it names these. */
bool vault_role_is_data(const struct vault_role *role)
{
    static const char *const ids[] = {"00482a5a-887f-4fb3-b363-3b7fe8e74483",
                                      "a4417e6f-fecd-4de8-b567-7b0420556985",
                                      "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
                                      "e147488a-f6f5-4113-8e2d-b22465e65bf6",
                                      "12338af0-0e69-4776-bea7-57ae8d297424",
                                      "21090545-7ca7-4776-b22c-e363652d74d2",
                                      "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
                                      "4633458b-17de-408a-b874-0445c86b69e6",
                                      NULL};
    return is_in(ids, role->id);
}
