#include "vault/api/arm.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "vault/keyops/keyops.h"

#define TAG_NAME_MAX 512u
#define TAG_VALUE_MAX 256u

/* ---- who may do what -------------------------------------------------------------- */

/* What one principal can hold; as in the published limits. */
#define GRANTS_MAX 4000u

void vault_grants_clear(struct vault_grants *grants)
{
    for (size_t i = 0; i < grants->num; i++)
        free(grants->items[i].scope);
    free(grants->items);
    *grants = (struct vault_grants){.is_operator = false};
}

struct grant_reader {
    struct vault_grants *grants;
    bool is_out_of_memory;
};

/* A role that this program does not know gives nothing. */
static bool add_grant(void *context, const struct vault_assignment *assignment)
{
    struct grant_reader *reader = context;
    struct vault_grants *grants = reader->grants;
    const struct vault_role *role = vault_role_find(assignment->role);
    if (role == NULL)
        return true;
    struct vault_grant *items = reallocarray(grants->items, grants->num + 1, sizeof *items);
    reader->is_out_of_memory = items == NULL;
    if (items == NULL)
        return false;
    grants->items = items;
    items[grants->num].role = role;
    items[grants->num].scope = strdup(assignment->scope);
    reader->is_out_of_memory = items[grants->num].scope == NULL;
    grants->num += !reader->is_out_of_memory;
    return !reader->is_out_of_memory;
}

enum vault_problem vault_grants_load(struct vault_call *call, struct vault_grants *out)
{
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = call->caller_is_operator};
    struct grant_reader reader = {.grants = &grants};
    struct vault_page page = {.max = VAULT_ARM_PAGE_MAX};
    char marker[VAULT_MARKER_SIZE] = "";
    kq_status status = KQ_OK;
    do { /* what is beyond the bound gives nothing */
        page.marker = marker;
        if (!grants.is_operator)
            status = vault_store_list_assignments(call->service->store, call->caller.object_id, NULL, &page, add_grant,
                                                  &reader);
        memcpy(marker, page.next, sizeof marker);
    } while (status == KQ_OK && !reader.is_out_of_memory && marker[0] != '\0' && grants.num < GRANTS_MAX);
    if (status == KQ_OK && reader.is_out_of_memory)
        status = KQ_ERR_MEMORY;
    if (status != KQ_OK)
        return vault_fail_status(call, status, "role assignments", NULL);
    *out = grants;
    grants = (struct vault_grants){.is_operator = false};
    return VAULT_OK;
}

bool vault_grants_allow(const struct vault_grants *grants, const char *action, const struct vault_scope *scope)
{
    char text[VAULT_SCOPE_TEXT_SIZE];
    vault_scope_text(scope, text);
    for (size_t i = 0; i < grants->num; i++) {
        if (vault_scope_covers(grants->items[i].scope, text) && vault_role_allows(grants->items[i].role, action))
            return true;
    }
    return grants->is_operator;
}

bool vault_grants_touch(const struct vault_grants *grants, const struct vault_scope *scope)
{
    char text[VAULT_SCOPE_TEXT_SIZE];
    vault_scope_text(scope, text);
    for (size_t i = 0; i < grants->num; i++) {
        if (vault_scope_covers(grants->items[i].scope, text) || vault_scope_covers(text, grants->items[i].scope))
            return true;
    }
    return grants->is_operator;
}

enum vault_problem vault_arm_deny(struct vault_call *call, const char *action, const struct vault_scope *scope)
{
    char text[VAULT_SCOPE_TEXT_SIZE];
    vault_scope_text(scope, text);
    return vault_fail(call, VAULT_AUTHORIZATION_FAILED,
                      "The client '%s' with object id '%s' does not have authorization to perform action '%s' over "
                      "scope '%s' or the scope is invalid. If access was recently granted, please refresh your "
                      "credentials.",
                      call->caller.client_id, call->caller.object_id, action, text);
}

enum vault_problem vault_arm_allow(struct vault_call *call, const char *action, const struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = false};
    VAULT_TRY(vault_grants_load(call, &grants));
    return vault_grants_allow(&grants, action, scope) ? VAULT_OK : vault_arm_deny(call, action, scope);
}

enum vault_problem vault_arm_allow_role(struct vault_call *call, const char *action, const struct vault_scope *scope,
                                        const struct vault_role *role)
{
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = false};
    char text[VAULT_SCOPE_TEXT_SIZE];
    vault_scope_text(scope, text);
    VAULT_TRY(vault_grants_load(call, &grants));
    if (grants.is_operator)
        return VAULT_OK;
    for (size_t i = 0; i < grants.num; i++) {
        const struct vault_role *mine = grants.items[i].role;
        if (vault_scope_covers(grants.items[i].scope, text) && vault_role_allows(mine, action) &&
            (!mine->assigns_data_roles_only || (role != NULL && vault_role_is_data(role))))
            return VAULT_OK;
    }
    return vault_arm_deny(call, action, scope);
}

/* ---- what a path names ---------------------------------------------------------------- */

