/* The token endpoint and the documents around it. */
#include "unit.h"

#include <stdio.h>

#include "base/text.h"
#include "vault/api/login_world.h"
#include "vault/auth/client_certificate.h"

#define TOKEN "/{}/oauth2/token"
#define TOKEN_V2 "/{}/oauth2/v2.0/token"
#define WHO "grant_type=client_credentials&client_id=" MAKER_CLIENT
#define SECRET "&client_secret=the+first+secret+of%20the+tests"
#define SCOPE "&scope=https%3A%2F%2Fvault.keyquay.localhost%3A8443%2F.default"
#define RESOURCE "&resource=https%3A%2F%2Fvault.keyquay.localhost%3A8443"
/* What clients add and nobody needs. */
#define NOISE "&client_info=1&x-client-sku=MSAL.Python&claims=%7B%22access_token%22%3A%7B%7D%7D"

static int setup(void **state)
{
    struct login_world *world = calloc(1, sizeof *world);
    login_world_init(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    login_world_clear(*state);
    free(*state);
    return 0;
}

static void assert_good_for(struct login_world *world, enum vault_audience audience)
{
    char authorization[9000];
    char message[512] = "";
    struct vault_caller caller;
    snprintf(authorization, sizeof authorization, "Bearer %s", login_world_text(world, "access_token"));
    if (vault_token_check(world->maker.authority, authorization, audience, MAKER_NOW, &caller, message,
                          sizeof message) != VAULT_OK)
        fail_msg("%s", message);
    assert_string_equal(caller.client_id, MAKER_CLIENT);
    assert_string_equal(caller.object_id, MAKER_OBJECT);
}

static void assert_refusal(struct login_world *world, const char *error, int code)
{
    static const char *const names[] = {"error_description", "trace_id", "correlation_id"};
    assert_string_equal(login_world_text(world, "error"), error);
    assert_string_equal(login_world_text(world, "timestamp"), "2026-11-30 00:53:20Z");
    for (size_t i = 0; i < 3; i++)
        assert_true(strlen(login_world_text(world, names[i])) > 0);
    json_t *codes = json_object_get(world->answer, "error_codes");
    assert_int_equal(json_integer_value(json_array_get(codes, 0)), code);
    assert_null(json_object_get(world->answer, "access_token"));
    char begin[32];
    snprintf(begin, sizeof begin, "AADSTS%d: ", code);
    if (code != 0)
        assert_memory_equal(login_world_text(world, "error_description"), begin, strlen(begin));
}

/* ---- assertions ----------------------------------------------------------------------------- */

/* Registers a certificate of the maker's key and puts a form with an assertion for it into out. */
static void make_assertion(struct login_world *world, const char *audience, const char *jti, char *out, size_t size)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    KQ_AUTO_VALUE(kq_buffer) hash = {0};
    struct vault_certificate_facts facts;
    const char *why = NULL;
    char header[256];
    char claims[1024];
    kq_buffer_clear(&world->certificate);
    token_maker_certificate(&world->maker, world->maker.key, MAKER_NOW - 1, MAKER_NOW + 1, &world->certificate);
    assert_ok(vault_client_certificate_read(kq_buffer_slice(&world->certificate), &facts, &why));
    kq_buffer_init(&hash, 64);
    assert_ok(kq_base64url_encode(kq_slice_of(facts.sha1, 20), &hash));
    snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t\":\"%.*s=\"}", (int)hash.len,
             (const char *)hash.data);
    snprintf(claims, sizeof claims,
             "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"jti\":\"%s\",\"iat\":%u.5,\"exp\":%u.5}", MAKER_CLIENT,
             MAKER_CLIENT, audience, jti, (unsigned)MAKER_NOW, (unsigned)MAKER_NOW + 600);
    kq_buffer_init(&text, 16384);
    token_maker_make(&world->maker, header, claims, MAKER_RS256, &text);
    int len = snprintf(out, size, "client_assertion=%s", (const char *)text.data + sizeof "Bearer " - 1);
    assert_in_range(len, 1, size - 1);
}

#define ASSERTION_TYPE "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"

