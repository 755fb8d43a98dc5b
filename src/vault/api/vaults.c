#include "vault/api/vaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "vault/keyops/keyops.h"

#define RETENTION_DEFAULT 90u
#define DAY_S 86400u

static const char action_read[] = "Microsoft.KeyVault/vaults/read";
static const char action_write[] = "Microsoft.KeyVault/vaults/write";
static const char action_delete[] = "Microsoft.KeyVault/vaults/delete";
static const char action_assign[] = "Microsoft.Authorization/roleAssignments/write";

/* ---- finding and writing ---------------------------------------------------------------- */

static enum vault_problem refuse_absent(struct vault_call *call, const struct vault_scope *scope)
{
    return vault_fail(call, VAULT_RESOURCE_NOT_FOUND,
                      "The Resource '" VAULT_TYPE "/%s' under resource group '%s' was not found.", scope->vault,
                      scope->group);
}

static bool is_at(const struct vault_record *record, const struct vault_scope *scope)
{
    return strcasecmp(record->subscription, scope->subscription) == 0 && strcasecmp(record->group, scope->group) == 0;
}

static enum vault_problem load_access(struct vault_call *call, struct vault_resource *resource)
{
    kq_status status =
        vault_store_get_access(call->service->store, resource->record.id, &resource->access, &resource->num_access);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "access policy", NULL);
}

enum vault_problem vault_vaults_find(struct vault_call *call, const char *action, struct vault_scope *scope,
                                     struct vault_resource *out)
{
    VAULT_TRY(vault_arm_scope(call, call->names[0], call->names[1], call->names[2], scope));
    VAULT_TRY(vault_arm_allow(call, action, scope));
    VAULT_TRY(vault_arm_group(call, scope));
    kq_status status = vault_store_get_vault(call->service->store, scope->vault, &out->record);
    if (status == KQ_ERR_NOT_FOUND || (status == KQ_OK && (out->record.deleted != 0 || !is_at(&out->record, scope))))
        return refuse_absent(call, scope);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "vault", NULL);
    snprintf(scope->vault, sizeof scope->vault, "%s", out->record.name);
    return load_access(call, out);
}

enum vault_problem vault_vaults_write(struct vault_call *call, const char *event, const struct vault_scope *scope,
                                      struct vault_resource *resource, const char *detail)
{
    struct vault_store *store = call->service->store;
    resource->record.updated = call->now;
    VAULT_TRY(vault_arm_audit(call, event, resource->record.region, scope, detail));
    kq_status status = resource->record.id == 0
                           ? vault_store_put_vault(store, &resource->record, resource->access, resource->num_access)
                           : vault_store_update_vault(store, &resource->record, resource->access, resource->num_access);
    if (status == KQ_ERR_EXISTS)
        return vault_fail(call, VAULT_VAULT_ALREADY_EXISTS, "The vault name '%s' was taken a moment ago.",
                          scope->vault);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "vault", NULL);
}

static enum vault_problem get_vault(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    struct vault_scope scope;
    VAULT_TRY(vault_vaults_find(call, action_read, &scope, &resource));
    return vault_reply(call, 200, vault_resource_json(&resource, call->service));
}

/* ---- creating ------------------------------------------------------------------------------- */

static enum vault_problem refuse_location(struct vault_call *call, const char *location)
{
    char known[900] = "", name[KQ_LOCATION_SIZE];
    size_t len = 0;
    for (size_t i = 0; i < kq_num_regions; i++) {
        for (const char *const *place = kq_regions[i].locations; *place != NULL && len < sizeof known; place++) {
            kq_location_programmatic(*place, name);
            len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", len == 0 ? "" : ", ", name);
        }
    }
    return vault_fail(call, VAULT_LOCATION_NOT_AVAILABLE,
                      "The provided location '%.60s' is not available for resource type '" VAULT_TYPE
                      "'. List of available regions for the resource type is '%s'.",
                      location, known);
}

/* A region's world may have been made since the service started. */
static enum vault_problem need_region(struct vault_call *call, const struct kq_region *region, const char *location)
{
    struct vault_keyops *keyops = call->service->keyops;
    struct vault_region_facts facts;
    kq_status status = vault_keyops_find_region(keyops, region->name, &facts);
    if (status == KQ_ERR_NOT_FOUND) {
        status = vault_keyops_refresh(keyops);
        if (status == KQ_OK)
            status = vault_keyops_find_region(keyops, region->name, &facts);
    }
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_REGION_NOT_SUPPORTED,
                          "The location '%s' belongs to the region %s, which has no security world on this service "
                          "yet. Its operator makes one with: keyquay region create %s%s%s --data %s",
                          location, region->name, region->code, region->variant == NULL ? "" : " --variant ",
                          region->variant == NULL ? "" : region->variant, call->service->data);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "regions", NULL);
}

