#include "api_world.h"

static int start(void **state)
{
    struct api_world *world = api_world_new();
    *state = world;
    api_send(world, VAULT_POST, "/keys/rsa/create", "{'kty':'RSA-HSM'}");
    api_send(world, VAULT_POST, "/keys/ec/create", "{'kty':'EC'}");
    return 0;
}

static int stop(void **state)
{
    api_world_free(*state);
    return 0;
}

static struct fake_module *fake(struct api_world *world)
{
    return fake_module_of(world->service.keyops);
}

/* base64url of len bytes of zero, with one for the first */
static const char *value_of(size_t len, char *out)
{
    size_t digits = (len * 8 + 5) / 6;
    memset(out, 'A', digits);
    out[0] = 'B';
    out[digits] = '\0';
    return out;
}

static unsigned use(struct api_world *world, const char *key, const char *operation, const char *alg, size_t len)
{
    char path[128], body[2048], value[1024];
    snprintf(path, sizeof path, "/keys/%s/%s", key, operation);
    snprintf(body, sizeof body, "{'alg':'%s','value':'%s'}", alg, value_of(len, value));
    return api_send(world, VAULT_POST, path, body);
}

static void use__each_algorithm__takes_its_length_alone(void **state)
{
    static const struct {
        const char *key, *operation, *alg;
        size_t low, high;
    } rows[] = {
        {"rsa", "sign", "RS256", 32, 32},         {"rsa", "sign", "RS384", 48, 48},
        {"rsa", "sign", "RS512", 64, 64},         {"rsa", "sign", "PS256", 32, 32},
        {"rsa", "sign", "PS384", 48, 48},         {"rsa", "sign", "PS512", 64, 64},
        {"rsa", "sign", "RSNULL", 1, 245},        {"ec", "sign", "ES256", 32, 32},
        {"rsa", "encrypt", "RSA-OAEP", 1, 214},   {"rsa", "encrypt", "RSA-OAEP-256", 1, 190},
        {"rsa", "encrypt", "RSA1_5", 1, 245},     {"rsa", "wrapkey", "RSA-OAEP-256", 1, 190},
        {"rsa", "decrypt", "RSA-OAEP", 256, 256}, {"rsa", "decrypt", "RSA1_5", 256, 256},
        {"rsa", "unwrapkey", "RSA1_5", 256, 256},
    };
    struct api_world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(use(world, rows[i].key, rows[i].operation, rows[i].alg, rows[i].low), 200);
        assert_int_equal(use(world, rows[i].key, rows[i].operation, rows[i].alg, rows[i].high), 200);
        unsigned num_used = fake(world)->num_used;
        use(world, rows[i].key, rows[i].operation, rows[i].alg, rows[i].high + 1);
        assert_problem(world, 400, "BadParameter", NULL);
        use(world, rows[i].key, rows[i].operation, rows[i].alg, rows[i].low - 1);
        assert_problem(world, 400, "BadParameter", NULL);
        assert_int_equal(fake(world)->num_used, num_used);
    }
}

static void sign__wrong_length__says_the_documented_words(void **state)
{
    use(*state, "ec", "sign", "ES256", 1);
    assert_string_equal(api_text(*state, "error.message"),
                        "Invalid length of 'value': 1 bytes. ES256 requires 32 bytes, encoded with base64url.");
}

static void sign__unversioned__answers_with_the_full_kid(void **state)
{
    struct api_world *world = *state;
    char kid[200];
    assert_int_equal(use(world, "EC", "sign", "ES256", 32), 200);
    snprintf(kid, sizeof kid, "https://contoso.vault." DOMAIN ":8443/keys/ec/%s", fake(world)->version);
    assert_string_equal(api_text(world, "kid"), kid);
    char path[128];
    snprintf(path, sizeof path, "ec/%s", fake(world)->version);
    assert_int_equal(use(world, path, "SIGN", "ES256", 32), 200);
    assert_int_equal(use(world, "ec//", "sign", "ES256", 32), 200);
}

static void use__algorithm_that_does_not_fit__is_refused(void **state)
{
    static const struct {
        const char *key, *operation, *alg;
    } rows[] = {
        {"ec", "sign", "RS256"},  {"rsa", "sign", "ES256"},     {"ec", "sign", "ES384"},
        {"ec", "sign", "ES256K"}, {"rsa", "sign", "RSA-OAEP"},  {"rsa", "encrypt", "RS256"},
        {"rsa", "sign", "HS256"}, {"rsa", "encrypt", "A256KW"}, {"rsa", "sign", "rs256"},
        {"rsa", "sign", ""},
    };
    struct api_world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        use(world, rows[i].key, rows[i].operation, rows[i].alg, 32);
        assert_problem(world, 400, "BadParameter", NULL);
    }
    assert_int_equal(fake(world)->num_used, 0);
}

static void use__bad_value__is_named(void **state)
{
    static const char *const bodies[] = {"{'alg':'ES256'}", "{'alg':'ES256','value':7}",
                                         "{'alg':'ES256','value':'***'}", "{'alg':'ES256','value':'A'}",
                                         "{'alg':'ES256','value':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        api_send(*state, VAULT_POST, "/keys/ec/sign", bodies[i]);
        assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
        assert_non_null(strstr(api_text(*state, "error.message"), "'value'"));
    }
}

static void use__operation_not_in_key_ops__is_forbidden(void **state)
{
    struct api_world *world = *state;
    api_send(world, VAULT_PATCH, "/keys/rsa", "{'key_ops':['sign','verify']}");
    assert_int_equal(use(world, "rsa", "sign", "RS256", 32), 200);
    use(world, "rsa", "decrypt", "RSA-OAEP", 256);
    assert_problem(world, 403, "Forbidden", "KeyOperationForbidden");
    assert_string_equal(api_text(world, "error.message"), "Operation decrypt is not permitted on this key.");
}

