#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "vault/api/arm.h"

/* Role definitions and assignments, at a subscription, a group, a vault or one
 * key. An assignment counts from the answer on. */

static const char action_read[] = "Microsoft.Authorization/roleAssignments/read";
static const char action_write[] = "Microsoft.Authorization/roleAssignments/write";
static const char action_delete[] = "Microsoft.Authorization/roleAssignments/delete";

/* ---- definitions ------------------------------------------------------------------------ */

static json_t *texts_json(const char *const *texts)
{
    json_t *list = json_array();
    for (; *texts != NULL; texts++)
        json_array_append_new(list, json_string(*texts));
    return list;
}

/* subscription  of the path, NULL at the root */
static json_t *definition_json(const struct vault_role *role, const char *subscription)
{
    char id[200];
    snprintf(id, sizeof id, "%s%s/providers/Microsoft.Authorization/roleDefinitions/%s",
             subscription == NULL ? "" : "/subscriptions/", subscription == NULL ? "" : subscription, role->id);
    json_t *permissions = json_pack("[{s:o, s:o, s:o, s:o}]", "actions", texts_json(role->actions), "notActions",
                                    texts_json(role->not_actions), "dataActions", texts_json(role->data_actions),
                                    "notDataActions", texts_json(role->not_data_actions));
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:o, s:[s]}}", "id", id, "name", role->id, "type",
                     "Microsoft.Authorization/roleDefinitions", "properties", "roleName", role->name, "description",
                     role->description, "type", "BuiltInRole", "permissions", permissions, "assignableScopes", "/");
}

static bool fits(const struct vault_role *role, const struct vault_filter *filter)
{
    const char *name = vault_filter_value(filter, "roleName"), *type = vault_filter_value(filter, "type");
    return (name == NULL || strcasecmp(name, role->name) == 0) &&
           (type == NULL || strcasecmp(type, "BuiltInRole") == 0);
}

/* What a path says before /providers/Microsoft.Authorization; nothing at the root.
 */
static enum vault_problem path_scope(struct vault_call *call, struct vault_scope *out, bool *out_is_root)
{
    const struct vault_http_request *request = call->request;
    char text[VAULT_SCOPE_TEXT_SIZE] = "";
    size_t len = 0, num = request->num_segments;
    while (num > 0 && strcasecmp(request->segments[num - 1], "Microsoft.Authorization") != 0)
        num--;
    for (size_t i = 0; i + 2 < num && len < sizeof text; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "/%s", request->segments[i]);
    *out = (struct vault_scope){.subscription = ""};
    *out_is_root = len == 0;
    if (len == 0 || (len < sizeof text && vault_scope_parse(text, out)))
        return VAULT_OK;
    return vault_fail(call, VAULT_BAD_REQUEST,
                      "The scope in the path is none: a subscription, a resource group, a vault, or a key of it.");
}

static enum vault_problem list_definitions(struct vault_call *call)
{
    static const char *const names[] = {"roleName", "type", "atScopeAndBelow", NULL};
    struct vault_filter filter;
    struct vault_scope scope;
    bool is_root;
    const struct vault_role *role;
    VAULT_TRY(vault_arm_filter(call, names, &filter));
    VAULT_TRY(path_scope(call, &scope, &is_root));
    json_t *items = json_array();
    for (size_t i = 0; (role = vault_role_at(i)) != NULL; i++) {
        if (fits(role, &filter))
            json_array_append_new(items, definition_json(role, is_root ? NULL : scope.subscription));
    }
    return vault_arm_reply_list(call, items, NULL);
}

/* The last segment of the path: a definition's or an assignment's GUID. */
static const char *last_segment(const struct vault_call *call)
{
    return call->request->segments[call->request->num_segments - 1];
}

static enum vault_problem get_definition(struct vault_call *call)
{
    struct vault_scope scope;
    bool is_root;
    VAULT_TRY(path_scope(call, &scope, &is_root));
    const struct vault_role *role = vault_role_find(last_segment(call));
    if (role == NULL)
        return vault_fail(call, VAULT_ROLE_DEFINITION_NOT_FOUND,
                          "The specified role definition with ID '%.60s' does not exist.", last_segment(call));
    return vault_reply(call, 200, definition_json(role, is_root ? NULL : scope.subscription));
}

/* ---- assignments: reading ----------------------------------------------------------------- */

/* Names as they were written first: an assignment keeps its scope in lower case.
 * What is not there, or no longer, stays as it is. */
