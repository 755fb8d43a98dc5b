#include "vault/core/permissions.h"

#include <strings.h>

static const struct {
    const char *text;
    const char *action;
} rows[VAULT_NUM_PERMISSIONS] = {
#define ROW(NAME, text, action) [VAULT_PERMISSION_INDEX_##NAME] = {(text), (action)},
    VAULT_PERMISSIONS(ROW)
#undef ROW
};

uint32_t vault_permission_find(const char *text)
{
    if (strcasecmp(text, "all") == 0)
        return VAULT_PERMISSIONS_ALL;
    for (uint32_t i = 0; i < VAULT_NUM_PERMISSIONS; i++) {
        if (strcasecmp(rows[i].text, text) == 0)
            return 1u << i;
    }
    return 0;
}

/* The row of a single bit; the number of rows for anything else. */
static uint32_t index_of(uint32_t permission)
{
    for (uint32_t i = 0; i < VAULT_NUM_PERMISSIONS; i++) {
        if (permission == 1u << i)
            return i;
    }
    return VAULT_NUM_PERMISSIONS;
}

const char *vault_permission_text(uint32_t permission)
{
    uint32_t i = index_of(permission);
    return i < VAULT_NUM_PERMISSIONS ? rows[i].text : "unknown";
}

const char *vault_permission_action(uint32_t permission)
{
    uint32_t i = index_of(permission);
    return i < VAULT_NUM_PERMISSIONS ? rows[i].action : "unknown";
}