static void use__disabled_key__does_nothing(void **state)
{
    struct api_world *world = *state;
    static const char *const operations[] = {"sign", "encrypt", "decrypt", "wrapkey", "unwrapkey", "verify"};
    api_send(world, VAULT_PATCH, "/keys/rsa", "{'attributes':{'enabled':false}}");
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        use(world, "rsa", operations[i], "RS256", 32);
        assert_problem(world, 403, "Forbidden", "KeyDisabled");
    }
    assert_int_equal(api_send(world, VAULT_GET, "/keys/rsa", NULL), 200);
}

static void use__outside_its_time__undoing_still_works(void **state)
{
    struct api_world *world = *state;
    char body[128];
    snprintf(body, sizeof body, "{'attributes':{'exp':%llu}}", (unsigned long long)NOW - 301);
    api_send(world, VAULT_PATCH, "/keys/rsa", body);
    use(world, "rsa", "sign", "RS256", 32);
    assert_problem(world, 403, "Forbidden", "KeyExpired");
    use(world, "rsa", "wrapkey", "RSA-OAEP", 32);
    assert_problem(world, 403, "Forbidden", "KeyExpired");
    assert_int_equal(use(world, "rsa", "decrypt", "RSA-OAEP", 256), 200);
    assert_int_equal(use(world, "rsa", "unwrapkey", "RSA-OAEP", 256), 200);
    snprintf(body, sizeof body, "{'attributes':{'exp':0,'nbf':%llu}}", (unsigned long long)NOW + 301);
    api_send(world, VAULT_PATCH, "/keys/rsa", body);
    use(world, "rsa", "encrypt", "RSA-OAEP", 32);
    assert_problem(world, 403, "Forbidden", "KeyNotYetValid");
    snprintf(body, sizeof body, "{'attributes':{'nbf':%llu}}", (unsigned long long)NOW + 299);
    api_send(world, VAULT_PATCH, "/keys/rsa", body);
    assert_int_equal(use(world, "rsa", "encrypt", "RSA-OAEP", 32), 200);
}

static void verify__signature__is_judged(void **state)
{
    struct api_world *world = *state;
    char digest[64], body[512];
    value_of(32, digest);
    assert_int_equal(use(world, "ec", "sign", "ES256", 32), 200);
    snprintf(body, sizeof body, "{'alg':'ES256','digest':'%s','value':'%s'}", digest, api_text(world, "value"));
    assert_int_equal(api_send(world, VAULT_POST, "/keys/ec/verify", body), 200);
    assert_true(json_is_true(api_value(world, "value")));
    snprintf(body, sizeof body, "{'alg':'ES256','digest':'%s','value':'AAAA'}", digest);
    assert_int_equal(api_send(world, VAULT_POST, "/keys/ec/verify", body), 200);
    assert_true(json_is_false(api_value(world, "value")));
    api_send(world, VAULT_POST, "/keys/ec/verify", "{'alg':'ES256','digest':'AAAA','value':'AAAA'}");
    assert_problem(world, 400, "BadParameter", NULL);
    assert_non_null(strstr(api_text(world, "error.message"), "'digest'"));
}

static void decrypt__fails__is_one_error(void **state)
{
    struct api_world *world = *state;
    fake(world)->fails_with = KQ_ERR_AUTH;
    fake(world)->why = "padding";
    use(world, "rsa", "decrypt", "RSA-OAEP", 256);
    assert_problem(world, 400, "BadParameter", NULL);
    assert_null(strstr(api_text(world, "error.message"), "padding"));
}

static void sign__module_refuses_the_stored_key__is_our_fault(void **state)
{
    struct api_world *world = *state;
    fake(world)->fails_with = KQ_ERR_AUTH;
    fake(world)->why = "another place";
    use(world, "rsa", "sign", "RS256", 32);
    assert_problem(world, 500, "InternalServerError", NULL);
    fake(world)->fails_with = KQ_ERR_CONNECT;
    use(world, "rsa", "sign", "RS256", 32);
    assert_problem(world, 503, "ServiceUnavailable", NULL);
}

static void use__absent_or_deleted_key__is_not_found(void **state)
{
    struct api_world *world = *state;
    use(world, "absent", "sign", "RS256", 32);
    assert_problem(world, 404, "KeyNotFound", NULL);
    use(world, "rsa/00000000000000000000000000000000", "sign", "RS256", 32);
    assert_problem(world, 404, "KeyNotFound", NULL);
    use(world, "rsa/short", "sign", "RS256", 32);
    assert_problem(world, 404, "KeyNotFound", NULL);
    api_send(world, VAULT_DELETE, "/keys/rsa", NULL);
    use(world, "rsa", "sign", "RS256", 32);
    assert_problem(world, 404, "KeyNotFound", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(use__each_algorithm__takes_its_length_alone),
        TEST(sign__wrong_length__says_the_documented_words),
        TEST(sign__unversioned__answers_with_the_full_kid),
        TEST(use__algorithm_that_does_not_fit__is_refused),
        TEST(use__bad_value__is_named),
        TEST(use__operation_not_in_key_ops__is_forbidden),
        TEST(use__disabled_key__does_nothing),
        TEST(use__outside_its_time__undoing_still_works),
        TEST(verify__signature__is_judged),
        TEST(decrypt__fails__is_one_error),
        TEST(sign__module_refuses_the_stored_key__is_our_fault),
        TEST(use__absent_or_deleted_key__is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
