#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "vault/api/vaults.h"

#define RETENTION_MIN 7
#define RETENTION_MAX 90

void vault_resource_clear(struct vault_resource *resource)
{
    vault_record_clear(&resource->record);
    vault_access_free(resource->access, resource->num_access);
    resource->access = NULL;
    resource->num_access = 0;
}

/* ---- to the client ------------------------------------------------------------------ */

static void vault_id(const struct vault_record *record, char out[VAULT_SCOPE_TEXT_SIZE])
{
    snprintf(out, VAULT_SCOPE_TEXT_SIZE, "/subscriptions/%s/resourceGroups/%s/providers/" VAULT_TYPE "/%s",
             record->subscription, record->group, record->name);
}

json_t *vault_resource_short_json(const struct vault_record *record)
{
    char id[VAULT_SCOPE_TEXT_SIZE];
    vault_id(record, id);
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", id, "name", record->name, "type", VAULT_TYPE, "location",
                     record->location, "tags", vault_arm_stored_object(record->tags));
}

static json_t *properties_json(const struct vault_resource *resource, const struct vault_service *service)
{
    const struct vault_record *record = &resource->record;
    char uri[VAULT_NAME_MAX + 300];
    snprintf(uri, sizeof uri, "https://%s%s/", record->name, service->vault_suffix);
    json_t *properties =
        json_pack("{s:{s:s, s:s}, s:s, s:o, s:b, s:i, s:b, s:s, s:s}", "sku", "family", "A", "name",
                  record->is_premium ? "premium" : "standard", "tenantId", service->tenant_id, "accessPolicies",
                  vault_policies_json(resource->access, resource->num_access, service->tenant_id), "enableSoftDelete",
                  1, "softDeleteRetentionInDays", (int)record->retention_days, "enableRbacAuthorization",
                  (int)record->uses_rbac, "vaultUri", uri, "provisioningState", "Succeeded");
    /* Like the service this one stands for: the member is absent unless it is true. */
    if (properties != NULL && record->has_purge_protection)
        json_object_set_new(properties, "enablePurgeProtection", json_true());
    json_t *kept = vault_arm_stored_object(record->properties);
    if (properties != NULL && (kept == NULL || json_object_update(properties, kept) != 0)) {
        json_decref(properties);
        properties = NULL;
    }
    json_decref(kept);
    return properties;
}

json_t *vault_resource_json(const struct vault_resource *resource, const struct vault_service *service)
{
    char created[KQ_TIME_TEXT_SIZE], updated[KQ_TIME_TEXT_SIZE];
    kq_time_text(resource->record.created, created);
    kq_time_text(resource->record.updated, updated);
    json_t *vault = vault_resource_short_json(&resource->record);
    json_t *more = json_pack("{s:{s:s, s:s}, s:o}", "systemData", "createdAt", created, "lastModifiedAt", updated,
                             "properties", properties_json(resource, service));
    if (vault == NULL || more == NULL || json_object_update(vault, more) != 0) {
        json_decref(vault);
        vault = NULL;
    }
    json_decref(more);
    return vault;
}

json_t *vault_resource_deleted_json(const struct vault_record *record)
{
    char vault[VAULT_SCOPE_TEXT_SIZE], id[VAULT_SCOPE_TEXT_SIZE];
    char deleted[KQ_TIME_TEXT_SIZE], purge[KQ_TIME_TEXT_SIZE];
    vault_id(record, vault);
    snprintf(id, sizeof id, "/subscriptions/%s/providers/Microsoft.KeyVault/locations/%s/deletedVaults/%s",
             record->subscription, record->location, record->name);
    kq_time_text(record->deleted, deleted);
    kq_time_text(record->scheduled_purge, purge);
    json_t *properties =
        json_pack("{s:s, s:s, s:s, s:s, s:o}", "vaultId", vault, "location", record->location, "deletionDate", deleted,
                  "scheduledPurgeDate", purge, "tags", vault_arm_stored_object(record->tags));
    if (properties != NULL && record->has_purge_protection)
        json_object_set_new(properties, "purgeProtectionEnabled", json_true());
    return json_pack("{s:s, s:s, s:s, s:o}", "id", id, "name", record->name, "type", "Microsoft.KeyVault/deletedVaults",
                     "properties", properties);
}

