#include "unit.h"
#include "vault/ops/throttle.h"

#define SUBSCRIPTION "00000000-0000-4000-8000-00000000000A"

static unsigned take_all(struct vault_throttle *throttle, uint64_t vault, enum vault_throttle_kind kind,
                         uint32_t weight, uint64_t now_s)
{
    unsigned count = 0;
    while (count < 100000 && vault_throttle_take(throttle, vault, SUBSCRIPTION, kind, weight, now_s))
        count++;
    return count;
}

static struct vault_throttle *new_throttle(void)
{
    struct vault_throttle *throttle = NULL;
    assert_ok(vault_throttle_new(&throttle));
    return throttle;
}

/* The published table: HSM create 10, others 2000; software create 20, others 4000; the rest 4000. */
static void take__each_kind__ends_at_its_limit(void **state)
{
    (void)state;
    KQ_AUTO(vault_throttle) throttle = new_throttle();
    static const unsigned limits[VAULT_THROTTLE_NUM_KINDS] = {10, 2000, 20, 4000, 4000};
    for (int kind = 0; kind < VAULT_THROTTLE_NUM_KINDS; kind++)
        assert_int_equal(take_all(throttle, 1, (enum vault_throttle_kind)kind, 1, 100), limits[kind]);
}

static void take__rsa_of_3072_and_4096_bits__is_500_and_250_in_hardware(void **state)
{
    (void)state;
    KQ_AUTO(vault_throttle) throttle = new_throttle();
    uint32_t middle = vault_throttle_weight(VAULT_THROTTLE_HSM_OTHER, true, 3072);
    uint32_t large = vault_throttle_weight(VAULT_THROTTLE_HSM_OTHER, true, 4096);
    assert_int_equal(take_all(throttle, 1, VAULT_THROTTLE_HSM_OTHER, middle, 100), 500);
    assert_int_equal(take_all(throttle, 2, VAULT_THROTTLE_HSM_OTHER, large, 100), 250);
    assert_int_equal(take_all(throttle, 3, VAULT_THROTTLE_SOFTWARE_OTHER, large, 100), 500);
    assert_int_equal(vault_throttle_weight(VAULT_THROTTLE_HSM_OTHER, true, 2048), 1);
    assert_int_equal(vault_throttle_weight(VAULT_THROTTLE_HSM_OTHER, false, 521), 1);
    assert_int_equal(vault_throttle_weight(VAULT_THROTTLE_HSM_CREATE, true, 4096), 1);
}

static void take__mixed_sizes__are_summed(void **state)
{
    (void)state;
    KQ_AUTO(vault_throttle) throttle = new_throttle();
    for (unsigned i = 0; i < 248; i++)
        assert_true(vault_throttle_take(throttle, 1, SUBSCRIPTION, VAULT_THROTTLE_HSM_OTHER, 8, 100));
    assert_int_equal(take_all(throttle, 1, VAULT_THROTTLE_HSM_OTHER, 1, 100), 16);
}

static void take__next_ten_seconds__begins_anew(void **state)
{
    (void)state;
    KQ_AUTO(vault_throttle) throttle = new_throttle();
    assert_int_equal(take_all(throttle, 1, VAULT_THROTTLE_HSM_CREATE, 1, 100), 10);
    assert_int_equal(take_all(throttle, 1, VAULT_THROTTLE_HSM_CREATE, 1, 109), 0);
    assert_int_equal(take_all(throttle, 1, VAULT_THROTTLE_HSM_CREATE, 1, 110), 10);
}

static void take__vaults_of_one_subscription__share_five_times_the_limit(void **state)
{
    (void)state;
    KQ_AUTO(vault_throttle) throttle = new_throttle();
    for (uint64_t vault = 1; vault <= 5; vault++)
        assert_int_equal(take_all(throttle, vault, VAULT_THROTTLE_HSM_CREATE, 1, 100), 10);
    assert_int_equal(take_all(throttle, 6, VAULT_THROTTLE_HSM_CREATE, 1, 100), 0);
    assert_true(
        vault_throttle_take(throttle, 6, "00000000-0000-4000-8000-00000000000B", VAULT_THROTTLE_HSM_CREATE, 1, 100));
}

UNIT_MAIN(cmocka_unit_test(take__each_kind__ends_at_its_limit),
          cmocka_unit_test(take__rsa_of_3072_and_4096_bits__is_500_and_250_in_hardware),
          cmocka_unit_test(take__mixed_sizes__are_summed), cmocka_unit_test(take__next_ten_seconds__begins_anew),
          cmocka_unit_test(take__vaults_of_one_subscription__share_five_times_the_limit))