static enum vault_problem read_location(struct vault_call *call, char out[KQ_LOCATION_SIZE],
                                        const struct kq_region **out_region)
{
    const char *location = NULL;
    if (!vault_json_string(call->body, "location", &location) || location == NULL)
        return vault_fail(call, VAULT_BAD_REQUEST, "location: the vault's location is wanted, such as eastus.");
    return vault_arm_location(location, out, out_region) ? VAULT_OK : refuse_location(call, location);
}

static enum vault_problem create_vault(struct vault_call *call, const struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    struct vault_record *record = &resource.record;
    char location[KQ_LOCATION_SIZE], detail[120];
    const struct kq_region *region = NULL;
    VAULT_TRY(read_location(call, location, &region));
    memcpy(record->subscription, scope->subscription, sizeof record->subscription);
    record->retention_days = RETENTION_DEFAULT;
    record->created = call->now;
    VAULT_TRY(vault_arm_set_text(call, &record->group, scope->group));
    VAULT_TRY(vault_arm_set_text(call, &record->name, scope->vault));
    VAULT_TRY(vault_arm_set_text(call, &record->location, location));
    VAULT_TRY(vault_arm_set_text(call, &record->region, region->name));
    VAULT_TRY(vault_arm_set_text(call, &record->properties, "{}"));
    VAULT_TRY(vault_resource_merge(call, VAULT_MERGE_CREATE, call->body, &resource));
    VAULT_TRY(need_region(call, region, location));
    snprintf(detail, sizeof detail, "location=%s sku=%s", location, record->is_premium ? "premium" : "standard");
    VAULT_TRY(vault_vaults_write(call, "vault.create", scope, &resource, detail));
    return vault_reply(call, 200, vault_resource_json(&resource, call->service));
}

/* ---- changing ---------------------------------------------------------------------------------- */

static enum vault_problem check_same_location(struct vault_call *call, const struct vault_record *record)
{
    const char *location = record->location;
    char name[KQ_LOCATION_SIZE];
    const struct kq_region *region;
    if (!vault_json_string(call->body, "location", &location))
        return vault_fail(call, VAULT_BAD_REQUEST, "location: text is wanted, such as eastus.");
    if (vault_arm_location(location, name, &region) && strcmp(name, record->location) == 0)
        return VAULT_OK;
    return vault_fail(call, VAULT_INVALID_RESOURCE_LOCATION,
                      "The resource '%s' already exists in location '%s' in resource group '%s'. A resource with the "
                      "same name cannot be created in location '%.60s'. A vault's keys belong to its region's "
                      "security world and do not move; select a new vault name.",
                      record->name, record->location, record->group, location);
}

static enum vault_problem change_vault(struct vault_call *call, enum vault_merge merge, const struct vault_scope *scope,
                                       struct vault_resource *resource)
{
    const struct vault_record *record = &resource->record;
    bool used_rbac = record->uses_rbac;
    char detail[160];
    VAULT_TRY(check_same_location(call, record));
    VAULT_TRY(vault_resource_merge(call, merge, call->body, resource));
    /* Who may change what decides on access may give any access: more than writing a vault. */
    if (record->uses_rbac != used_rbac)
        VAULT_TRY(vault_arm_allow_role(call, action_assign, scope, NULL));
    snprintf(detail, sizeof detail, "sku=%s rbac=%d policies=%zu purge-protection=%d",
             record->is_premium ? "premium" : "standard", record->uses_rbac, resource->num_access,
             record->has_purge_protection);
    VAULT_TRY(vault_vaults_write(call, "vault.update", scope, resource, detail));
    return vault_reply(call, 200, vault_resource_json(resource, call->service));
}

static enum vault_problem refuse_name(struct vault_call *call, const struct vault_record *record)
{
    if (record->deleted != 0)
        return vault_fail(call, VAULT_VAULT_IS_DELETED,
                          "A vault with the same name already exists in deleted state. You need to either recover or "
                          "purge existing key vault.");
    return vault_fail(call, VAULT_VAULT_ALREADY_EXISTS,
                      "The vault name '%s' is already in use. Vault names are globally unique so it is possible that "
                      "the name is already taken.",
                      record->name);
}

static enum vault_problem read_create_mode(struct vault_call *call, bool *out_recovers)
{
    const json_t *properties = NULL;
    const char *mode = "default";
    if (!vault_json_object(call->body, "properties", &properties))
        return vault_fail(call, VAULT_BAD_REQUEST, "properties: an object is wanted.");
    bool is_text = properties == NULL || vault_json_string(properties, "createMode", &mode);
    *out_recovers = is_text && strcasecmp(mode, "recover") == 0;
    if (*out_recovers || (is_text && strcasecmp(mode, "default") == 0))
        return VAULT_OK;
    return vault_fail(call, VAULT_BAD_REQUEST, "properties.createMode: default or recover is wanted.");
}

