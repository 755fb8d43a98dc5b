#include "vault/api/groups.h"

#include <stdio.h>
#include <stdlib.h>

#include "vault/api/arm.h"
#include "vault/api/vaults.h"

static const char action_read[] = "Microsoft.Resources/subscriptions/resourceGroups/read";
static const char action_write[] = "Microsoft.Resources/subscriptions/resourceGroups/write";
static const char action_delete[] = "Microsoft.Resources/subscriptions/resourceGroups/delete";

static json_t *group_json(const struct vault_group *group)
{
    char id[VAULT_SCOPE_TEXT_SIZE];
    snprintf(id, sizeof id, "/subscriptions/%s/resourceGroups/%s", group->subscription, group->name);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:s}}", "id", id, "name", group->name, "type",
                     "Microsoft.Resources/resourceGroups", "location", group->location, "tags",
                     vault_arm_stored_object(group->tags), "properties", "provisioningState", "Succeeded");
}

/* ---- reading --------------------------------------------------------------------------- */

struct group_list {
    const struct vault_grants *grants;
    json_t *items;
};

static bool add_group(void *context, const struct vault_group *group)
{
    struct group_list *list = context;
    struct vault_scope scope = {.subscription = ""};
    memcpy(scope.subscription, group->subscription, sizeof scope.subscription);
    snprintf(scope.group, sizeof scope.group, "%s", group->name);
    if (vault_grants_allow(list->grants, action_read, &scope))
        json_array_append_new(list->items, group_json(group));
    return true;
}

enum vault_problem vault_groups_list(struct vault_call *call)
{
    static const char *const no_names[] = {NULL};
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = false};
    struct vault_filter filter;
    struct vault_scope scope;
    struct vault_page page;
    VAULT_TRY(vault_arm_scope(call, call->names[0], NULL, NULL, &scope));
    VAULT_TRY(vault_arm_filter(call, no_names, &filter));
    VAULT_TRY(vault_arm_page(call, &page));
    VAULT_TRY(vault_grants_load(call, &grants));
    if (!vault_grants_touch(&grants, &scope))
        return vault_arm_deny(call, action_read, &scope);
    VAULT_TRY(vault_arm_subscription(call, &scope));
    struct group_list list = {.grants = &grants, .items = json_array()};
    kq_status status = vault_store_list_groups(call->service->store, scope.subscription, &page, add_group, &list);
    if (status == KQ_OK)
        return vault_arm_reply_list(call, list.items, &page);
    json_decref(list.items);
    return vault_fail_status(call, status, "resource groups", NULL);
}

/* The group of the path, if the caller may do this to it. */
static enum vault_problem read_group(struct vault_call *call, const char *action, struct vault_group *out)
{
    struct vault_scope scope;
    VAULT_TRY(vault_arm_scope(call, call->names[0], call->names[1], NULL, &scope));
    VAULT_TRY(vault_arm_allow(call, action, &scope));
    VAULT_TRY(vault_arm_group(call, &scope));
    kq_status status = vault_store_get_group(call->service->store, scope.subscription, scope.group, out);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "resource group", NULL);
}

enum vault_problem vault_groups_get(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_group) group = {.name = NULL};
    VAULT_TRY(read_group(call, action_read, &group));
    return vault_reply(call, 200, group_json(&group));
}

enum vault_problem vault_groups_check(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_group) group = {.name = NULL};
    enum vault_problem problem = read_group(call, action_read, &group);
    if (problem == VAULT_RESOURCE_GROUP_NOT_FOUND)
        return vault_reply_empty(call, 404);
    return problem == VAULT_OK ? vault_reply_empty(call, 204) : problem;
}

/* ---- writing ----------------------------------------------------------------------------- */

