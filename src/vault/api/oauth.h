#ifndef VAULT_API_OAUTH_H
#define VAULT_API_OAUTH_H

#include "vault/api/call.h"

/* What the routes of the login host share. They speak OAuth 2 (RFC 6749 5.2),
 * not the envelope of the rest: clients show error_description to people. */

/* Answers with an error. The description gets "AADSTS<code>: " in front unless
 * code is 0.
 * Returns  VAULT_OK (an answer was made), or what vault_reply() does */
enum vault_problem vault_oauth_fail(struct vault_call *call, unsigned http_status, const char *error, unsigned code,
                                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* As vault_oauth_fail() with "come again in a second". */
enum vault_problem vault_oauth_busy(struct vault_call *call, unsigned http_status, const char *description);

/* A stranger's text as it may stand in an answer: short and ASCII, else "(not shown)". */
const char *vault_oauth_shown(const char *text);

/* Is the path's tenant ours: its GUID, "adfs", "common" or "organizations"? */
bool vault_oauth_tenant_is_ours(const struct vault_call *call, const char *tenant);
/* Answers that it is not. */
enum vault_problem vault_oauth_no_tenant(struct vault_call *call, const char *tenant);

/* Handlers in discovery.c; names[0] is the tenant. */
enum vault_problem vault_discovery_document(struct vault_call *call);
enum vault_problem vault_discovery_document_v2(struct vault_call *call);
enum vault_problem vault_discovery_keys(struct vault_call *call);
enum vault_problem vault_discovery_instance(struct vault_call *call);

#endif