static enum vault_problem put_vault(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    struct vault_scope scope;
    bool recovers;
    VAULT_TRY(vault_arm_scope(call, call->names[0], call->names[1], call->names[2], &scope));
    VAULT_TRY(vault_arm_allow(call, action_write, &scope));
    VAULT_TRY(vault_arm_group(call, &scope));
    VAULT_TRY(read_create_mode(call, &recovers));
    VAULT_TRY(vault_take_turn(call, scope.vault, "", &turn));
    kq_status status = vault_store_get_vault(call->service->store, scope.vault, &resource.record);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return vault_fail_status(call, status, "vault", NULL);
    if (recovers && (status != KQ_OK || resource.record.deleted != 0))
        return vault_deleted_recover(call, &scope);
    if (status == KQ_ERR_NOT_FOUND)
        return create_vault(call, &scope);
    if (resource.record.deleted != 0 || !is_at(&resource.record, &scope))
        return refuse_name(call, &resource.record);
    snprintf(scope.vault, sizeof scope.vault, "%s", resource.record.name);
    VAULT_TRY(load_access(call, &resource));
    if (recovers) /* it is there already: a repeat */
        return vault_reply(call, 200, vault_resource_json(&resource, call->service));
    return change_vault(call, VAULT_MERGE_PUT, &scope, &resource);
}

static enum vault_problem patch_vault(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    struct vault_scope scope;
    VAULT_TRY(vault_take_turn(call, call->names[2], "", &turn));
    VAULT_TRY(vault_vaults_find(call, action_write, &scope, &resource));
    return change_vault(call, VAULT_MERGE_PATCH, &scope, &resource);
}

/* ---- deleting ---------------------------------------------------------------------------------- */

static enum vault_problem delete_softly(struct vault_call *call, const struct vault_scope *scope,
                                        struct vault_resource *resource)
{
    char detail[60];
    resource->record.deleted = call->now;
    resource->record.scheduled_purge = call->now + (uint64_t)resource->record.retention_days * DAY_S;
    snprintf(detail, sizeof detail, "retention-days=%u", (unsigned)resource->record.retention_days);
    return vault_vaults_write(call, "vault.delete", scope, resource, detail);
}

static enum vault_problem delete_vault(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    struct vault_scope scope;
    VAULT_TRY(vault_take_turn(call, call->names[2], "", &turn));
    enum vault_problem problem = vault_vaults_find(call, action_delete, &scope, &resource);
    if (problem == VAULT_RESOURCE_NOT_FOUND)
        return vault_reply_empty(call, 204);
    VAULT_TRY(problem);
    VAULT_TRY(delete_softly(call, &scope, &resource));
    return vault_reply_empty(call, 200);
}

/* The name is read first: it says whose turn is wanted. */
static enum vault_problem delete_by_id(struct vault_call *call, struct vault_scope *scope, uint64_t id)
{
    KQ_AUTO_VALUE(vault_record) found = {.id = 0};
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    kq_status status = vault_store_get_vault_by_id(call->service->store, id, &found);
    if (status == KQ_OK)
        VAULT_TRY(vault_take_turn(call, found.name, "", &turn));
    if (status == KQ_OK)
        status = vault_store_get_vault_by_id(call->service->store, id, &resource.record);
    if (status == KQ_ERR_NOT_FOUND || (status == KQ_OK && resource.record.deleted != 0))
        return VAULT_OK;
    if (status != KQ_OK)
        return vault_fail_status(call, status, "vault", NULL);
    snprintf(scope->vault, sizeof scope->vault, "%s", resource.record.name);
    VAULT_TRY(load_access(call, &resource));
    return delete_softly(call, scope, &resource);
}

enum vault_problem vault_vaults_delete_group(struct vault_call *call, const char *subscription, const char *group)
{
    struct vault_scope scope = {.subscription = ""};
    size_t num;
    snprintf(scope.subscription, sizeof scope.subscription, "%s", subscription);
    snprintf(scope.group, sizeof scope.group, "%s", group);
    do { /* each round takes what the last one left */
        struct vault_page page = {.max = VAULT_ARM_PAGE_MAX};
        uint64_t *ids = NULL;
        enum vault_problem problem = VAULT_OK;
        VAULT_TRY(vault_vaults_collect(call, &scope, VAULT_LIST_ACTIVE, &page, &ids, &num));
        for (size_t i = 0; i < num && problem == VAULT_OK; i++)
            problem = delete_by_id(call, &scope, ids[i]);
        free(ids);
        VAULT_TRY(problem);
    } while (num > 0);
    return VAULT_OK;
}

