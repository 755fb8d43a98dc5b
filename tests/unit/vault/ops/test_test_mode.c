#include "unit.h"
#include "vault/ops/test_mode.h"

static struct vault_test_mode *new_mode(void)
{
    struct vault_test_mode *mode = NULL;
    assert_ok(vault_test_mode_new(true, true, &mode));
    return mode;
}

static void faults_take__path_begins_so__is_hit_as_often_as_ordered(void **state)
{
    (void)state;
    KQ_AUTO(vault_test_mode) mode = new_mode();
    struct vault_fault fault = {.match = "/keys/a", .status = 503, .count = 2, .delay_ms = 7}, got = {.count = 0};
    assert_ok(vault_faults_add(mode, &fault));
    assert_false(vault_faults_take(mode, "/keys/b", &got));
    assert_true(vault_faults_take(mode, "/KEYS/a?x", &got));
    assert_int_equal(got.status, 503);
    assert_int_equal(got.delay_ms, 7);
    assert_true(vault_faults_take(mode, "/keys/ab", &got));
    assert_false(vault_faults_take(mode, "/keys/a", &got));
}

static void faults_take__two_that_match__the_first_is_used_up_before_the_second(void **state)
{
    (void)state;
    KQ_AUTO(vault_test_mode) mode = new_mode();
    struct vault_fault first = {.match = "/", .status = 429, .count = 1},
                       second = {.match = "/", .status = 500, .count = 1};
    struct vault_fault got = {.count = 0};
    assert_ok(vault_faults_add(mode, &first));
    assert_ok(vault_faults_add(mode, &second));
    assert_true(vault_faults_take(mode, "/x", &got));
    assert_int_equal(got.status, 429);
    assert_true(vault_faults_take(mode, "/x", &got));
    assert_int_equal(got.status, 500);
    assert_false(vault_faults_take(mode, "/x", &got));
}

static void faults_add__one_too_many__is_full_until_cleared(void **state)
{
    (void)state;
    KQ_AUTO(vault_test_mode) mode = new_mode();
    struct vault_fault fault = {.match = "/x", .status = 500, .count = 1}, got;
    for (size_t i = 0; i < VAULT_FAULTS_MAX; i++)
        assert_ok(vault_faults_add(mode, &fault));
    assert_status(vault_faults_add(mode, &fault), KQ_ERR_FULL);
    vault_faults_clear(mode);
    assert_false(vault_faults_take(mode, "/x", &got));
    assert_ok(vault_faults_add(mode, &fault));
}

static void clock_set__negative__is_the_offset(void **state)
{
    (void)state;
    KQ_AUTO(vault_test_mode) mode = new_mode();
    assert_int_equal(vault_test_clock_offset(mode), 0);
    vault_test_clock_set(mode, -5);
    assert_int_equal(vault_test_clock_offset(mode), -5);
}

UNIT_MAIN(cmocka_unit_test(faults_take__path_begins_so__is_hit_as_often_as_ordered),
          cmocka_unit_test(faults_take__two_that_match__the_first_is_used_up_before_the_second),
          cmocka_unit_test(faults_add__one_too_many__is_full_until_cleared),
          cmocka_unit_test(clock_set__negative__is_the_offset))
