#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "vault/api/vaults.h"

static const char action_list[] = "Microsoft.KeyVault/deletedVaults/read";
static const char action_read[] = "Microsoft.KeyVault/locations/deletedVaults/read";
static const char action_purge[] = "Microsoft.KeyVault/locations/deletedVaults/purge/action";
static const char action_check[] = "Microsoft.KeyVault/checkNameAvailability/read";

/* ---- deleted vaults ------------------------------------------------------------------- */

static bool add_deleted(void *context, const struct vault_record *vault)
{
    return json_array_append_new(context, vault_resource_deleted_json(vault)) == 0;
}

enum vault_problem vault_deleted_list(struct vault_call *call)
{
    struct vault_scope scope;
    struct vault_page page;
    VAULT_TRY(vault_arm_scope(call, call->names[0], NULL, NULL, &scope));
    VAULT_TRY(vault_arm_page(call, &page));
    VAULT_TRY(vault_arm_allow(call, action_list, &scope));
    VAULT_TRY(vault_arm_subscription(call, &scope));
    json_t *items = json_array();
    kq_status status = vault_store_list_vaults(call->service->store, scope.subscription, NULL, VAULT_LIST_DELETED,
                                               &page, add_deleted, items);
    if (status == KQ_OK)
        return vault_arm_reply_list(call, items, &page);
    json_decref(items);
    return vault_fail_status(call, status, "deleted vaults", NULL);
}

/* The deleted vault of the path, if the caller may do this to it. */
static enum vault_problem read_deleted(struct vault_call *call, const char *action, struct vault_scope *scope,
                                       struct vault_record *out)
{
    const struct kq_region *region;
    char location[KQ_LOCATION_SIZE] = "";
    VAULT_TRY(vault_arm_scope(call, call->names[0], NULL, call->names[2], scope));
    struct vault_scope subscription = *scope;
    subscription.vault[0] = '\0'; /* its group may be gone: rights are asked for at the subscription */
    VAULT_TRY(vault_arm_allow(call, action, &subscription));
    VAULT_TRY(vault_arm_subscription(call, scope));
    kq_status status = vault_store_get_vault(call->service->store, scope->vault, out);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return vault_fail_status(call, status, "vault", NULL);
    bool is_it = status == KQ_OK && out->deleted != 0 && strcasecmp(out->subscription, scope->subscription) == 0 &&
                 vault_arm_location(call->names[1], location, &region) && strcmp(location, out->location) == 0;
    if (is_it)
        return VAULT_OK;
    return vault_fail(call, VAULT_RESOURCE_NOT_FOUND, "There is no deleted vault '%s' at the location '%.60s'.",
                      scope->vault, call->names[1]);
}

enum vault_problem vault_deleted_get(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_record) record = {.id = 0};
    struct vault_scope scope;
    VAULT_TRY(read_deleted(call, action_read, &scope, &record));
    return vault_reply(call, 200, vault_resource_deleted_json(&record));
}

/* Done when answered: clients that poll see an end at once. */
enum vault_problem vault_deleted_purge(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_record) record = {.id = 0};
    struct vault_scope scope;
    VAULT_TRY(vault_take_turn(call, call->names[2], "", &turn));
    VAULT_TRY(read_deleted(call, action_purge, &scope, &record));
    if (record.has_purge_protection)
        return vault_fail(call, VAULT_METHOD_NOT_ALLOWED,
                          "Operation 'DeletedVaultPurge' is not allowed. The vault '%s' has purge protection; it is "
                          "purged when its retention of %u days ends.",
                          record.name, (unsigned)record.retention_days);
    VAULT_TRY(vault_arm_audit(call, "vault.purge", record.region, &scope, "the vault and all its keys"));
    kq_status status = vault_store_purge_vault(call->service->store, record.id);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return vault_fail_status(call, status, "vault", NULL);
    return vault_reply_empty(call, 200);
}

static enum vault_problem check_recoverable(struct vault_call *call, const struct vault_scope *scope,
                                            const struct vault_record *record)
{
    const char *location = record->location;
    char name[KQ_LOCATION_SIZE] = "";
    const struct kq_region *region;
    if (strcasecmp(record->subscription, scope->subscription) != 0 || strcasecmp(record->group, scope->group) != 0)
        return vault_fail(call, VAULT_CONFLICT,
                          "The deleted vault '%s' belongs to another resource group or subscription, and is recovered "
                          "there. Deleted vaults name theirs as properties.vaultId.",
                          record->name);
    if (!vault_json_string(call->body, "location", &location) || !vault_arm_location(location, name, &region) ||
        strcmp(name, record->location) != 0)
        return vault_fail(call, VAULT_INVALID_RESOURCE_LOCATION,
                          "location: the deleted vault '%s' is in '%s', and is recovered there.", record->name,
                          record->location);
    return VAULT_OK;
}

enum vault_problem vault_deleted_recover(struct vault_call *call, const struct vault_scope *scope)
{
    KQ_AUTO_VALUE(vault_resource) resource = {.access = NULL};
    struct vault_scope place = *scope;
    struct vault_store *store = call->service->store;
    kq_status status = vault_store_get_vault(store, scope->vault, &resource.record);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_RESOURCE_NOT_FOUND, "There is no deleted vault '%s' to recover.", scope->vault);
    if (status == KQ_OK)
        status = vault_store_get_access(store, resource.record.id, &resource.access, &resource.num_access);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "vault", NULL);
    VAULT_TRY(check_recoverable(call, scope, &resource.record));
    resource.record.deleted = 0;
    resource.record.scheduled_purge = 0;
    snprintf(place.vault, sizeof place.vault, "%s", resource.record.name);
    VAULT_TRY(vault_vaults_write(call, "vault.recover", &place, &resource, ""));
    return vault_reply(call, 200, vault_resource_json(&resource, call->service));
}

/* ---- names ------------------------------------------------------------------------------- */

static enum vault_problem answer_name(struct vault_call *call, const char *reason, const char *message)
{
    if (reason == NULL)
        return vault_reply(call, 200, json_pack("{s:b}", "nameAvailable", 1));
    return vault_reply(call, 200,
                       json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason", reason, "message", message));
}

enum vault_problem vault_names_check(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_grants) grants = {.is_operator = false};
    KQ_AUTO_VALUE(vault_record) record = {.id = 0};
    struct vault_scope scope;
    const char *name = NULL;
    VAULT_TRY(vault_arm_scope(call, call->names[0], NULL, NULL, &scope));
    VAULT_TRY(vault_grants_load(call, &grants));
    if (!vault_grants_touch(&grants, &scope))
        return vault_arm_deny(call, action_check, &scope);
    VAULT_TRY(vault_arm_subscription(call, &scope));
    if (!vault_json_string(call->body, "name", &name) || name == NULL)
        return vault_fail(call, VAULT_BAD_REQUEST, "name: the name to check is wanted.");
    if (!vault_name_is_valid(name))
        return answer_name(call, "AccountNameInvalid",
                           "A vault's name must be between 3-24 alphanumeric characters. The name must begin with a "
                           "letter, end with a letter or digit, and not contain consecutive hyphens.");
    kq_status status = vault_store_get_vault(call->service->store, name, &record);
    if (status == KQ_OK)
        return answer_name(call, "AlreadyExists",
                           record.deleted != 0 ? "A deleted vault has this name; it may be recovered or purged."
                                               : "The name is already in use.");
    return status == KQ_ERR_NOT_FOUND ? answer_name(call, NULL, NULL) : vault_fail_status(call, status, "vault", NULL);
}
