#ifndef VAULT_API_PEOPLE_H
#define VAULT_API_PEOPLE_H

#include "vault/api/call.h"

/* People who sign in with a name and a passphrase: /keyquay/people. For operators. */
vault_handler vault_people_list;
vault_handler vault_people_post;
vault_handler vault_people_get;
vault_handler vault_people_delete;

/* principals.c. Returns VAULT_OK, VAULT_AUTHORIZATION_FAILED. */
enum vault_problem vault_need_operator(struct vault_call *call);

#endif
