#include <stdio.h>
#include <strings.h>

#include "base/text.h"
#include "vault/api/arm.h"
#include "vault/api/groups.h"
#include "vault/keyops/keyops.h"

/* Tenants, subscriptions, locations and providers of the control plane. */

#define SUBSCRIPTION_NAME_MAX 64u
#define ALIAS_MAX 63u

static const char action_read[] = "Microsoft.Resources/subscriptions/read";

/* ---- tenants -------------------------------------------------------------------------- */

static enum vault_problem list_tenants(struct vault_call *call)
{
    const char *tenant = call->service->tenant_id;
    char id[64];
    snprintf(id, sizeof id, "/tenants/%s", tenant);
    json_t *item =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s]}", "id", id, "tenantId", tenant, "tenantCategory", "Home",
                  "displayName", "Keyquay", "defaultDomain", call->service->domain, "domains", call->service->domain);
    const struct vault_page whole = {.max = 1};
    return vault_arm_reply_list(call, json_pack("[o]", item), &whole);
}

/* ---- subscriptions ------------------------------------------------------------------------ */

static json_t *subscription_json(const struct vault_call *call, const struct vault_subscription *subscription)
{
    char id[64];
    snprintf(id, sizeof id, "/subscriptions/%s", subscription->id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:[]}", "id", id, "subscriptionId",
                     subscription->id, "displayName", subscription->display_name, "tenantId", call->service->tenant_id,
                     "state", "Enabled", "subscriptionPolicies", "locationPlacementId", "Public_2014-09-01", "quotaId",
                     "Keyquay", "spendingLimit", "Off", "authorizationSource", "RoleBased", "managedByTenants");
}

struct subscription_list {
    const struct vault_call *call;
    const struct vault_grants *grants;
    json_t *items;
};

static bool add_subscription(void *context, const struct vault_subscription *subscription)
{
    struct subscription_list *list = context;
    struct vault_scope scope = {.subscription = ""};
    memcpy(scope.subscription, subscription->id, sizeof scope.subscription);
    if (vault_grants_touch(list->grants, &scope))
        json_array_append_new(list->items, subscription_json(list->call, subscription));
    return true;
}

static enum vault_problem list_subscriptions(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = false};
    struct vault_page page;
    VAULT_TRY(vault_arm_page(call, &page));
    VAULT_TRY(vault_grants_load(call, &grants));
    struct subscription_list list = {.call = call, .grants = &grants, .items = json_array()};
    kq_status status = vault_store_list_subscriptions(call->service->store, &page, add_subscription, &list);
    if (status == KQ_OK)
        return vault_arm_reply_list(call, list.items, &page);
    json_decref(list.items);
    return vault_fail_status(call, status, "subscriptions", NULL);
}

/* The subscription of the path, for a caller who has any role in it. */
static enum vault_problem read_subscription(struct vault_call *call, struct vault_subscription *out)
{
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = false};
    struct vault_scope scope;
    VAULT_TRY(vault_arm_scope(call, call->names[0], NULL, NULL, &scope));
    VAULT_TRY(vault_grants_load(call, &grants));
    if (!vault_grants_touch(&grants, &scope))
        return vault_arm_deny(call, action_read, &scope);
    VAULT_TRY(vault_arm_subscription(call, &scope));
    kq_status status = vault_store_get_subscription(call->service->store, scope.subscription, out);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "subscription", NULL);
}

static enum vault_problem get_subscription(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_subscription) subscription = {.display_name = NULL};
    VAULT_TRY(read_subscription(call, &subscription));
    return vault_reply(call, 200, subscription_json(call, &subscription));
}

/* ---- making subscriptions ---------------------------------------------------------------- */

/* An alias is remembered before its subscription is made, so that a repeat
 * after a crash finishes the same subscription. */
static enum vault_problem alias_id(struct vault_call *call, const char *setting, bool may_make,
                                   char out[VAULT_GUID_LEN + 1])
{
    KQ_AUTO_VALUE(kq_buffer) stored = {0};
    kq_buffer_init(&stored, VAULT_GUID_LEN);
    kq_status status = vault_store_get_setting(call->service->store, setting, &stored);
    if (status == KQ_OK && kq_guid_is_valid(kq_buffer_slice(&stored)) &&
        kq_text_copy(kq_buffer_slice(&stored), out, VAULT_GUID_LEN + 1))
        return VAULT_OK;
    if (status == KQ_ERR_NOT_FOUND && !may_make)
        return vault_fail(call, VAULT_NOT_FOUND, "There is no subscription alias '%s'.", call->names[0]);
    if (status == KQ_ERR_NOT_FOUND)
        status = vault_new_guid(out);
    if (status == KQ_OK)
        status = vault_store_put_setting(call->service->store, setting, kq_slice_text(out));
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "subscription alias", NULL);
}

