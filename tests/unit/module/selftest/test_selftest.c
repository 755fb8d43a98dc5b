#include "unit.h"

#include "base/clock.h"
#include "module/selftest/selftest.h"

static void selftest__each_case__passes(void **state)
{
    (void)state;
    assert_true(hsm_num_selftest_cases >= 10);
    for (size_t i = 0; i < hsm_num_selftest_cases; i++) {
        if (hsm_selftest_cases[i].run() != KQ_OK)
            fail_msg("%s", hsm_selftest_cases[i].name);
    }
    assert_ok(hsm_selftest());
}

/* The module has to be ready within a second; a slow machine under a sanitizer gets twenty times that. */
static void selftest__whole__takes_little_time(void **state)
{
    (void)state;
    uint64_t start = kq_clock_monotonic_ms();
    assert_ok(hsm_selftest());
    assert_true(kq_clock_monotonic_ms() - start < 1000);
}

UNIT_MAIN(cmocka_unit_test(selftest__each_case__passes), cmocka_unit_test(selftest__whole__takes_little_time))
