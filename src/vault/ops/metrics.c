#include "vault/ops/metrics.h"

static const uint64_t bounds_us[VAULT_METRICS_BUCKETS] = {500,   1000,   2500,   5000,    10000,   25000,
                                                          50000, 100000, 250000, 1000000, 2500000, 10000000};

static unsigned at_most(unsigned value, unsigned count)
{
    return value < count ? value : count - 1;
}

void vault_metrics_request(struct vault_metrics *metrics, unsigned host, unsigned method, unsigned status,
                           uint64_t microseconds)
{
    unsigned bucket = 0;
    while (bucket < VAULT_METRICS_BUCKETS && microseconds > bounds_us[bucket])
        bucket++;
    atomic_uint_fast64_t *counter =
        &metrics->requests[at_most(host, VAULT_METRICS_HOSTS)][at_most(method, VAULT_METRICS_METHODS)]
                          [at_most(status / 100, VAULT_METRICS_CLASSES)];
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->latency[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->latency_sum_us, microseconds, memory_order_relaxed);
}

uint64_t vault_metrics_bound(unsigned i)
{
    return bounds_us[i];
}
