#ifndef VAULT_PLATFORM_H
#define VAULT_PLATFORM_H

#include "vault/config.h"
#include "vault/http/certificate.h"
#include "vault/keyops/keyops.h"
#include "vault/store/store.h"

/* The service's own keys (private CA, TLS, token signing) and certificates.
 * The keys lie in the platform's module; the store holds their sealed blobs. */
struct vault_platform {
    struct vault_keyops *keyops; /* borrowed */
    struct kq_buffer ca;         /* encoded kq_vault_key_file each */
    struct kq_buffer tls;
    struct kq_buffer token;
};
void vault_platform_clear(struct vault_platform *platform);
KQ_AUTO_DEFINE_VALUE(vault_platform);

/* Reads the three keys; makes those that the store does not have yet where
 * may_make says so (first run).
 * Errors  KQ_ERR_NOT_FOUND (missing, and not made); out_error says which; size at least VAULT_WHY_SIZE + 100 */
enum vault_platform_act { VAULT_PLATFORM_USE = 1, VAULT_PLATFORM_MAKE = 2 };
KQ_MUST_CHECK kq_status vault_platform_open(struct vault_platform *platform, struct vault_store *store,
                                            struct vault_keyops *keyops, enum vault_platform_act act, char *out_error,
                                            size_t out_error_size);

/* Signers for TLS and tokens; context is the platform. */
kq_status vault_platform_sign_tls(void *context, struct kq_slice digest, struct kq_buffer *out);
kq_status vault_platform_sign_token(void *context, struct kq_slice digest, struct kq_buffer *out);
KQ_MUST_CHECK kq_status vault_platform_token_public(const struct vault_platform *platform, struct kq_slice *out);

/* DIR/ca.pem, made if it is not there. Appends the PEM. */
KQ_MUST_CHECK kq_status vault_platform_ca(struct vault_platform *platform, const char *data, uint64_t now,
                                          struct kq_buffer *out_pem);
/* A server certificate of the private CA for the names of a domain, and the CA's behind it. */
KQ_MUST_CHECK kq_status vault_platform_server_chain(struct vault_platform *platform, const struct vault_config *config,
                                                    struct kq_slice ca_pem, uint64_t now, struct kq_buffer *out_pem);
/* How long before its end a server certificate is made anew. */
#define VAULT_CERTIFICATE_RENEW_S (30u * 86400u)

#endif
