#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "vault/api/operation.h"
#include "vault/http/server.h"
#include "vault/keyops/keyops.h"
#include "vault/ops/metrics.h"

/* The text format of Prometheus, version 0.0.4. Names and labels are listed in
 * docs/guide/operate.md. */

#define PAGE_MAX ((size_t)256 * 1024)
#define MICROSECONDS 1000000u

struct page {
    struct kq_buffer text;
    kq_status status; /* the first failure */
};

static void put(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct page *page, const char *format, ...)
{
    char line[400];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof line)
        page->status = KQ_ERR_TOO_LARGE;
    else if (page->status == KQ_OK)
        page->status = kq_buffer_append(&page->text, line, (size_t)len);
}

static void put_head(struct page *page, const char *name, const char *type, const char *help)
{
    put(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_one(struct page *page, const char *name, const char *type, const char *help, uint64_t value)
{
    put_head(page, name, type, help);
    put(page, "%s %" PRIu64 "\n", name, value);
}

static uint64_t read_counter(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void put_requests(struct page *page, const struct vault_metrics *metrics)
{
    static const char *const hosts[VAULT_METRICS_HOSTS] = {"vault", "login", "management", "other"};
    put_head(page, "keyquay_requests_total", "counter", "Answered requests.");
    for (unsigned host = 0; host < VAULT_METRICS_HOSTS; host++) {
        for (unsigned method = VAULT_GET; method <= VAULT_DELETE; method++) {
            for (unsigned class = 1; class < VAULT_METRICS_CLASSES; class ++) {
                uint64_t count = read_counter(&metrics->requests[host][method][class]);
                if (count > 0)
                    put(page, "keyquay_requests_total{host=\"%s\",method=\"%s\",status=\"%uxx\"} %" PRIu64 "\n",
                        hosts[host], vault_method_text((enum vault_method)method), class, count);
            }
        }
    }
}

static void put_latency(struct page *page, const struct vault_metrics *metrics)
{
    static const char name[] = "keyquay_request_seconds";
    uint64_t count = 0, sum = read_counter(&metrics->latency_sum_us);
    put_head(page, name, "histogram", "Time from a whole request to its answer.");
    for (unsigned i = 0; i < VAULT_METRICS_BUCKETS; i++) {
        uint64_t bound = vault_metrics_bound(i);
        count += read_counter(&metrics->latency[i]);
        put(page, "%s_bucket{le=\"%" PRIu64 ".%04" PRIu64 "\"} %" PRIu64 "\n", name, bound / MICROSECONDS,
            bound % MICROSECONDS / 100, count);
    }
    count += read_counter(&metrics->latency[VAULT_METRICS_BUCKETS]);
    put(page, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %" PRIu64 ".%06" PRIu64 "\n%s_count %" PRIu64 "\n", name,
        count, name, sum / MICROSECONDS, sum % MICROSECONDS, name, count);
}

static void put_server(struct page *page, struct vault_http_server *server)
{
    struct vault_http_counters counters;
    if (server == NULL)
        return;
    vault_http_count(server, &counters);
    put_one(page, "keyquay_http_requests_total", "counter", "Requests begun, refused ones too.", counters.num_requests);
    put_one(page, "keyquay_http_refused_total", "counter", "Requests refused for their form or a limit.",
            counters.num_refused);
    put_one(page, "keyquay_http_connections", "gauge", "Open connections.", counters.num_connections);
    put_one(page, "keyquay_http_waiting", "gauge", "Requests read and not yet with a worker.", counters.num_waiting);
}

/* ---- regions and store -------------------------------------------------------------------- */

static void put_regions(struct page *page, struct vault_keyops *keyops)
{
    struct vault_region_facts facts;
    put_head(page, "keyquay_module_up", "gauge", "1 if the module answers now.");
    put(page, "keyquay_module_up{region=\"platform\"} %d\n", vault_keyops_ping(keyops, NULL) == KQ_OK);
    for (size_t i = 0; vault_keyops_region(keyops, i, &facts) == KQ_OK; i++)
        put(page, "keyquay_module_up{region=\"%s\"} %d\n", facts.region->name,
            vault_keyops_ping(keyops, facts.region->name) == KQ_OK);
    put_head(page, "keyquay_keys_loaded", "gauge", "Keys that the module has loaded for the service.");
    for (size_t i = 0; vault_keyops_region(keyops, i, &facts) == KQ_OK; i++)
        put(page, "keyquay_keys_loaded{region=\"%s\"} %zu\n", facts.region->name,
            vault_keyops_num_loaded(keyops, facts.region->name));
}

static void put_store(struct page *page, const char *data)
{
    static const char *const files[] = {"vault/keyvault.db", "vault/keyvault.db-wal"};
    uint64_t size = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[KQ_PATH_MAX];
        struct stat facts;
        if (kq_path_join(data, files[i], path) == KQ_OK && stat(path, &facts) == 0)
            size += (uint64_t)facts.st_size;
    }
    put_one(page, "keyquay_store_bytes", "gauge", "Size of the database's files.", size);
}

static void put_rest(struct page *page, const struct vault_metrics *metrics)
{
    put_one(page, "keyquay_throttled_total", "counter", "Requests answered 429 by the published limits.",
            read_counter(&metrics->num_throttled));
    put_one(page, "keyquay_faults_total", "counter", "Faults injected in test mode.",
            read_counter(&metrics->num_faults));
    put_one(page, "keyquay_housekeeping_passes_total", "counter", "Times that the scheduler has looked for work.",
            read_counter(&metrics->num_passes));
    put_one(page, "keyquay_housekeeping_last_pass_seconds", "gauge", "When it last did, in unix time.",
            read_counter(&metrics->last_pass));
    put_one(page, "keyquay_housekeeping_failures_total", "counter", "Acts of the scheduler that failed.",
            read_counter(&metrics->num_failures));
    put_one(page, "keyquay_keys_purged_total", "counter", "Keys purged at their scheduled date.",
            read_counter(&metrics->num_keys_purged));
    put_one(page, "keyquay_vaults_purged_total", "counter", "Vaults purged at their scheduled date.",
            read_counter(&metrics->num_vaults_purged));
    put_one(page, "keyquay_keys_rotated_total", "counter", "Keys rotated by their policy.",
            read_counter(&metrics->num_keys_rotated));
}

static void put_page(struct page *page, struct vault_service *service)
{
    put_requests(page, service->metrics);
    put_latency(page, service->metrics);
    put_server(page, atomic_load(&service->http));
    put_regions(page, service->keyops);
    put_store(page, service->data);
    put_rest(page, service->metrics);
    put_one(page, "keyquay_certificate_end_seconds", "gauge", "When the server's certificate ends, in unix time.",
            read_counter(&service->metrics->certificate_end));
    put_one(page, "keyquay_test_mode", "gauge", "1 if the service was started with --test-mode.",
            service->test_mode != NULL);
}

enum vault_problem vault_get_metrics(struct vault_call *call)
{
    struct vault_service *service = call->service;
    if (service->metrics == NULL)
        return vault_fail(call, VAULT_NOT_FOUND, "Metrics are switched off: [metrics] enabled = no.");
    if (!service->shows_metrics_to_all && !vault_peer_is_loopback(call->request->peer_address))
        return vault_fail(call, VAULT_FORBIDDEN,
                          "Metrics are shown to this host only; [metrics] remote = yes shows them to all.");
    struct page page = {.status = KQ_OK};
    kq_buffer_init(&page.text, PAGE_MAX);
    put_page(&page, service);
    if (page.status != KQ_OK) {
        kq_buffer_clear(&page.text);
        return vault_fail_status(call, page.status, "metrics", NULL);
    }
    call->response->body = page.text;
    call->response->status = 200;
    call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return VAULT_OK;
}
