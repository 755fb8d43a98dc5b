#ifndef VAULT_API_PAGE_H
#define VAULT_API_PAGE_H

#include "vault/api/call.h"

/* The web page at a vault's address: what this is, what to compare, how to
 * connect. One document with nothing from elsewhere; its own style and script
 * are let in by a nonce, all else is refused by its content-security policy. */
vault_handler vault_page_get;

#endif
