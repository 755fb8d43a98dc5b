#ifndef VAULT_HTTP_SIGNER_H
#define VAULT_HTTP_SIGNER_H

#include <gnutls/abstract.h>

#include "vault/http/server.h"

/* A vault_http_sign dressed as a GnuTLS private key: P-256 with SHA-256, and
 * nothing else. Errors of sign become GNUTLS_E_PK_SIGN_FAILED.
 *
 * out     owned by the caller: gnutls_privkey_deinit()
 * Errors  KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status vault_http_signer_new(vault_http_sign *sign, void *context, gnutls_privkey_t *out);

#endif
