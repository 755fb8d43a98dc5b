#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "vault/api/vaults.h"

#define NAMES_MAX 40u /* of permissions in one list */
#define NAME_MAX_LEN 40u

/* Kinds of objects. The names of permissions over each are kept as they were given, for clients compare them; those
 * over keys act, as bits. */
#define KEYS "keys"
static const char *const kinds[] = {KEYS, "secrets", "certificates", "storage"};
#define NUM_KINDS (sizeof kinds / sizeof kinds[0])

/* ---- to the client ------------------------------------------------------------------- */

static uint32_t bits_of(const json_t *names)
{
    uint32_t bits = 0;
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name) bits |=
        json_is_string(name) ? vault_permission_find(json_string_value(name)) : 0;
    return bits;
}

/* The names that were given, if they say what acts (NULL: they do not); else the names of what acts. */
static json_t *keys_json(uint32_t keys, json_t *given)
{
    if (json_is_array(given) && bits_of(given) == keys)
        return json_incref(given);
    json_t *names = json_array();
    if (keys == VAULT_PERMISSIONS_ALL) {
        json_array_append_new(names, json_string("all"));
        return names;
    }
    for (uint32_t i = 0; i < VAULT_NUM_PERMISSIONS; i++) {
        if ((keys & 1u << i) != 0)
            json_array_append_new(names, json_string(vault_permission_text(1u << i)));
    }
    return names;
}

static json_t *entry_json(const struct vault_access *access, const char *tenant_id)
{
    json_t *permissions = vault_arm_stored_object(access->others);
    if (permissions != NULL)
        json_object_set_new(permissions, KEYS, keys_json(access->keys, json_object_get(permissions, KEYS)));
    json_t *entry =
        json_pack("{s:s, s:s, s:o}", "tenantId", tenant_id, "objectId", access->object_id, "permissions", permissions);
    if (entry != NULL && access->application_id[0] != '\0')
        json_object_set_new(entry, "applicationId", json_string(access->application_id));
    return entry;
}

json_t *vault_policies_json(const struct vault_access *access, size_t num, const char *tenant_id)
{
    json_t *list = json_array();
    for (size_t i = 0; i < num; i++)
        json_array_append_new(list, entry_json(&access[i], tenant_id));
    return list;
}

/* ---- from the client -------------------------------------------------------------------- */

/* Where a mistake stands: properties.accessPolicies[2]. */
struct place {
    struct vault_call *call;
    size_t index;
};

static enum vault_problem check_names(const struct place *place, const char *kind, const json_t *names)
{
    size_t i;
    json_t *name;
    if (json_array_size(names) > NAMES_MAX)
        return vault_fail(place->call, VAULT_BAD_REQUEST,
                          "properties.accessPolicies[%zu].permissions.%s: at most %u names are allowed.", place->index,
                          kind, NAMES_MAX);
    json_array_foreach(names, i, name)
    {
        if (!json_is_string(name) || json_string_length(name) > NAME_MAX_LEN)
            return vault_fail(place->call, VAULT_BAD_REQUEST,
                              "properties.accessPolicies[%zu].permissions.%s: names of permissions are wanted.",
                              place->index, kind);
    }
    return VAULT_OK;
}

static enum vault_problem read_keys(const struct place *place, const json_t *names, uint32_t *out)
{
    size_t i;
    json_t *name;
    *out = 0;
    VAULT_TRY(check_names(place, "keys", names));
    json_array_foreach(names, i, name)
    {
        uint32_t bits = vault_permission_find(json_string_value(name));
        if (bits == 0)
            return vault_fail(place->call, VAULT_BAD_REQUEST,
                              "properties.accessPolicies[%zu].permissions.keys: '%s' is not a permission for keys. "
                              "Known: all, encrypt, decrypt, wrapKey, unwrapKey, sign, verify, get, list, create, "
                              "update, import, delete, backup, restore, recover, purge, release, rotate, "
                              "getrotationpolicy, setrotationpolicy.",
                              place->index, json_string_value(name));
        *out |= bits;
    }
    return VAULT_OK;
}

