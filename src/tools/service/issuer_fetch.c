#include <string.h>

#include "base/clock.h"
#include "tools/service/issuer.h"
#include "webclient/client.h"

#define ANSWER_MAX ((size_t)256 * 1024)
#define TOTAL_MS 30000u
#define CONFIGURATION "/.well-known/openid-configuration"

static kq_status fetch(struct kq_tool *tool, struct kqw_client *client, const char *url, json_t **out)
{
    char error[KQW_ERROR_SIZE] = "";
    KQ_AUTO_VALUE(kqw_response) response = {.status = 0};
    const struct kqw_request request = {.method = "GET", .url = url};
    kq_status status = kqw_send(client, &request, &response, error);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%.300s: %s", url, error);
    if (response.status != 200)
        return kq_tool_fail(tool, KQ_ERR_IO, "Redirects are not followed: the URL must be the issuer's own.",
                            "%.300s: it answers with status %u", url, response.status);
    if (kqw_response_json(&response, out) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "%.300s: it does not answer with JSON", url);
    return KQ_OK;
}

/* Where the keys are, if the document is this issuer's. */
static kq_status find_keys(struct kq_tool *tool, const struct kqw_issuer *issuer, const json_t *configuration,
                           char out[KQW_ISSUER_URL_SIZE])
{
    const char *name = json_string_value(json_object_get(configuration, "issuer"));
    const char *keys = json_string_value(json_object_get(configuration, "jwks_uri"));
    if (name == NULL || strcmp(name, issuer->url) != 0)
        return kq_tool_fail(tool, KQ_ERR_MISMATCH, "Give the URL just as the issuer writes it, slashes too.",
                            "%s: its configuration is of the issuer '%.255s'", issuer->url,
                            name == NULL || !kqw_issuer_url_is_valid(name) ? "(not shown)" : name);
    if (keys == NULL || strncmp(keys, "https://", 8) != 0 || strlen(keys) >= KQW_ISSUER_URL_SIZE)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "%s: its jwks_uri is not an https URL of at most 255 bytes",
                            issuer->url);
    snprintf(out, KQW_ISSUER_URL_SIZE, "%s", keys);
    return KQ_OK;
}

static kq_status fetch_set(struct kq_tool *tool, struct kqw_client *client, const struct kqw_issuer *issuer,
                           json_t **out)
{
    char url[KQW_ISSUER_URL_SIZE + sizeof CONFIGURATION];
    char keys_url[KQW_ISSUER_URL_SIZE];
    json_t *configuration = NULL;
    size_t len = strlen(issuer->url);
    snprintf(url, sizeof url, "%.*s" CONFIGURATION, (int)(issuer->url[len - 1] == '/' ? len - 1 : len), issuer->url);
    KQ_TRY(fetch(tool, client, url, &configuration));
    kq_status status = find_keys(tool, issuer, configuration, keys_url);
    json_decref(configuration);
    KQ_TRY(status);
    return fetch(tool, client, keys_url, out);
}

kq_status kq_issuer_fetch(struct kq_tool *tool, struct kqw_issuer *issuer)
{
    KQ_AUTO(kqw_client) client = NULL;
    char why[KQW_ISSUER_WHY_SIZE] = "no memory";
    json_t *set = NULL, *keys = NULL;
    const struct kqw_options options = {
        .ca_path = issuer->ca[0] == '\0' ? NULL : issuer->ca, .total_ms = TOTAL_MS, .max_response = ANSWER_MAX};
    kq_status status = kqw_client_new(&options, &client);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s: it cannot be read", issuer->ca);
    KQ_TRY(fetch_set(tool, client, issuer, &set));
    status = kqw_issuer_take_keys(set, &keys, why);
    json_decref(set);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "the keys of %s: %s", issuer->url, why);
    json_decref(issuer->keys);
    issuer->keys = keys;
    issuer->fetched = kq_clock_unix_s();
    return KQ_OK;
}
