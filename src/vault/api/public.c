#include <stdio.h>

#include "base/file.h"
#include "vault/api/call.h"
#include "vault/api/page.h"
#include "vault/api/toolsets.h"
#include "vault/keyops/keyops.h"

/* What may be asked without a token. */

#define CA_MAX (64u * 1024)

static enum vault_problem get_health(struct vault_call *call)
{
    json_t *value = json_pack("{s:s}", "status", "ok");
    if (call->service->test_mode != NULL && json_object_set_new(value, "testMode", json_true()) != 0) {
        json_decref(value);
        value = NULL;
    }
    return vault_reply(call, 200, value);
}

/* ---- readiness ------------------------------------------------------------------------ */

static void add_away(json_t *away, const char *part, const char *region, kq_status status)
{
    json_array_append_new(
        away, json_pack("{s:s, s:s?, s:s}", "part", part, "region", region, "reason", kq_status_text(status)));
}

static bool stop_at_first(void *context, const struct vault_subscription *subscription)
{
    (void)context;
    (void)subscription;
    return false;
}

static void check_modules(struct vault_call *call, json_t *away)
{
    struct vault_keyops *keyops = call->service->keyops;
    struct vault_region_facts facts;
    kq_status status = vault_keyops_ping(keyops, NULL);
    if (status != KQ_OK)
        add_away(away, "platform module", NULL, status);
    for (size_t i = 0; vault_keyops_region(keyops, i, &facts) == KQ_OK; i++) {
        status = vault_keyops_ping(keyops, facts.region->name);
        if (status != KQ_OK)
            add_away(away, "module", facts.region->name, status);
    }
}

static enum vault_problem get_readiness(struct vault_call *call)
{
    struct vault_page page = {.max = 1};
    json_t *away = json_array();
    kq_status status = vault_store_list_subscriptions(call->service->store, &page, stop_at_first, NULL);
    if (status != KQ_OK)
        add_away(away, "store", NULL, status);
    check_modules(call, away);
    bool is_ready = json_array_size(away) == 0;
    return vault_reply(call, is_ready ? 200 : 503,
                       json_pack("{s:s, s:o}", "status", is_ready ? "ready" : "not ready", "away", away));
}

/* ---- the authority's certificate -------------------------------------------------------- */

static enum vault_problem get_ca(struct vault_call *call)
{
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    char path[KQ_PATH_MAX];
    kq_status status = kq_path_join(call->service->data, "ca.pem", path);
    if (status == KQ_OK)
        status = kq_file_read(path, CA_MAX, &pem);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_NOT_FOUND, "This service has no certificate authority of its own.");
    if (status != KQ_OK)
        return vault_fail_status(call, status, "ca.pem", NULL);
    call->response->body = pem;
    pem = (struct kq_buffer){0};
    call->response->status = 200;
    call->response->content_type = "application/x-pem-file";
    return VAULT_OK;
}

#define EVERYWHERE (VAULT_HOST_ANY | VAULT_HOST_OTHER)
#define FREELY (VAULT_ROUTE_PUBLIC | VAULT_ROUTE_NO_VERSION)
const struct vault_route vault_public_routes[] = {
    {EVERYWHERE, VAULT_GET, "/healthz", get_health, 0, FREELY},
    {EVERYWHERE, VAULT_GET, "/readyz", get_readiness, 0, FREELY},
    {EVERYWHERE, VAULT_GET, "/toolsets", vault_toolsets_list, 0, FREELY},
    {EVERYWHERE, VAULT_GET, "/toolsets/{}", vault_toolsets_get, 0, FREELY},
    {EVERYWHERE, VAULT_GET, "/ca.pem", get_ca, 0, FREELY},
    {VAULT_HOST_VAULT, VAULT_GET, "/", vault_page_get, 0, FREELY},
    {.method = 0},
};