static enum vault_problem alias_setting(struct vault_call *call, char *out, size_t size)
{
    const char *alias = call->names[0];
    size_t len = strlen(alias);
    if (!call->caller_is_operator)
        return vault_fail(call, VAULT_AUTHORIZATION_FAILED,
                          "The client '%s' with object id '%s' does not have authorization to perform action "
                          "'Microsoft.Subscription/aliases/write' over scope '/'. Subscriptions are made by an "
                          "operator of this service.",
                          call->caller.client_id, call->caller.object_id);
    for (size_t i = 0; i < len; i++) {
        char c = alias[i];
        bool is_allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.';
        if (!is_allowed || len > ALIAS_MAX)
            return vault_fail(call, VAULT_BAD_REQUEST, "An alias has 1 to %u letters, digits, - _ and .", ALIAS_MAX);
    }
    snprintf(out, size, "subscription-alias/%s", alias);
    return VAULT_OK;
}

static json_t *alias_json(const struct vault_call *call, const char *subscription_id)
{
    char id[140];
    snprintf(id, sizeof id, "/providers/Microsoft.Subscription/aliases/%s", call->names[0]);
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "id", id, "name", call->names[0], "type",
                     "Microsoft.Subscription/aliases", "properties", "subscriptionId", subscription_id,
                     "provisioningState", "Succeeded");
}

static enum vault_problem read_display_name(struct vault_call *call, const char **out)
{
    const json_t *properties = NULL;
    *out = NULL;
    if (!vault_json_object(call->body, "properties", &properties) || properties == NULL)
        return vault_fail(call, VAULT_BAD_REQUEST, "properties: an object with displayName is wanted.");
    if (!vault_json_string(properties, "displayName", out) || *out == NULL || **out == '\0' ||
        strlen(*out) > SUBSCRIPTION_NAME_MAX || !kq_text_is_printable(kq_slice_text(*out)))
        return vault_fail(call, VAULT_BAD_REQUEST,
                          "properties.displayName: text of 1 to %u bytes without control characters is wanted.",
                          SUBSCRIPTION_NAME_MAX);
    if (json_object_get(properties, "subscriptionId") != NULL)
        return vault_fail(call, VAULT_NOT_SUPPORTED,
                          "properties.subscriptionId: an alias for a subscription that exists is not supported.");
    return VAULT_OK;
}

static enum vault_problem put_alias(struct vault_call *call)
{
    char setting[100], id[VAULT_GUID_LEN + 1];
    const char *name;
    VAULT_TRY(alias_setting(call, setting, sizeof setting));
    VAULT_TRY(read_display_name(call, &name));
    VAULT_TRY(alias_id(call, setting, true, id));
    struct vault_subscription subscription = {.display_name = (char *)name, .created = call->now};
    memcpy(subscription.id, id, sizeof subscription.id);
    kq_status status = vault_store_put_subscription(call->service->store, &subscription);
    if (status != KQ_OK && status != KQ_ERR_EXISTS)
        return vault_fail_status(call, status, "subscription", NULL);
    return vault_reply(call, status == KQ_OK ? 201 : 200, alias_json(call, id));
}

static enum vault_problem get_alias(struct vault_call *call)
{
    char setting[100], id[VAULT_GUID_LEN + 1];
    VAULT_TRY(alias_setting(call, setting, sizeof setting));
    VAULT_TRY(alias_id(call, setting, false, id));
    return vault_reply(call, 200, alias_json(call, id));
}

/* ---- locations -------------------------------------------------------------------------------- */

/* A location whose region has no world here is listed, as category Other. */
static json_t *location_json(const char *subscription, const struct kq_region *region, const char *display_name,
                             bool is_usable)
{
    char name[KQ_LOCATION_SIZE], id[140], regional[100];
    kq_location_programmatic(display_name, name);
    snprintf(id, sizeof id, "/subscriptions/%s/locations/%s", subscription, name);
    snprintf(regional, sizeof regional, "(%s) %s", region->name, display_name);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s}}", "id", id, "subscriptionId", subscription,
                     "name", name, "type", "Region", "displayName", display_name, "regionalDisplayName", regional,
                     "metadata", "regionType", "Physical", "regionCategory", is_usable ? "Recommended" : "Other",
                     "geography", region->name, "geographyGroup", region->code);
}

static enum vault_problem list_locations(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_subscription) subscription = {.display_name = NULL};
    struct vault_region_facts facts;
    VAULT_TRY(read_subscription(call, &subscription));
    json_t *items = json_array();
    for (size_t i = 0; i < kq_num_regions; i++) {
        const struct kq_region *region = &kq_regions[i];
        bool is_usable = vault_keyops_find_region(call->service->keyops, region->name, &facts) == KQ_OK;
        for (const char *const *place = region->locations; *place != NULL; place++)
            json_array_append_new(items, location_json(subscription.id, region, *place, is_usable));
    }
    return vault_arm_reply_list(call, items, NULL);
}

