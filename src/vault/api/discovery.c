#include <strings.h>

#include "vault/api/login_person.h"
#include "vault/api/oauth.h"

/* Where to log in: the documents that clients read before they ask for a
 * token. The JavaScript library wants the issuer on the authority's own host. */

#define URL_SIZE 400

static void write_url(char out[URL_SIZE], const struct vault_call *call, const char *tenant, const char *path)
{
    snprintf(out, URL_SIZE, "%s/%s/%s", call->service->login_url, tenant, path);
}

static enum vault_problem document(struct vault_call *call, const char *version)
{
    const char *tenant = call->names[0];
    if (!vault_oauth_tenant_is_ours(call, tenant))
        return vault_oauth_no_tenant(call, tenant);
    char path[64];
    char authorize[URL_SIZE];
    char token[URL_SIZE];
    char device[URL_SIZE];
    char keys[URL_SIZE];
    snprintf(path, sizeof path, "oauth2/%sauthorize", version);
    write_url(authorize, call, tenant, path);
    snprintf(path, sizeof path, "oauth2/%stoken", version);
    write_url(token, call, tenant, path);
    snprintf(path, sizeof path, "oauth2/%sdevicecode", version);
    write_url(device, call, tenant, path);
    snprintf(path, sizeof path, "discovery/%skeys", version);
    write_url(keys, call, tenant, path);
    return vault_reply(
        call, 200,
        json_pack("{s:s, s:s, s:s, s:s, s:[s, s], s:[s, s], s:[s, s, s], s:[], s:[s], s:[s], s:s}", "issuer",
                  vault_authority_issuer(call->service->authority), "authorization_endpoint", authorize,
                  "token_endpoint", token, "jwks_uri", keys, "token_endpoint_auth_methods_supported",
                  "client_secret_post", "private_key_jwt", "token_endpoint_auth_signing_alg_values_supported", "RS256",
                  "PS256", "grant_types_supported", "client_credentials", "refresh_token", VAULT_GRANT_DEVICE_CODE,
                  "response_types_supported", "subject_types_supported", "public",
                  "id_token_signing_alg_values_supported", "RS256", "device_authorization_endpoint", device));
}

enum vault_problem vault_discovery_document(struct vault_call *call)
{
    return document(call, "");
}

enum vault_problem vault_discovery_document_v2(struct vault_call *call)
{
    return document(call, "v2.0/");
}

enum vault_problem vault_discovery_keys(struct vault_call *call)
{
    struct vault_http_response *response = call->response;
    if (!vault_oauth_tenant_is_ours(call, call->names[0]))
        return vault_oauth_no_tenant(call, call->names[0]);
    kq_buffer_clear(&response->body);
    kq_buffer_init(&response->body, (size_t)16 * 1024);
    kq_status status = vault_authority_jwks(call->service->authority, &response->body);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "keys", NULL);
    response->status = 200;
    response->content_type = "application/json; charset=utf-8";
    return VAULT_OK;
}

/* The tenant in https://login.DOMAIN[:port]/TENANT/...; false if the URL is not of this host. */
static bool read_authority(const struct vault_call *call, const char *url, char tenant[64])
{
    const char *login = call->service->login_url;
    size_t len = strlen(login);
    if (url == NULL || strncasecmp(url, login, len) != 0 || url[len] != '/')
        return false;
    const char *at = url + len + 1;
    size_t tenant_len = strcspn(at, "/?#");
    if (tenant_len >= 64)
        return false;
    memcpy(tenant, at, tenant_len);
    tenant[tenant_len] = '\0';
    return vault_oauth_tenant_is_ours(call, tenant);
}

enum vault_problem vault_discovery_instance(struct vault_call *call)
{
    char tenant[64];
    char endpoint[URL_SIZE];
    if (!read_authority(call, vault_http_parameter(call->request, "authorization_endpoint"), tenant))
        return vault_oauth_fail(call, 400, "invalid_instance", 50049,
                                "Unknown or invalid instance: authorization_endpoint is not an address below %s.",
                                call->service->login_url);
    bool is_adfs = strcasecmp(tenant, "adfs") == 0;
    write_url(endpoint, call, tenant,
              is_adfs ? ".well-known/openid-configuration" : "v2.0/.well-known/openid-configuration");
    const char *host = call->service->login_url + sizeof "https://" - 1;
    int name_len = (int)strcspn(host, ":");
    return vault_reply(call, 200,
                       json_pack("{s:s, s:s, s:[{s:s, s:s, s:[s, s%]}]}", "tenant_discovery_endpoint", endpoint,
                                 "api-version", "1.1", "metadata", "preferred_network", host, "preferred_cache", host,
                                 "aliases", host, host, (size_t)name_len));
}
