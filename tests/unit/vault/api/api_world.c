#include "api_world.h"

#include <microhttpd.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "harness/test_keys.h"
#include "vault/api/operation.h"
#include "wire/formats.h"

/* ---- other developers' routes are not under test here ------------------------------------- */

const struct vault_route vault_login_routes[] = {{0}};
const struct vault_route vault_metadata_routes[] = {{0}};
const struct vault_route vault_subscription_routes[] = {{0}};
const struct vault_route vault_vault_routes[] = {{0}};
const struct vault_route vault_role_routes[] = {{0}};

static enum vault_problem say_health(struct vault_call *call)
{
    return vault_reply(call, 200, json_pack("{s:s}", "status", "ok"));
}

static enum vault_problem say_operator(struct vault_call *call)
{
    return vault_reply(call, 200, json_pack("{s:b}", "operator", (int)call->caller_is_operator));
}

const struct vault_route vault_public_routes[] = {
    {VAULT_HOST_ANY | VAULT_HOST_OTHER, VAULT_GET, "/healthz", say_health, 0, VAULT_ROUTE_PUBLIC},
    {VAULT_HOST_MANAGEMENT, VAULT_GET, "/whoami", say_operator, 0, 0},
    {0},
};

enum vault_problem vault_get_metrics(struct vault_call *call)
{
    return vault_reply_empty(call, 204);
}

/* ---- the authority ---------------------------------------------------------------------------- */

enum vault_problem vault_token_check(struct vault_authority *authority, const char *authorization,
                                     enum vault_audience audience, uint64_t now, struct vault_caller *out,
                                     char *out_message, size_t out_message_size)
{
    (void)authority;
    (void)audience;
    (void)now;
    if (strncmp(authorization, "Bearer ", 7) != 0 || strlen(authorization + 7) != 36) {
        snprintf(out_message, out_message_size, "AKV10042: a bad token");
        return VAULT_UNAUTHORIZED;
    }
    *out = (struct vault_caller){
        .tenant_id = TENANT, .client_id = "app", .issuer = "https://issuer/", .is_of_this_vault = true};
    memcpy(out->object_id, authorization + 7, 37);
    out->number = strcmp(out->object_id, ALICE) == 0 ? 1 : 2;
    return VAULT_OK;
}

/* Alice has been here before. */
bool vault_token_is_remembered(struct vault_authority *authority, const char *authorization, uint64_t now,
                               struct vault_caller *out)
{
    (void)authority;
    (void)now;
    *out = (struct vault_caller){.number = 1};
    return strcmp(authorization, "Bearer " ALICE) == 0;
}

/* ---- the network --------------------------------------------------------------------------------- */

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key)
{
    const struct api_request *request = (const void *)connection;
    (void)kind;
    return strcasecmp(key, "authorization") == 0 ? request->authorization : NULL;
}

/* ---- the module ------------------------------------------------------------------------------------ */

struct vault_keyops {
    struct fake_module fake;
    struct test_key *keys[8]; /* by kq_key_type; made once */
};

struct fake_module *fake_module_of(struct vault_keyops *keyops)
{
    return &keyops->fake;
}

static struct kq_slice public_key_of(struct vault_keyops *keyops, enum kq_key_type type)
{
    if (keyops->keys[type] == NULL)
        keyops->keys[type] = test_key_new(type, 2048);
    return test_key_public(keyops->keys[type]);
}

static void remember(struct vault_keyops *keyops, const struct vault_key_ref *where)
{
    struct fake_module *fake = &keyops->fake;
    snprintf(fake->region, sizeof fake->region, "%s", where->region);
    snprintf(fake->subscription, sizeof fake->subscription, "%s", where->subscription);
    snprintf(fake->vault, sizeof fake->vault, "%s", where->vault);
    snprintf(fake->name, sizeof fake->name, "%s", where->name);
    snprintf(fake->version, sizeof fake->version, "%s", where->version);
}

static void copy(struct kq_buffer *to, struct kq_slice from)
{
    kq_buffer_init(to, from.len + 1);
    assert_ok(kq_buffer_append(to, from.data, from.len));
}

