#include "control_world.h"

#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "vault/keyops/keyops.h"

/* ---- the regions ---------------------------------------------------------------------- */

struct vault_keyops {
    struct control_world *world;
};

kq_status vault_keyops_find_region(struct vault_keyops *keyops, const char *name, struct vault_region_facts *out)
{
    bool is_here = strcmp(name, "UnitedStates") == 0 || (keyops->world->has_europe && strcmp(name, "Europe") == 0);
    if (!is_here)
        return KQ_ERR_NOT_FOUND;
    *out = (struct vault_region_facts){.region = &kq_regions[strcmp(name, "Europe") == 0], .generation = 1};
    return KQ_OK;
}

kq_status vault_keyops_region(struct vault_keyops *keyops, size_t i, struct vault_region_facts *out)
{
    return i > 1 ? KQ_ERR_NOT_FOUND : vault_keyops_find_region(keyops, i == 0 ? "UnitedStates" : "Europe", out);
}

kq_status vault_keyops_refresh(struct vault_keyops *keyops)
{
    (void)keyops;
    return KQ_OK;
}

kq_status vault_keyops_audit(struct vault_keyops *keyops, const char *event, const char *caller,
                             const struct vault_key_ref *where, const char *detail)
{
    struct control_world *world = keyops->world;
    assert_non_null(strstr(caller, world->caller));
    if (world->audit_fails_with != KQ_OK)
        return world->audit_fails_with;
    world->num_audited++;
    snprintf(world->last_event, sizeof world->last_event, "%s", event);
    snprintf(world->last_detail, sizeof world->last_detail, "%s", detail);
    snprintf(world->last_region, sizeof world->last_region, "%s", where->region);
    return KQ_OK;
}

/* ---- requests ------------------------------------------------------------------------------ */

/* A target taken apart in place. */
struct target {
    char text[1024];
    struct vault_http_request request;
};

static void split(struct target *target, const char *path)
{
    struct vault_http_request *request = &target->request;
    char *rest = target->text;
    snprintf(target->text, sizeof target->text, "%s", path);
    char *query = strchr(target->text, '?');
    if (query != NULL)
        *query++ = '\0';
    for (char *part; (part = strsep(&rest, "/")) != NULL;) {
        if (*part != '\0')
            request->segments[request->num_segments++] = part;
    }
    for (char *part; query != NULL && (part = strsep(&query, "&")) != NULL;) {
        char *name = strsep(&part, "=");
        request->parameters[request->num_parameters++] = (struct vault_http_pair){name, part};
    }
}

static bool matches(const char *pattern, const struct vault_http_request *request, const char *names[8])
{
    size_t num_names = 0, i = 0;
    memset(names, 0, 8 * sizeof *names);
    for (; *pattern == '/' && pattern[1] != '\0'; i++) {
        size_t len = strcspn(++pattern, "/");
        if (i == request->num_segments)
            return false;
        if (len == 2 && strncmp(pattern, "{}", 2) == 0)
            names[num_names++] = request->segments[i];
        else if (strlen(request->segments[i]) != len || strncasecmp(request->segments[i], pattern, len) != 0)
            return false;
        pattern += len;
    }
    return i == request->num_segments;
}

static const struct vault_route *find(struct vault_call *call)
{
    const struct vault_route *const tables[] = {vault_subscription_routes, vault_vault_routes, vault_role_routes};
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct vault_route *route = tables[t]; route->method != 0; route++) {
            if (route->method == call->request->method && matches(route->pattern, call->request, call->names))
                return route;
        }
    }
    KQ_BUG("a test asks for what has no route");
}

static void keep_answer(struct control_world *world, const struct vault_call *call)
{
    const struct vault_http_response *response = call->response;
    char error[160];
    json_decref(world->body);
    world->body = NULL;
    world->status = world->problem == VAULT_OK ? response->status : vault_problem_row(world->problem)->http_status;
    snprintf(world->message, sizeof world->message, "%s", call->message);
    if (world->problem == VAULT_OK && response->body.len > 0)
        assert_ok(vault_json_parse(kq_buffer_slice(&response->body), &world->body, error, sizeof error));
}