/* ---- from the client ------------------------------------------------------------------ */

struct merging {
    struct vault_call *call;
    enum vault_merge merge;
    const json_t *properties;
    struct vault_resource *resource;
};

static enum vault_problem merge_tenant(const struct merging *m)
{
    const char *tenant = NULL;
    bool is_text = vault_json_string(m->properties, "tenantId", &tenant);
    if (is_text && tenant == NULL && m->merge == VAULT_MERGE_PATCH)
        return VAULT_OK;
    if (tenant == NULL || strcasecmp(tenant, m->call->service->tenant_id) != 0)
        return vault_fail(m->call, VAULT_BAD_REQUEST, "properties.tenantId: this service's tenant, %s, is wanted.",
                          m->call->service->tenant_id);
    return VAULT_OK;
}

static enum vault_problem merge_sku(const struct merging *m)
{
    const json_t *sku = NULL;
    const char *family = "A", *name = NULL;
    bool is_object = vault_json_object(m->properties, "sku", &sku);
    if (is_object && sku == NULL && m->merge != VAULT_MERGE_CREATE)
        return VAULT_OK;
    bool is_sku = sku != NULL && vault_json_string(sku, "family", &family) && strcasecmp(family, "A") == 0 &&
                  vault_json_string(sku, "name", &name) && name != NULL;
    bool is_premium = is_sku && strcasecmp(name, "premium") == 0;
    if (!is_premium && !(is_sku && strcasecmp(name, "standard") == 0))
        return vault_fail(
            m->call, VAULT_SKU_NOT_SUPPORTED,
            "The key vault sku is invalid. properties.sku must be {\"family\":\"A\",\"name\":\"standard\"} "
            "or, for keys protected by the module (RSA-HSM, EC-HSM), \"name\":\"premium\".");
    m->resource->record.is_premium = is_premium;
    return VAULT_OK;
}

static enum vault_problem read_flag(const struct merging *m, const char *name, bool *inout)
{
    if (vault_json_bool(m->properties, name, inout))
        return VAULT_OK;
    return vault_fail(m->call, VAULT_BAD_REQUEST, "properties.%s: true or false is wanted.", name);
}

static enum vault_problem merge_protection(const struct merging *m)
{
    struct vault_record *record = &m->resource->record;
    bool has_soft_delete = true, is_protected = record->has_purge_protection;
    VAULT_TRY(read_flag(m, "enableSoftDelete", &has_soft_delete));
    VAULT_TRY(read_flag(m, "enablePurgeProtection", &is_protected));
    if (!has_soft_delete)
        return vault_fail(m->call, VAULT_BAD_REQUEST,
                          "The property \"enableSoftDelete\" cannot be set to false. Every vault has soft delete.");
    if (record->has_purge_protection && !is_protected)
        return vault_fail(m->call, VAULT_BAD_REQUEST,
                          "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge "
                          "protection for a vault is an irreversible action.");
    record->has_purge_protection = is_protected;
    return VAULT_OK;
}

static enum vault_problem merge_retention(const struct merging *m)
{
    struct vault_record *record = &m->resource->record;
    int64_t days = record->retention_days;
    if (!vault_json_integer(m->properties, "softDeleteRetentionInDays", &days) || days < RETENTION_MIN ||
        days > RETENTION_MAX)
        return vault_fail(m->call, VAULT_BAD_REQUEST,
                          "The property \"softDeleteRetentionInDays\" must be a number of days from %d to %d.",
                          RETENTION_MIN, RETENTION_MAX);
    if (m->merge != VAULT_MERGE_CREATE && days != (int64_t)record->retention_days)
        return vault_fail(m->call, VAULT_BAD_REQUEST,
                          "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified. "
                          "It is %u.",
                          (unsigned)record->retention_days);
    record->retention_days = (uint32_t)days;
    return VAULT_OK;
}

static enum vault_problem merge_access(const struct merging *m)
{
    const json_t *policies = NULL;
    if (!vault_json_array(m->properties, "accessPolicies", &policies))
        return vault_fail(m->call, VAULT_BAD_REQUEST, "properties.accessPolicies: an array is wanted.");
    if (policies == NULL)
        return VAULT_OK;
    return vault_policies_read(m->call, policies, &m->resource->access, &m->resource->num_access);
}

