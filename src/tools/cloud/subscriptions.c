#include "tools/cloud/subscriptions.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

#define API "api-version=2022-12-01"
#define ALIAS_API "api-version=2021-10-01"

kq_status kq_subscriptions_get(struct kq_tool *tool, struct kq_account *account, json_t **out)
{
    char url[KQ_URL_SIZE + 64];
    json_t *answer = NULL;
    snprintf(url, sizeof url, "%s/subscriptions?" API, account->management);
    KQ_TRY(kq_cloud_call(tool, account, "GET", url, NULL, "asking for the subscriptions", &answer));
    json_t *list = json_incref(json_object_get(answer, "value"));
    json_decref(answer);
    if (!json_is_array(list)) {
        json_decref(list);
        return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "%s: its list of subscriptions cannot be read",
                            account->management);
    }
    *out = list;
    return KQ_OK;
}

static const char *text_of(const json_t *item, const char *name, const char *fallback)
{
    const char *text = json_string_value(json_object_get(item, name));
    return text != NULL ? text : fallback;
}

bool kq_subscription_of(const json_t *item, const struct kq_account *account, struct kq_subscription *out)
{
    *out = (struct kq_subscription){
        .id = text_of(item, "subscriptionId", NULL),
        .name = text_of(item, "displayName", ""),
        .tenant_id = text_of(item, "tenantId", account->tenant_id),
        .state = text_of(item, "state", "Enabled"),
    };
    out->is_default = out->id != NULL && strcasecmp(out->id, account->subscription_id) == 0;
    return out->id != NULL;
}

/* The alias is made of the name, so that the same command again finds what the first one made. */
static kq_status make_alias(struct kq_tool *tool, const char *name, char out[128])
{
    size_t len = strlen(name);
    if (len == 0 || len > 64 || !kq_text_is_printable(kq_slice_text(name)))
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL, "the name of a subscription has 1 to 64 characters");
    for (size_t i = 0; i < len; i++) {
        bool is_plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", name[i]) != NULL;
        out[i] = '-';
        if (is_plain)
            out[i] = name[i];
    }
    out[len] = '\0';
    return KQ_OK;
}

kq_status kq_subscription_make(struct kq_tool *tool, struct kq_account *account, const char *name, char out_id[64])
{
    char url[KQ_URL_SIZE + 256], alias[128];
    json_t *answer = NULL;
    KQ_TRY(make_alias(tool, name, alias));
    snprintf(url, sizeof url, "%s/providers/Microsoft.Subscription/aliases/%s?" ALIAS_API, account->management, alias);
    json_t *body = json_pack("{s:{s:s, s:s}}", "properties", "displayName", name, "workload", "Production");
    kq_status status = kq_cloud_call(tool, account, "PUT", url, body, "making the subscription", &answer);
    json_decref(body);
    KQ_TRY(status);
    const char *id = json_string_value(json_object_get(json_object_get(answer, "properties"), "subscriptionId"));
    bool is_known = id != NULL && kq_text_copy(kq_slice_text(id), out_id, 64);
    json_decref(answer);
    return is_known
               ? KQ_OK
               : kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "%s: the answer names no subscription", account->management);
}
