#include "api_world.h"
#include "vault/api/paging.h"

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

static void create(struct api_world *world, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/keys/%s/create", name);
    assert_int_equal(api_send(world, VAULT_POST, path, "{'kty':'EC'}"), 200);
}

static void skip_token__marker__comes_back(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) token = {0};
    char text[VAULT_MARKER_SIZE * 2] = "", marker[VAULT_MARKER_SIZE];
    kq_buffer_init(&token, sizeof text - 1);
    assert_ok(vault_skip_token_encode("some marker/7", &token));
    memcpy(text, token.data, token.len);
    assert_ok(vault_skip_token_decode(text, marker));
    assert_string_equal(marker, "some marker/7");
}

static void skip_token__not_ours__is_refused(void **state)
{
    (void)state;
    char long_token[VAULT_MARKER_SIZE * 2], marker[VAULT_MARKER_SIZE];
    memset(long_token, 'A', sizeof long_token);
    long_token[sizeof long_token - 1] = '\0';
    assert_status(vault_skip_token_decode("", marker), KQ_ERR_FORMAT);
    assert_status(vault_skip_token_decode("%%%", marker), KQ_ERR_FORMAT);
    assert_status(vault_skip_token_decode("AAAA", marker), KQ_ERR_FORMAT); /* control characters */
    assert_status(vault_skip_token_decode(long_token, marker), KQ_ERR_FORMAT);
}

static void list_keys__empty_vault__is_an_empty_page(void **state)
{
    assert_int_equal(api_send(*state, VAULT_GET, "/keys", NULL), 200);
    assert_int_equal(json_array_size(api_value(*state, "value")), 0);
    assert_true(json_is_null(api_value(*state, "nextLink")));
}

static void list_keys__more_than_a_page__links_lead_through_all(void **state)
{
    struct api_world *world = *state;
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    char path[512] = "/keys?api-version=7.2&maxresults=2";
    size_t num_seen = 0, num_pages = 0;
    for (size_t i = 0; i < 5; i++)
        create(world, names[i]);
    while (path[0] != '\0') {
        assert_int_equal(api_send(world, VAULT_GET, path, NULL), 200);
        num_seen += json_array_size(api_value(world, "value"));
        num_pages++;
        const char *link = api_text(world, "nextLink");
        static const char begin[] = "https://contoso.vault." DOMAIN ":8443/keys?api-version=7.2&$skiptoken=";
        if (link[0] != '\0')
            assert_memory_equal(link, begin, sizeof begin - 1);
        const char *tail = link[0] == '\0' ? "" : strstr(link, "/keys?");
        snprintf(path, sizeof path, "%s", tail);
    }
    assert_int_equal(num_seen, 5);
    assert_in_range(num_pages, 3, 4);
}

static void list_keys__usual_port__link_names_it_and_kid_does_not(void **state)
{
    struct api_world *world = *state;
    create(world, "a");
    create(world, "b");
    struct api_request request = {.method = VAULT_GET,
                                  .host = "contoso.vault." DOMAIN,
                                  .port = 443,
                                  .path = "/keys?api-version=7.5&maxresults=1",
                                  .authorization = "Bearer " ALICE};
    assert_int_equal(api_send_raw(world, &request), 200);
    assert_string_equal(api_text(world, "value.0.kid"), "https://contoso.vault." DOMAIN "/keys/a");
    assert_non_null(strstr(api_text(world, "nextLink"), "https://contoso.vault." DOMAIN ":443/keys?"));
}

static void list_keys__bad_parameters__are_named(void **state)
{
    static const char *const paths[] = {"/keys?maxresults=0",
                                        "/keys?maxresults=26",
                                        "/keys?maxresults=x",
                                        "/keys?maxresults=-1",
                                        "/keys?$skiptoken=%%",
                                        "/deletedkeys?maxresults=",
                                        "/keys/n/versions?maxresults=99"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        api_send(*state, VAULT_GET, paths[i], NULL);
        assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
    }
}

static void list_versions__newest_first_with_their_ids(void **state)
{
    struct api_world *world = *state;
    create(world, "a");
    create(world, "a");
    assert_int_equal(api_send(world, VAULT_GET, "/keys/A/versions", NULL), 200);
    assert_int_equal(json_array_size(api_value(world, "value")), 2);
    assert_int_equal(strlen(api_text(world, "value.0.kid")),
                     strlen("https://contoso.vault." DOMAIN ":8443/keys/a/") + 32);
}

static void list_versions__no_such_key__is_empty(void **state)
{
    assert_int_equal(api_send(*state, VAULT_GET, "/keys/absent/versions", NULL), 200);
    assert_int_equal(json_array_size(api_value(*state, "value")), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skip_token__marker__comes_back),
        cmocka_unit_test(skip_token__not_ours__is_refused),
        TEST(list_keys__empty_vault__is_an_empty_page),
        TEST(list_keys__more_than_a_page__links_lead_through_all),
        TEST(list_keys__usual_port__link_names_it_and_kid_does_not),
        TEST(list_keys__bad_parameters__are_named),
        TEST(list_versions__newest_first_with_their_ids),
        TEST(list_versions__no_such_key__is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
