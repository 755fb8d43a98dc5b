#include "unit.h"
#include "webclient/token.h"

static void challenge_parse__form_of_the_vault__gives_both(void **state)
{
    (void)state;
    struct kqw_challenge found;
    assert_int_equal(kqw_challenge_parse("Bearer authorization=\"https://login.example:8443/adfs\", "
                                         "resource=\"https://vault.example:8443\"",
                                         &found),
                     KQ_OK);
    assert_string_equal(found.authority, "https://login.example:8443/adfs");
    assert_string_equal(found.resource, "https://vault.example:8443");
}

static void challenge_parse__scope_and_uri__are_read_too(void **state)
{
    (void)state;
    struct kqw_challenge found;
    assert_int_equal(kqw_challenge_parse("bearer realm=\"\", authorization_uri=https://l.example/t,"
                                         "scope=\"https://vault.example/.default\"",
                                         &found),
                     KQ_OK);
    assert_string_equal(found.authority, "https://l.example/t");
    assert_string_equal(found.resource, "https://vault.example");
}

static void challenge_parse__what_is_none__is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "Basic realm=\"x\"",
        "Bearer ",
        "Bearer authorization=\"https://l.example\"",
        "Bearer resource=\"https://v.example\"",
        "Bearer authorization=\"https://l.example, resource=x",
        "Bearer authorization",
        "Bearer =x, resource=y",
    };
    struct kqw_challenge found;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(kqw_challenge_parse(wrong[i], &found), KQ_ERR_FORMAT);
}

static void challenge_parse__a_url_too_long__is_refused(void **state)
{
    (void)state;
    char header[1200];
    struct kqw_challenge found;
    memset(header, 'a', sizeof header);
    memcpy(header, "Bearer authorization=", 21);
    memcpy(header + 1100, ", resource=b", sizeof ", resource=b");
    assert_int_equal(kqw_challenge_parse(header, &found), KQ_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenge_parse__form_of_the_vault__gives_both),
        cmocka_unit_test(challenge_parse__scope_and_uri__are_read_too),
        cmocka_unit_test(challenge_parse__what_is_none__is_refused),
        cmocka_unit_test(challenge_parse__a_url_too_long__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