unsigned control_send_json(struct control_world *world, enum vault_method method, const char *path, const json_t *body)
{
    struct target target = {.request = {.method = method}};
    struct vault_http_response response = {.status = 0};
    struct vault_call call = {.service = &world->service,
                              .request = &target.request,
                              .response = &response,
                              .body = (json_t *)body,
                              .base_url = "https://management.keyquay.test:8443",
                              .caller_is_operator = strcmp(world->caller, ALICE) == 0,
                              .now = NOW};
    split(&target, path);
    snprintf(call.caller.object_id, sizeof call.caller.object_id, "%s", world->caller);
    snprintf(call.caller.client_id, sizeof call.caller.client_id, "%s", world->caller);
    vault_http_response_init(&response);
    call.route = find(&call);
    world->problem = call.route->handler(&call);
    keep_answer(world, &call);
    vault_http_response_clear(&response);
    return world->status;
}

unsigned control_send(struct control_world *world, enum vault_method method, const char *path, const char *body)
{
    char text[4096], error[160];
    json_t *value = NULL;
    snprintf(text, sizeof text, "%s", body == NULL ? "{}" : body);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    assert_ok(vault_json_parse(kq_slice_text(text), &value, error, sizeof error));
    unsigned status = control_send_json(world, method, path, value);
    json_decref(value);
    return status;
}

static size_t index_of(const char *text)
{
    uint64_t index = 0;
    assert_true(kq_uint_parse(kq_slice_text(text), 1000, &index));
    return (size_t)index;
}

const json_t *control_value(const struct control_world *world, const char *path)
{
    char text[200];
    char *rest = text;
    const json_t *value = world->body;
    snprintf(text, sizeof text, "%s", path);
    for (char *name; (name = strsep(&rest, ".")) != NULL;)
        value = json_is_array(value) ? json_array_get(value, index_of(name)) : json_object_get(value, name);
    return value;
}

const char *control_text(const struct control_world *world, const char *path)
{
    const char *text = json_string_value(control_value(world, path));
    return text == NULL ? "" : text;
}

/* ---- the world ---------------------------------------------------------------------------------- */

struct control_world *control_world_new(void)
{
    char path[128], error[256];
    struct control_world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    *world = (struct control_world){.folder = "/tmp/keyquay-control-XXXXXX", .caller = ALICE};
    assert_non_null(mkdtemp(world->folder));
    snprintf(path, sizeof path, "%s/keyvault.db", world->folder);
    assert_ok(vault_store_open_sqlite(path, VAULT_STORE_CREATE, &world->service.store, error, sizeof error));
    world->service.keyops = calloc(1, sizeof *world->service.keyops);
    assert_non_null(world->service.keyops);
    world->service.keyops->world = world;
    snprintf(world->service.tenant_id, sizeof world->service.tenant_id, TENANT);
    snprintf(world->service.vault_suffix, sizeof world->service.vault_suffix, ".vault.keyquay.test:8443");
    snprintf(world->service.data, sizeof world->service.data, "/data");
    struct vault_subscription subscription = {.id = SUBSCRIPTION, .display_name = (char *)"One", .created = 5};
    assert_ok(vault_store_put_subscription(world->service.store, &subscription));
    assert_int_equal(control_send(world, VAULT_PUT, IN_GROUP, "{'location':'East US'}"), 201);
    return world;
}

void control_world_free(struct control_world *world)
{
    static const char *const names[] = {"keyvault.db", "keyvault.db-wal", "keyvault.db-shm"};
    vault_store_free(world->service.store);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", world->folder, names[i]);
        unlink(path);
    }
    rmdir(world->folder);
    json_decref(world->body);
    free(world->service.keyops);
    free(world);
}

void control_put_contoso(struct control_world *world)
{
    assert_int_equal(control_send(world, VAULT_PUT, CONTOSO,
                                  "{'location':'East US 2','tags':{'a':'b'},'properties':{'tenantId':'" TENANT
                                  "','sku':{'family':'A','name':'standard'},'accessPolicies':[]}}"),
                     200);
}
