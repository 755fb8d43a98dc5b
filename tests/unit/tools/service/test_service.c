#include <unistd.h>

#include "tools/service/jobs.h"
#include "tools/service/operator.h"
#include "tools/service/service.h"
#include "unit.h"

static void vault_wish__name_and_location__finds_the_region(void **state)
{
    (void)state;
    struct kq_vault_wish wish;
    assert_true(kq_vault_wish_parse("ContosoKeyVaultHSM:eastus", &wish));
    assert_string_equal(wish.name, "ContosoKeyVaultHSM");
    assert_string_equal(wish.location, "eastus");
    assert_string_equal(wish.region->name, "UnitedStates");
    assert_true(kq_vault_wish_parse("a:North Europe", &wish));
    assert_string_equal(wish.region->name, "Europe");
}

static void vault_wish__what_is_none__is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",         "contoso",          ":eastus",
        "contoso:", "contoso:atlantis", "a-name-that-is-much-longer-than-one-of-a-vault:eastus"};
    struct kq_vault_wish wish;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(kq_vault_wish_parse(wrong[i], &wish));
}

static void suffix__port__is_named_unless_it_is_443(void **state)
{
    (void)state;
    char out[300];
    assert_int_equal(kq_service_suffix("keyquay.test", "127.0.0.1:8443", out, sizeof out), KQ_OK);
    assert_string_equal(out, ".vault.keyquay.test:8443");
    assert_int_equal(kq_service_suffix("keyquay.test", "[::1]:443", out, sizeof out), KQ_OK);
    assert_string_equal(out, ".vault.keyquay.test");
}

static void suffix__address_without_port__is_refused(void **state)
{
    (void)state;
    char out[300];
    static const char *const wrong[] = {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1:x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(kq_service_suffix("d", wrong[i], out, sizeof out), KQ_ERR_ARGUMENT);
    assert_int_equal(kq_service_suffix("keyquay.test", "127.0.0.1:1", out, 8), KQ_ERR_TOO_LARGE);
}

static kq_status succeed(const void *context)
{
    (void)context;
    return KQ_OK;
}

static kq_status refuse(const void *context)
{
    return *(const kq_status *)context;
}

static kq_status die(const void *context)
{
    (void)context;
    _exit(200);
}

static void jobs__all_well__is_well(void **state)
{
    (void)state;
    const struct kq_job jobs[] = {{succeed, NULL}, {succeed, NULL}, {succeed, NULL}};
    assert_int_equal(kq_jobs_run(jobs, 3), KQ_OK);
    assert_int_equal(kq_jobs_run(jobs, 0), KQ_OK);
}

static void jobs__one_fails_or_dies__is_told(void **state)
{
    (void)state;
    const kq_status full = KQ_ERR_FULL;
    const struct kq_job jobs[] = {{succeed, NULL}, {refuse, &full}, {succeed, NULL}};
    assert_int_equal(kq_jobs_run(jobs, 3), KQ_ERR_FULL);
    const struct kq_job deaths[] = {{die, NULL}, {succeed, NULL}};
    assert_int_equal(kq_jobs_run(deaths, 2), KQ_ERR_INTERNAL);
    assert_int_equal(kq_jobs_run(jobs, KQ_JOBS_MAX + 1), KQ_ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vault_wish__name_and_location__finds_the_region),
        cmocka_unit_test(vault_wish__what_is_none__is_refused),
        cmocka_unit_test(suffix__port__is_named_unless_it_is_443),
        cmocka_unit_test(suffix__address_without_port__is_refused),
        cmocka_unit_test(jobs__all_well__is_well),
        cmocka_unit_test(jobs__one_fails_or_dies__is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
