#include "vault/api/operation.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "vault/api/cidr.h"
#include "vault/core/algorithms.h"
#include "vault/ops/metrics.h"
#include "vault/ops/test_mode.h"
#include "vault/ops/throttle.h"

#define OFFSET_MAX_S (INT64_C(100) * 366 * 86400)
#define FAULT_COUNT_MAX 1000000

bool vault_peer_is_loopback(const char *peer_address)
{
    return vault_cidr_contains("127.0.0.0/8", peer_address) || vault_cidr_contains("::1/128", peer_address);
}

/* ---- limits ---------------------------------------------------------------------------- */

struct charge {
    enum vault_throttle_kind kind;
    uint32_t weight;
};

static bool is_hsm(enum vault_kty kty)
{
    return kty == VAULT_KTY_RSA_HSM || kty == VAULT_KTY_EC_HSM;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* The key that the path names; false if there is none, which is for the handler to say. */
static bool find_version(struct vault_call *call, struct vault_key_version *out)
{
    KQ_AUTO_VALUE(vault_key) key = {0};
    struct vault_store *store = call->service->store;
    bool names_version = strncmp(call->route->pattern, "/keys/{}/{}", 11) == 0;
    return strncmp(call->route->pattern, "/keys/{}", 8) == 0 &&
           vault_store_get_key(store, call->vault.id, call->names[0], &key) == KQ_OK &&
           vault_store_get_key_version(store, key.id, names_version ? call->names[1] : NULL, out) == KQ_OK;
}

static struct charge charge_of(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_version) version = {.key_id = 0};
    const char *kty = NULL;
    bool is_create = ends_with(call->route->pattern, "/create");
    if (is_create) {
        bool is_hardware = vault_json_string(call->body, "kty", &kty) && kty != NULL && is_hsm(vault_kty_find(kty));
        return (struct charge){is_hardware ? VAULT_THROTTLE_HSM_CREATE : VAULT_THROTTLE_SOFTWARE_CREATE, 1};
    }
    if (!find_version(call, &version))
        return (struct charge){VAULT_THROTTLE_REST, 1};
    bool is_hardware = is_hsm((enum vault_kty)version.kty);
    if (ends_with(call->route->pattern, "/rotate"))
        return (struct charge){is_hardware ? VAULT_THROTTLE_HSM_CREATE : VAULT_THROTTLE_SOFTWARE_CREATE, 1};
    enum vault_throttle_kind kind = is_hardware ? VAULT_THROTTLE_HSM_OTHER : VAULT_THROTTLE_SOFTWARE_OTHER;
    return (struct charge){kind, vault_throttle_weight(kind, version.type == KQ_KEY_RSA, version.bits)};
}

static enum vault_problem say_throttled(struct vault_call *call)
{
    return vault_fail(call, VAULT_THROTTLED,
                      "Request was not processed because too many requests were received. Reason: "
                      "VaultRequestTypeLimitReached");
}

enum vault_problem vault_throttle_check(struct vault_call *call)
{
    const struct vault_service *service = call->service;
    if (service->throttle == NULL)
        return VAULT_OK;
    struct charge charge = charge_of(call);
    if (vault_throttle_take(service->throttle, call->vault.id, call->vault.subscription, charge.kind, charge.weight,
                            kq_clock_monotonic_ms() / 1000))
        return VAULT_OK;
    if (service->metrics != NULL)
        atomic_fetch_add_explicit(&service->metrics->num_throttled, 1, memory_order_relaxed);
    return say_throttled(call);
}

/* ---- faults ---------------------------------------------------------------------------- */

static void wait_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

enum vault_problem vault_fault_check(struct vault_call *call)
{
    struct vault_test_mode *mode = call->service->test_mode;
    struct vault_fault fault;
    if (mode == NULL || strncasecmp(call->request->target, "/test/", 6) == 0 ||
        !vault_faults_take(mode, call->request->target, &fault))
        return VAULT_OK;
    if (call->service->metrics != NULL)
        atomic_fetch_add_explicit(&call->service->metrics->num_faults, 1, memory_order_relaxed);
    wait_ms(fault.delay_ms);
    switch (fault.status) {
    case 429:
        return say_throttled(call);
    case 500:
        return vault_fail(call, VAULT_INTERNAL, "An internal error was ordered by POST /test/faults.");
    case 503:
        return vault_fail(call, VAULT_MODULE_AWAY, "An unavailable service was ordered by POST /test/faults.");
    default:
        return VAULT_OK;
    }
}

/* ---- test mode's own routes --------------------------------------------------------------- */

