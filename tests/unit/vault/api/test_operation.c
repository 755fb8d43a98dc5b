#include "api_world.h"
#include "vault/api/operation.h"
#include "vault/ops/metrics.h"
#include "vault/ops/throttle.h"

static int setup(void **state)
{
    *state = api_world_new();
    return 0;
}

static int teardown(void **state)
{
    struct api_world *world = *state;
    vault_throttle_free(world->service.throttle);
    vault_test_mode_free(world->service.test_mode);
    api_world_free(world);
    return 0;
}

static unsigned send_test(struct api_world *world, enum vault_method method, const char *path, const char *body,
                          const char *peer)
{
    return api_send_raw(
        world, &(struct api_request){
                   .method = method, .host = "login." DOMAIN, .port = 8443, .path = path, .body = body, .peer = peer});
}

static void enter_test_mode(struct api_world *world)
{
    assert_ok(vault_test_mode_new(true, true, &world->service.test_mode));
}

/* ---- test mode -------------------------------------------------------------------------- */

static void test_routes__without_test_mode__are_not_there(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(send_test(world, VAULT_POST, "/test/clock", "{\"offsetSeconds\":5}", NULL), 404);
    assert_int_equal(send_test(world, VAULT_POST, "/test/faults", "{\"match\":\"/\",\"status\":500}", NULL), 404);
    assert_int_equal(send_test(world, VAULT_DELETE, "/test/faults", "", NULL), 404);
    assert_string_equal(api_header(world, "x-keyquay-test-mode"), "");
}

static void test_routes__from_another_host__are_refused(void **state)
{
    struct api_world *world = *state;
    enter_test_mode(world);
    assert_int_equal(send_test(world, VAULT_POST, "/test/clock", "{\"offsetSeconds\":5}", "192.0.2.1"), 403);
    assert_int_equal(vault_test_clock_offset(world->service.test_mode), 0);
    assert_int_equal(send_test(world, VAULT_POST, "/test/clock", "{\"offsetSeconds\":5}", "::1"), 200);
    assert_string_equal(api_header(world, "x-keyquay-test-mode"), "yes");
}

static void test_routes__part_that_is_off__says_so(void **state)
{
    struct api_world *world = *state;
    assert_ok(vault_test_mode_new(false, false, &world->service.test_mode));
    assert_int_equal(send_test(world, VAULT_POST, "/test/clock", "{\"offsetSeconds\":5}", NULL), 404);
    assert_non_null(strstr(api_text(world, "error.message"), "clock-control"));
    assert_int_equal(send_test(world, VAULT_POST, "/test/faults", "{\"match\":\"/\",\"status\":500}", NULL), 404);
    assert_non_null(strstr(api_text(world, "error.message"), "fault-injection"));
}

static void clock__moved__is_the_time_of_new_keys(void **state)
{
    struct api_world *world = *state;
    enter_test_mode(world);
    assert_int_equal(send_test(world, VAULT_POST, "/test/clock", "{\"offsetSeconds\":1000}", NULL), 200);
    assert_int_equal(api_integer(world, "now"), NOW + 1000);
    assert_int_equal(api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC'}"), 200);
    assert_int_equal(api_integer(world, "attributes.created"), NOW + 1000);
}

static void clock__bad_offset__is_refused(void **state)
{
    struct api_world *world = *state;
    static const char *const bodies[] = {"{}", "{\"offsetSeconds\":\"5\"}", "{\"offsetSeconds\":3162240001}",
                                         "{\"offsetSeconds\":-3162240001}"};
    enter_test_mode(world);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_int_equal(send_test(world, VAULT_POST, "/test/clock", bodies[i], NULL), 400);
        assert_int_equal(vault_test_clock_offset(world->service.test_mode), 0);
    }
}

static void faults__ordered__hit_what_they_name_and_no_more(void **state)
{
    struct api_world *world = *state;
    struct vault_metrics metrics = {.num_passes = 0};
    world->service.metrics = &metrics;
    enter_test_mode(world);
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC'}");
    assert_int_equal(
        send_test(world, VAULT_POST, "/test/faults", "{\"match\":\"/keys/n\",\"status\":429,\"count\":2}", NULL), 204);
    assert_int_equal(api_send(world, VAULT_GET, "/keys", NULL), 200);
    api_send(world, VAULT_GET, "/keys/n", NULL);
    assert_problem(world, 429, "Throttled", NULL);
    api_send(world, VAULT_DELETE, "/keys/n", NULL);
    assert_problem(world, 429, "Throttled", NULL);
    assert_int_equal(api_send(world, VAULT_GET, "/keys/n", NULL), 200);
    assert_int_equal(metrics.num_faults, 2);
    assert_int_equal(metrics.requests[0][VAULT_GET][4], 1);
    world->service.metrics = NULL;
}