static kq_status make(struct vault_keyops *keyops, const struct vault_key_ref *where, enum kq_key_type type,
                      uint64_t bits, uint64_t origin, struct vault_made_key *out, char why[VAULT_WHY_SIZE])
{
    remember(keyops, where);
    if (keyops->fake.fails_with != KQ_OK) {
        snprintf(why, VAULT_WHY_SIZE, "%s", keyops->fake.why == NULL ? "" : keyops->fake.why);
        return keyops->fake.fails_with;
    }
    char blob[300];
    snprintf(blob, sizeof blob, "blob of %s/%s/%s/%s", where->subscription, where->vault, where->name, where->version);
    copy(&out->blob, kq_slice_text(blob));
    copy(&out->public_key, public_key_of(keyops, type));
    copy(&out->receipt, kq_slice_text("receipt"));
    out->type = type;
    out->bits = bits;
    out->origin = origin;
    return KQ_OK;
}

kq_status vault_keyops_generate(struct vault_keyops *keyops, const struct vault_key_ref *where, enum kq_key_type type,
                                uint64_t bits, uint64_t public_exponent, uint64_t purpose, struct vault_made_key *out,
                                char why[VAULT_WHY_SIZE])
{
    keyops->fake.num_generated++;
    keyops->fake.type = type;
    keyops->fake.bits = bits;
    keyops->fake.exponent = public_exponent;
    keyops->fake.purpose = purpose;
    return make(keyops, where, type, bits, KQ_ORIGIN_GENERATED, out, why);
}

kq_status vault_keyops_import_package(struct vault_keyops *keyops, const struct vault_key_ref *where,
                                      struct kq_slice package, uint64_t origin_policy, struct vault_made_key *out,
                                      char why[VAULT_WHY_SIZE])
{
    (void)origin_policy;
    keyops->fake.num_imported++;
    assert_in_range(package.len, 0, sizeof keyops->fake.package);
    memcpy(keyops->fake.package, package.data, package.len);
    keyops->fake.package_len = package.len;
    enum kq_key_type type = keyops->fake.imports == 0 ? KQ_KEY_RSA : keyops->fake.imports;
    return make(keyops, where, type, type == KQ_KEY_RSA ? 2048 : 256, KQ_ORIGIN_TRANSFERRED_ATTESTED, out, why);
}

kq_status vault_keyops_import_clear(struct vault_keyops *keyops, const struct vault_key_ref *where,
                                    const struct vault_clear_jwk *jwk, struct vault_made_key *out,
                                    char why[VAULT_WHY_SIZE])
{
    keyops->fake.num_cleared++;
    snprintf(keyops->fake.d, sizeof keyops->fake.d, "%s", jwk->d);
    return make(keyops, where, jwk->type, jwk->type == KQ_KEY_RSA ? 2048 : 256, KQ_ORIGIN_IMPORTED_CLEAR, out, why);
}

kq_status vault_keyops_restore(struct vault_keyops *keyops, const struct vault_key_ref *where, const char *from_vault,
                               struct vault_made_key *out, char why[VAULT_WHY_SIZE])
{
    char expected[300];
    keyops->fake.num_restored++;
    snprintf(keyops->fake.from_vault, sizeof keyops->fake.from_vault, "%s", from_vault);
    snprintf(expected, sizeof expected, "blob of %s/%s/%s/%s", where->subscription, from_vault, where->name,
             where->version);
    if (!kq_slice_is_text(where->blob, expected)) {
        snprintf(why, VAULT_WHY_SIZE, "the blob is of another place");
        return KQ_ERR_AUTH;
    }
    return make(keyops, where, KQ_KEY_EC_P256, 256, KQ_ORIGIN_GENERATED, out, why);
}

/* The result of every use is the value, backwards. */
static void reversed(struct kq_slice value, uint8_t *out)
{
    for (size_t i = 0; i < value.len; i++)
        out[i] = value.data[value.len - 1 - i];
}

kq_status vault_keyops_use(struct vault_keyops *keyops, const struct vault_key_ref *key, enum vault_key_op op,
                           const struct vault_algorithm *algorithm, struct kq_slice value, struct kq_buffer *out,
                           char why[VAULT_WHY_SIZE])
{
    (void)op;
    (void)algorithm;
    struct fake_module *fake = &keyops->fake;
    fake->num_used++;
    remember(keyops, key);
    if (fake->fails_with != KQ_OK) {
        snprintf(why, VAULT_WHY_SIZE, "%s", fake->why == NULL ? "" : fake->why);
        return fake->fails_with;
    }
    assert_in_range(value.len, 1, sizeof fake->value);
    reversed(value, fake->value);
    return kq_buffer_append(out, fake->value, value.len);
}

