#ifndef KQ_TOOLS_SERVICE_OPERATOR_H
#define KQ_TOOLS_SERVICE_OPERATOR_H

#include "tools/cloud/account.h"

/* The operator's own account: DIR/endpoints.json and DIR/credentials.json.
 * out_found says whether there are credentials (and nothing was said if not).
 * Errors: said. */
KQ_MUST_CHECK kq_status kq_operator_account(struct kq_tool *tool, const char *data, struct kq_account *out,
                                            bool *out_found);

/* Whoever a command on DIR works as: the operator if his credentials are there,
 * else who signed in with Add-AzureAccount. A folder that is not there is
 * refused, but for the default one.
 * out_is_local  the operator, on his own machine
 * Errors        said */
KQ_MUST_CHECK kq_status kq_operator_open(struct kq_tool *tool, const char *data, struct kq_account *out,
                                         bool *out_is_local);

/* "NAME:LOCATION"; false if it is not that, or there is no such location. */
struct kq_vault_wish {
    char name[32];
    char location[64];
    const struct kq_region *region;
};
bool kq_vault_wish_parse(const char *text, struct kq_vault_wish *out);

#endif
