#include "unit.h"

#include "harness/fake_call.h"
#include "module/cards/attempts.h"

static const struct hsm_row *const no_tables[] = {NULL};
static const uint8_t set_a[HSM_CARD_SET_ID_LEN] = {0xa};
static const uint8_t set_b[HSM_CARD_SET_ID_LEN] = {0xb};

static int new_module(void **state)
{
    struct fake_module *module = calloc(1, sizeof *module);
    fake_module_init(module, no_tables);
    fake_clock_set(FAKE_NOW);
    *state = module;
    return 0;
}

static int drop_module(void **state)
{
    fake_module_clear(*state);
    free(*state);
    return 0;
}

static kq_status attempt(struct fake_module *module, const uint8_t *set, uint32_t index)
{
    struct hsm_call call;
    fake_call_begin(module, &call, KQ_OP_AUTH_CARD);
    kq_status status = hsm_attempts_record(&call, set, index);
    fake_call_end(module, &call, status);
    return status;
}

static void attempts_delay__by_failures__doubles_up_to_a_bound(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64};
    for (uint32_t failures = 0; failures < 12; failures++)
        assert_int_equal(hsm_attempts_delay_s(failures), expected[failures]);
    assert_int_equal(hsm_attempts_delay_s(UINT32_MAX), HSM_DELAY_MAX_S);
}

static void attempts_record__each__is_durable(void **state)
{
    struct fake_module *module = *state;
    assert_ok(attempt(module, set_a, 1));
    assert_int_equal(module->num_changes, 1);
    assert_int_equal(module->state->num_attempts, 1);
    assert_int_equal(module->state->attempts[0].failures, 1);
}

static void attempts_record__state_cannot_be_written__is_refused(void **state)
{
    struct fake_module *module = *state;
    module->change_fails = KQ_ERR_IO;
    assert_status(attempt(module, set_a, 1), KQ_ERR_IO);
    assert_int_equal(module->state->num_attempts, 0);
}

static void attempts_record__fourth_at_once__waits_then_goes_on(void **state)
{
    struct fake_module *module = *state;
    for (int i = 0; i < 3; i++)
        assert_ok(attempt(module, set_a, 1));
    assert_status(attempt(module, set_a, 1), KQ_ERR_WAIT);
    assert_int_equal(module->wait_ms, 1000);
    assert_int_equal(module->state->attempts[0].failures, 3); /* a refused one counts for nothing */
    fake_clock_advance(1);
    assert_ok(attempt(module, set_a, 1));
    fake_clock_advance(1);
    assert_status(attempt(module, set_a, 1), KQ_ERR_WAIT);
    assert_int_equal(module->wait_ms, 1000); /* one of two seconds is left */
}

static void attempts_record__other_card_or_set__has_its_own_count(void **state)
{
    struct fake_module *module = *state;
    for (int i = 0; i < 3; i++)
        assert_ok(attempt(module, set_a, 1));
    assert_ok(attempt(module, set_a, 2));
    assert_ok(attempt(module, set_b, 1));
    assert_status(attempt(module, set_a, 1), KQ_ERR_WAIT);
}

static void attempts_record__clock_set_back__waits_no_longer_than_the_delay(void **state)
{
    struct fake_module *module = *state;
    for (int i = 0; i < 3; i++)
        assert_ok(attempt(module, set_a, 1));
    fake_clock_set(FAKE_NOW - 1000000);
    assert_status(attempt(module, set_a, 1), KQ_ERR_WAIT);
    assert_int_equal(module->wait_ms, 1000);
    fake_clock_advance(1);
    assert_ok(attempt(module, set_a, 1));
}

static void attempts_clear__after_success__starts_over(void **state)
{
    struct fake_module *module = *state;
    struct hsm_call call;
    for (int i = 0; i < 3; i++)
        assert_ok(attempt(module, set_a, 1));
    fake_call_begin(module, &call, KQ_OP_AUTH_CARD);
    assert_ok(hsm_attempts_clear(&call, set_a, 1));
    fake_call_end(module, &call, KQ_OK);
    assert_int_equal(module->state->num_attempts, 0);
    assert_ok(attempt(module, set_a, 1));
}

static void attempts_record__flood_of_foreign_sets__keeps_the_loaded_worlds_count(void **state)
{
    struct fake_module *module = *state;
    memcpy(module->state->world.card_set, set_a, sizeof set_a);
    for (int i = 0; i < 3; i++)
        assert_ok(attempt(module, set_a, 1));
    for (uint32_t i = 0; i < HSM_ATTEMPTS_MAX + 20; i++) {
        uint8_t foreign[HSM_CARD_SET_ID_LEN] = {0xf, (uint8_t)(i >> 8), (uint8_t)i};
        assert_ok(attempt(module, foreign, 1));
    }
    assert_int_equal(module->state->num_attempts, HSM_ATTEMPTS_MAX);
    assert_status(attempt(module, set_a, 1), KQ_ERR_WAIT);
}

#define MODULE_TEST(test) cmocka_unit_test_setup_teardown(test, new_module, drop_module)
UNIT_MAIN(cmocka_unit_test(attempts_delay__by_failures__doubles_up_to_a_bound),
          MODULE_TEST(attempts_record__each__is_durable),
          MODULE_TEST(attempts_record__state_cannot_be_written__is_refused),
          MODULE_TEST(attempts_record__fourth_at_once__waits_then_goes_on),
          MODULE_TEST(attempts_record__other_card_or_set__has_its_own_count),
          MODULE_TEST(attempts_record__clock_set_back__waits_no_longer_than_the_delay),
          MODULE_TEST(attempts_clear__after_success__starts_over),
          MODULE_TEST(attempts_record__flood_of_foreign_sets__keeps_the_loaded_worlds_count))
