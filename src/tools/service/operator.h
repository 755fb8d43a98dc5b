#ifndef KQ_TOOLS_SERVICE_OPERATOR_H
#define KQ_TOOLS_SERVICE_OPERATOR_H

#include "tools/cloud/account.h"

/* The operator's own account: DIR/endpoints.json and DIR/credentials.json.
 * out_found says whether there are credentials (and nothing was said if not).
 * Errors: said. */
KQ_MUST_CHECK kq_status kq_operator_account(struct kq_tool *tool, const char *data, struct kq_account *out,
                                            bool *out_found);

/* "NAME:LOCATION"; false if it is not that, or there is no such location. */
struct kq_vault_wish {
    char name[32];
    char location[64];
    const struct kq_region *region;
};
bool kq_vault_wish_parse(const char *text, struct kq_vault_wish *out);

#endif