/* ---- what is not here ------------------------------------------------------------------------------ */

static enum vault_problem refuse_hsm(struct vault_call *call)
{
    if (call->request->method == VAULT_GET)
        return vault_fail(call, VAULT_RESOURCE_NOT_FOUND,
                          "The Resource 'Microsoft.KeyVault/managedHSMs/%.40s' under resource group '%.90s' was not "
                          "found.",
                          call->names[2], call->names[1]);
    return vault_fail(call, VAULT_NOT_SUPPORTED,
                      "Managed HSMs are not offered here. A vault with sku premium keeps its keys in a module too.");
}

static enum vault_problem list_operations(struct vault_call *call)
{
    static const char *const names[] = {action_read,
                                        action_write,
                                        action_delete,
                                        "Microsoft.KeyVault/vaults/accessPolicies/write",
                                        "Microsoft.KeyVault/deletedVaults/read",
                                        "Microsoft.KeyVault/locations/deletedVaults/read",
                                        "Microsoft.KeyVault/locations/deletedVaults/purge/action",
                                        "Microsoft.KeyVault/checkNameAvailability/read"};
    json_t *items = json_array();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        json_array_append_new(items, json_pack("{s:s, s:b}", "name", names[i], "isDataAction", 0));
    return vault_arm_reply_list(call, items, NULL);
}

#define MANAGEMENT VAULT_HOST_MANAGEMENT
#define SUBSCRIPTION "/subscriptions/{}"
#define PROVIDER "/providers/Microsoft.KeyVault"
#define GROUP SUBSCRIPTION "/resourceGroups/{}" PROVIDER
#define ONE_VAULT GROUP "/vaults/{}"
const struct vault_route vault_vault_routes[] = {
    {MANAGEMENT, VAULT_PUT, ONE_VAULT, put_vault, 0, VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_PATCH, ONE_VAULT, patch_vault, 0, VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_GET, ONE_VAULT, get_vault, 0, 0},
    {MANAGEMENT, VAULT_DELETE, ONE_VAULT, delete_vault, 0, 0},
    {MANAGEMENT, VAULT_PUT, ONE_VAULT "/accessPolicies/{}", vault_policies_change, 0, VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_GET, ONE_VAULT "/privateLinkResources", vault_vaults_list_links, 0, 0},
    {MANAGEMENT, VAULT_GET, ONE_VAULT "/privateEndpointConnections", vault_vaults_list_links, 0, 0},
    {MANAGEMENT, VAULT_GET, GROUP "/vaults", vault_vaults_list, 0, 0},
    {MANAGEMENT, VAULT_GET, SUBSCRIPTION PROVIDER "/vaults", vault_vaults_list, 0, 0},
    {MANAGEMENT, VAULT_GET, SUBSCRIPTION "/resources", vault_vaults_list_resources, 0, 0},
    {MANAGEMENT, VAULT_GET, SUBSCRIPTION "/resourceGroups/{}/resources", vault_vaults_list_resources, 0, 0},
    {MANAGEMENT, VAULT_GET, SUBSCRIPTION PROVIDER "/deletedVaults", vault_deleted_list, 0, 0},
    {MANAGEMENT, VAULT_GET, SUBSCRIPTION PROVIDER "/locations/{}/deletedVaults/{}", vault_deleted_get, 0, 0},
    {MANAGEMENT, VAULT_POST, SUBSCRIPTION PROVIDER "/locations/{}/deletedVaults/{}/purge", vault_deleted_purge, 0, 0},
    {MANAGEMENT, VAULT_POST, SUBSCRIPTION PROVIDER "/checkNameAvailability", vault_names_check, 0, VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_POST, SUBSCRIPTION PROVIDER "/checkMhsmNameAvailability", vault_names_check, 0,
     VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_GET, GROUP "/managedHSMs", vault_vaults_list_nothing, 0, 0},
    {MANAGEMENT, VAULT_GET, SUBSCRIPTION PROVIDER "/managedHSMs", vault_vaults_list_nothing, 0, 0},
    {MANAGEMENT, VAULT_GET, SUBSCRIPTION PROVIDER "/deletedManagedHSMs", vault_vaults_list_nothing, 0, 0},
    {MANAGEMENT, VAULT_GET, GROUP "/managedHSMs/{}", refuse_hsm, 0, 0},
    {MANAGEMENT, VAULT_PUT, GROUP "/managedHSMs/{}", refuse_hsm, 0, 0},
    {MANAGEMENT, VAULT_GET, PROVIDER "/operations", list_operations, 0, 0},
    {.method = 0},
};
