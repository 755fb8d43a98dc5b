#include "vault/api/login_world.h"

#include <stdio.h>
#include <strings.h>

#include "unit.h"
#include "vault/auth/client_certificate.h"
#include "vault/auth/secret.h"

/* ---- what the server and the store would do; found before the libraries' own -------------- */

const char *vault_http_header(const struct vault_http_request *request, const char *name)
{
    const struct login_world *world = request->headers;
    if (strcasecmp(name, "Content-Type") == 0)
        return world->content_type;
    return strcasecmp(name, "client-request-id") == 0 ? world->client_request_id : NULL;
}

const char *vault_http_parameter(const struct vault_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->num_parameters; i++)
        if (strcmp(request->parameters[i].name, name) == 0)
            return request->parameters[i].value;
    return NULL;
}

void vault_http_response_init(struct vault_http_response *response)
{
    *response = (struct vault_http_response){.status = 0};
    kq_buffer_init(&response->body, 65536);
}

void vault_http_response_clear(struct vault_http_response *response)
{
    for (size_t i = 0; i < response->num_headers; i++)
        free(response->headers[i].value);
    kq_buffer_clear(&response->body);
    response->num_headers = 0;
}

kq_status vault_http_response_header(struct vault_http_response *response, const char *name, const char *value)
{
    assert_true(response->num_headers < VAULT_RESPONSE_HEADERS_MAX);
    response->headers[response->num_headers].name = name;
    response->headers[response->num_headers++].value = strdup(value);
    return KQ_OK;
}

static struct login_world *world_of(struct vault_store *store)
{
    return (struct login_world *)(void *)store;
}

kq_status vault_store_get_principal(struct vault_store *store, const char *client_id, struct vault_principal *out)
{
    if (world_of(store)->store_status != KQ_OK)
        return world_of(store)->store_status;
    if (strcasecmp(client_id, MAKER_CLIENT) != 0)
        return KQ_ERR_NOT_FOUND;
    *out = (struct vault_principal){
        .client_id = MAKER_CLIENT, .object_id = MAKER_OBJECT, .display_name = strdup("the \"first\"")};
    return KQ_OK;
}

void vault_principal_clear(struct vault_principal *record)
{
    free(record->display_name);
    record->display_name = NULL;
}

/* Oldest first: the second is past its end. */
kq_status vault_store_get_client_secret(struct vault_store *store, const char *client_id, size_t i,
                                        struct vault_client_secret *out)
{
    static const char *const secrets[] = {LOGIN_SECRET, LOGIN_EXPIRED_SECRET, LOGIN_NEWER_SECRET};
    if (strcasecmp(client_id, MAKER_CLIENT) != 0 || i >= 3)
        return KQ_ERR_NOT_FOUND;
    assert_ptr_equal(world_of(store)->service.store, store);
    *out = (struct vault_client_secret){.scrypt_log2_n = 10, .expires = i == 1 ? MAKER_NOW : 0};
    out->salt[0] = (uint8_t)i;
    return vault_secret_hash(kq_slice_text(secrets[i]), out->salt, out->scrypt_log2_n, out->hash);
}

kq_status vault_store_get_client_certificate(struct vault_store *store, const char *client_id, size_t i,
                                             struct vault_client_certificate *out)
{
    struct login_world *world = world_of(store);
    struct vault_certificate_facts facts;
    const char *why = NULL;
    if (strcasecmp(client_id, MAKER_CLIENT) != 0 || i != 0 || world->certificate.len == 0)
        return KQ_ERR_NOT_FOUND;
    assert_ok(vault_client_certificate_read(kq_buffer_slice(&world->certificate), &facts, &why));
    *out = (struct vault_client_certificate){.not_after = facts.not_after};
    memcpy(out->sha256, facts.sha256, sizeof out->sha256);
    memcpy(out->sha1, facts.sha1, sizeof out->sha1);
    kq_buffer_init(&out->certificate, world->certificate.len);
    return kq_buffer_append(&out->certificate, world->certificate.data, world->certificate.len);
}

void vault_client_certificate_clear(struct vault_client_certificate *record)
{
    kq_buffer_clear(&record->certificate);
}

/* alice, and nobody else. */
kq_status vault_store_find_person(struct vault_store *store, const char *user_name, struct vault_person *out)
{
    assert_ptr_equal(world_of(store)->service.store, store);
    if (strcasecmp(user_name, "alice") != 0)
        return KQ_ERR_NOT_FOUND;
    *out = (struct vault_person){.object_id = LOGIN_PERSON,
                                 .user_name = strdup("alice"),
                                 .display_name = strdup("Alice \"A.\""),
                                 .scrypt_log2_n = 10};
    return vault_secret_hash(kq_slice_text(LOGIN_PASSPHRASE), out->salt, out->scrypt_log2_n, out->hash);
}

