#ifndef VAULT_OPS_METRICS_H
#define VAULT_OPS_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* What the service counts of itself. Counters only grow; every thread adds
 * without a lock. GET /metrics shows them (api/metrics_page.c). */

#define VAULT_METRICS_HOSTS 4u   /* vault, login, management, other */
#define VAULT_METRICS_METHODS 8u /* enum vault_method */
#define VAULT_METRICS_CLASSES 6u /* a status divided by 100; 0 unused */
#define VAULT_METRICS_BUCKETS 12u

struct vault_metrics {
    atomic_uint_fast64_t requests[VAULT_METRICS_HOSTS][VAULT_METRICS_METHODS][VAULT_METRICS_CLASSES];
    atomic_uint_fast64_t latency[VAULT_METRICS_BUCKETS + 1]; /* not cumulative; the last: longer than all bounds */
    atomic_uint_fast64_t latency_sum_us;
    atomic_uint_fast64_t num_throttled;
    atomic_uint_fast64_t num_faults; /* injected in test mode */
    /* housekeeping */
    atomic_uint_fast64_t num_passes;
    atomic_uint_fast64_t last_pass; /* unix seconds of the host's clock */
    atomic_uint_fast64_t num_keys_purged;
    atomic_uint_fast64_t num_vaults_purged;
    atomic_uint_fast64_t num_keys_rotated;
    atomic_uint_fast64_t num_failures;

    atomic_uint_fast64_t certificate_end; /* unix seconds; of the one that new connections see */
};

/* Notes one answered request. Values out of range count at the nearest. */
void vault_metrics_request(struct vault_metrics *metrics, unsigned host, unsigned method, unsigned status,
                           uint64_t microseconds);
/* The upper bound of the i-th bucket in microseconds, i < VAULT_METRICS_BUCKETS. */
uint64_t vault_metrics_bound(unsigned i);

#endif
