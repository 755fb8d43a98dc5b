#ifndef VAULT_AUTH_AUTHORITY_H
#define VAULT_AUTH_AUTHORITY_H

#include "vault/auth/cache.h"
#include "vault/auth/claims.h"
#include "vault/auth/device.h"
#include "vault/auth/issuers.h"
#include "vault/auth/secret.h"

/* A token that was found good: for these audiences, under that set of issuers. */
struct vault_checked_token {
    uint64_t generation;
    uint32_t audiences; /* a bit for each vault_audience */
    struct vault_caller caller;
};

/* Inside of struct vault_authority, for auth's own files. Nothing but the
 * caches, the gate and the other issuers, which have locks of their own, changes
 * after vault_authority_new(). */
struct vault_authority {
    struct vault_claim_rules rules; /* its texts and names are owned */
    json_t *jwk;                    /* owned; public key with "alg" and "kid" */
    const char *kid;                /* borrowed of jwk */
    vault_token_sign *sign;
    void *sign_context;
    uint64_t token_life_s;
    struct vault_cache *checked;    /* owned; struct vault_checked_token by hash of the token */
    struct vault_cache *assertions; /* owned; SHA-256 of an assertion by its id, until it ends */
    struct vault_secret_gate *secrets;
    struct vault_issuers *issuers;      /* owned */
    struct vault_device_table *devices; /* owned; has a lock too */
};

#endif
