#ifndef VAULT_API_VAULTS_H
#define VAULT_API_VAULTS_H

#include "vault/api/arm.h"

/* Vaults as resources of the control plane. */

#define VAULT_TYPE "Microsoft.KeyVault/vaults"

/* A vault with its access policy. */
struct vault_resource {
    struct vault_record record;
    struct vault_access *access;
    size_t num_access;
};
void vault_resource_clear(struct vault_resource *resource);
KQ_AUTO_DEFINE_VALUE(vault_resource);

/* ---- vaults_json.c: the JSON of a vault, both ways -------------------------------------- */

/* The resource as clients get it. */
json_t *vault_resource_json(const struct vault_resource *resource, const struct vault_service *service);
/* The short form of the list of resources. */
json_t *vault_resource_short_json(const struct vault_record *record);
/* A deleted vault. */
json_t *vault_resource_deleted_json(const struct vault_record *record);

enum vault_merge {
    VAULT_MERGE_CREATE = 1, /* all that is needed must be there */
    VAULT_MERGE_PUT = 2,    /* what is left out keeps its value, but tags go */
    VAULT_MERGE_PATCH = 3,  /* what is left out keeps its value */
};
/* Takes what a body says into a resource, all of it checked. Location and
 * createMode are the caller's. Members that only the service sets are ignored.
 * Returns  VAULT_OK, VAULT_BAD_REQUEST, VAULT_SKU_NOT_SUPPORTED naming the member and the remedy */
enum vault_problem vault_resource_merge(struct vault_call *call, enum vault_merge merge, const json_t *body,
                                        struct vault_resource *resource);

/* ---- vaults_policy.c: access policies ------------------------------------------------------ */

json_t *vault_policies_json(const struct vault_access *access, size_t num, const char *tenant_id);
/* Reads "accessPolicies"; the old list is freed on VAULT_OK. */
enum vault_problem vault_policies_read(struct vault_call *call, const json_t *list, struct vault_access **access,
                                       size_t *num);
/* PUT .../accessPolicies/{add|replace|remove} */
vault_handler vault_policies_change;

/* ---- vaults_network.c --------------------------------------------------------------------------- */

/* Checks networkAcls and makes what is kept of it.
 * Returns  VAULT_OK, VAULT_BAD_REQUEST */
enum vault_problem vault_network_read(struct vault_call *call, const json_t *acls, json_t **out);

/* ---- vaults.c --------------------------------------------------------------------------------- */

/* The active vault that the path names (subscription, group, vault), if the
 * caller may do this to it; scope gets the stored names.
 * Returns  VAULT_OK, VAULT_AUTHORIZATION_FAILED, VAULT_RESOURCE_NOT_FOUND, VAULT_RESOURCE_GROUP_NOT_FOUND */
enum vault_problem vault_vaults_find(struct vault_call *call, const char *action, struct vault_scope *scope,
                                     struct vault_resource *out);
/* Writes a change of a vault: audit first, then the store. */
enum vault_problem vault_vaults_write(struct vault_call *call, const char *event, const struct vault_scope *scope,
                                      struct vault_resource *resource, const char *detail);
/* Deletes the active vaults of a group, softly. */
enum vault_problem vault_vaults_delete_group(struct vault_call *call, const char *subscription, const char *group);

/* ---- vaults_list.c and vaults_deleted.c: handlers ------------------------------------------------ */

vault_handler vault_vaults_list;           /* of a subscription (one name) or a group (two) */
vault_handler vault_vaults_list_resources; /* with $filter */
vault_handler vault_vaults_list_nothing;   /* managed HSMs and what belongs to them */
vault_handler vault_vaults_list_links;     /* private links of a vault: none */
vault_handler vault_deleted_list;
vault_handler vault_deleted_get;
vault_handler vault_deleted_purge;
vault_handler vault_names_check;

/* Ids of the vaults of one page; free() them. */
enum vault_problem vault_vaults_collect(struct vault_call *call, const struct vault_scope *scope,
                                        enum vault_list_state state, struct vault_page *page, uint64_t **out,
                                        size_t *out_num);
/* createMode recover: the vault comes back as it was. */
enum vault_problem vault_deleted_recover(struct vault_call *call, const struct vault_scope *scope);

#endif
