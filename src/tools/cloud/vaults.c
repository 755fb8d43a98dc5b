#include "tools/cloud/vaults.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "tools/cloud/subscriptions.h"
#include "trust/regions.h"

#define API "api-version=2022-07-01"
#define GROUP_API "api-version=2022-09-01"
#define PATH_SIZE (KQ_URL_SIZE + 512)
#define RETENTION_DAYS 90

/* ---- making ---- */

static kq_status check_words(struct kq_tool *tool, const struct kq_vault_plan *plan)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.()";
    size_t len = strlen(plan->group);
    if (!kq_guid_is_valid(kq_slice_text(plan->subscription)))
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, "`keyquay subscription list` shows them.",
                            "'%.60s' is not a subscription's id (a GUID)", plan->subscription);
    if (len == 0 || len > 90 || strspn(plan->group, allowed) != len)
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL,
                            "'%.60s' is not the name of a group: up to 90 letters, digits, hyphens", plan->group);
    if (strcasecmp(plan->sku, "premium") != 0 && strcasecmp(plan->sku, "standard") != 0)
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL, "--sku is premium (keys in the HSM) or standard");
    if (kq_region_of_location(plan->location) == NULL)
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "`keyquay region list` shows them all.",
                            "'%.60s' is not a location", plan->location);
    return KQ_OK;
}

static kq_status have_group(struct kq_tool *tool, struct kq_account *account, const struct kq_vault_plan *plan,
                            const char *location)
{
    char url[PATH_SIZE];
    snprintf(url, sizeof url, "%s/subscriptions/%s/resourcegroups/%s?" GROUP_API, account->management,
             plan->subscription, plan->group);
    if (kq_cloud_call(tool, account, "GET", url, NULL, NULL, NULL) == KQ_OK)
        return KQ_OK;
    json_t *body = json_pack("{s:s}", "location", location);
    kq_status status = kq_cloud_call(tool, account, "PUT", url, body, "making the resource group", NULL);
    json_decref(body);
    return status;
}

static json_t *vault_body(const struct kq_account *account, const struct kq_vault_plan *plan, const char *location,
                          const char *object_id)
{
    json_t *policy = json_array();
    if (*object_id != '\0')
        json_array_append_new(policy,
                              json_pack("{s:s, s:s, s:{s:[s], s:[], s:[]}}", "tenantId", account->tenant_id, "objectId",
                                        object_id, "permissions", "keys", "all", "secrets", "certificates"));
    const char *sku = strcasecmp(plan->sku, "premium") == 0 ? "premium" : "standard";
    return json_pack("{s:s, s:{s:s, s:{s:s, s:s}, s:o, s:b, s:i}}", "location", location, "properties", "tenantId",
                     account->tenant_id, "sku", "family", "A", "name", sku, "accessPolicies", policy,
                     "enableSoftDelete", 1, "softDeleteRetentionInDays", RETENTION_DAYS);
}

kq_status kq_vault_make(struct kq_tool *tool, struct kq_account *account, const struct kq_vault_plan *plan,
                        json_t **out)
{
    char url[PATH_SIZE], what[96], location[KQ_LOCATION_SIZE], object_id[64], vault_url[KQ_URL_SIZE];
    KQ_TRY(check_words(tool, plan));
    KQ_TRY(kq_cloud_vault_url(tool, account, plan->name, vault_url));
    kq_location_programmatic(plan->location, location);
    kq_account_object_id(account, object_id);
    KQ_TRY(have_group(tool, account, plan, location));
    snprintf(url, sizeof url, "%s/subscriptions/%s/resourceGroups/%s/providers/Microsoft.KeyVault/vaults/%s?" API,
             account->management, plan->subscription, plan->group, plan->name);
    snprintf(what, sizeof what, "vault %s", plan->name);
    json_t *body = vault_body(account, plan, location, object_id);
    kq_status status = kq_cloud_call(tool, account, "PUT", url, body, what, out);
    json_decref(body);
    return status;
}

/* ---- finding ---- */

/* Follows nextLink, as the service pages. */
static kq_status add_pages(struct kq_tool *tool, struct kq_account *account, const char *first, json_t *list)
{
    char url[2048];
    if (!kq_text_copy(kq_slice_text(first), url, sizeof url))
        return KQ_ERR_TOO_LARGE;
    while (url[0] != '\0') {
        json_t *page = NULL;
        KQ_TRY(kq_cloud_call(tool, account, "GET", url, NULL, "asking for the vaults", &page));
        const char *next = json_string_value(json_object_get(page, "nextLink"));
        (void)json_array_extend(list, json_object_get(page, "value"));
        bool fits = kq_text_copy(kq_slice_text(next != NULL ? next : ""), url, sizeof url) &&
                    (url[0] == '\0' || strncmp(url, account->management, strlen(account->management)) == 0);
        json_decref(page);
        if (!fits)
            return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "%s: the next page lies elsewhere", account->management);
    }
    return KQ_OK;
}

kq_status kq_vaults_get(struct kq_tool *tool, struct kq_account *account, const char *subscription, json_t **out)
{
    char url[PATH_SIZE];
    json_t *list = json_array();
    snprintf(url, sizeof url, "%s/subscriptions/%s/providers/Microsoft.KeyVault/vaults?" API, account->management,
             subscription);
    kq_status status = add_pages(tool, account, url, list);
    if (status != KQ_OK)
        json_decref(list);
    else
        *out = list;
    return status;
}

static json_t *take_named(json_t *list, const char *name)
{
    size_t index;
    json_t *vault;
    json_array_foreach(list, index, vault)
    {
        const char *found = json_string_value(json_object_get(vault, "name"));
        if (found != NULL && strcasecmp(found, name) == 0)
            return json_incref(vault);
    }
    return NULL;
}

kq_status kq_vault_find(struct kq_tool *tool, struct kq_account *account, const char *name, json_t **out)
{
    json_t *subscriptions = NULL, *item;
    size_t index;
    *out = NULL;
    kq_status status = kq_subscriptions_get(tool, account, &subscriptions);
    json_array_foreach(subscriptions, index, item)
    {
        struct kq_subscription subscription;
        json_t *vaults = NULL;
        if (status != KQ_OK || *out != NULL || !kq_subscription_of(item, account, &subscription))
            continue;
        status = kq_vaults_get(tool, account, subscription.id, &vaults);
        *out = take_named(vaults, name);
        json_decref(vaults);
    }
    json_decref(subscriptions);
    return status;
}