kq_status vault_keyops_verify(struct kq_slice public_key, const struct vault_algorithm *algorithm,
                              struct kq_slice digest, struct kq_slice signature, bool *out_is_valid)
{
    (void)algorithm;
    uint8_t expected[512];
    assert_true(public_key.len > 0);
    assert_in_range(digest.len, 1, sizeof expected);
    reversed(digest, expected);
    *out_is_valid = kq_slice_is_equal(signature, kq_slice_of(expected, digest.len));
    return KQ_OK;
}

void vault_keyops_unload(struct vault_keyops *keyops, const struct vault_key_ref *key)
{
    (void)key;
    keyops->fake.num_unloaded++;
}

kq_status vault_keyops_audit(struct vault_keyops *keyops, const char *event, const char *caller,
                             const struct vault_key_ref *where, const char *detail)
{
    (void)detail;
    struct fake_module *fake = &keyops->fake;
    if (fake->audit_fails_with != KQ_OK)
        return fake->audit_fails_with;
    remember(keyops, where);
    fake->num_audited++;
    snprintf(fake->last_event, sizeof fake->last_event, "%s", event);
    snprintf(fake->last_caller, sizeof fake->last_caller, "%s", caller);
    return KQ_OK;
}

kq_status vault_keyops_find_region(struct vault_keyops *keyops, const char *name, struct vault_region_facts *out)
{
    (void)keyops;
    *out = (struct vault_region_facts){.generation = 1};
    memset(out->hknso, name[0], sizeof out->hknso);
    return KQ_OK;
}

kq_status vault_keyops_region(struct vault_keyops *keyops, size_t i, struct vault_region_facts *out)
{
    (void)keyops;
    (void)i;
    (void)out;
    return KQ_ERR_NOT_FOUND;
}

kq_status vault_keyops_refresh(struct vault_keyops *keyops)
{
    (void)keyops;
    return KQ_OK;
}

kq_status vault_keyops_ping(struct vault_keyops *keyops, const char *region_or_null_for_platform)
{
    (void)keyops;
    (void)region_or_null_for_platform;
    return KQ_OK;
}

void vault_made_key_clear(struct vault_made_key *made)
{
    kq_buffer_clear(&made->blob);
    kq_buffer_clear(&made->public_key);
    kq_buffer_clear(&made->receipt);
}

/* ---- the world --------------------------------------------------------------------------------------- */

static uint64_t test_clock(void)
{
    return NOW;
}

static void keep_log(void *context, const struct vault_request_log *entry)
{
    struct api_world *world = context;
    world->log = *entry;
    snprintf(world->log_code, sizeof world->log_code, "%s", entry->code == NULL ? "" : entry->code);
    snprintf(world->log_path, sizeof world->log_path, "%s", entry->path);
}

static void put_vault(struct api_world *world)
{
    struct vault_subscription subscription = {.id = SUBSCRIPTION, .display_name = (char *)"One", .created = 5};
    struct vault_group group = {.subscription = SUBSCRIPTION, .name = (char *)"group", .location = (char *)"eastus2"};
    struct vault_access access = {.object_id = ALICE, .keys = VAULT_PERMISSIONS_ALL};
    bool is_created = false;
    assert_ok(vault_store_put_subscription(world->service.store, &subscription));
    assert_ok(vault_store_set_group(world->service.store, &group, &is_created));
    world->vault = (struct vault_record){
        .subscription = SUBSCRIPTION,
        .group = (char *)"group",
        .name = (char *)"contoso",
        .location = (char *)"eastus2",
        .region = (char *)"UnitedStates",
        .is_premium = true,
        .retention_days = 7,
        .properties = (char *)"{}",
        .created = NOW,
        .updated = NOW,
    };
    assert_ok(vault_store_put_vault(world->service.store, &world->vault, &access, 1));
}

