#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "vault/api/vaults.h"

static const char action_read[] = "Microsoft.KeyVault/vaults/read";
static const char action_resources[] = "Microsoft.Resources/subscriptions/resources/read";

/* ---- collecting ---------------------------------------------------------------------- */

/* A list's row must not call the store again: ids are taken first, vaults read after. */
struct collection {
    uint64_t *ids;
    size_t num;
    size_t max;
};

static bool add_id(void *context, const struct vault_record *vault)
{
    struct collection *collection = context;
    if (collection->num == collection->max)
        return false;
    collection->ids[collection->num++] = vault->id;
    return true;
}

enum vault_problem vault_vaults_collect(struct vault_call *call, const struct vault_scope *scope,
                                        enum vault_list_state state, struct vault_page *page, uint64_t **out,
                                        size_t *out_num)
{
    struct collection collection = {.ids = calloc(page->max, sizeof(uint64_t)), .max = page->max};
    kq_status status = collection.ids == NULL ? KQ_ERR_MEMORY : KQ_OK;
    const char *group = scope->group[0] == '\0' ? NULL : scope->group;
    if (status == KQ_OK)
        status =
            vault_store_list_vaults(call->service->store, scope->subscription, group, state, page, add_id, &collection);
    if (status != KQ_OK) {
        free(collection.ids);
        return vault_fail_status(call, status, "vaults", NULL);
    }
    *out = collection.ids;
    *out_num = collection.num;
    return VAULT_OK;
}

/* ---- answering ----------------------------------------------------------------------------- */

enum form { FORM_FULL, FORM_SHORT };

struct vault_list {
    struct vault_call *call;
    const struct vault_grants *grants;
    enum form form;
    json_t *items;
};

static bool may_read(const struct vault_list *list, const struct vault_record *record)
{
    struct vault_scope scope = {.subscription = ""};
    snprintf(scope.subscription, sizeof scope.subscription, "%s", record->subscription);
    snprintf(scope.group, sizeof scope.group, "%s", record->group);
    snprintf(scope.vault, sizeof scope.vault, "%s", record->name);
    return vault_grants_allow(list->grants, action_read, &scope);
}

static enum vault_problem add_vault(const struct vault_list *list, struct vault_resource *resource)
{
    struct vault_call *call = list->call;
    json_t *item = NULL;
    if (resource->record.deleted != 0 || !may_read(list, &resource->record))
        return VAULT_OK;
    if (list->form == FORM_SHORT) {
        item = vault_resource_short_json(&resource->record);
    } else {
        kq_status status =
            vault_store_get_access(call->service->store, resource->record.id, &resource->access, &resource->num_access);
        if (status != KQ_OK)
            return vault_fail_status(call, status, "access policy", NULL);
        item = vault_resource_json(resource, call->service);
    }
    return json_array_append_new(list->items, item) == 0 ? VAULT_OK
                                                         : vault_fail_status(call, KQ_ERR_MEMORY, "vaults", NULL);
}

static enum vault_problem add_by_id(const struct vault_list *list, uint64_t id)
{
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    kq_status status = vault_store_get_vault_by_id(list->call->service->store, id, &resource.record);
    if (status == KQ_ERR_NOT_FOUND) /* purged since */
        return VAULT_OK;
    return status == KQ_OK ? add_vault(list, &resource) : vault_fail_status(list->call, status, "vault", NULL);
}

static enum vault_problem add_by_name(const struct vault_list *list, const struct vault_scope *scope, const char *name)
{
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    const struct vault_record *record = &resource.record;
    if (!vault_name_is_valid(name))
        return VAULT_OK;
    kq_status status = vault_store_get_vault(list->call->service->store, name, &resource.record);
    if (status == KQ_ERR_NOT_FOUND)
        return VAULT_OK;
    if (status != KQ_OK)
        return vault_fail_status(list->call, status, "vault", NULL);
    bool is_here = strcasecmp(record->subscription, scope->subscription) == 0 &&
                   (scope->group[0] == '\0' || strcasecmp(record->group, scope->group) == 0);
    return is_here ? add_vault(list, &resource) : VAULT_OK;
}

static enum vault_problem add_page(const struct vault_list *list, const struct vault_scope *scope,
                                   struct vault_page *page)
{
    uint64_t *ids = NULL;
    size_t num = 0;
    enum vault_problem problem = VAULT_OK;
    VAULT_TRY(vault_vaults_collect(list->call, scope, VAULT_LIST_ACTIVE, page, &ids, &num));
    for (size_t i = 0; i < num && problem == VAULT_OK; i++)
        problem = add_by_id(list, ids[i]);
    free(ids);
    return problem;
}

/* One page of the vaults of a group (NULL: of the subscription) that the caller may read; with a name only that one. */
static enum vault_problem answer(struct vault_call *call, enum form form, const char *action, const char *group,
                                 const char *name)
{
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = false};
    struct vault_scope scope;
    struct vault_page page;
    VAULT_TRY(vault_arm_scope(call, call->names[0], group, NULL, &scope));
    VAULT_TRY(vault_arm_page(call, &page));
    VAULT_TRY(vault_grants_load(call, &grants));
    if (!vault_grants_touch(&grants, &scope))
        return vault_arm_deny(call, action, &scope);
    VAULT_TRY(scope.group[0] == '\0' ? vault_arm_subscription(call, &scope) : vault_arm_group(call, &scope));
    struct vault_list list = {.call = call, .grants = &grants, .form = form, .items = json_array()};
    enum vault_problem problem = name != NULL ? add_by_name(&list, &scope, name) : add_page(&list, &scope, &page);
    if (problem == VAULT_OK)
        return vault_arm_reply_list(call, list.items, &page);
    json_decref(list.items);
    return problem;
}

enum vault_problem vault_vaults_list(struct vault_call *call)
{
    return answer(call, FORM_FULL, action_read, call->names[1], NULL);
}

enum vault_problem vault_vaults_list_resources(struct vault_call *call)
{
    static const char *const names[] = {"resourceType", "name", "resourceGroup", NULL};
    const char *group = call->names[1];
    struct vault_filter filter;
    VAULT_TRY(vault_arm_filter(call, names, &filter));
    const char *type = vault_filter_value(&filter, "resourceType");
    if (type != NULL && strcasecmp(type, VAULT_TYPE) != 0) /* vaults are the only resources here */
        return vault_vaults_list_nothing(call);
    if (group == NULL)
        group = vault_filter_value(&filter, "resourceGroup");
    else if (vault_filter_value(&filter, "resourceGroup") != NULL)
        return vault_fail(call, VAULT_BAD_REQUEST, "$filter: resourceGroup is in the path already.");
    return answer(call, FORM_SHORT, action_resources, group, vault_filter_value(&filter, "name"));
}

enum vault_problem vault_vaults_list_nothing(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = false};
    struct vault_scope scope;
    VAULT_TRY(vault_arm_scope(call, call->names[0], call->names[1], NULL, &scope));
    VAULT_TRY(vault_grants_load(call, &grants));
    if (!vault_grants_touch(&grants, &scope))
        return vault_arm_deny(call, action_resources, &scope);
    VAULT_TRY(scope.group[0] == '\0' ? vault_arm_subscription(call, &scope) : vault_arm_group(call, &scope));
    return vault_arm_reply_list(call, json_array(), NULL);
}

enum vault_problem vault_vaults_list_links(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    struct vault_scope scope;
    VAULT_TRY(vault_vaults_find(call, action_read, &scope, &resource));
    return vault_arm_reply_list(call, json_array(), NULL);
}