static unsigned post_assertion(struct login_world *world, const char *assertion, const char *others)
{
    char form[8192];
    snprintf(form, sizeof form, "%s&%s", assertion, others);
    return login_world_post(world, TOKEN_V2, "adfs", form);
}

static void post_token__assertion_for_each_name_of_the_endpoint__token(void **state)
{
    struct login_world *world = *state;
    static const char *const audiences[] = {
        LOGIN_URL "/adfs/oauth2/token",
        LOGIN_URL "/adfs/oauth2/v2.0/token",
        LOGIN_URL "/ADFS/oauth2/token/",
        LOGIN_URL "/" MAKER_TENANT "/oauth2/v2.0/token",
        LOGIN_URL "/" MAKER_TENANT "/oauth2/token",
        LOGIN_URL "/adfs/" MAKER_TENANT "/oauth2/v2.0/token",
        LOGIN_URL "/" MAKER_TENANT "/v2.0",
        LOGIN_URL "/" MAKER_TENANT "/",
        LOGIN_URL "/common",
    };
    for (size_t i = 0; i < sizeof audiences / sizeof audiences[0]; i++) {
        char assertion[4096];
        char jti[16];
        snprintf(jti, sizeof jti, "%zu", i);
        make_assertion(world, audiences[i], jti, assertion, sizeof assertion);
        if (post_assertion(world, assertion, WHO ASSERTION_TYPE SCOPE) != 200)
            fail_msg("%s: %s", audiences[i], login_world_text(world, "error_description"));
        assert_good_for(world, VAULT_AUDIENCE_VAULT);
    }
}

static void post_token__assertion_for_somebody_else__refused(void **state)
{
    struct login_world *world = *state;
    static const char *const audiences[] = {
        "https://login.keyquay.localhost/adfs/oauth2/token",
        LOGIN_URL,
        LOGIN_URL "/",
        "https://login.keyquay.localhost:8444/adfs/oauth2/token",
        "https://login.keyquay.localhorn:8443/adfs/oauth2/token",
        LOGIN_URL "?adfs/oauth2/token",
        LOGIN_URL "x/adfs/oauth2/token",
        LOGIN_URL "/others/oauth2/token",
        LOGIN_URL "/adfs/oauth2/token/x",
        LOGIN_URL "/adfs/adfs/adfs/oauth2/token",
        "",
    };
    for (size_t i = 0; i < sizeof audiences / sizeof audiences[0]; i++) {
        char assertion[4096];
        make_assertion(world, audiences[i], "1", assertion, sizeof assertion);
        assert_int_equal(post_assertion(world, assertion, WHO ASSERTION_TYPE SCOPE), 401);
        assert_refusal(world, "invalid_client", 700027);
        assert_non_null(strstr(login_world_text(world, "error_description"), "aud"));
        assert_string_equal(world->call.caller.client_id, "");
    }
}

static void post_token__assertion_again__taken_and_another_with_its_id_is_not(void **state)
{
    struct login_world *world = *state;
    char assertion[4096];
    char other[4096];
    make_assertion(world, LOGIN_URL "/adfs", "same", assertion, sizeof assertion);
    assert_int_equal(post_assertion(world, assertion, WHO ASSERTION_TYPE SCOPE), 200);
    assert_int_equal(post_assertion(world, assertion, WHO ASSERTION_TYPE RESOURCE), 200);
    const struct kq_buffer registered = world->certificate;
    world->certificate = (struct kq_buffer){.data = NULL};
    make_assertion(world, LOGIN_URL "/common", "same", other, sizeof other);
    kq_buffer_clear(&world->certificate);
    world->certificate = registered;
    assert_int_equal(post_assertion(world, other, WHO ASSERTION_TYPE SCOPE), 401);
    assert_non_null(strstr(login_world_text(world, "error_description"), "jti"));
}

