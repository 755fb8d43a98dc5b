/* Requests with an account's tokens. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "tools/cloud/account.h"
#include "webclient/client.h"

static const char *next_step(kq_status status, unsigned http_status)
{
    if (http_status == 401)
        return "Run Add-AzureAccount again.";
    switch (status) {
    case KQ_ERR_DENIED:
        return "The vault's access policy decides; its owner can add you.";
    case KQ_ERR_WAIT:
        return "Try again in a moment; `keyquay status` shows what runs.";
    default:
        return NULL;
    }
}

static kq_status send_with_token(struct kq_account *account, const char *method, const char *url, const char *body,
                                 struct kqw_response *out, char *why)
{
    const size_t len = strlen(account->management);
    const bool is_management = strncasecmp(url, account->management, len) == 0 && url[len] == '/';
    const struct kqw_request request = {
        .method = method,
        .url = url,
        .bearer = is_management ? &account->management_token.text : &account->vault_token.text,
        .content_type = body != NULL ? "application/json" : NULL,
        .body = body != NULL ? kq_slice_text(body) : KQ_SLICE_EMPTY,
    };
    return kqw_send(account->client, &request, out, why);
}

static kq_status fail(struct kq_tool *tool, kq_status status, const char *what, unsigned http_status, const char *why)
{
    if (what == NULL)
        return status;
    return kq_tool_fail(tool, status, next_step(status, http_status), "%s: %s", what, why);
}

kq_status kq_cloud_call(struct kq_tool *tool, struct kq_account *account, const char *method, const char *url,
                        const json_t *body, const char *what, json_t **out)
{
    KQ_AUTO_VALUE(kqw_response) response = {0};
    char why[KQW_ERROR_SIZE];
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    if (body != NULL && text == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = send_with_token(account, method, url, text, &response, why);
    free(text);
    if (status != KQ_OK)
        return fail(tool, status, what, 0, why);
    status = kqw_response_status(&response, why, sizeof why);
    if (status != KQ_OK)
        return fail(tool, status, what, response.status, why);
    if (out == NULL)
        return KQ_OK;
    *out = NULL;
    if (response.body.len > 0 && kqw_response_json(&response, out) != KQ_OK)
        return fail(tool, KQ_ERR_FORMAT, what, 0, "the answer is not JSON; is something between us and the vault?");
    return KQ_OK;
}

kq_status kq_cloud_vault_url(struct kq_tool *tool, const struct kq_account *account, const char *vault,
                             char out[KQ_URL_SIZE])
{
    size_t len = strlen(vault);
    bool is_name = len >= 3 && len <= 24;
    for (size_t i = 0; i < len && is_name; i++)
        is_name = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-", vault[i]) != NULL;
    if (!is_name)
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL,
                            "'%.60s' is not the name of a vault: 3 to 24 letters, digits and hyphens", vault);
    int size = snprintf(out, KQ_URL_SIZE, "https://%s%s", vault, account->vault_suffix);
    return size > 0 && size < KQ_URL_SIZE ? KQ_OK : KQ_ERR_TOO_LARGE;
}

/* The middle part of a JWT, read as what the issuer told us, not as proof. */
void kq_account_object_id(const struct kq_account *account, char out[64])
{
    struct kq_slice token = kq_secret_borrow(&account->management_token.text);
    const uint8_t *first = memchr(token.data, '.', token.len);
    KQ_AUTO_VALUE(kq_buffer) claims = {0};
    out[0] = '\0';
    if (first == NULL)
        return;
    first++;
    size_t rest = token.len - (size_t)(first - token.data);
    const uint8_t *second = memchr(first, '.', rest);
    kq_buffer_init(&claims, KQ_SECRET_MAX);
    if (second == NULL || kq_base64url_decode(kq_slice_of(first, (size_t)(second - first)), &claims) != KQ_OK)
        return;
    json_t *object = json_loadb((const char *)claims.data, claims.len, 0, NULL);
    const char *id = json_string_value(json_object_get(object, "oid"));
    if (id != NULL && kq_guid_is_valid(kq_slice_text(id)))
        (void)kq_text_copy(kq_slice_text(id), out, 64);
    json_decref(object);
}
