#include "api_world.h"

static int start(void **state)
{
    *state = api_world_new();
    return 0;
}

static int stop(void **state)
{
    api_world_free(*state);
    return 0;
}

static uint64_t look(struct api_world *world, const char *host, const char *authorization, enum vault_http_look how)
{
    const struct api_request headers = {.authorization = authorization};
    const struct vault_http_request request = {.method = VAULT_GET, .host = host, .headers = &headers};
    return vault_api_identify(&world->service, &request, how);
}

#define VAULT "contoso.vault." DOMAIN

static void identify__at_a_glance__knows_whom_it_has_seen(void **state)
{
    assert_int_equal(look(*state, VAULT, NULL, HTTP_AT_A_GLANCE), 0);
    assert_int_equal(look(*state, VAULT, "Bearer " ALICE, HTTP_AT_A_GLANCE), 1);
    assert_int_equal(look(*state, VAULT, "Bearer " NOBODY, HTTP_AT_A_GLANCE), 0);
}

static void identify__closely__checks_the_token_for_its_host(void **state)
{
    assert_int_equal(look(*state, VAULT, NULL, HTTP_CLOSELY), 0);
    assert_int_equal(look(*state, VAULT, "Bearer " NOBODY, HTTP_CLOSELY), 2);
    assert_int_equal(look(*state, "management." DOMAIN, "Bearer " NOBODY, HTTP_CLOSELY), 2);
    assert_int_equal(look(*state, VAULT, "Bearer forged", HTTP_CLOSELY), 0);
    assert_int_equal(look(*state, "login." DOMAIN, "Bearer " NOBODY, HTTP_CLOSELY), 0);
    assert_int_equal(look(*state, "192.0.2.1", "Bearer " NOBODY, HTTP_CLOSELY), 0);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(identify__at_a_glance__knows_whom_it_has_seen, start, stop),
          cmocka_unit_test_setup_teardown(identify__closely__checks_the_token_for_its_host, start, stop))