enum vault_problem vault_arm_scope(struct vault_call *call, const char *subscription, const char *group,
                                   const char *vault, struct vault_scope *out)
{
    *out = (struct vault_scope){.subscription = ""};
    if (!kq_guid_is_valid(kq_slice_text(subscription)) ||
        !kq_text_copy(kq_slice_text(subscription), out->subscription, sizeof out->subscription))
        return vault_fail(call, VAULT_BAD_REQUEST, "The subscription in the path is not a GUID.");
    if (group != NULL &&
        (!vault_group_name_is_valid(group) || !kq_text_copy(kq_slice_text(group), out->group, sizeof out->group)))
        return vault_fail(call, VAULT_BAD_REQUEST,
                          "The resource group's name is not valid: it has 1 to 90 letters, digits, - _ . ( ), and "
                          "does not end with a dot.");
    if (vault != NULL &&
        (!vault_name_is_valid(vault) || !kq_text_copy(kq_slice_text(vault), out->vault, sizeof out->vault)))
        return vault_fail(call, VAULT_VAULT_NAME_NOT_VALID,
                          "The vault name is invalid. A vault's name must be between 3-24 alphanumeric characters. "
                          "The name must begin with a letter, end with a letter or digit, and not contain "
                          "consecutive hyphens.");
    return VAULT_OK;
}

enum vault_problem vault_arm_subscription(struct vault_call *call, struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_subscription) subscription = {.display_name = NULL};
    kq_status status = vault_store_get_subscription(call->service->store, scope->subscription, &subscription);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_SUBSCRIPTION_NOT_FOUND, "The subscription '%s' could not be found.",
                          scope->subscription);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "subscription", NULL);
    memcpy(scope->subscription, subscription.id, sizeof scope->subscription);
    return VAULT_OK;
}

enum vault_problem vault_arm_group(struct vault_call *call, struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_group) group = {.name = NULL};
    VAULT_TRY(vault_arm_subscription(call, scope));
    kq_status status = vault_store_get_group(call->service->store, scope->subscription, scope->group, &group);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_RESOURCE_GROUP_NOT_FOUND, "Resource group '%s' could not be found.",
                          scope->group);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "resource group", NULL);
    snprintf(scope->group, sizeof scope->group, "%s", group.name);
    return VAULT_OK;
}

bool vault_arm_location(const char *text, char out[KQ_LOCATION_SIZE], const struct kq_region **out_region)
{
    const struct kq_region *region = strlen(text) < KQ_LOCATION_SIZE ? kq_region_of_location(text) : NULL;
    if (region == NULL)
        return false;
    kq_location_programmatic(text, out);
    *out_region = region;
    return true;
}

/* ---- stored objects ----------------------------------------------------------------------- */

char *vault_arm_object_text(const json_t *object)
{
    return json_dumps(object, JSON_COMPACT);
}

json_t *vault_arm_stored_object(const char *text)
{
    return text == NULL ? json_object() : json_loads(text, 0, NULL);
}

enum vault_problem vault_arm_set_text(struct vault_call *call, char **place, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return vault_fail_status(call, KQ_ERR_MEMORY, "request", NULL);
    free(*place);
    *place = copy;
    return VAULT_OK;
}

static enum vault_problem check_tag(struct vault_call *call, const char *name, const json_t *value)
{
    if (*name == '\0' || strlen(name) > TAG_NAME_MAX || !kq_text_is_printable(kq_slice_text(name)))
        return vault_fail(call, VAULT_BAD_REQUEST, "tags: a name has 1 to %u bytes and no control characters.",
                          TAG_NAME_MAX);
    if (!json_is_string(value) || json_string_length(value) > TAG_VALUE_MAX)
        return vault_fail(call, VAULT_BAD_REQUEST, "tags: the value of '%.100s' must be a string of at most %u bytes.",
                          name, TAG_VALUE_MAX);
    return VAULT_OK;
}

enum vault_problem vault_arm_tags(struct vault_call *call, const json_t *tags, char **out)
{
    const char *name;
    json_t *value;
    *out = NULL;
    if (tags == NULL || json_object_size(tags) == 0)
        return VAULT_OK;
    if (json_object_size(tags) > VAULT_ARM_TAGS_MAX)
        return vault_fail(call, VAULT_BAD_REQUEST, "tags: %zu given; at most %u are allowed here.",
                          json_object_size(tags), VAULT_ARM_TAGS_MAX);
    json_object_foreach((json_t *)tags, name, value) VAULT_TRY(check_tag(call, name, value));
    *out = vault_arm_object_text(tags);
    return *out != NULL ? VAULT_OK : vault_fail_status(call, KQ_ERR_MEMORY, "tags", NULL);
}

/* ---- lists ---------------------------------------------------------------------------------- */

enum vault_problem vault_arm_page(struct vault_call *call, struct vault_page *out)
{
    const char *top = vault_http_parameter(call->request, "$top");
    const char *marker = vault_http_parameter(call->request, "$skiptoken");
    uint64_t max = VAULT_ARM_PAGE_MAX;
    if (top != NULL && (!kq_uint_parse(kq_slice_text(top), INT32_MAX, &max) || max == 0))
        return vault_fail(call, VAULT_BAD_REQUEST, "$top must be a number from 1.");
    if (marker != NULL && strlen(marker) >= VAULT_MARKER_SIZE)
        return vault_fail(call, VAULT_BAD_REQUEST, "$skiptoken is not one that this service gave.");
    *out = (struct vault_page){.marker = marker, .max = max < VAULT_ARM_PAGE_MAX ? (size_t)max : VAULT_ARM_PAGE_MAX};
    return VAULT_OK;
}

