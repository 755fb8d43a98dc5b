#ifndef VAULT_REQUEST_LOG_H
#define VAULT_REQUEST_LOG_H

#include "vault/service.h"

/* A line of the log for each answered request: who, what, how it ended, how
 * long it took. No query, no body, no token. For vault_service's log member;
 * context is not used. */
void vault_request_log_write(void *context, const struct vault_request_log *entry);

#endif
