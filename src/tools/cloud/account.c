#include "tools/cloud/account.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "tools/cloud/connection.h"
#include "tools/cloud/endpoints.h"
#include "webclient/token.h"

void kq_account_clear(struct kq_account *account)
{
    kq_secret_clear(&account->management_token.text);
    kq_secret_clear(&account->vault_token.text);
    kqw_client_free(account->client);
    account->client = NULL;
}

static kq_status copy(struct kq_tool *tool, const char *from, const char *name, const char *text, char *out,
                      size_t size)
{
    if (text != NULL && *text != '\0' && kq_text_is_printable(kq_slice_text(text)) &&
        kq_text_copy(kq_slice_text(text), out, size))
        return KQ_OK;
    return kq_tool_fail(tool, KQ_ERR_FORMAT, "`keyquay up` writes this file anew.", "%s: \"%s\" is missing or wrong",
                        from, name);
}

/* ---- from endpoints.json ---- */

static kq_status take_endpoints(struct kq_tool *tool, const char *path, const struct kq_endpoints *endpoints,
                                struct kq_account *out)
{
    const struct {
        const char *name;
        char *out;
        size_t size;
    } members[] = {
        {"login", out->login, sizeof out->login},
        {"management", out->management, sizeof out->management},
        {"vaultSuffix", out->vault_suffix, sizeof out->vault_suffix},
        {"tenantId", out->tenant_id, sizeof out->tenant_id},
        {"subscriptionId", out->subscription_id, sizeof out->subscription_id},
        {"ca", out->ca, sizeof out->ca},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        KQ_TRY(copy(tool, path, members[i].name, kq_endpoints_text(endpoints, members[i].name), members[i].out,
                    members[i].size));
    const char *addresses[KQ_ACCOUNT_ADDRESSES_MAX];
    out->num_addresses = kq_endpoints_addresses(endpoints, addresses, KQ_ACCOUNT_ADDRESSES_MAX);
    for (size_t i = 0; i < out->num_addresses; i++)
        KQ_TRY(copy(tool, path, "addresses", addresses[i], out->addresses[i], KQ_ADDRESS_SIZE));
    return KQ_OK;
}

kq_status kq_account_from_endpoints(struct kq_tool *tool, const char *path, struct kq_account *out)
{
    struct kq_endpoints *endpoints = NULL;
    char why[256];
    kq_status status = kq_endpoints_read(path, &endpoints, why, sizeof why);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Name the endpoints.json of a vault that `keyquay up` started.", "%s", why);
    status = take_endpoints(tool, path, endpoints, out);
    kq_endpoints_free(endpoints);
    KQ_TRY(status);
    return kq_account_connect(tool, out);
}

/* ---- from a vault's URL ---- */

/* "https://NAME.vault.DOMAIN[:port][/...]" to ".vault.DOMAIN[:port]". */
static bool take_suffix(const char *url, char *out, size_t size)
{
    static const char scheme[] = "https://";
    if (strncasecmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *host = url + sizeof scheme - 1;
    size_t len = strcspn(host, "/?#");
    const char *dot = memchr(host, '.', len);
    if (dot == NULL || dot == host || memchr(host, '@', len) != NULL ||
        !kq_text_copy(kq_slice_of((const uint8_t *)dot, len - (size_t)(dot - host)), out, size))
        return false;
    for (char *c = out; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return strncmp(out, ".vault.", 7) == 0 && out[7] != '\0';
}

static kq_status take_challenge(struct kq_tool *tool, const char *url, const struct kqw_response *response,
                                struct kq_account *out)
{
    struct kqw_challenge challenge;
    char login[KQ_URL_SIZE + 16], resource[KQ_URL_SIZE + 16];
    const char *domain = out->vault_suffix + 7;
    size_t len = (size_t)snprintf(login, sizeof login, "https://login.%s", domain);
    snprintf(resource, sizeof resource, "https://vault.%s", domain);
    if (response->status != 401 || kqw_challenge_parse(response->challenge, &challenge) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, "Is it the URL of a vault, https://NAME.vault.DOMAIN?",
                            "%.200s: did not answer as a vault does", url);
    if (strcasecmp(challenge.resource, resource) != 0 || strncasecmp(challenge.authority, login, len) != 0 ||
        challenge.authority[len] != '/')
        return kq_tool_fail(tool, KQ_ERR_UNTRUSTED, "Nothing was sent there. Ask the vault's operator.",
                            "%.150s: names a place to sign in outside its own domain (%.150s)", url,
                            challenge.authority);
    KQ_TRY(copy(tool, url, "authorization", challenge.authority + len + 1, out->tenant_id, sizeof out->tenant_id));
    KQ_TRY(copy(tool, url, "login", login, out->login, sizeof out->login));
    snprintf(login, sizeof login, "https://management.%s", domain);
    return copy(tool, url, "management", login, out->management, sizeof out->management);
}

kq_status kq_account_discover(struct kq_tool *tool, const char *vault_url, struct kq_account *out)
{
    KQ_AUTO_VALUE(kqw_response) response = {0};
    char probe[KQ_URL_SIZE + 64], why[KQW_ERROR_SIZE];
    if (!take_suffix(vault_url, out->vault_suffix, sizeof out->vault_suffix))
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL,
                            "'%.200s' is not the URL of a vault; it looks like https://NAME.vault.DOMAIN[:port]",
                            vault_url);
    size_t host_len = 8 + strcspn(vault_url + 8, "/?#");
    snprintf(probe, sizeof probe, "%.*s/keys?api-version=7.4", (int)host_len, vault_url);
    KQ_TRY(kq_account_connect(tool, out));
    const struct kqw_request request = {.method = "GET", .url = probe};
    kq_status status = kqw_send(out->client, &request, &response, why);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s", why);
    return take_challenge(tool, vault_url, &response, out);
}

/* ---- signing in ---- */

static kq_status fetch(struct kq_tool *tool, struct kq_account *account, const struct kq_secret *client_secret,
                       const char *resource, struct kq_token *out)
{
    char url[KQ_URL_SIZE + 128], scope[KQ_URL_SIZE + 32], why[KQW_ERROR_SIZE];
    uint64_t lifetime;
    snprintf(url, sizeof url, "%s/%s/oauth2/v2.0/token", account->login, account->tenant_id);
    snprintf(scope, sizeof scope, "%s/.default", resource);
    const struct kqw_token_request request = {url, account->client_id, client_secret, scope};
    kq_secret_init(&out->text);
    kq_status status = kqw_token_get(account->client, &request, &out->text, &lifetime, why);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s", why);
    out->expires = kq_account_now() + lifetime;
    return KQ_OK;
}

kq_status kq_account_sign_in(struct kq_tool *tool, struct kq_account *account, const char *client_id,
                             const struct kq_secret *client_secret)
{
    char resource[KQ_URL_SIZE + 16];
    if (!kq_guid_is_valid(kq_slice_text(client_id)) ||
        !kq_text_copy(kq_slice_text(client_id), account->client_id, sizeof account->client_id))
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, "The operator finds it in DIR/credentials.json as clientId.",
                            "'%.60s' is not an application's id (a GUID)", client_id);
    snprintf(resource, sizeof resource, "https://%s", account->vault_suffix + 1);
    KQ_TRY(fetch(tool, account, client_secret, account->management, &account->management_token));
    return fetch(tool, account, client_secret, resource, &account->vault_token);
}