static kq_status show_key_name(struct vault_call *call, uint64_t vault_id, struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_key) key = {.id = 0};
    kq_status status = vault_store_get_key(call->service->store, vault_id, scope->key, &key);
    if (status == KQ_OK)
        snprintf(scope->key, sizeof scope->key, "%s", key.name);
    return status;
}

static kq_status show_vault_name(struct vault_call *call, struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_record) vault = {.id = 0};
    KQ_TRY(vault_store_get_vault(call->service->store, scope->vault, &vault));
    snprintf(scope->vault, sizeof scope->vault, "%s", vault.name);
    return scope->key[0] == '\0' ? KQ_OK : show_key_name(call, vault.id, scope);
}

static kq_status show_names(struct vault_call *call, struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_group) group = {.name = NULL};
    kq_status status = KQ_OK;
    if (scope->group[0] != '\0')
        status = vault_store_get_group(call->service->store, scope->subscription, scope->group, &group);
    if (status == KQ_OK && group.name != NULL)
        snprintf(scope->group, sizeof scope->group, "%s", group.name);
    if (status == KQ_OK && scope->vault[0] != '\0')
        status = show_vault_name(call, scope);
    return status == KQ_ERR_NOT_FOUND ? KQ_OK : status;
}

/* Who is no person that we know is an application, ours or another issuer's. */
static kq_status principal_type(struct vault_call *call, const char *object_id, const char **out)
{
    KQ_AUTO_VALUE(vault_person) person = {0};
    kq_status status = vault_store_get_person(call->service->store, object_id, &person);
    if (status == KQ_OK || status == KQ_ERR_NOT_FOUND)
        *out = status == KQ_OK ? "User" : "ServicePrincipal";
    return status == KQ_ERR_NOT_FOUND ? KQ_OK : status;
}

static kq_status assignment_json(struct vault_call *call, const struct vault_assignment *assignment, json_t **out)
{
    struct vault_scope scope;
    const char *type = NULL;
    char text[VAULT_SCOPE_TEXT_SIZE], id[VAULT_SCOPE_TEXT_SIZE + 100], role[140], created[KQ_TIME_TEXT_SIZE];
    if (!vault_scope_parse(assignment->scope, &scope))
        return KQ_ERR_FORMAT;
    KQ_TRY(show_names(call, &scope));
    KQ_TRY(principal_type(call, assignment->principal_id, &type));
    vault_scope_text(&scope, text);
    snprintf(id, sizeof id, "%s/providers/Microsoft.Authorization/roleAssignments/%s", text, assignment->name);
    snprintf(role, sizeof role, "/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s",
             scope.subscription, assignment->role);
    kq_time_text(assignment->created, created);
    *out = json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s}}", "id", id, "name", assignment->name, "type",
                     "Microsoft.Authorization/roleAssignments", "properties", "roleDefinitionId", role, "principalId",
                     assignment->principal_id, "principalType", type, "scope", text, "createdOn", created, "updatedOn",
                     created);
    return *out == NULL ? KQ_ERR_MEMORY : KQ_OK;
}

static enum vault_problem reply_assignment(struct vault_call *call, unsigned http_status,
                                           const struct vault_assignment *assignment)
{
    json_t *value = NULL;
    kq_status status = assignment_json(call, assignment, &value);
    return status == KQ_OK ? vault_reply(call, http_status, value)
                           : vault_fail_status(call, status, "role assignment", NULL);
}

/* The scope of the path, checked: is the caller allowed this there, and is it there? */
static enum vault_problem find_scope(struct vault_call *call, const char *action, struct vault_scope *out)
{
    bool is_root;
    VAULT_TRY(path_scope(call, out, &is_root));
    if (is_root)
        return vault_fail(call, VAULT_BAD_REQUEST, "Role assignments have a scope: a subscription or deeper.");
    VAULT_TRY(vault_arm_allow(call, action, out));
    return out->group[0] == '\0' ? vault_arm_subscription(call, out) : vault_arm_group(call, out);
}

/* A list's row must not call the store again: names are taken first, assignments read after. */
struct assignment_list {
    char scope[VAULT_SCOPE_TEXT_SIZE];
    bool is_at_scope_only; /* what is below the scope is left out */
    char (*names)[VAULT_GUID_LEN + 1];
    size_t num;
};

