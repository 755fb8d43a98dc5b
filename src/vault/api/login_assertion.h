#ifndef VAULT_API_LOGIN_ASSERTION_H
#define VAULT_API_LOGIN_ASSERTION_H

#include "vault/api/call.h"

#define VAULT_CLIENT_ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* Signs a client in by an assertion under one of its registered certificates.
 * client_id  a GUID
 * out_why    what was wrong, as the end of a sentence; "" where that is nobody's business
 * Errors     KQ_ERR_AUTH, and those of the store */
KQ_MUST_CHECK kq_status vault_login_by_assertion(struct vault_call *call, const char *client_id, const char *assertion,
                                                 struct vault_principal *out, const char **out_why);

/* Is this a name of our token endpoint: its URL in any form, or the issuer? */
bool vault_login_is_endpoint(const struct vault_call *call, const char *url);

#endif
