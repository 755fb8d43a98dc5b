#ifndef KQ_TOOLS_CLOUD_VAULTS_H
#define KQ_TOOLS_CLOUD_VAULTS_H

#include "tools/cloud/account.h"

struct kq_vault_plan {
    const char *name;
    const char *location; /* display or programmatic name */
    const char *sku;      /* "premium", "standard" */
    const char *subscription;
    const char *group;
};

/* Makes the resource group if it is missing, then the vault, whose access
 * policy gives the caller every key permission.
 * out  the vault as the service shows it; release with json_decref()
 * Errors said; KQ_ERR_EXISTS when the name is taken */
KQ_MUST_CHECK kq_status kq_vault_make(struct kq_tool *tool, struct kq_account *account,
                                      const struct kq_vault_plan *plan, json_t **out);

/* The vaults of one subscription (an array).  Errors: said. */
KQ_MUST_CHECK kq_status kq_vaults_get(struct kq_tool *tool, struct kq_account *account, const char *subscription,
                                      json_t **out);

/* A vault of this name in any of the account's subscriptions; *out is NULL if there is none.
 * Errors: said. */
KQ_MUST_CHECK kq_status kq_vault_find(struct kq_tool *tool, struct kq_account *account, const char *name, json_t **out);

#endif