struct api_world *api_world_new(void)
{
    struct api_world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    snprintf(world->folder, sizeof world->folder, "/tmp/keyquay-api-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    char path[128], error[256];
    snprintf(path, sizeof path, "%s/keyvault.db", world->folder);
    assert_ok(vault_store_open_sqlite(path, VAULT_STORE_CREATE, &world->service.store, error, sizeof error));
    world->service.keyops = calloc(1, sizeof *world->service.keyops);
    assert_non_null(world->service.keyops);
    snprintf(world->service.tenant_id, sizeof world->service.tenant_id, "%s", TENANT);
    snprintf(world->service.domain, sizeof world->service.domain, "%s", DOMAIN);
    snprintf(world->service.login_url, sizeof world->service.login_url, "https://login." DOMAIN ":8443");
    snprintf(world->service.management_url, sizeof world->service.management_url, "https://management." DOMAIN ":8443");
    snprintf(world->service.vault_resource, sizeof world->service.vault_resource, "https://vault." DOMAIN ":8443");
    world->service.clock = test_clock;
    world->service.log = keep_log;
    world->service.log_context = world;
    vault_http_response_init(&world->response);
    put_vault(world);
    return world;
}

void api_world_free(struct api_world *world)
{
    static const char *const names[] = {"keyvault.db", "keyvault.db-wal", "keyvault.db-shm"};
    vault_store_free(world->service.store);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", world->folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(world->folder), 0);
    for (size_t i = 0; i < 8; i++)
        test_key_free(world->service.keyops->keys[i]);
    free(world->service.keyops);
    vault_http_response_clear(&world->response);
    json_decref(world->body);
    free(world);
}

/* The next part before a separator, ended in place; empty ones are skipped. NULL after the last. */
static char *next_part(char **rest, char separator)
{
    char *at = *rest;
    while (*at == separator)
        at++;
    if (*at == '\0')
        return NULL;
    char *end = strchr(at, separator);
    *rest = end == NULL ? at + strlen(at) : end + 1;
    if (end != NULL)
        *end = '\0';
    return at;
}

/* Splits a path at / and ?, & and =, in place; escapes are none of the test's business. */
static void split_target(char *text, struct vault_http_request *out)
{
    char *query = strchr(text, '?');
    if (query != NULL)
        *query++ = '\0';
    for (char *at = next_part(&text, '/'); at != NULL; at = next_part(&text, '/'))
        out->segments[out->num_segments++] = at;
    if (query == NULL)
        return;
    for (char *at = next_part(&query, '&'); at != NULL; at = next_part(&query, '&')) {
        char *value = strchr(at, '=');
        assert_non_null(value);
        *value++ = '\0';
        out->parameters[out->num_parameters++] = (struct vault_http_pair){at, value};
    }
}

unsigned api_send_raw(struct api_world *world, const struct api_request *request)
{
    char path[1024];
    snprintf(path, sizeof path, "%s", request->path);
    struct vault_http_request http = {
        .method = request->method,
        .host = request->host,
        .port = request->port,
        .target = request->path,
        .body = kq_slice_text(request->body),
        .peer_address = request->peer == NULL ? "127.0.0.1" : request->peer,
        .headers = request,
        .request_id = "11111111-2222-4333-8444-555555555555",
    };
    split_target(path, &http);
    vault_http_response_clear(&world->response);
    json_decref(world->body);
    vault_http_response_init(&world->response);
    vault_api_handle(&world->service, &http, &world->response);
    world->status = world->response.status;
    world->body = json_loadb((const char *)world->response.body.data, world->response.body.len, 0, NULL);
    return world->status;
}

unsigned api_send(struct api_world *world, enum vault_method method, const char *path, const char *body)
{
    char target[1024], text[4096] = "";
    bool has_version = strstr(path, "api-version=") != NULL;
    snprintf(target, sizeof target, "%s%s%s", path,
             has_version                 ? ""
             : strchr(path, '?') == NULL ? "?"
                                         : "&",
             has_version ? "" : "api-version=7.5");
    size_t len = snprintf(text, sizeof text, "%s", body == NULL ? "" : body);
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '\'' ? '"' : text[i];
    return api_send_raw(world, &(struct api_request){
                                   .method = method,
                                   .host = "contoso.vault." DOMAIN,
                                   .port = 8443,
                                   .path = target,
                                   .body = text,
                                   .authorization = "Bearer " ALICE,
                               });
}

const json_t *api_value(const struct api_world *world, const char *path)
{
    char text[256], *rest = text;
    const json_t *value = world->body;
    snprintf(text, sizeof text, "%s", path);
    for (char *at = next_part(&rest, '.'); at != NULL && value != NULL; at = next_part(&rest, '.'))
        value = json_is_array(value) ? json_array_get(value, (size_t)(at[0] - '0')) : json_object_get(value, at);
    return value;
}

const char *api_text(const struct api_world *world, const char *path)
{
    const char *text = json_string_value(api_value(world, path));
    return text == NULL ? "" : text;
}

json_int_t api_integer(const struct api_world *world, const char *path)
{
    return json_integer_value(api_value(world, path));
}

const char *api_header(const struct api_world *world, const char *name)
{
    for (size_t i = 0; i < world->response.num_headers; i++) {
        if (strcasecmp(world->response.headers[i].name, name) == 0)
            return world->response.headers[i].value;
    }
    return "";
}