static enum vault_problem read_names(const struct place *place, const json_t *permissions, json_t *others)
{
    for (size_t i = 0; i < NUM_KINDS; i++) {
        const json_t *names = NULL;
        if (!vault_json_array(permissions, kinds[i], &names))
            return vault_fail(place->call, VAULT_BAD_REQUEST,
                              "properties.accessPolicies[%zu].permissions.%s: an array is wanted.", place->index,
                              kinds[i]);
        if (names == NULL)
            continue;
        VAULT_TRY(check_names(place, kinds[i], names));
        if (json_object_set(others, kinds[i], (json_t *)names) != 0)
            return vault_fail_status(place->call, KQ_ERR_MEMORY, "access policy", NULL);
    }
    return VAULT_OK;
}

static enum vault_problem read_permissions(const struct place *place, const json_t *permissions,
                                           struct vault_access *out)
{
    const json_t *names = NULL;
    if (!vault_json_array(permissions, "keys", &names))
        return vault_fail(place->call, VAULT_BAD_REQUEST,
                          "properties.accessPolicies[%zu].permissions.keys: an array is wanted.", place->index);
    VAULT_TRY(read_keys(place, names, &out->keys));
    json_t *others = json_object();
    enum vault_problem problem = others == NULL ? vault_fail_status(place->call, KQ_ERR_MEMORY, "access policy", NULL)
                                                : read_names(place, permissions, others);
    if (problem == VAULT_OK && json_object_size(others) > 0) {
        out->others = vault_arm_object_text(others);
        if (out->others == NULL)
            problem = vault_fail_status(place->call, KQ_ERR_MEMORY, "access policy", NULL);
    }
    json_decref(others);
    return problem;
}

/* A GUID in lower case; "" where it is absent. */
static enum vault_problem read_guid(const struct place *place, const json_t *entry, const char *name, bool is_needed,
                                    char out[VAULT_GUID_LEN + 1])
{
    const char *text = NULL;
    bool is_text = vault_json_string(entry, name, &text);
    out[0] = '\0';
    if (is_text && text == NULL && !is_needed)
        return VAULT_OK;
    if (!is_text || text == NULL || !kq_guid_is_valid(kq_slice_text(text)) ||
        !kq_text_copy(kq_slice_text(text), out, VAULT_GUID_LEN + 1))
        return vault_fail(place->call, VAULT_BAD_REQUEST, "properties.accessPolicies[%zu].%s: a GUID is wanted.",
                          place->index, name);
    return VAULT_OK;
}

static enum vault_problem read_entry(const struct place *place, const json_t *entry, struct vault_access *out)
{
    char tenant[VAULT_GUID_LEN + 1];
    const json_t *permissions = NULL;
    if (!json_is_object(entry) || !vault_json_object(entry, "permissions", &permissions) || permissions == NULL)
        return vault_fail(
            place->call, VAULT_BAD_REQUEST,
            "properties.accessPolicies[%zu]: an object with tenantId, objectId and permissions is wanted.",
            place->index);
    VAULT_TRY(read_guid(place, entry, "tenantId", true, tenant));
    if (strcasecmp(tenant, place->call->service->tenant_id) != 0)
        return vault_fail(place->call, VAULT_BAD_REQUEST,
                          "properties.accessPolicies[%zu].tenantId: entries must be of the vault's tenant, %s.",
                          place->index, place->call->service->tenant_id);
    VAULT_TRY(read_guid(place, entry, "objectId", true, out->object_id));
    VAULT_TRY(read_guid(place, entry, "applicationId", false, out->application_id));
    return read_permissions(place, permissions, out);
}

static bool is_same_principal(const struct vault_access *a, const struct vault_access *b)
{
    return strcasecmp(a->object_id, b->object_id) == 0 && strcasecmp(a->application_id, b->application_id) == 0;
}

static struct vault_access *find_entry(struct vault_access *access, size_t num, const struct vault_access *entry)
{
    for (size_t i = 0; i < num; i++) {
        if (is_same_principal(&access[i], entry))
            return &access[i];
    }
    return NULL;
}