static bool add_assignment(void *context, const struct vault_assignment *assignment)
{
    struct assignment_list *list = context;
    bool applies = vault_scope_covers(assignment->scope, list->scope) ||
                   (!list->is_at_scope_only && vault_scope_covers(list->scope, assignment->scope));
    if (applies)
        memcpy(list->names[list->num++], assignment->name, sizeof list->names[0]);
    return true;
}

static kq_status append_assignment(struct vault_call *call, const char *name, json_t *items)
{
    KQ_AUTO_VALUE(vault_assignment) assignment = {.scope = NULL};
    json_t *item = NULL;
    kq_status status = vault_store_get_assignment(call->service->store, name, &assignment);
    if (status == KQ_ERR_NOT_FOUND) /* removed since */
        return KQ_OK;
    KQ_TRY(status);
    KQ_TRY(assignment_json(call, &assignment, &item));
    return json_array_append_new(items, item) == 0 ? KQ_OK : KQ_ERR_MEMORY;
}

/* One page: those at, above and below the scope, of one principal or (NULL) of all. */
static kq_status read_page(struct vault_call *call, struct assignment_list *list, const char *principal,
                           const char *prefix, struct vault_page *page, json_t *items)
{
    list->names = calloc(page->max, sizeof list->names[0]);
    if (list->names == NULL)
        return KQ_ERR_MEMORY;
    kq_status status =
        vault_store_list_assignments(call->service->store, principal, prefix, page, add_assignment, list);
    for (size_t i = 0; i < list->num && status == KQ_OK; i++)
        status = append_assignment(call, list->names[i], items);
    free(list->names);
    return status;
}

static enum vault_problem list_assignments(struct vault_call *call)
{
    static const char *const names[] = {"atScope", "principalId", "assignedTo", NULL};
    struct vault_filter filter;
    struct vault_page page;
    struct vault_scope scope;
    VAULT_TRY(find_scope(call, action_read, &scope));
    VAULT_TRY(vault_arm_filter(call, names, &filter));
    VAULT_TRY(vault_arm_page(call, &page));
    const char *principal = vault_filter_value(&filter, "principalId");
    if (principal == NULL)
        principal = vault_filter_value(&filter, "assignedTo");
    struct vault_scope subscription = {.subscription = ""};
    memcpy(subscription.subscription, scope.subscription, sizeof subscription.subscription);
    char prefix[VAULT_SCOPE_TEXT_SIZE];
    vault_scope_lower(&subscription, prefix);
    struct assignment_list list = {.is_at_scope_only = vault_filter_value(&filter, "atScope") != NULL};
    vault_scope_text(&scope, list.scope);
    json_t *items = json_array();
    kq_status status = items == NULL ? KQ_ERR_MEMORY : read_page(call, &list, principal, prefix, &page, items);
    if (status == KQ_OK)
        return vault_arm_reply_list(call, items, &page);
    json_decref(items);
    return vault_fail_status(call, status, "role assignments", NULL);
}

/* The assignment of the path, if it is at the path's scope. */
static kq_status read_assignment(struct vault_call *call, const struct vault_scope *scope, struct vault_assignment *out)
{
    char text[VAULT_SCOPE_TEXT_SIZE];
    vault_scope_lower(scope, text);
    KQ_TRY(vault_store_get_assignment(call->service->store, last_segment(call), out));
    return strcasecmp(out->scope, text) == 0 ? KQ_OK : KQ_ERR_NOT_FOUND;
}

static enum vault_problem get_assignment(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_assignment) assignment = {.scope = NULL};
    struct vault_scope scope;
    VAULT_TRY(find_scope(call, action_read, &scope));
    kq_status status = read_assignment(call, &scope, &assignment);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_ROLE_ASSIGNMENT_NOT_FOUND, "The role assignment '%.60s' is not found.",
                          last_segment(call));
    if (status != KQ_OK)
        return vault_fail_status(call, status, "role assignment", NULL);
    return reply_assignment(call, 200, &assignment);
}

/* ---- assignments: writing ------------------------------------------------------------------ */

static enum vault_problem read_role(struct vault_call *call, const json_t *properties, const struct vault_role **out)
{
    const char *id = NULL;
    if (!vault_json_string(properties, "roleDefinitionId", &id) || id == NULL)
        return vault_fail(call, VAULT_BAD_REQUEST, "properties.roleDefinitionId: the id of a role is wanted.");
    const char *slash = strrchr(id, '/');
    *out = vault_role_find(slash == NULL ? id : slash + 1);
    if (*out == NULL)
        return vault_fail(call, VAULT_ROLE_DEFINITION_NOT_FOUND,
                          "The specified role definition with ID '%.120s' does not exist.",
                          slash == NULL ? id : slash + 1);
    return VAULT_OK;
}

