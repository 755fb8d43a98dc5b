#include <strings.h>

#include "base/text.h"
#include "vault/api/call.h"

/* What a client needs to know of this cloud before it logs in, in the three
 * forms that clients ask for, and the two answers of Graph without which an
 * access policy cannot be made. */

static const char *vault_dns(const struct vault_call *call)
{
    return call->service->vault_suffix + 1; /* clients add the dot */
}

/* The ADFS form of the authority: no client asks a public cloud about it. */
static json_t *login_of(const struct vault_call *call)
{
    const struct vault_service *service = call->service;
    char login[sizeof service->login_url + 8];
    snprintf(login, sizeof login, "%s/adfs", service->login_url);
    return json_pack("{s:s, s:[s], s:s, s:s}", "loginEndpoint", login, "audiences", service->management_url, "tenant",
                     service->tenant_id, "identityProvider", "ADFS");
}

static json_t *oldest_form(const struct vault_call *call)
{
    const char *management = call->service->management_url;
    return json_pack("{s:s, s:s, s:s, s:o}", "galleryEndpoint", management, "graphEndpoint", management,
                     "portalEndpoint", management, "authentication", login_of(call));
}

static json_t *cloud_form(const struct vault_call *call)
{
    const char *management = call->service->management_url;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:{s:s}}", "name", "Keyquay", "portal", management,
                     "resourceManager", management, "graph", management, "graphAudience", management,
                     "microsoftGraphResourceId", management, "authentication", login_of(call), "suffixes",
                     "keyVaultDns", vault_dns(call));
}

static enum vault_problem get_endpoints(struct vault_call *call)
{
    const char *version = vault_http_parameter(call->request, "api-version");
    if (version != NULL && strcmp(version, "2015-01-01") == 0)
        return vault_reply(call, 200, oldest_form(call));
    json_t *cloud = cloud_form(call);
    if (cloud != NULL && version != NULL && strcmp(version, "2019-05-01") == 0)
        cloud = json_pack("[o]", cloud);
    return vault_reply(call, 200, cloud);
}

/* ---- Graph -------------------------------------------------------------------------------- */

static enum vault_problem graph_fail(struct vault_call *call, unsigned http_status, const char *code,
                                     const char *message)
{
    return vault_reply(call, http_status, json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message));
}

/* Clients try it first, and take an error for "not a person". Another issuer's subjects are nobody that we know. */
static enum vault_problem get_me(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_person) person = {0};
    kq_status status = call->caller.is_of_this_vault
                           ? vault_store_get_person(call->service->store, call->caller.object_id, &person)
                           : KQ_ERR_NOT_FOUND;
    if (status == KQ_ERR_NOT_FOUND)
        return graph_fail(call, 404, "Request_ResourceNotFound",
                          "The caller is an application, not a person: /me has nothing to show.");
    if (status != KQ_OK)
        return vault_fail_status(call, status, "look-up of the person", NULL);
    const char *name = person.display_name == NULL ? person.user_name : person.display_name;
    return vault_reply(call, 200,
                       json_pack("{s:s, s:s, s:s}", "id", person.object_id, "userPrincipalName", person.user_name,
                                 "displayName", name));
}

static json_t *principal_item(const struct vault_principal *principal)
{
    const char *name = principal->display_name == NULL ? principal->client_id : principal->display_name;
    return json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "id", principal->object_id, "appId", principal->client_id,
                     "displayName", name, "servicePrincipalType", "Application", "servicePrincipalNames",
                     principal->client_id);
}

/* The GUID in one of the two filters that clients send:
 *     servicePrincipalNames/any(c:c eq 'GUID')
 *     appId eq 'GUID' */
static bool read_filter(const char *filter, char out[37])
{
    static const struct {
        const char *before;
        const char *after;
    } forms[] = {{"servicePrincipalNames/any(c:c eq '", "')"}, {"appId eq '", "'"}};
    for (size_t i = 0; filter != NULL && i < sizeof forms / sizeof forms[0]; i++) {
        size_t before = strlen(forms[i].before);
        size_t len = strlen(filter);
        if (len != before + 36 + strlen(forms[i].after) || strncasecmp(filter, forms[i].before, before) != 0 ||
            strcmp(filter + before + 36, forms[i].after) != 0)
            continue;
        struct kq_slice id = kq_slice_of(filter + before, 36);
        return kq_guid_is_valid(id) && kq_text_copy(id, out, 37);
    }
    return false;
}

static enum vault_problem list_principals(struct vault_call *call)
{
    char client_id[37];
    if (!read_filter(vault_http_parameter(call->request, "$filter"), client_id))
        return graph_fail(call, 400, "Request_UnsupportedQuery",
                          "Only $filter=servicePrincipalNames/any(c:c eq 'APPID') and $filter=appId eq 'APPID' are "
                          "supported, with the GUID of an application.");
    KQ_AUTO_VALUE(vault_principal) principal = {.display_name = NULL};
    kq_status status = vault_store_get_principal(call->service->store, client_id, &principal);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_reply(call, 200, json_pack("{s:[]}", "value"));
    if (status != KQ_OK)
        return vault_fail_status(call, status, "look-up of the application", NULL);
    return vault_reply(call, 200, json_pack("{s:[o]}", "value", principal_item(&principal)));
}

#define GRAPH_FLAGS (VAULT_ROUTE_GRAPH | VAULT_ROUTE_NO_VERSION)

const struct vault_route vault_metadata_routes[] = {
    {VAULT_HOST_MANAGEMENT, VAULT_GET, "/metadata/endpoints", get_endpoints, 0,
     VAULT_ROUTE_PUBLIC | VAULT_ROUTE_NO_VERSION},
    {VAULT_HOST_MANAGEMENT, VAULT_GET, "/v1.0/me", get_me, 0, GRAPH_FLAGS},
    {VAULT_HOST_MANAGEMENT, VAULT_GET, "/v1.0/servicePrincipals", list_principals, 0, GRAPH_FLAGS},
    {.method = 0},
};
