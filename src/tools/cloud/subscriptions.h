#ifndef KQ_TOOLS_CLOUD_SUBSCRIPTIONS_H
#define KQ_TOOLS_CLOUD_SUBSCRIPTIONS_H

#include "tools/cloud/account.h"

struct kq_subscription {
    const char *id; /* all borrowed from the answer or the account */
    const char *name;
    const char *tenant_id;
    const char *state;
    bool is_default;
};

/* The account's subscriptions as the management host lists them (an array;
 * release with json_decref()).  Errors: said. */
KQ_MUST_CHECK kq_status kq_subscriptions_get(struct kq_tool *tool, struct kq_account *account, json_t **out);

/* Makes a subscription.  out_id: its id.  Errors: said. */
KQ_MUST_CHECK kq_status kq_subscription_make(struct kq_tool *tool, struct kq_account *account, const char *name,
                                             char out_id[64]);

/* Reads one item of the list; false if it has no id. */
bool kq_subscription_of(const json_t *item, const struct kq_account *account, struct kq_subscription *out);

#endif