static enum vault_problem read_body(struct vault_call *call, struct vault_assignment *out,
                                    const struct vault_role **out_role)
{
    const json_t *properties = NULL;
    const char *principal = NULL, *condition = NULL;
    if (!vault_json_object(call->body, "properties", &properties) || properties == NULL)
        return vault_fail(call, VAULT_BAD_REQUEST,
                          "properties: an object with roleDefinitionId and principalId is wanted.");
    VAULT_TRY(read_role(call, properties, out_role));
    if (!vault_json_string(properties, "principalId", &principal) || principal == NULL ||
        !kq_guid_is_valid(kq_slice_text(principal)))
        return vault_fail(call, VAULT_BAD_REQUEST,
                          "properties.principalId: the object id of a principal, a GUID, is "
                          "wanted.");
    if (!vault_json_string(properties, "condition", &condition) || condition != NULL)
        return vault_fail(call, VAULT_NOT_SUPPORTED,
                          "properties.condition: conditions are not supported; choose a narrower scope.");
    if (!kq_guid_is_valid(kq_slice_text(last_segment(call))))
        return vault_fail(call, VAULT_BAD_REQUEST, "A role assignment's name is a GUID.");
    snprintf(out->name, sizeof out->name, "%s", last_segment(call));
    snprintf(out->role, sizeof out->role, "%s", (*out_role)->id);
    snprintf(out->principal_id, sizeof out->principal_id, "%s", principal);
    return VAULT_OK;
}

static bool is_same_grant(const struct vault_assignment *a, const struct vault_assignment *b)
{
    return strcasecmp(a->scope, b->scope) == 0 && strcasecmp(a->role, b->role) == 0 &&
           strcasecmp(a->principal_id, b->principal_id) == 0;
}

struct grant_search {
    const struct vault_assignment *wanted;
    char found[VAULT_GUID_LEN + 1];
};

static bool find_same(void *context, const struct vault_assignment *assignment)
{
    struct grant_search *search = context;
    if (!is_same_grant(assignment, search->wanted))
        return true;
    memcpy(search->found, assignment->name, sizeof search->found);
    return false;
}

/* Is the same already given, under another name or this one? */
static enum vault_problem check_new(struct vault_call *call, const struct vault_assignment *wanted, bool *out_exists)
{
    KQ_AUTO_VALUE(vault_assignment) old = {.scope = NULL};
    struct vault_store *store = call->service->store;
    struct grant_search search = {.wanted = wanted};
    struct vault_page page = {.max = VAULT_ARM_PAGE_MAX};
    kq_status status = vault_store_get_assignment(store, wanted->name, &old);
    *out_exists = status == KQ_OK && is_same_grant(&old, wanted);
    if (status == KQ_OK && !*out_exists)
        return vault_fail(call, VAULT_ROLE_ASSIGNMENT_EXISTS,
                          "There is a role assignment '%s' with another scope, role or principal; these cannot be "
                          "changed. Use a new GUID.",
                          wanted->name);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return vault_fail_status(call, status, "role assignment", NULL);
    if (*out_exists)
        return VAULT_OK;
    status = vault_store_list_assignments(store, wanted->principal_id, wanted->scope, &page, find_same, &search);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "role assignments", NULL);
    if (search.found[0] != '\0')
        return vault_fail(call, VAULT_ROLE_ASSIGNMENT_EXISTS,
                          "The role assignment already exists. The ID of the existing role assignment is %s.",
                          search.found);
    return VAULT_OK;
}

/* Rights over one vault join its region's log; those over more join all logs. */
static enum vault_problem audit(struct vault_call *call, const char *event, const struct vault_scope *scope,
                                const struct vault_assignment *assignment)
{
    KQ_AUTO_VALUE(vault_record) vault = {.id = 0};
    const struct vault_role *role = vault_role_find(assignment->role);
    char detail[240];
    const char *region = NULL;
    if (scope->vault[0] != '\0') {
        kq_status status = vault_store_get_vault(call->service->store, scope->vault, &vault);
        if (status == KQ_OK)
            region = vault.region;
        else if (status != KQ_ERR_NOT_FOUND)
            return vault_fail_status(call, status, "vault", NULL);
    }
    snprintf(detail, sizeof detail, "role=%s principal=%s group=%s", role == NULL ? assignment->role : role->name,
             assignment->principal_id, scope->group);
    return vault_arm_audit(call, event, region, scope, detail);
}