static enum vault_problem keep(const struct merging *m, json_t *kept, const char *name, json_t *value)
{
    return json_object_set_new(kept, name, value) == 0 ? VAULT_OK
                                                       : vault_fail_status(m->call, KQ_ERR_MEMORY, "request", NULL);
}

static enum vault_problem merge_kept_flags(const struct merging *m, json_t *kept)
{
    static const char *const names[] = {"enabledForDeployment", "enabledForDiskEncryption",
                                        "enabledForTemplateDeployment"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool flag = json_is_true(json_object_get(kept, names[i]));
        VAULT_TRY(read_flag(m, names[i], &flag));
        VAULT_TRY(keep(m, kept, names[i], json_boolean(flag)));
    }
    return VAULT_OK;
}

static enum vault_problem merge_network(const struct merging *m, json_t *kept)
{
    const json_t *acls = NULL;
    const char *access = json_string_value(json_object_get(kept, "publicNetworkAccess"));
    json_t *clean;
    if (!vault_json_object(m->properties, "networkAcls", &acls))
        return vault_fail(m->call, VAULT_BAD_REQUEST, "properties.networkAcls: an object is wanted.");
    if (acls != NULL) {
        VAULT_TRY(vault_network_read(m->call, acls, &clean));
        VAULT_TRY(keep(m, kept, "networkAcls", clean));
    }
    access = access == NULL ? "Enabled" : access;
    bool is_text = vault_json_string(m->properties, "publicNetworkAccess", &access);
    bool is_enabled = is_text && strcasecmp(access, "Enabled") == 0;
    if (!is_enabled && !(is_text && strcasecmp(access, "Disabled") == 0))
        return vault_fail(m->call, VAULT_BAD_REQUEST, "properties.publicNetworkAccess: Enabled or Disabled is wanted.");
    return keep(m, kept, "publicNetworkAccess", json_string(is_enabled ? "Enabled" : "Disabled"));
}

/* Members that are kept as they are, with no column of their own. */
static enum vault_problem merge_kept(const struct merging *m)
{
    struct vault_record *record = &m->resource->record;
    json_t *kept = vault_arm_stored_object(record->properties);
    if (kept == NULL)
        return vault_fail_status(m->call, KQ_ERR_MEMORY, "vault", NULL);
    enum vault_problem problem = merge_kept_flags(m, kept);
    if (problem == VAULT_OK)
        problem = merge_network(m, kept);
    char *text = problem == VAULT_OK ? vault_arm_object_text(kept) : NULL;
    json_decref(kept);
    if (problem != VAULT_OK)
        return problem;
    if (text == NULL)
        return vault_fail_status(m->call, KQ_ERR_MEMORY, "vault", NULL);
    free(record->properties);
    record->properties = text;
    return VAULT_OK;
}

static enum vault_problem merge_tags(const struct merging *m, const json_t *body)
{
    const json_t *tags = NULL;
    char *text;
    if (!vault_json_object(body, "tags", &tags))
        return vault_fail(m->call, VAULT_BAD_REQUEST, "tags: an object of strings is wanted.");
    if (tags == NULL && m->merge == VAULT_MERGE_PATCH)
        return VAULT_OK;
    VAULT_TRY(vault_arm_tags(m->call, tags, &text));
    free(m->resource->record.tags);
    m->resource->record.tags = text;
    return VAULT_OK;
}

enum vault_problem vault_resource_merge(struct vault_call *call, enum vault_merge merge, const json_t *body,
                                        struct vault_resource *resource)
{
    struct merging m = {.call = call, .merge = merge, .resource = resource};
    if (!vault_json_object(body, "properties", &m.properties) || (m.properties == NULL && merge != VAULT_MERGE_PATCH))
        return vault_fail(call, VAULT_BAD_REQUEST, "properties: an object with tenantId and sku is wanted.");
    VAULT_TRY(merge_tags(&m, body));
    if (m.properties == NULL)
        return VAULT_OK;
    VAULT_TRY(merge_tenant(&m));
    VAULT_TRY(merge_sku(&m));
    VAULT_TRY(merge_protection(&m));
    VAULT_TRY(merge_retention(&m));
    VAULT_TRY(read_flag(&m, "enableRbacAuthorization", &resource->record.uses_rbac));
    VAULT_TRY(merge_access(&m));
    return merge_kept(&m);
}
