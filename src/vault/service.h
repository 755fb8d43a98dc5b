#ifndef VAULT_SERVICE_H
#define VAULT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

struct vault_store;     /* store/store.h */
struct vault_keyops;    /* keyops/keyops.h */
struct vault_authority; /* auth/token.h */

/* One answered request, for the log: nothing secret, no query, no body. */
struct vault_request_log {
    const char *request_id;
    const char *peer_address;
    const char *method;
    const char *host;
    const char *path; /* as sent, up to the question mark */
    unsigned status;
    const char *code;      /* of the error envelope; NULL where all went well */
    const char *message;   /* of it; NULL where all went well */
    const char *object_id; /* who called; "" if nobody was asked for */
    const char *client_id;
    uint64_t microseconds;
};

/* Everything a handler may use, wired together by main.c. Immutable while the
 * server runs. */
struct vault_service {
    struct vault_store *store;
    struct vault_keyops *keyops;
    struct vault_authority *authority;
    char tenant_id[37];
    char domain[200];         /* keyquay.localhost */
    uint16_t port;            /* the first address's; in every URL we make unless it is 443 */
    char vault_suffix[256];   /* .vault.keyquay.localhost:8443 */
    char vault_resource[256]; /* https://vault.keyquay.localhost:8443, the challenge's resource */
    char login_url[256];      /* https://login.keyquay.localhost:8443 */
    char management_url[256];
    char data[4096];           /* DIR, for toolsets */
    uint64_t origin_policy;    /* kq_origin_policy for packages */
    bool refuses_clear_import; /* JSON Web Keys with private members are not taken */
    uint64_t (*clock)(void);   /* unix seconds; replaced in test mode only */
    /* Called after each request, on the worker's thread; may be NULL. */
    void (*log)(void *context, const struct vault_request_log *entry);
    void *log_context;
};

#endif