static void post_token__assertion_without_what_belongs_to_it__refused(void **state)
{
    struct login_world *world = *state;
    char assertion[4096];
    make_assertion(world, LOGIN_URL "/adfs", "1", assertion, sizeof assertion);
    assert_int_equal(post_assertion(world, assertion, WHO SCOPE), 400);
    assert_refusal(world, "invalid_request", 50027);
    assert_int_equal(post_assertion(world, assertion, WHO SCOPE "&client_assertion_type=jwt"), 400);
    assert_refusal(world, "invalid_request", 50027);
    assert_int_equal(post_assertion(world, assertion, WHO SECRET ASSERTION_TYPE SCOPE), 400);
    assert_refusal(world, "invalid_request", 90014);
    kq_buffer_clear(&world->certificate); /* it is taken away: refused at once */
    assert_int_equal(post_assertion(world, assertion, WHO ASSERTION_TYPE SCOPE), 401);
    assert_refusal(world, "invalid_client", 700027);
}

/* ---- tokens -------------------------------------------------------------------------------- */

static void post_token__scope__token_with_numbers(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(login_world_post(world, TOKEN_V2, MAKER_TENANT, WHO SECRET SCOPE NOISE), 200);
    assert_string_equal(login_world_text(world, "token_type"), "Bearer");
    assert_int_equal(json_integer_value(json_object_get(world->answer, "expires_in")), MAKER_LIFE);
    assert_int_equal(json_integer_value(json_object_get(world->answer, "ext_expires_in")), MAKER_LIFE);
    assert_int_equal(json_object_size(world->answer), 4);
    assert_non_null(strstr(login_world_header(world, "Cache-Control"), "no-store"));
    assert_good_for(world, VAULT_AUDIENCE_VAULT);
    assert_string_equal(world->call.caller.client_id, MAKER_CLIENT);
}

static void post_token__resource__token_with_texts(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(login_world_post(world, TOKEN, MAKER_TENANT, WHO SECRET RESOURCE), 200);
    assert_string_equal(login_world_text(world, "expires_in"), "3600");
    assert_string_equal(login_world_text(world, "not_before"), "1796000000");
    assert_string_equal(login_world_text(world, "expires_on"), "1796003600");
    assert_string_equal(login_world_text(world, "resource"), MAKER_VAULT);
    assert_good_for(world, VAULT_AUDIENCE_VAULT);
}

static void post_token__all_paths_and_tenants__answer(void **state)
{
    struct login_world *world = *state;
    static const char *const patterns[] = {TOKEN, TOKEN_V2, "/adfs/{}/oauth2/v2.0/token"};
    static const char *const tenants[] = {MAKER_TENANT, "adfs", "ADFS", "common", "organizations"};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 5; j++)
            assert_int_equal(login_world_post(world, patterns[i], tenants[j], WHO SECRET SCOPE), 200);
}

static void post_token__resource_with_slash__keeps_it(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(login_world_post(world, TOKEN_V2, "adfs",
                                      WHO SECRET "&scope=https://management.keyquay.localhost:8443//.default"),
                     200);
    assert_good_for(world, VAULT_AUDIENCE_MANAGEMENT);
}

static void post_token__newer_secret__taken(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(login_world_post(world, TOKEN, "adfs", WHO "&client_secret=the+second+secret+of+the+tests" SCOPE),
                     200);
}

static void post_token__client_id_of_other_case__taken(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(login_world_post(world, TOKEN, "adfs",
                                      "grant_type=client_credentials&client_id=AAAAAAAA-0000-4000-8000-"
                                      "000000000001" SECRET SCOPE),
                     200);
    assert_good_for(world, VAULT_AUDIENCE_VAULT);
}

static void post_token__wrong_expired_or_unknown__the_same_refusal(void **state)
{
    struct login_world *world = *state;
    static const char *const forms[] = {
        WHO "&client_secret=wrong" SCOPE,
        WHO "&client_secret=the+secret+that+has+expired" SCOPE,
        WHO "&client_secret=THE+first+secret+of+the+tests" SCOPE,
        "grant_type=client_credentials&client_id=dddddddd-0000-4000-8000-000000000001" SECRET SCOPE,
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_int_equal(login_world_post(world, TOKEN_V2, MAKER_TENANT, forms[i]), 401);
        assert_refusal(world, "invalid_client", 7000215);
        assert_string_equal(world->call.caller.client_id, "");
        assert_null(strstr(login_world_text(world, "error_description"), "wrong"));
    }
}