/* Fills as many entries as it says in *out_num, also when it fails. */
static enum vault_problem read_entries(struct vault_call *call, const json_t *list, struct vault_access *access,
                                       size_t *out_num)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        struct place place = {.call = call, .index = i};
        *out_num = i + 1;
        VAULT_TRY(read_entry(&place, entry, &access[i]));
        if (find_entry(access, i, &access[i]) != NULL)
            return vault_fail(call, VAULT_BAD_REQUEST,
                              "properties.accessPolicies[%zu]: the object id '%s' stands twice; join the entries.", i,
                              access[i].object_id);
    }
    return VAULT_OK;
}

enum vault_problem vault_policies_read(struct vault_call *call, const json_t *list, struct vault_access **access,
                                       size_t *num)
{
    size_t num_new = json_array_size(list), num_read = 0;
    if (num_new > VAULT_ACCESS_MAX)
        return vault_fail(call, VAULT_BAD_REQUEST, "properties.accessPolicies: at most %u entries are allowed.",
                          VAULT_ACCESS_MAX);
    struct vault_access *entries = calloc(num_new + 1, sizeof *entries);
    if (entries == NULL)
        return vault_fail_status(call, KQ_ERR_MEMORY, "access policy", NULL);
    enum vault_problem problem = read_entries(call, list, entries, &num_read);
    if (problem != VAULT_OK) {
        vault_access_free(entries, num_read);
        return problem;
    }
    vault_access_free(*access, *num);
    *access = entries;
    *num = num_new;
    return VAULT_OK;
}

/* ---- add, replace, remove ------------------------------------------------------------------ */

enum change { CHANGE_ADD, CHANGE_REPLACE, CHANGE_REMOVE };

static bool has_name(const json_t *names, const json_t *name)
{
    size_t i;
    json_t *other;
    json_array_foreach(names, i, other)
    {
        if (strcasecmp(json_string_value(other), json_string_value(name)) == 0)
            return true;
    }
    return false;
}

/* The names of one list joined by, or freed of, those of another. */
static json_t *change_names(enum change change, const json_t *old, const json_t *names)
{
    size_t i;
    json_t *name, *out = json_array();
    json_array_foreach(old, i, name)
    {
        if (change == CHANGE_ADD || !has_name(names, name))
            json_array_append(out, name);
    }
    json_array_foreach(names, i, name)
    {
        if (change == CHANGE_ADD && !has_name(old, name))
            json_array_append(out, name);
    }
    return out;
}

static enum vault_problem change_kept(struct vault_call *call, enum change change, struct vault_access *entry,
                                      const struct vault_access *by)
{
    json_t *old = vault_arm_stored_object(entry->others), *more = vault_arm_stored_object(by->others);
    json_t *out = json_object();
    char *text = NULL;
    for (size_t i = 0; i < NUM_KINDS; i++) {
        json_t *names = change_names(change, json_object_get(old, kinds[i]), json_object_get(more, kinds[i]));
        if (i == 0 && bits_of(names) != entry->keys) { /* "all" without some */
            json_decref(names);
            names = keys_json(entry->keys, NULL);
        }
        if (json_array_size(names) > 0)
            json_object_set(out, kinds[i], names);
        json_decref(names);
    }
    bool is_empty = json_object_size(out) == 0;
    if (out != NULL && !is_empty)
        text = vault_arm_object_text(out);
    bool is_done = old != NULL && more != NULL && out != NULL && (is_empty || text != NULL);
    json_decref(old);
    json_decref(more);
    json_decref(out);
    if (!is_done)
        return vault_fail_status(call, KQ_ERR_MEMORY, "access policy", NULL);
    free(entry->others);
    entry->others = text;
    return VAULT_OK;
}

/* Moves an entry of the request to the end of the policy, which has room for it. */
static void take_entry(struct vault_resource *resource, struct vault_access *entry)
{
    resource->access[resource->num_access++] = *entry;
    entry->others = NULL;
}