/* Percent-encodes all but unreserved characters. */
static void put_encoded(struct kq_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        char code[4] = {*text};
        bool is_plain = strchr("-._~", *text) != NULL || (*text >= '0' && *text <= '9') ||
                        (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
        if (!is_plain)
            snprintf(code, sizeof code, "%%%02X", (unsigned char)*text);
        kq_ignore(kq_buffer_append(out, code, strlen(code)), "the end is checked: next_link()");
    }
}

static void put_text(struct kq_buffer *out, const char *text)
{
    kq_ignore(kq_buffer_append(out, text, strlen(text)), "the end is checked: next_link()");
}

/* The request's own address with another $skiptoken; NULL: too long or no memory. */
static json_t *next_link(const struct vault_call *call, const char *marker)
{
    const struct vault_http_request *request = call->request;
    KQ_AUTO_VALUE(kq_buffer) link = {0};
    kq_buffer_init(&link, 16384);
    put_text(&link, call->base_url);
    for (size_t i = 0; i < request->num_segments; i++) {
        put_text(&link, "/");
        put_encoded(&link, request->segments[i]);
    }
    put_text(&link, "?");
    for (size_t i = 0; i < request->num_parameters; i++) {
        if (strcmp(request->parameters[i].name, "$skiptoken") == 0)
            continue;
        put_encoded(&link, request->parameters[i].name);
        put_text(&link, "=");
        put_encoded(&link, request->parameters[i].value);
        put_text(&link, "&");
    }
    put_text(&link, "$skiptoken=");
    put_encoded(&link, marker);
    /* Appending in small parts stops at the maximum: a link as long as that is a cut one. */
    return link.len == 0 || link.len + 4 > link.max ? NULL : json_stringn((const char *)link.data, link.len);
}

/* What may go on tells its end: documents of some lists require the member. */
static json_t *next_or_null(const struct vault_call *call, const char *marker)
{
    return marker[0] == '\0' ? json_null() : next_link(call, marker);
}

enum vault_problem vault_arm_reply_list(struct vault_call *call, json_t *items, const struct vault_page *page)
{
    json_t *answer = items == NULL ? NULL : json_pack("{s:o}", "value", items);
    if (answer != NULL && page != NULL &&
        json_object_set_new(answer, "nextLink", next_or_null(call, page->next)) != 0) {
        json_decref(answer);
        answer = NULL;
    }
    return vault_reply(call, 200, answer);
}

enum vault_problem vault_arm_filter(struct vault_call *call, const char *const *names, struct vault_filter *out)
{
    const char *text = vault_http_parameter(call->request, "$filter");
    char known[200] = "";
    size_t len = 0;
    if (vault_filter_parse(text, out) && vault_filter_has_only(out, names))
        return VAULT_OK;
    for (; *names != NULL && len < sizeof known; names++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", len == 0 ? "" : ", ", *names);
    if (len == 0)
        return vault_fail(call, VAULT_BAD_REQUEST, "$filter is not supported here; leave it out.");
    return vault_fail(call, VAULT_BAD_REQUEST,
                      "$filter is not supported in this form. Known here: %s; each once with eq '...' or (), joined "
                      "by and.",
                      known);
}

/* ---- audit ---------------------------------------------------------------------------------- */

static enum vault_problem audit_region(struct vault_call *call, const char *event, const char *region,
                                       const struct vault_scope *scope, const char *detail)
{
    char caller[120];
    struct vault_key_ref where = {
        .region = region,
        .subscription = scope->subscription,
        .vault = scope->vault[0] == '\0' ? NULL : scope->vault,
        .name = scope->key[0] == '\0' ? NULL : scope->key,
    };
    snprintf(caller, sizeof caller, "appid=%s;oid=%s", call->caller.client_id, call->caller.object_id);
    kq_status status = vault_keyops_audit(call->service->keyops, event, caller, &where, detail);
    if (status == KQ_OK)
        return VAULT_OK;
    char what[120];
    snprintf(what, sizeof what, "audit log of the region %s (nothing was changed)", region);
    return vault_fail_status(call, status, what, NULL);
}

enum vault_problem vault_arm_audit(struct vault_call *call, const char *event, const char *region,
                                   const struct vault_scope *scope, const char *detail)
{
    struct vault_region_facts facts;
    kq_status status;
    if (region != NULL)
        return audit_region(call, event, region, scope, detail);
    for (size_t i = 0; (status = vault_keyops_region(call->service->keyops, i, &facts)) == KQ_OK; i++)
        VAULT_TRY(audit_region(call, event, facts.region->name, scope, detail));
    return status == KQ_ERR_NOT_FOUND ? VAULT_OK : vault_fail_status(call, status, "regions", NULL);
}