static void post_token__what_is_missing__named(void **state)
{
    struct login_world *world = *state;
    static const struct {
        const char *form;
        unsigned status;
        const char *error;
        int code;
        const char *says;
    } cases[] = {
        {"", 400, "invalid_request", 900144, "'grant_type'"},
        {"grant_type=client_credentials" SECRET SCOPE, 400, "invalid_request", 900144, "'client_id'"},
        {WHO SECRET, 400, "invalid_request", 900144, "'scope'"},
        {WHO SECRET "&scope=", 400, "invalid_request", 900144, "'scope'"},
        {WHO SECRET "&resource=", 400, "invalid_request", 900144, "'scope'"},
        {WHO SCOPE, 401, "invalid_client", 7000216, "'client_secret'"},
        {WHO SCOPE "&client_secret=", 401, "invalid_client", 7000216, "'client_secret'"},
        {"grant_type=password&username=u&password=p", 400, "unsupported_grant_type", 70003, "'password'"},
        {"grant_type=client_credentials&client_id=me" SECRET SCOPE, 400, "unauthorized_client", 700016, "'me'"},
        {WHO SECRET "&scope=a/.default+b/.default", 400, "invalid_scope", 70011, "one resource"},
        {WHO SECRET "&scope=https://vault.keyquay.localhost:8443", 400, "invalid_scope", 1002012, "/.default"},
        {WHO SECRET "&scope=/.default", 400, "invalid_scope", 1002012, "/.default"},
        {WHO SECRET "&scope=https://vault.azure.net/.default", 400, "invalid_resource", 500011, "vault.azure.net"},
        {WHO SECRET "&resource=https://vault.azure.net", 400, "invalid_resource", 500011, "vault.azure.net"},
        {WHO SECRET SCOPE "&scope=x", 400, "invalid_request", 9002313, "twice"},
        {WHO SECRET SCOPE "&x=%0a", 400, "invalid_request", 9002313, "printable"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(login_world_post(world, TOKEN, "adfs", cases[i].form), cases[i].status);
        assert_refusal(world, cases[i].error, cases[i].code);
        if (strstr(login_world_text(world, "error_description"), cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].form, login_world_text(world, "error_description"));
    }
}

static void post_token__strangers_text__not_repeated_if_odd_or_long(void **state)
{
    struct login_world *world = *state;
    char form[1000] = "grant_type=%C3%BC";
    assert_int_equal(login_world_post(world, TOKEN, "adfs", form), 400);
    assert_non_null(strstr(login_world_text(world, "error_description"), "(not shown)"));
    memset(form + 11, 'g', 900);
    assert_int_equal(login_world_post(world, TOKEN, "adfs", form), 400);
    assert_non_null(strstr(login_world_text(world, "error_description"), "(not shown)"));
    char scope[2000] = WHO SECRET "&scope=";
    size_t len = strlen(scope);
    memset(scope + len, 's', 300);
    snprintf(scope + len + 300, 20, "/.default");
    assert_int_equal(login_world_post(world, TOKEN, "adfs", scope), 400);
    assert_string_equal(login_world_text(world, "error"), "invalid_scope");
}

static void post_token__other_tenant__refused(void **state)
{
    struct login_world *world = *state;
    static const char *const tenants[] = {"99999999-2222-4333-8444-555555555555", "consumers", "x", MAKER_TENANT "0"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(login_world_post(world, TOKEN, tenants[i], WHO SECRET SCOPE), 400);
        assert_refusal(world, "invalid_tenant", 90002);
    }
}

static void post_token__other_content_type__refused(void **state)
{
    struct login_world *world = *state;
    static const char *const types[] = {NULL, "application/json", "multipart/form-data"};
    for (size_t i = 0; i < 3; i++) {
        world->content_type = types[i];
        assert_int_equal(login_world_post(world, TOKEN, "adfs", WHO SECRET SCOPE), 400);
        assert_refusal(world, "invalid_request", 900561);
    }
}

static void post_token__module_away__come_again(void **state)
{
    struct login_world *world = *state;
    world->maker.sign_status = KQ_ERR_CONNECT;
    assert_int_equal(login_world_post(world, TOKEN, "adfs", WHO SECRET SCOPE), 503);
    assert_refusal(world, "temporarily_unavailable", 90033);
    assert_string_equal(login_world_header(world, "Retry-After"), "1");
    world->maker.sign_status = KQ_ERR_INTERNAL;
    assert_int_equal(login_world_post(world, TOKEN, "adfs", WHO SECRET SCOPE), 500);
    assert_refusal(world, "server_error", 0);
}

static void post_token__store_fails__server_error(void **state)
{
    struct login_world *world = *state;
    world->store_status = KQ_ERR_IO;
    assert_int_equal(login_world_post(world, TOKEN, "adfs", WHO SECRET SCOPE), 500);
    assert_refusal(world, "server_error", 0);
}

static void post_token__client_request_id__is_the_correlation_id(void **state)
{
    struct login_world *world = *state;
    world->client_request_id = "eeeeeeee-0000-4000-8000-000000000005";
    assert_int_equal(login_world_post(world, TOKEN, "adfs", ""), 400);
    assert_string_equal(login_world_text(world, "correlation_id"), world->client_request_id);
    world->client_request_id = "not a guid";
    assert_int_equal(login_world_post(world, TOKEN, "adfs", ""), 400);
    assert_string_equal(login_world_text(world, "correlation_id"), "cccccccc-0000-4000-8000-000000000003");
}

/* ---- documents ------------------------------------------------------------------------------- */

static unsigned get(struct login_world *world, const char *pattern, const char *tenant)
{
    return login_world_call(world, vault_login_routes, VAULT_GET, pattern, tenant);
}

static void get_configuration__adfs__its_paths(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(get(world, "/{}/.well-known/openid-configuration", "adfs"), 200);
    assert_string_equal(login_world_text(world, "token_endpoint"), LOGIN_URL "/adfs/oauth2/token");
    assert_string_equal(login_world_text(world, "authorization_endpoint"), LOGIN_URL "/adfs/oauth2/authorize");
    assert_string_equal(login_world_text(world, "jwks_uri"), LOGIN_URL "/adfs/discovery/keys");
    assert_string_equal(login_world_text(world, "issuer"), MAKER_ISSUER);
}

static void get_configuration__tenant_v2__its_paths(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(get(world, "/{}/v2.0/.well-known/openid-configuration", MAKER_TENANT), 200);
    assert_string_equal(login_world_text(world, "token_endpoint"), LOGIN_URL "/" MAKER_TENANT "/oauth2/v2.0/token");
    assert_string_equal(login_world_text(world, "authorization_endpoint"),
                        LOGIN_URL "/" MAKER_TENANT "/oauth2/v2.0/authorize");
    assert_string_equal(login_world_text(world, "jwks_uri"), LOGIN_URL "/" MAKER_TENANT "/discovery/v2.0/keys");
    assert_memory_equal(login_world_text(world, "issuer"), LOGIN_URL "/", strlen(LOGIN_URL) + 1);
}

static void get_documents__other_tenant__refused(void **state)
{
    struct login_world *world = *state;
    static const char *const patterns[] = {"/{}/.well-known/openid-configuration",
                                           "/{}/v2.0/.well-known/openid-configuration", "/{}/discovery/keys",
                                           "/{}/discovery/v2.0/keys"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(get(world, patterns[i], "elsewhere"), 400);
        assert_refusal(world, "invalid_tenant", 90002);
        assert_int_equal(get(world, patterns[i], "common"), 200);
    }
}

static void get_keys__document__has_the_key_of_tokens(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(get(world, "/{}/discovery/v2.0/keys", MAKER_TENANT), 200);
    json_t *key = json_array_get(json_object_get(world->answer, "keys"), 0);
    assert_string_equal(json_string_value(json_object_get(key, "kid")), world->maker.kid);
}

static void get_instance__our_authority__accepted(void **state)
{
    struct login_world *world = *state;
    login_world_set_parameter(world, "authorization_endpoint", LOGIN_URL "/" MAKER_TENANT "/oauth2/v2.0/authorize");
    assert_int_equal(get(world, "/{}/discovery/instance", "common"), 200);
    assert_string_equal(login_world_text(world, "tenant_discovery_endpoint"),
                        LOGIN_URL "/" MAKER_TENANT "/v2.0/.well-known/openid-configuration");
    json_t *metadata = json_array_get(json_object_get(world->answer, "metadata"), 0);
    json_t *aliases = json_object_get(metadata, "aliases");
    assert_string_equal(json_string_value(json_array_get(aliases, 0)), "login.keyquay.localhost:8443");
    assert_string_equal(json_string_value(json_array_get(aliases, 1)), "login.keyquay.localhost");
    assert_string_equal(json_string_value(json_object_get(metadata, "preferred_cache")),
                        "login.keyquay.localhost:8443");
    login_world_set_parameter(world, "authorization_endpoint", LOGIN_URL "/adfs/oauth2/authorize");
    assert_int_equal(get(world, "/{}/discovery/instance", "common"), 200);
    assert_string_equal(login_world_text(world, "tenant_discovery_endpoint"),
                        LOGIN_URL "/adfs/.well-known/openid-configuration");
    login_world_set_parameter(world, NULL, NULL);
}

static void get_instance__other_authority__invalid_instance(void **state)
{
    struct login_world *world = *state;
    static const char *const urls[] = {NULL,
                                       "",
                                       LOGIN_URL,
                                       LOGIN_URL ".evil.example/common",
                                       LOGIN_URL "/elsewhere/x",
                                       "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        login_world_set_parameter(world, "authorization_endpoint", urls[i]);
        assert_int_equal(get(world, "/{}/discovery/instance", "common"), 400);
        assert_refusal(world, "invalid_instance", 50049);
    }
    login_world_set_parameter(world, NULL, NULL);
}

static void get_authorize__browser__told_what_to_do(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(get(world, "/{}/oauth2/v2.0/authorize", "adfs"), 400);
    assert_refusal(world, "unsupported_response_type", 0);
}

/* ---- the cloud, and Graph ------------------------------------------------------------------------ */

static unsigned get_of_cloud(struct login_world *world, const char *pattern, const char *name, const char *value)
{
    login_world_set_parameter(world, name, value);
    unsigned status = login_world_call(world, vault_metadata_routes, VAULT_GET, pattern, NULL);
    login_world_set_parameter(world, NULL, NULL);
    return status;
}

static void assert_login_part(json_t *authentication)
{
    assert_string_equal(json_string_value(json_object_get(authentication, "loginEndpoint")), LOGIN_URL "/adfs");
    assert_string_equal(json_string_value(json_array_get(json_object_get(authentication, "audiences"), 0)),
                        MAKER_MANAGEMENT);
}

static void get_endpoints__2015__first_form(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(get_of_cloud(world, "/metadata/endpoints", "api-version", "2015-01-01"), 200);
    login_world_text(world, "galleryEndpoint");
    login_world_text(world, "graphEndpoint");
    login_world_text(world, "portalEndpoint");
    assert_login_part(json_object_get(world->answer, "authentication"));
}

static void assert_cloud(json_t *cloud)
{
    static const char *const same[] = {"resourceManager", "graphAudience", "microsoftGraphResourceId"};
    assert_string_equal(json_string_value(json_object_get(cloud, "name")), "Keyquay");
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_string_value(json_object_get(cloud, same[i])), MAKER_MANAGEMENT);
    json_t *suffixes = json_object_get(cloud, "suffixes");
    assert_string_equal(json_string_value(json_object_get(suffixes, "keyVaultDns")), "vault.keyquay.localhost:8443");
    assert_login_part(json_object_get(cloud, "authentication"));
}

