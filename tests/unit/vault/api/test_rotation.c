#include "api_world.h"
#include "vault/api/rotation.h"

#define DAY UINT64_C(86400)

static uint64_t after(uint64_t time, const char *text)
{
    struct vault_duration duration = {0};
    assert_true(vault_duration_parse(text, &duration));
    return vault_duration_after(time, duration);
}

static void duration_parse__good__is_read(void **state)
{
    (void)state;
    struct vault_duration duration = {0};
    assert_true(vault_duration_parse("P1Y6M2W3D", &duration));
    assert_int_equal(duration.months, 18);
    assert_int_equal(duration.days, 17);
    assert_true(vault_duration_parse("P100Y", &duration));
}

static void duration_parse__bad__is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       "P",      "90D",  "PD",    "P90",           "P9",  "P1D1Y", "P1D2D",
                                        "PT1H",   "P1DT1H", "P-1D", "P101Y", "P99999999999D", "p1d", "P1.5D", "P1D ",
                                        "P36601D"};
    struct vault_duration duration = {7, 7};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(vault_duration_parse(texts[i], &duration));
    assert_int_equal(duration.months, 7);
}

static void duration_after__calendar__is_kept(void **state)
{
    (void)state;
    assert_int_equal(after(0, "P1D"), DAY);
    assert_int_equal(after(1709164800, "P1Y"), 1740700800); /* 2024-02-29 -> 2025-02-28 */
    assert_int_equal(after(1706659200, "P1M"), 1709164800); /* 2024-01-31 -> 2024-02-29 */
    assert_int_equal(after(1703980800, "P2M"), 1709164800); /* 2023-12-31 -> 2024-02-29 */
    assert_int_equal(after(NOW, "P2W"), NOW + 14 * DAY);
}

static void duration_before__calendar__is_kept(void **state)
{
    (void)state;
    struct vault_duration month = {.months = 1}, century = {.months = 1200};
    assert_int_equal(vault_duration_before(1711843200, month), 1709164800); /* 2024-03-31 -> 2024-02-29 */
    assert_int_equal(vault_duration_before(5, century), 0);
}

static void rotation_apply__policy__sets_expiry_and_plan(void **state)
{
    (void)state;
    struct vault_key key = {.rotation_policy =
                                (char *)"{\"lifetimeActions\":[{\"trigger\":{\"timeBeforeExpiry\":\"P7D\"},\"action\":{"
                                        "\"type\":\"Rotate\"}}],\"attributes\":{\"expiryTime\":\"P30D\"}}"};
    struct vault_key_version version = {.created = NOW};
    vault_rotation_apply(&key, &version);
    assert_int_equal(version.exp, NOW + 30 * DAY);
    assert_int_equal(key.next_rotation, NOW + 23 * DAY);
    version.exp = NOW + 100 * DAY; /* the client's own stays */
    vault_rotation_apply(&key, &version);
    assert_int_equal(version.exp, NOW + 100 * DAY);
    assert_int_equal(key.next_rotation, NOW + 93 * DAY);
}

static void rotation_apply__notify_only_or_damaged__plans_nothing(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P7D\"},\"action\":{\"type\":\"Notify\"}}]}", "{",
        "[]", "{\"lifetimeActions\":7}", "{\"lifetimeActions\":[7]}"};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct vault_key key = {.rotation_policy = (char *)policies[i], .next_rotation = 5};
        struct vault_key_version version = {.created = NOW};
        vault_rotation_apply(&key, &version);
        assert_int_equal(key.next_rotation, 0);
        assert_int_equal(version.exp, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duration_parse__good__is_read),
        cmocka_unit_test(duration_parse__bad__is_refused),
        cmocka_unit_test(duration_after__calendar__is_kept),
        cmocka_unit_test(duration_before__calendar__is_kept),
        cmocka_unit_test(rotation_apply__policy__sets_expiry_and_plan),
        cmocka_unit_test(rotation_apply__notify_only_or_damaged__plans_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
