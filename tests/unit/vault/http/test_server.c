#include "vault/http/server.h"

#include "harness/http_keys.h"
#include "unit.h"

static const struct vault_http_address anywhere = {"127.0.0.1", 0};

struct world {
    struct http_key ca;
    struct http_key key;
    struct kq_buffer pem; /* of key, self-signed */
    struct kq_buffer key_pem;
    struct vault_http_options options;
    struct vault_http_server *server;
    char error[256];
};

static void no_handler(void *context, const struct vault_http_request *request, struct vault_http_response *response)
{
    (void)context;
    (void)request;
    response->status = 204;
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    http_key_make(&world->ca);
    http_key_make(&world->key);
    kq_buffer_init(&world->pem, 65536);
    kq_buffer_init(&world->key_pem, 65536);
    assert_ok(http_key_authority(&world->key, &world->pem));
    http_key_pem(&world->key, &world->key_pem);
    world->options = (struct vault_http_options){
        .addresses = &anywhere,
        .num_addresses = 1,
        .tls = {.chain_pem = kq_buffer_slice(&world->pem), .sign = http_key_sign, .sign_context = &world->key},
        .handler = no_handler,
        .num_workers = 2,
        .num_io_threads = 2,
        .max_connections = 10,
        .max_body = 100,
        .idle_ms = 1000,
        .request_ms = 1000,
    };
    *state = world;
    return 0;
}

static int free_world(void **state)
{
    struct world *world = *state;
    vault_http_stop(world->server, 0);
    http_key_clear(&world->ca);
    http_key_clear(&world->key);
    kq_buffer_clear(&world->pem);
    kq_buffer_clear(&world->key_pem);
    free(world);
    return 0;
}

static kq_status start(struct world *world)
{
    return vault_http_start(&world->options, &world->server, world->error, sizeof world->error);
}

static void start__sound_options__tells_the_port_it_got(void **state)
{
    struct world *world = *state;
    assert_ok(start(world));
    assert_int_not_equal(vault_http_port(world->server, 0), 0);
    assert_int_equal(vault_http_port(world->server, 1), 0);
}

static void start__address_in_use__is_named(void **state)
{
    struct world *world = *state;
    struct vault_http_server *other = NULL;
    assert_ok(start(world));
    struct vault_http_address taken = {"127.0.0.1", vault_http_port(world->server, 0)};
    world->options.addresses = &taken;
    assert_status(vault_http_start(&world->options, &other, world->error, sizeof world->error), KQ_ERR_CONNECT);
    assert_non_null(strstr(world->error, "127.0.0.1"));
    assert_null(other);
}

static void start__two_addresses_second_in_use__frees_the_first(void **state)
{
    struct world *world = *state;
    struct vault_http_server *other = NULL;
    assert_ok(start(world));
    struct vault_http_address both[] = {anywhere, {"127.0.0.1", vault_http_port(world->server, 0)}};
    world->options.addresses = both;
    world->options.num_addresses = 2;
    assert_status(vault_http_start(&world->options, &other, world->error, sizeof world->error), KQ_ERR_CONNECT);
}

static void start__key_of_another_certificate__is_refused(void **state)
{
    struct world *world = *state;
    world->options.tls.sign_context = &world->ca;
    assert_status(start(world), KQ_ERR_ARGUMENT);
    assert_non_null(strstr(world->error, "does not belong"));
}

static void start__key_that_cannot_sign__is_refused(void **state)
{
    struct world *world = *state;
    world->key.fails_with = KQ_ERR_CONNECT;
    assert_status(start(world), KQ_ERR_ARGUMENT);
    assert_non_null(strstr(world->error, "cannot sign"));
}

static void start__chain_or_key_that_are_none__are_refused(void **state)
{
    struct world *world = *state;
    world->options.tls.chain_pem = KQ_SLICE_EMPTY;
    assert_status(start(world), KQ_ERR_ARGUMENT);
    world->options.tls.chain_pem = kq_slice_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_status(start(world), KQ_ERR_ARGUMENT);
    world->options.tls.chain_pem = kq_buffer_slice(&world->pem);
    world->options.tls.key_pem = kq_slice_text("not a key");
    assert_status(start(world), KQ_ERR_ARGUMENT);
    assert_non_null(strstr(world->error, "key"));
}

static void start__zero_workers__is_refused(void **state)
{
    struct world *world = *state;
    world->options.num_workers = 0;
    assert_status(start(world), KQ_ERR_ARGUMENT);
}

static void set_tls__operators_key__is_taken_and_a_wrong_one_leaves_the_former(void **state)
{
    struct world *world = *state;
    assert_ok(start(world));
    struct vault_http_tls tls = {.chain_pem = kq_buffer_slice(&world->pem),
                                 .key_pem = kq_buffer_slice(&world->key_pem)};
    char error[256] = "";
    assert_ok(vault_http_check_tls(&tls, error, sizeof error));
    assert_ok(vault_http_set_tls(world->server, &tls, error, sizeof error));
    tls.key_pem = kq_slice_text("not a key");
    assert_status(vault_http_check_tls(&tls, error, sizeof error), KQ_ERR_ARGUMENT);
    assert_status(vault_http_set_tls(world->server, &tls, error, sizeof error), KQ_ERR_ARGUMENT);
    assert_string_equal(error, "TLS: the private key is not an unencrypted key in PEM");
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(start__sound_options__tells_the_port_it_got, make_world, free_world),
          cmocka_unit_test_setup_teardown(start__address_in_use__is_named, make_world, free_world),
          cmocka_unit_test_setup_teardown(start__two_addresses_second_in_use__frees_the_first, make_world, free_world),
          cmocka_unit_test_setup_teardown(start__key_of_another_certificate__is_refused, make_world, free_world),
          cmocka_unit_test_setup_teardown(start__key_that_cannot_sign__is_refused, make_world, free_world),
          cmocka_unit_test_setup_teardown(start__chain_or_key_that_are_none__are_refused, make_world, free_world),
          cmocka_unit_test_setup_teardown(start__zero_workers__is_refused, make_world, free_world),
          cmocka_unit_test_setup_teardown(set_tls__operators_key__is_taken_and_a_wrong_one_leaves_the_former,
                                          make_world, free_world))
