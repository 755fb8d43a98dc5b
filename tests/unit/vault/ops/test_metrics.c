#include "unit.h"
#include "vault/ops/metrics.h"

static void request__latency_at_and_over_a_bound__falls_where_it_belongs(void **state)
{
    (void)state;
    struct vault_metrics metrics = {.num_passes = 0};
    vault_metrics_request(&metrics, 0, 1, 200, vault_metrics_bound(0));
    vault_metrics_request(&metrics, 0, 1, 200, vault_metrics_bound(0) + 1);
    vault_metrics_request(&metrics, 0, 1, 404, UINT64_C(3600) * 1000000);
    assert_int_equal(metrics.latency[0], 1);
    assert_int_equal(metrics.latency[1], 1);
    assert_int_equal(metrics.latency[VAULT_METRICS_BUCKETS], 1);
    assert_int_equal(metrics.requests[0][1][2], 2);
    assert_int_equal(metrics.requests[0][1][4], 1);
    assert_int_equal(metrics.latency_sum_us, 2 * vault_metrics_bound(0) + 1 + UINT64_C(3600) * 1000000);
}

static void request__values_out_of_range__count_at_the_edge(void **state)
{
    (void)state;
    struct vault_metrics metrics = {.num_passes = 0};
    vault_metrics_request(&metrics, 99, 99, 999, 1);
    assert_int_equal(metrics.requests[VAULT_METRICS_HOSTS - 1][VAULT_METRICS_METHODS - 1][VAULT_METRICS_CLASSES - 1],
                     1);
}

static void bounds__all__rise(void **state)
{
    (void)state;
    for (unsigned i = 1; i < VAULT_METRICS_BUCKETS; i++)
        assert_true(vault_metrics_bound(i) > vault_metrics_bound(i - 1));
}

UNIT_MAIN(cmocka_unit_test(request__latency_at_and_over_a_bound__falls_where_it_belongs),
          cmocka_unit_test(request__values_out_of_range__count_at_the_edge), cmocka_unit_test(bounds__all__rise))