static enum vault_problem read_location(struct vault_call *call, char out[KQ_LOCATION_SIZE])
{
    const struct kq_region *region;
    const char *location = NULL;
    if (!vault_json_string(call->body, "location", &location) || location == NULL)
        return vault_fail(call, VAULT_BAD_REQUEST, "location: the group's location is wanted, such as eastus.");
    if (!vault_arm_location(location, out, &region))
        return vault_fail(call, VAULT_LOCATION_NOT_AVAILABLE,
                          "location: '%.60s' is not known. GET /subscriptions/%s/locations lists all.", location,
                          call->names[0]);
    return VAULT_OK;
}

/* Takes the tags of the body, or leaves the group's where there are none. */
static enum vault_problem read_tags(struct vault_call *call, struct vault_group *group)
{
    const json_t *tags = NULL;
    char *text;
    if (!vault_json_object(call->body, "tags", &tags))
        return vault_fail(call, VAULT_BAD_REQUEST, "tags: an object of strings is wanted.");
    if (tags == NULL)
        return VAULT_OK;
    VAULT_TRY(vault_arm_tags(call, tags, &text));
    free(group->tags);
    group->tags = text;
    return VAULT_OK;
}

static enum vault_problem write_group(struct vault_call *call, const struct vault_group *group)
{
    bool is_created = false;
    kq_status status = vault_store_set_group(call->service->store, group, &is_created);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "resource group", NULL);
    return vault_reply(call, is_created ? 201 : 200, group_json(group));
}

enum vault_problem vault_groups_put(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_group) old = {.name = NULL};
    KQ_AUTO_VALUE(vault_group) group = {.name = NULL};
    struct vault_scope scope;
    char location[KQ_LOCATION_SIZE];
    VAULT_TRY(vault_arm_scope(call, call->names[0], call->names[1], NULL, &scope));
    VAULT_TRY(vault_arm_allow(call, action_write, &scope));
    VAULT_TRY(vault_arm_subscription(call, &scope));
    VAULT_TRY(read_location(call, location));
    kq_status status = vault_store_get_group(call->service->store, scope.subscription, scope.group, &old);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return vault_fail_status(call, status, "resource group", NULL);
    if (status == KQ_OK && strcmp(old.location, location) != 0)
        return vault_fail(call, VAULT_INVALID_RESOURCE_LOCATION,
                          "The resource group '%s' already exists in location '%s' and cannot be made in '%s'. "
                          "Choose another name or that location.",
                          old.name, old.location, location);
    memcpy(group.subscription, scope.subscription, sizeof group.subscription);
    VAULT_TRY(vault_arm_set_text(call, &group.name, status == KQ_OK ? old.name : scope.group));
    VAULT_TRY(vault_arm_set_text(call, &group.location, location));
    VAULT_TRY(read_tags(call, &group));
    return write_group(call, &group);
}

enum vault_problem vault_groups_patch(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_group) group = {.name = NULL};
    VAULT_TRY(read_group(call, action_write, &group));
    VAULT_TRY(read_tags(call, &group));
    return write_group(call, &group);
}

/* With a group go the roles that were given over it: all logs have heard of these. */
static enum vault_problem audit_deletion(struct vault_call *call, const struct vault_group *group)
{
    struct vault_scope scope = {.subscription = ""};
    char detail[VAULT_GROUP_NAME_MAX + 10];
    memcpy(scope.subscription, group->subscription, sizeof scope.subscription);
    snprintf(detail, sizeof detail, "group=%s", group->name);
    return vault_arm_audit(call, "vault.group.delete", NULL, &scope, detail);
}

enum vault_problem vault_groups_delete(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_group) group = {.name = NULL};
    VAULT_TRY(read_group(call, action_delete, &group));
    VAULT_TRY(vault_vaults_delete_group(call, group.subscription, group.name));
    VAULT_TRY(audit_deletion(call, &group));
    kq_status status = vault_store_delete_group(call->service->store, group.subscription, group.name);
    if (status == KQ_ERR_STATE)
        return vault_fail(call, VAULT_CONFLICT,
                          "The resource group '%s' got a vault while it was being deleted; delete it again.",
                          group.name);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return vault_fail_status(call, status, "resource group", NULL);
    return vault_reply_empty(call, 200);
}