kq_status vault_store_get_person(struct vault_store *store, const char *object_id, struct vault_person *out)
{
    return strcasecmp(object_id, LOGIN_PERSON) == 0 ? vault_store_find_person(store, "alice", out) : KQ_ERR_NOT_FOUND;
}

void vault_person_clear(struct vault_person *record)
{
    free(record->user_name);
    free(record->display_name);
    *record = (struct vault_person){.created = 0};
}

kq_status vault_store_put_session(struct vault_store *store, const struct vault_session *record)
{
    world_of(store)->session = *record;
    return KQ_OK;
}

kq_status vault_store_find_session(struct vault_store *store, const uint8_t hash[32], struct vault_session *out)
{
    *out = world_of(store)->session;
    bool is_known = memcmp(out->hash, hash, 32) == 0 || memcmp(out->previous, hash, 32) == 0;
    return out->id[0] != '\0' && is_known ? KQ_OK : KQ_ERR_NOT_FOUND;
}

kq_status vault_store_rotate_session(struct vault_store *store, const struct vault_session *record)
{
    if (memcmp(world_of(store)->session.hash, record->previous, 32) != 0)
        return KQ_ERR_NOT_FOUND;
    world_of(store)->session = *record;
    return KQ_OK;
}

kq_status vault_store_delete_session(struct vault_store *store, const char *id)
{
    assert_string_equal(world_of(store)->session.id, id);
    world_of(store)->session = (struct vault_session){.created = 0};
    return KQ_OK;
}

/* ---- the world ------------------------------------------------------------------------------ */

void login_world_init(struct login_world *world)
{
    *world = (struct login_world){.content_type = "application/x-www-form-urlencoded"};
    token_maker_init(&world->maker);
    world->service = (struct vault_service){
        .store = (struct vault_store *)(void *)world,
        .authority = world->maker.authority,
        .tenant_id = MAKER_TENANT,
        .domain = "keyquay.localhost",
        .port = 8443,
        .vault_suffix = ".vault.keyquay.localhost:8443",
        .vault_resource = MAKER_VAULT,
        .login_url = LOGIN_URL,
        .management_url = MAKER_MANAGEMENT,
    };
    vault_http_response_init(&world->response);
}

void login_world_clear(struct login_world *world)
{
    token_maker_clear(&world->maker);
    vault_http_response_clear(&world->response);
    json_decref(world->answer);
    kq_buffer_clear(&world->certificate);
}

static const struct vault_route *find(const struct vault_route *routes, enum vault_method method, const char *pattern)
{
    while (routes->method != method || strcmp(routes->pattern, pattern) != 0) {
        assert_true(routes->method != 0);
        routes++;
    }
    return routes;
}

unsigned login_world_call(struct login_world *world, const struct vault_route *routes, enum vault_method method,
                          const char *pattern, const char *tenant)
{
    vault_http_response_clear(&world->response);
    vault_http_response_init(&world->response);
    json_decref(world->answer);
    world->answer = NULL;
    world->request.method = method;
    world->request.headers = world;
    snprintf(world->request.request_id, sizeof world->request.request_id, "%s", "cccccccc-0000-4000-8000-000000000003");
    world->call = (struct vault_call){.service = &world->service,
                                      .request = &world->request,
                                      .response = &world->response,
                                      .route = find(routes, method, pattern),
                                      .names = {tenant},
                                      .now = MAKER_NOW};
    enum vault_problem problem = world->call.route->handler(&world->call);
    if (problem != VAULT_OK)
        return vault_problem_row(problem)->http_status;
    const struct kq_buffer *body = &world->response.body;
    assert_string_equal(world->response.content_type, "application/json; charset=utf-8");
    world->answer = json_loadb((const char *)body->data, body->len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(world->answer);
    return world->response.status;
}

unsigned login_world_post(struct login_world *world, const char *pattern, const char *tenant, const char *form)
{
    world->request.body = kq_slice_text(form);
    return login_world_call(world, vault_login_routes, VAULT_POST, pattern, tenant);
}

void login_world_set_parameter(struct login_world *world, const char *name, const char *value)
{
    world->request.num_parameters = value == NULL ? 0 : 1;
    world->request.parameters[0] = (struct vault_http_pair){name, value};
}

const char *login_world_text(struct login_world *world, const char *name)
{
    const char *text = json_string_value(json_object_get(world->answer, name));
    if (text == NULL)
        fail_msg("the answer has no text '%s'", name);
    return text;
}

const char *login_world_header(const struct login_world *world, const char *name)
{
    for (size_t i = 0; i < world->response.num_headers; i++)
        if (strcmp(world->response.headers[i].name, name) == 0)
            return world->response.headers[i].value;
    return NULL;
}