static enum vault_problem check_vault(struct vault_call *call, struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_record) vault = {.id = 0};
    if (scope->vault[0] == '\0')
        return VAULT_OK;
    kq_status status = vault_store_get_vault(call->service->store, scope->vault, &vault);
    if (status == KQ_ERR_NOT_FOUND ||
        (status == KQ_OK && (vault.deleted != 0 || strcasecmp(vault.subscription, scope->subscription) != 0 ||
                             strcasecmp(vault.group, scope->group) != 0)))
        return vault_fail(call, VAULT_RESOURCE_NOT_FOUND,
                          "The Resource 'Microsoft.KeyVault/vaults/%s' under resource group '%s' was not found.",
                          scope->vault, scope->group);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "vault", NULL);
}

static enum vault_problem put_assignment(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_assignment) assignment = {.created = call->now};
    const struct vault_role *role = NULL;
    struct vault_scope scope;
    char text[VAULT_SCOPE_TEXT_SIZE];
    bool exists = false;
    VAULT_TRY(find_scope(call, action_write, &scope));
    VAULT_TRY(check_vault(call, &scope));
    VAULT_TRY(read_body(call, &assignment, &role));
    VAULT_TRY(vault_arm_allow_role(call, action_write, &scope, role));
    vault_scope_lower(&scope, text);
    VAULT_TRY(vault_arm_set_text(call, &assignment.scope, text));
    VAULT_TRY(check_new(call, &assignment, &exists));
    if (exists)
        return reply_assignment(call, 200, &assignment);
    VAULT_TRY(audit(call, "vault.role.assign", &scope, &assignment));
    kq_status status = vault_store_put_assignment(call->service->store, &assignment);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "role assignment", NULL);
    return reply_assignment(call, 201, &assignment);
}

static enum vault_problem delete_assignment(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_assignment) assignment = {.scope = NULL};
    struct vault_scope scope;
    VAULT_TRY(find_scope(call, action_delete, &scope));
    kq_status status = read_assignment(call, &scope, &assignment);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_reply_empty(call, 204);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "role assignment", NULL);
    VAULT_TRY(vault_arm_allow_role(call, action_delete, &scope, vault_role_find(assignment.role)));
    VAULT_TRY(audit(call, "vault.role.remove", &scope, &assignment));
    status = vault_store_delete_assignment(call->service->store, assignment.name);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return vault_fail_status(call, status, "role assignment", NULL);
    return reply_assignment(call, 200, &assignment);
}

#define MANAGEMENT VAULT_HOST_MANAGEMENT
#define AUTHORIZATION "/providers/Microsoft.Authorization"
#define SUBSCRIPTION "/subscriptions/{}"
#define GROUP SUBSCRIPTION "/resourceGroups/{}"
#define ONE_VAULT GROUP "/providers/Microsoft.KeyVault/vaults/{}"
#define ONE_KEY ONE_VAULT "/keys/{}"
#define ROUTES_AT(scope)                                                                                               \
    {MANAGEMENT, VAULT_GET, scope AUTHORIZATION "/roleDefinitions", list_definitions, 0, 0},                           \
        {MANAGEMENT, VAULT_GET, scope AUTHORIZATION "/roleDefinitions/{}", get_definition, 0, 0},                      \
        {MANAGEMENT, VAULT_GET, scope AUTHORIZATION "/roleAssignments", list_assignments, 0, 0},                       \
        {MANAGEMENT, VAULT_GET, scope AUTHORIZATION "/roleAssignments/{}", get_assignment, 0, 0},                      \
        {MANAGEMENT, VAULT_PUT, scope AUTHORIZATION "/roleAssignments/{}", put_assignment, 0, VAULT_ROUTE_BODY},       \
    {                                                                                                                  \
        MANAGEMENT, VAULT_DELETE, scope AUTHORIZATION "/roleAssignments/{}", delete_assignment, 0, 0                   \
    }
const struct vault_route vault_role_routes[] = {
    ROUTES_AT(SUBSCRIPTION),
    ROUTES_AT(GROUP),
    ROUTES_AT(ONE_VAULT),
    ROUTES_AT(ONE_KEY),
    {MANAGEMENT, VAULT_GET, AUTHORIZATION "/roleDefinitions", list_definitions, 0, 0},
    {MANAGEMENT, VAULT_GET, AUTHORIZATION "/roleDefinitions/{}", get_definition, 0, 0},
    {.method = 0},
};
