#ifndef VAULT_API_ACCESS_H
#define VAULT_API_ACCESS_H

#include "vault/api/call.h"

/* May the caller's address speak to the call's vault at all (networkAcls)?
 * Returns  VAULT_OK, VAULT_FORBIDDEN_BY_FIREWALL */
enum vault_problem vault_access_check_network(struct vault_call *call);

#endif
