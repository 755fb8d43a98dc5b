#ifndef VAULT_WIRING_H
#define VAULT_WIRING_H

#include "base/file.h"
#include "vault/auth/token.h"
#include "vault/ops/metrics.h"
#include "vault/ops/throttle.h"
#include "vault/platform.h"
#include "vault/service.h"

/* All parts of the service put together for one data folder. */
#define VAULT_ERROR_SIZE 1200

struct vault_wiring {
    struct vault_config config;
    char data[KQ_PATH_MAX];
    struct vault_store *store;
    struct vault_keyops *keyops;
    struct vault_authority *authority;
    struct vault_platform platform;
    struct kq_buffer ca_pem;
    struct vault_metrics metrics;
    struct vault_throttle *throttle;
    struct vault_test_mode *test_mode;
    struct vault_service service; /* what handlers see */
};
void vault_wiring_clear(struct vault_wiring *wiring);
KQ_AUTO_DEFINE_VALUE(vault_wiring);

/* Opens store and modules and loads (or on a first run makes) the service's
 * keys. config and data have been set; the tenant is read from the store.
 * out_error  one or two sentences, size VAULT_ERROR_SIZE */
KQ_MUST_CHECK kq_status vault_wiring_open_parts(struct vault_wiring *wiring, enum vault_platform_act act,
                                                char out_error[VAULT_ERROR_SIZE]);
/* Then: the authority and what handlers see. */
enum vault_mode { VAULT_MODE_PRODUCTION, VAULT_MODE_TEST };
KQ_MUST_CHECK kq_status vault_wiring_complete(struct vault_wiring *wiring, enum vault_mode mode,
                                              char out_error[VAULT_ERROR_SIZE]);

/* The server's certificate: the operator's files, or DIR/vault/server.pem of
 * the private CA, made anew when it is missing, near its end or made for
 * other names.  buffers hold what *out borrows. */
KQ_MUST_CHECK kq_status vault_wiring_tls(struct vault_wiring *wiring, struct kq_buffer *chain, struct kq_buffer *key,
                                         struct vault_http_tls *out, char out_error[VAULT_ERROR_SIZE]);

/* Whether the operator's certificate and key, if the configuration names them,
 * can be read, can be used and belong together. */
KQ_MUST_CHECK kq_status vault_wiring_check_tls(const struct vault_config *config, char out_error[VAULT_ERROR_SIZE]);

#define VAULT_SETTING_TENANT "tenant"

#endif