static void get_endpoints__2019__array_of_clouds(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(get_of_cloud(world, "/metadata/endpoints", "api-version", "2019-05-01"), 200);
    assert_int_equal(json_array_size(world->answer), 1);
    assert_cloud(json_array_get(world->answer, 0));
}

static void get_endpoints__2022_or_another_or_none__one_cloud(void **state)
{
    struct login_world *world = *state;
    static const char *const versions[] = {"2022-09-01", "2099-01-01", NULL};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(get_of_cloud(world, "/metadata/endpoints", "api-version", versions[i]), 200);
        assert_cloud(world->answer);
    }
}

static void get_me__application__error_with_a_message(void **state)
{
    struct login_world *world = *state;
    assert_int_equal(get_of_cloud(world, "/v1.0/me", NULL, NULL), 404);
    json_t *error = json_object_get(world->answer, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "Request_ResourceNotFound");
    assert_non_null(json_string_value(json_object_get(error, "message")));
}

static void list_principals__by_app_id__found_or_empty(void **state)
{
    struct login_world *world = *state;
    static const char *const filters[] = {"servicePrincipalNames/any(c:c eq '" MAKER_CLIENT "')",
                                          "appId eq '" MAKER_CLIENT "'"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(get_of_cloud(world, "/v1.0/servicePrincipals", "$filter", filters[i]), 200);
        json_t *value = json_object_get(world->answer, "value");
        assert_int_equal(json_array_size(value), 1);
        json_t *item = json_array_get(value, 0);
        assert_string_equal(json_string_value(json_object_get(item, "id")), MAKER_OBJECT);
        assert_string_equal(json_string_value(json_object_get(item, "appId")), MAKER_CLIENT);
        assert_string_equal(json_string_value(json_object_get(item, "displayName")), "the \"first\"");
    }
    assert_int_equal(
        get_of_cloud(world, "/v1.0/servicePrincipals", "$filter", "appId eq 'dddddddd-0000-4000-8000-000000000001'"),
        200);
    assert_int_equal(json_array_size(json_object_get(world->answer, "value")), 0);
}

