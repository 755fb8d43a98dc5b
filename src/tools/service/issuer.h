#ifndef KQ_TOOLS_SERVICE_ISSUER_H
#define KQ_TOOLS_SERVICE_ISSUER_H

#include "tools/common/tool.h"
#include "webclient/issuer.h"

/* Fetches an issuer's keys: URL/.well-known/openid-configuration, which must
 * name the issuer just so, then its jwks_uri. Redirects are refused.
 * issuer  url and ca are set; keys and fetched are replaced on success
 * Errors  said */
KQ_MUST_CHECK kq_status kq_issuer_fetch(struct kq_tool *tool, struct kqw_issuer *issuer);

#endif
