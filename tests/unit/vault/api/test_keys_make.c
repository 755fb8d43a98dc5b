#include "api_world.h"
#include "vault/core/algorithms.h"
#include "wire/formats.h"
#include "wire/messages.h"

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

static struct fake_module *fake(struct api_world *world)
{
    return fake_module_of(world->service.keyops);
}

static void stored(struct api_world *world, const char *name, struct vault_key *key, struct vault_key_version *version)
{
    assert_ok(vault_store_get_key(world->service.store, world->vault.id, name, key));
    assert_ok(vault_store_get_key_version(world->service.store, key->id, NULL, version));
}

static void create__rsa_hsm__answers_a_bundle_and_keeps_the_blob(void **state)
{
    struct api_world *world = *state;
    KQ_AUTO_VALUE(vault_key) key = {0};
    KQ_AUTO_VALUE(vault_key_version) version = {0};
    assert_int_equal(api_send(world, VAULT_POST, "/keys/MyKey/create", "{'kty':'RSA-HSM'}"), 200);
    assert_string_equal(api_text(world, "key.kty"), "RSA-HSM");
    assert_string_equal(api_text(world, "key.e"), "AQAB");
    assert_int_equal(strlen(api_text(world, "key.n")), 342);
    assert_int_equal(json_array_size(api_value(world, "key.key_ops")), 6);
    assert_string_equal(api_text(world, "key.key_ops.0"), "encrypt");
    assert_true(json_is_true(api_value(world, "attributes.enabled")));
    assert_int_equal(api_integer(world, "attributes.created"), NOW);
    assert_string_equal(api_text(world, "attributes.recoveryLevel"), "CustomizedRecoverable+Purgeable");
    assert_int_equal(api_integer(world, "attributes.recoverableDays"), 7);
    assert_null(api_value(world, "tags"));
    assert_null(api_value(world, "key.d"));
    stored(world, "mykey", &key, &version);
    char kid[200];
    snprintf(kid, sizeof kid, "https://contoso.vault." DOMAIN ":8443/keys/MyKey/%s", version.version);
    assert_string_equal(api_text(world, "key.kid"), kid);
    assert_int_equal(fake(world)->bits, 2048);
    assert_int_equal(fake(world)->purpose, KQ_VAULT_PURPOSE_USE);
    assert_string_equal(fake(world)->region, "UnitedStates");
    assert_string_equal(fake(world)->subscription, SUBSCRIPTION);
    assert_string_equal(fake(world)->version, version.version);
    assert_true(version.blob.len > 0);
}

static void create__second_version_in_other_case__keeps_the_first_spelling(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(api_send(world, VAULT_POST, "/keys/MyKey/create", "{'kty':'EC'}"), 200);
    assert_int_equal(api_send(world, VAULT_POST, "/keys/MYKEY/create", "{'kty':'EC'}"), 200);
    assert_string_equal(fake(world)->name, "MyKey");
    assert_non_null(strstr(api_text(world, "key.kid"), "/keys/MyKey/"));
}