static void faults__500_and_503__answer_in_the_envelope(void **state)
{
    struct api_world *world = *state;
    enter_test_mode(world);
    send_test(world, VAULT_POST, "/test/faults", "{\"match\":\"/keys\",\"status\":500}", NULL);
    send_test(world, VAULT_POST, "/test/faults", "{\"match\":\"/keys\",\"status\":503,\"delayMs\":1}", NULL);
    api_send(world, VAULT_GET, "/keys", NULL);
    assert_problem(world, 500, "InternalServerError", NULL);
    api_send(world, VAULT_GET, "/keys", NULL);
    assert_problem(world, 503, "ServiceUnavailable", NULL);
}

static void faults__bad_order__is_refused(void **state)
{
    struct api_world *world = *state;
    static const char *const bodies[] = {
        "{}",
        "{\"match\":\"keys\",\"status\":500}",
        "{\"match\":\"/keys\",\"status\":404}",
        "{\"match\":\"/keys\",\"status\":500,\"count\":0}",
        "{\"match\":\"/keys\",\"status\":500,\"count\":1000001}",
        "{\"match\":\"/keys\",\"status\":500,\"delayMs\":60001}",
        "{\"match\":\"/keys\",\"status\":500,\"delayMs\":-1}",
    };
    enter_test_mode(world);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_int_equal(send_test(world, VAULT_POST, "/test/faults", bodies[i], NULL), 400);
    assert_int_equal(api_send(world, VAULT_GET, "/keys", NULL), 200);
}

static void faults__deleted__hit_nobody(void **state)
{
    struct api_world *world = *state;
    enter_test_mode(world);
    send_test(world, VAULT_POST, "/test/faults", "{\"match\":\"/keys\",\"status\":500,\"count\":9}", NULL);
    assert_int_equal(send_test(world, VAULT_DELETE, "/test/faults", "", NULL), 204);
    assert_int_equal(api_send(world, VAULT_GET, "/keys", NULL), 200);
}

/* ---- limits -------------------------------------------------------------------------------- */

static unsigned count_until_throttled(struct api_world *world, const char *kty, unsigned most)
{
    char path[64], body[64];
    unsigned count = 0;
    snprintf(body, sizeof body, "{'kty':'%s'}", kty);
    for (; count < most; count++) {
        snprintf(path, sizeof path, "/keys/%s%u/create", kty, count);
        if (api_send(world, VAULT_POST, path, body) != 200)
            break;
    }
    return count;
}

/* Ten in ten seconds; the seconds may turn over once while the test runs. */
static void throttle__creating_in_hardware__ends_at_ten(void **state)
{
    struct api_world *world = *state;
    assert_ok(vault_throttle_new(&world->service.throttle));
    assert_in_range(count_until_throttled(world, "EC-HSM", 30), 10, 20);
    assert_problem(world, 429, "Throttled", NULL);
    assert_string_equal(api_text(world, "error.message"),
                        "Request was not processed because too many requests were received. Reason: "
                        "VaultRequestTypeLimitReached");
    assert_int_equal(api_send(world, VAULT_POST, "/keys/soft/create", "{'kty':'EC'}"), 200);
    assert_int_equal(api_send(world, VAULT_GET, "/keys", NULL), 200);
    assert_int_equal(api_send(world, VAULT_GET, "/keys/EC-HSM0", NULL), 200);
}

static void throttle__off__lets_all_pass(void **state)
{
    assert_int_equal(count_until_throttled(*state, "EC-HSM", 45), 45);
}

static void throttle__rotating__counts_as_creating(void **state)
{
    struct api_world *world = *state;
    unsigned count = 0;
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC-HSM'}");
    assert_ok(vault_throttle_new(&world->service.throttle));
    while (count < 30 && api_send(world, VAULT_POST, "/keys/n/rotate", NULL) == 200)
        count++;
    assert_in_range(count, 10, 20);
    assert_problem(world, 429, "Throttled", NULL);
}

static void peer_is_loopback__forms_of_addresses__are_told_apart(void **state)
{
    (void)state;
    assert_true(vault_peer_is_loopback("127.0.0.1"));
    assert_true(vault_peer_is_loopback("127.255.0.9"));
    assert_true(vault_peer_is_loopback("::1"));
    assert_true(vault_peer_is_loopback("::ffff:127.0.0.1"));
    assert_false(vault_peer_is_loopback("128.0.0.1"));
    assert_false(vault_peer_is_loopback("::2"));
    assert_false(vault_peer_is_loopback(""));
    assert_false(vault_peer_is_loopback("::ffff:10.0.0.1"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
UNIT_MAIN(TEST(test_routes__without_test_mode__are_not_there), TEST(test_routes__from_another_host__are_refused),
          TEST(test_routes__part_that_is_off__says_so), TEST(clock__moved__is_the_time_of_new_keys),
          TEST(clock__bad_offset__is_refused), TEST(faults__ordered__hit_what_they_name_and_no_more),
          TEST(faults__500_and_503__answer_in_the_envelope), TEST(faults__bad_order__is_refused),
          TEST(faults__deleted__hit_nobody), TEST(throttle__creating_in_hardware__ends_at_ten),
          TEST(throttle__off__lets_all_pass), TEST(throttle__rotating__counts_as_creating),
          TEST(peer_is_loopback__forms_of_addresses__are_told_apart))
