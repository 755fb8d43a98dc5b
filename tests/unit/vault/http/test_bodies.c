#include "vault/http/bodies.h"

#include "unit.h"

static const struct vault_http_client one = {HTTP_CLIENT_ADDRESS, 1};

/* Not in the lane of the first. */
static struct vault_http_client another(const struct vault_http_bodies *bodies)
{
    struct vault_http_client client = {HTTP_CLIENT_ADDRESS, 2};
    while (vault_http_client_lane(client, bodies->seed) == vault_http_client_lane(one, bodies->seed))
        client.number++;
    return client;
}

static void take__one_client__leaves_a_quarter_to_others(void **state)
{
    static struct vault_http_bodies bodies;
    (void)state;
    assert_ok(vault_http_bodies_init(1000, &bodies));
    assert_true(vault_http_bodies_take(&bodies, one, 750));
    assert_false(vault_http_bodies_take(&bodies, one, 1));
    assert_true(vault_http_bodies_take(&bodies, another(&bodies), 250));
}

static void take__all_together__are_bounded_and_a_refusal_takes_nothing(void **state)
{
    static struct vault_http_bodies bodies;
    (void)state;
    assert_ok(vault_http_bodies_init(1000, &bodies));
    assert_true(vault_http_bodies_take(&bodies, one, 600));
    assert_false(vault_http_bodies_take(&bodies, another(&bodies), 401));
    assert_true(vault_http_bodies_take(&bodies, another(&bodies), 400));
}

static void give__what_was_taken__there_is_room_again(void **state)
{
    static struct vault_http_bodies bodies;
    (void)state;
    assert_ok(vault_http_bodies_init(1000, &bodies));
    assert_true(vault_http_bodies_take(&bodies, one, 750));
    vault_http_bodies_give(&bodies, one, 750);
    assert_true(vault_http_bodies_take(&bodies, one, 750));
    assert_true(vault_http_bodies_take(&bodies, another(&bodies), 250));
}

UNIT_MAIN(cmocka_unit_test(take__one_client__leaves_a_quarter_to_others),
          cmocka_unit_test(take__all_together__are_bounded_and_a_refusal_takes_nothing),
          cmocka_unit_test(give__what_was_taken__there_is_room_again))