static void create__ec_kinds__curves_and_defaults(void **state)
{
    static const struct {
        const char *body;
        const char *curve;
        enum kq_key_type type;
    } rows[] = {
        {"{'kty':'EC'}", "P-256", KQ_KEY_EC_P256},
        {"{'kty':'EC-HSM','crv':'P-384'}", "P-384", KQ_KEY_EC_P384},
        {"{'kty':'EC-HSM','crv':'P-521'}", "P-521", KQ_KEY_EC_P521},
        {"{'kty':'EC','crv':'P-256K'}", "P-256K", KQ_KEY_EC_SECP256K1},
        {"{'kty':'EC','crv':'SECP256K1'}", "P-256K", KQ_KEY_EC_SECP256K1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(api_send(*state, VAULT_POST, "/keys/n/create", rows[i].body), 200);
        assert_string_equal(api_text(*state, "key.crv"), rows[i].curve);
        assert_int_equal(fake(*state)->type, rows[i].type);
        assert_int_equal(json_array_size(api_value(*state, "key.key_ops")), 2);
    }
}

static void create__old_api_version__names_the_curve_its_way(void **state)
{
    api_send(*state, VAULT_POST, "/keys/n/create?api-version=2016-10-01", "{'kty':'EC','crv':'SECP256K1'}");
    assert_string_equal(api_text(*state, "key.crv"), "SECP256K1");
    assert_null(api_value(*state, "attributes.recoverableDays"));
    assert_null(api_value(*state, "attributes.exportable"));
    assert_null(api_value(*state, "attributes.hsmPlatform"));
}

static void create__api_versions__members_appear_with_their_version(void **state)
{
    static const struct {
        const char *path;
        bool days, exportable, platform;
    } rows[] = {
        {"/keys/n/create?api-version=7.0", false, false, false},
        {"/keys/n/create?api-version=7.1", true, false, false},
        {"/keys/n/create?api-version=7.3", true, true, false},
        {"/keys/n/create?api-version=7.4-preview.1", true, true, false},
        {"/keys/n/create?api-version=7.5", true, true, true},
        {"/keys/n/create?api-version=2025-07-01", true, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(api_send(*state, VAULT_POST, rows[i].path, "{'kty':'EC'}"), 200);
        assert_int_equal(api_value(*state, "attributes.recoverableDays") != NULL, rows[i].days);
        assert_int_equal(api_value(*state, "attributes.exportable") != NULL, rows[i].exportable);
        assert_int_equal(api_value(*state, "attributes.hsmPlatform") != NULL, rows[i].platform);
    }
    assert_string_equal(api_text(*state, "attributes.hsmPlatform"), "0");
}

static void create__attributes_tags_and_ops__are_kept(void **state)
{
    api_send(*state, VAULT_POST, "/keys/n/create",
             "{'kty':'RSA','key_size':4096,'key_ops':['sign','verify'],'attributes':{'enabled':false,'nbf':5,'exp':9},"
             "'tags':{'a':'b'}}");
    api_send(*state, VAULT_GET, "/keys/n", NULL);
    assert_int_equal(json_array_size(api_value(*state, "key.key_ops")), 2);
    assert_true(json_is_false(api_value(*state, "attributes.enabled")));
    assert_int_equal(api_integer(*state, "attributes.nbf"), 5);
    assert_int_equal(api_integer(*state, "attributes.exp"), 9);
    assert_string_equal(api_text(*state, "tags.a"), "b");
    assert_int_equal(fake(*state)->bits, 4096);
}

static void create__exchange_key__has_import_alone(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(api_send(world, VAULT_POST, "/keys/kek/create",
                              "{'kty':'RSA-HSM','key_size':4096,'key_ops':['import'],'attributes':{'enabled':true}}"),
                     200);
    assert_int_equal(fake(world)->purpose, KQ_VAULT_PURPOSE_IMPORT);
    assert_string_equal(api_text(world, "key.key_ops.0"), "import");
    static const char *const bodies[] = {"{'kty':'RSA-HSM','key_ops':['import','sign']}",
                                         "{'kty':'RSA','key_ops':['import']}", "{'kty':'EC-HSM','key_ops':['import']}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        api_send(world, VAULT_POST, "/keys/x/create", bodies[i]);
        assert_problem(world, 400, "BadParameter", NULL);
    }
    api_send(world, VAULT_PATCH, "/keys/kek", "{'key_ops':['sign']}");
    assert_problem(world, 400, "BadParameter", NULL);
    assert_int_equal(fake(world)->num_generated, 1);
}

static void create__bad_bodies__are_refused_before_the_module(void **state)
{
    static const struct {
        const char *body, *code, *inner;
    } rows[] = {
        {"{}", "BadParameter", NULL},
        {"", "BadParameter", NULL},
        {"{'kty':7}", "BadParameter", NULL},
        {"{'kty':'oct'}", "BadParameter", "KeyTypeNotSupported"},
        {"{'kty':'oct-HSM'}", "BadParameter", "KeyTypeNotSupported"},
        {"{'kty':'rsa'}", "BadParameter", "KeyTypeNotSupported"},
        {"{'kty':'RSA','key_size':1024}", "BadParameter", NULL},
        {"{'kty':'RSA','key_size':'2048'}", "BadParameter", NULL},
        {"{'kty':'RSA','public_exponent':-3}", "BadParameter", NULL},
        {"{'kty':'EC','crv':'P-192'}", "BadParameter", NULL},
        {"{'kty':'EC','key_ops':['encrypt']}", "BadParameter", NULL},
        {"{'kty':'EC','key_ops':['dance']}", "BadParameter", NULL},
        {"{'kty':'EC','key_ops':[7]}", "BadParameter", NULL},
        {"{'kty':'EC','key_ops':'sign'}", "BadParameter", NULL},
        {"{'kty':'EC','attributes':7}", "BadParameter", NULL},
        {"{'kty':'EC','attributes':{'enabled':'yes'}}", "BadParameter", NULL},
        {"{'kty':'EC','attributes':{'exp':-1}}", "BadParameter", NULL},
        {"{'kty':'EC','attributes':{'exp':253402300800}}", "BadParameter", NULL},
        {"{'kty':'EC','attributes':{'nbf':'soon'}}", "BadParameter", NULL},
        {"{'kty':'EC','tags':[]}", "BadParameter", NULL},
        {"{'kty':'EC','tags':{'a':1}}", "BadParameter", NULL},
        {"{'kty':'EC','attributes':{'exportable':true}}", "NotSupported", NULL},
        {"{'kty':'EC','release_policy':{}}", "NotSupported", NULL},
        {"{'kty':'EC','key_ops':['export']}", "NotSupported", NULL},
        {"{'kty':'EC','tags':{'1':'','2':'','3':'','4':'','5':'','6':'','7':'','8':'','9':'','a':'','b':'','c':'','d':"
         "'','e':'','f':'','g':''}}",
         "BadParameter", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        api_send(*state, VAULT_POST, "/keys/n/create", rows[i].body);
        assert_problem((struct api_world *)*state, 400, rows[i].code, rows[i].inner);
    }
    assert_int_equal(fake(*state)->num_generated, 0);
}

static void create__bad_name__is_refused(void **state)
{
    static const char *const paths[] = {"/keys/a_b/create", "/keys/a.b/create", "/keys/\xc3\xa4/create"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        api_send(*state, VAULT_POST, paths[i], "{'kty':'EC'}");
        assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
    }
}

static void create__hardware_kind_on_standard_vault__is_refused(void **state)
{
    struct api_world *world = *state;
    world->vault.is_premium = false;
    assert_ok(vault_store_update_vault(world->service.store, &world->vault, NULL, 0));
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC-HSM'}");
    assert_problem(world, 400, "BadParameter", NULL);
    assert_non_null(strstr(api_text(world, "error.message"), "Hardware key operation not allowed on standard vault"));
    assert_int_equal(api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC'}"), 200);
}

static void create__module_away__is_503_and_nothing_is_kept(void **state)
{
    struct api_world *world = *state;
    fake(world)->fails_with = KQ_ERR_CONNECT;
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC'}");
    assert_problem(world, 503, "ServiceUnavailable", NULL);
    api_send(world, VAULT_GET, "/keys/n", NULL);
    assert_problem(world, 404, "KeyNotFound", NULL);
}

static void create__name_of_a_deleted_key__is_a_conflict(void **state)
{
    struct api_world *world = *state;
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC'}");
    api_send(world, VAULT_DELETE, "/keys/n", NULL);
    api_send(world, VAULT_POST, "/keys/n/create", "{'kty':'EC'}");
    assert_problem(world, 409, "Conflict", "ObjectIsDeletedButRecoverable");
    api_send(world, VAULT_PUT, "/keys/N", "{'key':{'kty':'RSA-HSM','key_hsm':'AAAA'}}");
    assert_problem(world, 409, "Conflict", "ObjectIsDeletedButRecoverable");
}

/* ---- import ------------------------------------------------------------------------------- */

static void import__package_as_clients_send_it__is_a_hardware_key(void **state)
{
    static const char *const bodies[] = {
        "{'key':{'kty':'RSA-HSM','key_hsm':'-_--AQ'},'attributes':{'enabled':true},'Hsm':false}",
        "{'Hsm':true,'key':{'kty':'RSA-HSM','key_hsm':'-_--AQ','key_ops':['sign']},'attributes':{'enabled':true}}",
        "{'key':{'kty':'RSA-HSM','n':'AQAB','e':'AQAB','key_hsm':'+/++AQ=='}}",
        "{'key':{'kty':'RSA','key_hsm':'-_--AQ=='},'Hsm':null}",
    };
    static const uint8_t bytes[] = {0xfb, 0xff, 0xbe, 0x01};
    struct api_world *world = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        KQ_AUTO_VALUE(vault_key) key = {0};
        KQ_AUTO_VALUE(vault_key_version) version = {0};
        assert_int_equal(api_send(world, VAULT_PUT, "/keys/n", bodies[i]), 200);
        assert_string_equal(api_text(world, "key.kty"), "RSA-HSM");
        assert_slice_equal(kq_slice_of(fake(world)->package, fake(world)->package_len),
                           kq_slice_of(bytes, sizeof bytes));
        stored(world, "n", &key, &version);
        assert_int_equal(version.origin, KQ_ORIGIN_TRANSFERRED_ATTESTED);
        assert_int_equal(version.purpose, KQ_VAULT_PURPOSE_USE);
    }
    assert_int_equal(fake(world)->num_imported, 4);
    assert_int_equal(fake(world)->num_cleared, 0);
}

static void import__json_package__is_named_as_not_supported(void **state)
{
    /* " {\"schema_version\"" */
    api_send(*state, VAULT_PUT, "/keys/n", "{'key':{'kty':'RSA-HSM','key_hsm':'IHsic2NoZW1hX3ZlcnNpb24i'}}");
    assert_problem((struct api_world *)*state, 400, "NotSupported", NULL);
    assert_int_equal(fake(*state)->num_imported, 0);
}

static void import__package_of_another_type__is_refused_and_not_kept(void **state)
{
    struct api_world *world = *state;
    fake(world)->imports = KQ_KEY_EC_P384;
    api_send(world, VAULT_PUT, "/keys/n", "{'key':{'kty':'RSA-HSM','key_hsm':'AAAA'}}");
    assert_problem(world, 400, "BadParameter", NULL);
    api_send(world, VAULT_PUT, "/keys/n", "{'key':{'kty':'EC-HSM','crv':'P-256','key_hsm':'AAAA'}}");
    assert_problem(world, 400, "BadParameter", NULL);
    api_send(world, VAULT_GET, "/keys/n", NULL);
    assert_problem(world, 404, "KeyNotFound", NULL);
    assert_int_equal(api_send(world, VAULT_PUT, "/keys/n", "{'key':{'kty':'EC-HSM','crv':'P-384','key_hsm':'AAAA'}}"),
                     200);
}

static void import__module_refuses__its_words_reach_the_client(void **state)
{
    struct api_world *world = *state;
    fake(world)->fails_with = KQ_ERR_MISMATCH;
    fake(world)->why = "made for the world of Europe";
    api_send(world, VAULT_PUT, "/keys/n", "{'key':{'kty':'RSA-HSM','key_hsm':'AAAA'}}");
    assert_problem(world, 400, "BadParameter", NULL);
    assert_non_null(strstr(api_text(world, "error.message"), "made for the world of Europe"));
}

#define RSA_JWK "'n':'AQAB','e':'AQAB','d':'c2VjcmV0','p':'AQ','q':'AQ'"

static void import__web_key__goes_undecoded_to_the_module(void **state)
{
    struct api_world *world = *state;
    KQ_AUTO_VALUE(vault_key) key = {0};
    KQ_AUTO_VALUE(vault_key_version) version = {0};
    assert_int_equal(api_send(world, VAULT_PUT, "/keys/n", "{'key':{'kty':'RSA'," RSA_JWK "}}"), 200);
    assert_string_equal(api_text(world, "key.kty"), "RSA");
    assert_string_equal(fake(world)->d, "c2VjcmV0");
    stored(world, "n", &key, &version);
    assert_int_equal(version.origin, KQ_ORIGIN_IMPORTED_CLEAR);
    assert_int_equal(api_send(world, VAULT_PUT, "/keys/m", "{'key':{'kty':'RSA'," RSA_JWK "},'Hsm':true}"), 200);
    assert_string_equal(api_text(world, "key.kty"), "RSA-HSM");
    assert_int_equal(
        api_send(world, VAULT_PUT, "/keys/e", "{'key':{'kty':'EC','crv':'SECP256K1','x':'AQ','y':'AQ','d':'AQ'}}"),
        200);
}

static void import__web_key_incomplete__names_the_member(void **state)
{
    static const struct {
        const char *body, *word;
    } rows[] = {
        {"{}", "\"key\""},
        {"{'key':7}", "\"key\""},
        {"{'key':{'n':'AQAB'}}", "kty"},
        {"{'key':{'kty':'RSA','n':'AQAB','e':'AQAB'}}", "'d'"},
        {"{'key':{'kty':'RSA','n':'AQAB','e':'AQAB','d':7}}", "'d'"},
        {"{'key':{'kty':'EC','x':'AQ','y':'AQ','d':'AQ'}}", "'crv'"},
        {"{'key':{'kty':'EC','crv':'P-256','x':'AQ','d':'AQ'}}", "'y'"},
        {"{'key':{'kty':'RSA-HSM','key_hsm':7}}", "key_hsm"},
        {"{'key':{'kty':'RSA-HSM','key_hsm':'***'}}", "key_hsm"},
        {"{'key':{'kty':'RSA-HSM','key_hsm':''}}", "key_hsm"},
        {"{'key':{'kty':'RSA-HSM','key_hsm':'AAAA','key_ops':['import']}}", "import"},
        {"{'key':{'kty':'RSA-HSM','key_hsm':'AAAA'},'Hsm':'yes'}", "Hsm"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        api_send(*state, VAULT_PUT, "/keys/n", rows[i].body);
        assert_problem((struct api_world *)*state, 400, "BadParameter", NULL);
        assert_non_null(strstr(api_text(*state, "error.message"), rows[i].word));
    }
    assert_int_equal(fake(*state)->num_imported + fake(*state)->num_cleared, 0);
}

static void import__clear_keys_switched_off__only_packages_pass(void **state)
{
    struct api_world *world = *state;
    world->service.refuses_clear_import = true;
    api_send(world, VAULT_PUT, "/keys/n", "{'key':{'kty':'RSA'," RSA_JWK "}}");
    assert_problem(world, 400, "NotSupported", NULL);
    assert_int_equal(fake(world)->num_cleared, 0);
    assert_int_equal(api_send(world, VAULT_PUT, "/keys/n", "{'key':{'kty':'RSA-HSM','key_hsm':'AAAA'}}"), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(create__rsa_hsm__answers_a_bundle_and_keeps_the_blob),
        TEST(create__second_version_in_other_case__keeps_the_first_spelling),
        TEST(create__ec_kinds__curves_and_defaults),
        TEST(create__old_api_version__names_the_curve_its_way),
        TEST(create__api_versions__members_appear_with_their_version),
        TEST(create__attributes_tags_and_ops__are_kept),
        TEST(create__exchange_key__has_import_alone),
        TEST(create__bad_bodies__are_refused_before_the_module),
        TEST(create__bad_name__is_refused),
        TEST(create__hardware_kind_on_standard_vault__is_refused),
        TEST(create__module_away__is_503_and_nothing_is_kept),
        TEST(create__name_of_a_deleted_key__is_a_conflict),
        TEST(import__package_as_clients_send_it__is_a_hardware_key),
        TEST(import__json_package__is_named_as_not_supported),
        TEST(import__package_of_another_type__is_refused_and_not_kept),
        TEST(import__module_refuses__its_words_reach_the_client),
        TEST(import__web_key__goes_undecoded_to_the_module),
        TEST(import__web_key_incomplete__names_the_member),
        TEST(import__clear_keys_switched_off__only_packages_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
