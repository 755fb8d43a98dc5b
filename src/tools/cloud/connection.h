#ifndef KQ_TOOLS_CLOUD_CONNECTION_H
#define KQ_TOOLS_CLOUD_CONNECTION_H

#include "tools/cloud/account.h"

/* Makes account->client for the account's CA (KEYQUAY_CA wins) and addresses.
 * Errors: said. */
KQ_MUST_CHECK kq_status kq_account_connect(struct kq_tool *tool, struct kq_account *account);

/* Unix seconds. */
uint64_t kq_account_now(void);

#endif
