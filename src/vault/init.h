#ifndef VAULT_INIT_H
#define VAULT_INIT_H

#include "vault/wiring.h"

/* The first run: keyvaultd --init. Each part that exists is kept, so that an
 * attempt that was interrupted is finished by the same command.
 *
 * DIR/keyvaultd.conf           configuration, where it is not there yet
 * DIR/vault/keyvault.db        tenant, two subscriptions, one service principal (the operator)
 * DIR/ca.pem, DIR/vault/server.pem
 * DIR/credentials.json         0600: clientId, clientSecret, tenantId; the secret is nowhere else */
struct vault_init_options {
    const char *data;
    const char *tenant; /* a GUID, or NULL: a random one */
    const struct vault_config *config;
};
/* Prints one line of JSON on standard output.  Errors: in out_error. */
KQ_MUST_CHECK kq_status vault_init(const struct vault_init_options *options, char out_error[VAULT_ERROR_SIZE]);

#endif