static void drop_entry(struct vault_resource *resource, struct vault_access *entry)
{
    free(entry->others);
    struct vault_access *end = resource->access + resource->num_access;
    memmove(entry, entry + 1, (size_t)(end - entry - 1) * sizeof *entry);
    resource->num_access--;
}

static enum vault_problem change_entry(struct vault_call *call, enum change change, struct vault_resource *resource,
                                       struct vault_access *by)
{
    struct vault_access *entry = find_entry(resource->access, resource->num_access, by);
    if (entry == NULL && change != CHANGE_REMOVE)
        take_entry(resource, by);
    if (entry == NULL)
        return VAULT_OK;
    if (change == CHANGE_REPLACE) {
        free(entry->others);
        *entry = *by;
        by->others = NULL;
        return VAULT_OK;
    }
    entry->keys = change == CHANGE_ADD ? entry->keys | by->keys : entry->keys & ~by->keys;
    VAULT_TRY(change_kept(call, change, entry, by));
    if (entry->keys == 0 && entry->others == NULL)
        drop_entry(resource, entry);
    return VAULT_OK;
}

static enum vault_problem apply(struct vault_call *call, enum change change, struct vault_resource *resource,
                                struct vault_access *entries, size_t num)
{
    struct vault_access *access = reallocarray(resource->access, resource->num_access + num + 1, sizeof *access);
    if (access == NULL)
        return vault_fail_status(call, KQ_ERR_MEMORY, "access policy", NULL);
    resource->access = access;
    for (size_t i = 0; i < num; i++)
        VAULT_TRY(change_entry(call, change, resource, &entries[i]));
    if (resource->num_access > VAULT_ACCESS_MAX)
        return vault_fail(call, VAULT_BAD_REQUEST, "properties.accessPolicies: a vault has at most %u entries.",
                          VAULT_ACCESS_MAX);
    return VAULT_OK;
}

static bool find_change(const char *text, enum change *out)
{
    static const char *const names[] = {[CHANGE_ADD] = "add", [CHANGE_REPLACE] = "replace", [CHANGE_REMOVE] = "remove"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *out = (enum change)i;
        if (strcasecmp(text, names[i]) == 0)
            return true;
    }
    return false;
}

static json_t *answer_json(const struct vault_call *call, const struct vault_scope *scope,
                           const struct vault_resource *resource)
{
    char vault[VAULT_SCOPE_TEXT_SIZE], id[VAULT_SCOPE_TEXT_SIZE + 20];
    vault_scope_text(scope, vault);
    snprintf(id, sizeof id, "%s/accessPolicies/", vault);
    return json_pack("{s:s, s:s, s:s, s:{s:o}}", "id", id, "type", VAULT_TYPE "/accessPolicies", "location",
                     resource->record.location, "properties", "accessPolicies",
                     vault_policies_json(resource->access, resource->num_access, call->service->tenant_id));
}

enum vault_problem vault_policies_change(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    struct vault_access *entries = NULL;
    size_t num = 0;
    struct vault_scope scope;
    enum change change;
    const json_t *properties = NULL, *list = NULL;
    if (!find_change(call->names[3], &change))
        return vault_fail(call, VAULT_BAD_REQUEST, "accessPolicies/%.40s: add, replace or remove is wanted.",
                          call->names[3]);
    VAULT_TRY(vault_take_turn(call, call->names[2], "", &turn));
    VAULT_TRY(vault_vaults_find(call, "Microsoft.KeyVault/vaults/accessPolicies/write", &scope, &resource));
    if (!vault_json_object(call->body, "properties", &properties) || properties == NULL ||
        !vault_json_array(properties, "accessPolicies", &list) || list == NULL)
        return vault_fail(call, VAULT_BAD_REQUEST, "properties.accessPolicies: an array is wanted.");
    VAULT_TRY(vault_policies_read(call, list, &entries, &num));
    enum vault_problem problem = apply(call, change, &resource, entries, num);
    vault_access_free(entries, num);
    VAULT_TRY(problem);
    VAULT_TRY(vault_vaults_write(call, "vault.policy", &scope, &resource, call->names[3]));
    return vault_reply(call, 200, answer_json(call, &scope, &resource));
}