static void list_principals__other_filters__refused(void **state)
{
    struct login_world *world = *state;
    static const char *const filters[] = {NULL,
                                          "",
                                          "displayName eq 'x'",
                                          "appId eq '" MAKER_CLIENT,
                                          "appId eq '" MAKER_CLIENT "' or 1 eq 1",
                                          "appId eq 'aaaaaaaa-0000-4000-8000-00000000000x'",
                                          "servicePrincipalNames/any(c:c eq '" MAKER_CLIENT "'"};
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        assert_int_equal(get_of_cloud(world, "/v1.0/servicePrincipals", "$filter", filters[i]), 400);
        assert_non_null(json_object_get(json_object_get(world->answer, "error"), "message"));
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(CASE(post_token__scope__token_with_numbers), CASE(post_token__resource__token_with_texts),
          CASE(post_token__all_paths_and_tenants__answer), CASE(post_token__resource_with_slash__keeps_it),
          CASE(post_token__assertion_for_each_name_of_the_endpoint__token),
          CASE(post_token__assertion_for_somebody_else__refused),
          CASE(post_token__assertion_again__taken_and_another_with_its_id_is_not),
          CASE(post_token__assertion_without_what_belongs_to_it__refused), CASE(post_token__newer_secret__taken),
          CASE(post_token__client_id_of_other_case__taken),
          CASE(post_token__wrong_expired_or_unknown__the_same_refusal), CASE(post_token__what_is_missing__named),
          CASE(post_token__strangers_text__not_repeated_if_odd_or_long), CASE(post_token__other_tenant__refused),
          CASE(post_token__other_content_type__refused), CASE(post_token__module_away__come_again),
          CASE(post_token__store_fails__server_error), CASE(post_token__client_request_id__is_the_correlation_id),
          CASE(get_configuration__adfs__its_paths), CASE(get_configuration__tenant_v2__its_paths),
          CASE(get_documents__other_tenant__refused), CASE(get_keys__document__has_the_key_of_tokens),
          CASE(get_instance__our_authority__accepted), CASE(get_instance__other_authority__invalid_instance),
          CASE(get_authorize__browser__told_what_to_do), CASE(get_endpoints__2015__first_form),
          CASE(get_endpoints__2019__array_of_clouds), CASE(get_endpoints__2022_or_another_or_none__one_cloud),
          CASE(get_me__application__error_with_a_message), CASE(list_principals__by_app_id__found_or_empty),
          CASE(list_principals__other_filters__refused))