/* ---- providers ------------------------------------------------------------------------------- */

static const struct provider {
    const char *name;
    const char *types[8];
} providers[] = {
    {"Microsoft.KeyVault",
     {"vaults", "vaults/accessPolicies", "deletedVaults", "locations/deletedVaults", "checkNameAvailability",
      "operations"}},
    {"Microsoft.Resources", {"subscriptions", "resourceGroups", "tenants"}},
    {"Microsoft.Authorization", {"roleAssignments", "roleDefinitions"}},
};
#define NUM_PROVIDERS (sizeof providers / sizeof providers[0])

/* Versions that clients ask for; any is accepted. */
static json_t *versions_json(void)
{
    return json_pack("[s, s, s]", "2023-07-01", "2023-02-01", "2022-07-01");
}

static json_t *places_json(void)
{
    json_t *places = json_array();
    for (size_t i = 0; i < kq_num_regions; i++) {
        for (const char *const *place = kq_regions[i].locations; *place != NULL; place++)
            json_array_append_new(places, json_string(*place));
    }
    return places;
}

static json_t *provider_json(const char *subscription, const struct provider *provider)
{
    char id[140];
    json_t *types = json_array();
    snprintf(id, sizeof id, "/subscriptions/%s/providers/%s", subscription, provider->name);
    for (const char *const *type = provider->types; *type != NULL; type++)
        json_array_append_new(types, json_pack("{s:s, s:o, s:o}", "resourceType", *type, "locations", places_json(),
                                               "apiVersions", versions_json()));
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", id, "namespace", provider->name, "registrationPolicy",
                     "RegistrationRequired", "registrationState", "Registered", "resourceTypes", types);
}

static enum vault_problem list_providers(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_subscription) subscription = {.display_name = NULL};
    VAULT_TRY(read_subscription(call, &subscription));
    json_t *items = json_array();
    for (size_t i = 0; i < NUM_PROVIDERS; i++)
        json_array_append_new(items, provider_json(subscription.id, &providers[i]));
    return vault_arm_reply_list(call, items, NULL);
}

/* Also the answer to registering: what is here is registered everywhere. */
static enum vault_problem get_provider(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_subscription) subscription = {.display_name = NULL};
    VAULT_TRY(read_subscription(call, &subscription));
    for (size_t i = 0; i < NUM_PROVIDERS; i++) {
        if (strcasecmp(providers[i].name, call->names[1]) == 0)
            return vault_reply(call, 200, provider_json(subscription.id, &providers[i]));
    }
    return vault_fail(call, VAULT_NOT_FOUND, "The resource namespace '%.100s' is not served here.", call->names[1]);
}

#define MANAGEMENT VAULT_HOST_MANAGEMENT
const struct vault_route vault_subscription_routes[] = {
    {MANAGEMENT, VAULT_GET, "/tenants", list_tenants, 0, 0},
    {MANAGEMENT, VAULT_GET, "/subscriptions", list_subscriptions, 0, 0},
    {MANAGEMENT, VAULT_GET, "/subscriptions/{}", get_subscription, 0, 0},
    {MANAGEMENT, VAULT_GET, "/subscriptions/{}/locations", list_locations, 0, 0},
    {MANAGEMENT, VAULT_GET, "/subscriptions/{}/providers", list_providers, 0, 0},
    {MANAGEMENT, VAULT_GET, "/subscriptions/{}/providers/{}", get_provider, 0, 0},
    {MANAGEMENT, VAULT_POST, "/subscriptions/{}/providers/{}/register", get_provider, 0, 0},
    {MANAGEMENT, VAULT_PUT, "/providers/Microsoft.Subscription/aliases/{}", put_alias, 0, VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_GET, "/providers/Microsoft.Subscription/aliases/{}", get_alias, 0, 0},
    {MANAGEMENT, VAULT_GET, "/subscriptions/{}/resourcegroups", vault_groups_list, 0, 0},
    {MANAGEMENT, VAULT_GET, "/subscriptions/{}/resourcegroups/{}", vault_groups_get, 0, 0},
    {MANAGEMENT, VAULT_HEAD, "/subscriptions/{}/resourcegroups/{}", vault_groups_check, 0, 0},
    {MANAGEMENT, VAULT_PUT, "/subscriptions/{}/resourcegroups/{}", vault_groups_put, 0, VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_PATCH, "/subscriptions/{}/resourcegroups/{}", vault_groups_patch, 0, VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_DELETE, "/subscriptions/{}/resourcegroups/{}", vault_groups_delete, 0, 0},
    {.method = 0},
};
