#ifndef VAULT_API_ARM_H
#define VAULT_API_ARM_H

#include "trust/regions.h"
#include "vault/api/call.h"
#include "vault/api/filter.h"
#include "vault/api/scope.h"
#include "vault/core/roles.h"

/* What all handlers of the control plane share: who may do what, finding what
 * a path names, lists in pages, tags. */

/* What a caller may do: the roles given to it, read once. */
struct vault_grants {
    bool is_operator;
    struct vault_grant {
        char *scope;
        const struct vault_role *role;
    } * items;
    size_t num;
};
void vault_grants_clear(struct vault_grants *grants);
KQ_AUTO_DEFINE_VALUE(vault_grants);
enum vault_problem vault_grants_load(struct vault_call *call, struct vault_grants *out);
/* action  "Microsoft.KeyVault/vaults/read" */
bool vault_grants_allow(const struct vault_grants *grants, const char *action, const struct vault_scope *scope);
/* Has the caller any role at, above or below the scope? */
bool vault_grants_touch(const struct vault_grants *grants, const struct vault_scope *scope);

/* May the caller do this there?
 * Returns  VAULT_OK, VAULT_AUTHORIZATION_FAILED with ARM's words */
enum vault_problem vault_arm_allow(struct vault_call *call, const char *action, const struct vault_scope *scope);
/* May the caller give or take this role there? Somebody whose right to assign comes only from a role for data access
 * may do so with roles over data only. NULL: any role. */
enum vault_problem vault_arm_allow_role(struct vault_call *call, const char *action, const struct vault_scope *scope,
                                        const struct vault_role *role);
/* The same words, for a check made with vault_grants_allow(). */
enum vault_problem vault_arm_deny(struct vault_call *call, const char *action, const struct vault_scope *scope);

/* The scope of a path's names: subscription, group and vault; NULL where there is none.
 * Returns  VAULT_OK, VAULT_BAD_REQUEST (a subscription that is no GUID, a name against the rules) */
enum vault_problem vault_arm_scope(struct vault_call *call, const char *subscription, const char *group,
                                   const char *vault, struct vault_scope *out);

/* Are they there? The names in scope become the stored ones. */
enum vault_problem vault_arm_subscription(struct vault_call *call, struct vault_scope *scope);
enum vault_problem vault_arm_group(struct vault_call *call, struct vault_scope *scope);

/* Checks tags and makes the store's text of them (NULL for none).
 * Returns  VAULT_OK, VAULT_BAD_REQUEST */
#define VAULT_ARM_TAGS_MAX 50u /* of a resource; a key has fewer */
enum vault_problem vault_arm_tags(struct vault_call *call, const json_t *tags, char **out);
/* The other way: an object, never NULL but for want of memory. */
json_t *vault_arm_stored_object(const char *text);
/* Compact text that the caller frees; NULL: no memory. */
char *vault_arm_object_text(const json_t *object);
/* A copy of the text in *place, which is freed first.  Returns VAULT_OK, VAULT_INTERNAL (memory). */
enum vault_problem vault_arm_set_text(struct vault_call *call, char **place, const char *text);

/* Pages: $top and $skiptoken of the request. */
#define VAULT_ARM_PAGE_MAX 1000u
enum vault_problem vault_arm_page(struct vault_call *call, struct vault_page *out);
/* Answers {"value": items, "nextLink": ...}; takes items. nextLink is null at the
 * end of pages, and absent without page. */
enum vault_problem vault_arm_reply_list(struct vault_call *call, json_t *items, const struct vault_page *page);

/* $filter of the request, of which only the names are known.
 * Returns  VAULT_OK, VAULT_BAD_REQUEST */
enum vault_problem vault_arm_filter(struct vault_call *call, const char *const *names, struct vault_filter *out);

/* The programmatic name of a location of the table, and its region; false if there is no such location. */
bool vault_arm_location(const char *text, char out[KQ_LOCATION_SIZE], const struct kq_region **out_region);

/* Writes an act into the audit log of a region, or of every region that exists (region NULL).
 * Returns  VAULT_OK, VAULT_MODULE_AWAY and others: the act must not be done then. */
enum vault_problem vault_arm_audit(struct vault_call *call, const char *event, const char *region,
                                   const struct vault_scope *scope, const char *detail);

#endif
