#include "vault/api/login_assertion.h"

#include <strings.h>

#include "base/text.h"
#include "vault/api/oauth.h"
#include "vault/auth/assertion.h"

#define CERTIFICATES_LOOKED_AT 16u /* of one client */

/* Clients take the endpoint from a discovery document, or make it up from the
 * authority that they were given. */
static bool is_path_of_endpoint(const struct vault_call *call, const char *path)
{
    static const char *const ends[] = {"", "/", "/oauth2/token", "/oauth2/token/", "/oauth2/v2.0/token", "/v2.0"};
    char tenant[64];
    size_t len = strcspn(path, "/");
    if (len == 4 && strncasecmp(path, "adfs", 4) == 0 && strncasecmp(path, "adfs/oauth2", 11) != 0 && path[len] == '/')
        path += len + 1; /* /adfs/TENANT/... */
    len = strcspn(path, "/");
    if (!kq_text_copy(kq_slice_of(path, len), tenant, sizeof tenant) || !vault_oauth_tenant_is_ours(call, tenant))
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strcasecmp(path + len, ends[i]) == 0)
            return true;
    return false;
}

bool vault_login_is_endpoint(const struct vault_call *call, const char *url)
{
    const char *login = call->service->login_url;
    size_t len = strlen(login);
    return strncasecmp(url, login, len) == 0 && url[len] == '/' && is_path_of_endpoint(call, url + len + 1);
}

static bool is_audience(void *context, const char *audience)
{
    return vault_login_is_endpoint(context, audience);
}

/* The registered certificate that the assertion names. */
static kq_status find_certificate(struct vault_call *call, const char *client_id,
                                  const struct vault_assertion *assertion, struct vault_client_certificate *out)
{
    for (size_t i = 0; i < CERTIFICATES_LOOKED_AT; i++) {
        KQ_AUTO_VALUE(vault_client_certificate) record = {.created = 0};
        KQ_TRY(vault_store_get_client_certificate(call->service->store, client_id, i, &record));
        if (!vault_assertion_names(assertion, record.sha256, record.sha1))
            continue;
        *out = record;
        record = (struct vault_client_certificate){.created = 0};
        return KQ_OK;
    }
    return KQ_ERR_NOT_FOUND;
}

static kq_status verify(struct vault_call *call, const char *client_id, const char *text,
                        const struct vault_assertion *assertion, struct kq_slice certificate, const char **out_why)
{
    struct vault_authority *authority = call->service->authority;
    const struct vault_assertion_rules rules = {.client_id = client_id,
                                                .is_audience = is_audience,
                                                .context = call,
                                                .now = call->now,
                                                .leeway_s = vault_authority_leeway_s(authority)};
    uint8_t id[32];
    uint64_t expires = 0;
    KQ_TRY(vault_assertion_verify(assertion, certificate, &rules, id, &expires, out_why));
    *out_why = "another assertion had its id (jti)";
    return vault_authority_take_assertion(authority, id, kq_slice_text(text), expires + rules.leeway_s, call->now)
               ? KQ_OK
               : KQ_ERR_MISMATCH;
}

static bool is_the_clients_fault(kq_status status)
{
    return status == KQ_ERR_FORMAT || status == KQ_ERR_SIGNATURE || status == KQ_ERR_EXPIRED ||
           status == KQ_ERR_MISMATCH || status == KQ_ERR_UNSUPPORTED || status == KQ_ERR_TOO_LARGE;
}

kq_status vault_login_by_assertion(struct vault_call *call, const char *client_id, const char *text,
                                   struct vault_principal *out, const char **out_why)
{
    KQ_AUTO_VALUE(vault_assertion) assertion = {.has_sha1 = false};
    KQ_AUTO_VALUE(vault_client_certificate) certificate = {.created = 0};
    kq_status status = vault_assertion_parse(text, &assertion, out_why);
    if (status != KQ_OK)
        return is_the_clients_fault(status) ? KQ_ERR_AUTH : status;
    *out_why = "no application with this id has registered a certificate with this hash";
    status = find_certificate(call, client_id, &assertion, &certificate);
    if (status == KQ_OK)
        status = verify(call, client_id, text, &assertion, kq_buffer_slice(&certificate.certificate), out_why);
    else if (status == KQ_ERR_NOT_FOUND)
        return KQ_ERR_AUTH;
    if (status != KQ_OK)
        return is_the_clients_fault(status) ? KQ_ERR_AUTH : status;
    *out_why = "";
    status = vault_store_get_principal(call->service->store, client_id, out);
    return status == KQ_ERR_NOT_FOUND ? KQ_ERR_AUTH : status;
}