/* From this host only: test mode has no accounts of its own. */
static enum vault_problem enter_test(struct vault_call *call, bool is_offered, const char *option)
{
    if (call->service->test_mode == NULL)
        return vault_fail(call, VAULT_NOT_FOUND, "There is nothing at this path: the service is not in test mode.");
    if (!vault_peer_is_loopback(call->request->peer_address))
        return vault_fail(call, VAULT_FORBIDDEN, "Test mode is commanded from the service's own host only.");
    if (!is_offered)
        return vault_fail(call, VAULT_NOT_FOUND, "This part of test mode is off: [test] %s = yes switches it on.",
                          option);
    return VAULT_OK;
}

static enum vault_problem reply_clock(struct vault_call *call)
{
    int64_t offset = vault_test_clock_offset(call->service->test_mode);
    return vault_reply(call, 200,
                       json_pack("{s:I, s:I}", "offsetSeconds", (json_int_t)offset, "now",
                                 (json_int_t)vault_service_now(call->service)));
}

static enum vault_problem post_clock(struct vault_call *call)
{
    struct vault_test_mode *mode = call->service->test_mode;
    int64_t offset = INT64_MIN;
    VAULT_TRY(enter_test(call, mode != NULL && vault_test_mode_has_clock(mode), "clock-control"));
    if (!vault_json_integer(call->body, "offsetSeconds", &offset) || offset < -OFFSET_MAX_S || offset > OFFSET_MAX_S)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "offsetSeconds: seconds that the service's clock is to be ahead of the host's are wanted, "
                          "100 years at most either way.");
    vault_test_clock_set(mode, offset);
    return reply_clock(call);
}

static bool read_range(const json_t *body, const char *name, int64_t least, int64_t most, int64_t *value)
{
    return vault_json_integer(body, name, value) && *value >= least && *value <= most;
}

static enum vault_problem read_fault(struct vault_call *call, struct vault_fault *out)
{
    const char *match = NULL;
    int64_t status = 0, count = 1, delay = 0;
    size_t len = vault_json_string(call->body, "match", &match) && match != NULL ? strlen(match) : 0;
    if (len == 0 || len >= sizeof out->match || match[0] != '/')
        return vault_fail(call, VAULT_BAD_PARAMETER, "match: the beginning of a path is wanted, such as /keys/mykey.");
    if (!vault_json_integer(call->body, "status", &status) ||
        (status != 0 && status != 429 && status != 500 && status != 503))
        return vault_fail(call, VAULT_BAD_PARAMETER, "status: 429, 500 or 503 is wanted, or 0 for a delay alone.");
    if (!read_range(call->body, "count", 1, FAULT_COUNT_MAX, &count) ||
        !read_range(call->body, "delayMs", 0, VAULT_FAULT_DELAY_MAX_MS, &delay))
        return vault_fail(call, VAULT_BAD_PARAMETER, "count is 1 to %d, delayMs 0 to %u.", FAULT_COUNT_MAX,
                          VAULT_FAULT_DELAY_MAX_MS);
    *out = (struct vault_fault){.status = (unsigned)status, .count = (uint64_t)count, .delay_ms = (uint64_t)delay};
    memcpy(out->match, match, len + 1);
    return VAULT_OK;
}

static enum vault_problem post_faults(struct vault_call *call)
{
    struct vault_test_mode *mode = call->service->test_mode;
    struct vault_fault fault;
    VAULT_TRY(enter_test(call, mode != NULL && vault_test_mode_has_faults(mode), "fault-injection"));
    VAULT_TRY(read_fault(call, &fault));
    if (vault_faults_add(mode, &fault) != KQ_OK)
        return vault_fail(call, VAULT_CONFLICT,
                          "%u faults are ordered and not used up; DELETE /test/faults forgets them.", VAULT_FAULTS_MAX);
    return vault_reply_empty(call, 204);
}

static enum vault_problem delete_faults(struct vault_call *call)
{
    struct vault_test_mode *mode = call->service->test_mode;
    VAULT_TRY(enter_test(call, mode != NULL && vault_test_mode_has_faults(mode), "fault-injection"));
    vault_faults_clear(mode);
    return vault_reply_empty(call, 204);
}

#define FREELY (VAULT_ROUTE_PUBLIC | VAULT_ROUTE_NO_VERSION)
const struct vault_route vault_operation_routes[] = {
    {VAULT_HOST_MANAGEMENT | VAULT_HOST_OTHER, VAULT_GET, "/metrics", vault_get_metrics, 0, FREELY},
    {VAULT_HOST_LOGIN, VAULT_POST, "/test/clock", post_clock, 0, FREELY | VAULT_ROUTE_BODY},
    {VAULT_HOST_LOGIN, VAULT_POST, "/test/faults", post_faults, 0, FREELY | VAULT_ROUTE_BODY},
    {VAULT_HOST_LOGIN, VAULT_DELETE, "/test/faults", delete_faults, 0, FREELY},
    {.method = 0},
};
