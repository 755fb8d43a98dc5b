#ifndef VAULT_HTTP_TLS_H
#define VAULT_HTTP_TLS_H

#include <gnutls/abstract.h>

#include "vault/http/server.h"

/* TLS 1.2 and 1.3, authenticated encryption only, the server's order. */
const char *vault_http_tls_priorities(void);

/* A chain and the key that goes with it. Connections hold what they began
 * with, so a new one drops nobody. */
struct vault_http_credentials;

/* Reads the chain and proves by a signature that the key belongs to it.
 * out_error  a sentence on failure
 * Errors     KQ_ERR_ARGUMENT (chain, key, they do not fit), those of sign */
KQ_MUST_CHECK kq_status vault_http_credentials_new(const struct vault_http_tls *tls,
                                                   struct vault_http_credentials **out, char *out_error,
                                                   size_t out_error_size);
struct vault_http_credentials *vault_http_credentials_hold(struct vault_http_credentials *credentials);
/* Frees with the last holder; NULL is fine. */
void vault_http_credentials_free(struct vault_http_credentials *credentials);
KQ_AUTO_DEFINE(vault_http_credentials);

/* The chain and key for gnutls_certificate_retrieve_function3; they stay ours. */
void vault_http_credentials_give(struct vault_http_credentials *credentials, gnutls_pcert_st **out_chain,
                                 unsigned *out_num, gnutls_privkey_t *out_key);

#endif
