#ifndef VAULT_SERVICE_H
#define VAULT_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vault/ops/test_mode.h"

struct vault_store;     /* store/store.h */
struct vault_keyops;    /* keyops/keyops.h */
struct vault_authority; /* auth/token.h */
struct vault_http_server;
struct vault_metrics;  /* ops/metrics.h */
struct vault_throttle; /* ops/throttle.h */

/* One answered request, for the log: nothing secret, no query, no body. */
struct vault_request_log {
    const char *request_id;
    const char *peer_address;
    const char *method; /* this and the next two: NULL where the request was refused for its form or a limit */
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
 * server runs, but for what counts and for http. */
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
    char data[4096];                          /* DIR, for toolsets */
    uint64_t origin_policy;                   /* kq_origin_policy for packages */
    bool refuses_clear_import;                /* JSON Web Keys with private members are not taken */
    uint64_t (*clock)(void);                  /* unix seconds of the host; read it by vault_service_now() */
    bool shows_metrics_to_all;                /* else to this host only */
    struct vault_metrics *metrics;            /* NULL: nothing is counted */
    struct vault_throttle *throttle;          /* NULL: the published limits are not applied */
    struct vault_test_mode *test_mode;        /* NULL but after --test-mode */
    _Atomic(struct vault_http_server *) http; /* for its counters; NULL until it has started */
    /* Called after each request, on the worker's thread; may be NULL. */
    void (*log)(void *context, const struct vault_request_log *entry);
    void *log_context;
};

/* Unix seconds, as far ahead as a test has set the clock. */
static inline uint64_t vault_service_now(const struct vault_service *service)
{
    uint64_t now = service->clock();
    return service->test_mode == NULL ? now : now + (uint64_t)vault_test_clock_offset(service->test_mode);
}

#endif
