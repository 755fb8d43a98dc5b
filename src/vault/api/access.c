#include "vault/api/access.h"

#include <stdio.h>
#include <strings.h>

#include "vault/api/cidr.h"
#include "vault/core/roles.h"

/* Who calls and what is called, as the service's own refusals name them. */
#define WHO "appid=%s;oid=%s;iss=%s"
#define WHOM "%s;location=%s"

/* ---- access policies --------------------------------------------------------------- */

static enum vault_problem check_policy(struct vault_call *call, uint32_t permission)
{
    uint32_t keys = 0;
    kq_status status = vault_store_get_access_keys(call->service->store, call->vault.id, call->caller.object_id, &keys);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "look-up of the access policy", NULL);
    if ((keys & permission) == permission)
        return VAULT_OK;
    return vault_fail(call, VAULT_ACCESS_DENIED,
                      "The user, group or application '" WHO "' does not have keys %s permission on key vault '" WHOM
                      "'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
                      call->caller.client_id, call->caller.object_id, call->caller.issuer,
                      vault_permission_text(permission), call->vault.name, call->vault.location);
}

/* ---- role assignments ---------------------------------------------------------------- */

#define ASSIGNMENTS_PAGE 100u

struct rbac_search {
    const char *resource; /* scope of what is called; scopes compare without regard to case */
    const char *action;
    char found[37];
};

/* Is a scope the resource itself or a part of the tree above it? */
static bool covers(const char *scope, const char *resource)
{
    size_t len = strlen(scope);
    while (len > 0 && scope[len - 1] == '/')
        len--;
    return strncasecmp(scope, resource, len) == 0 && (resource[len] == '\0' || resource[len] == '/');
}

static bool consider_assignment(void *context, const struct vault_assignment *assignment)
{
    struct rbac_search *search = context;
    const struct vault_role *role = vault_role_find(assignment->role);
    if (role == NULL || !covers(assignment->scope, search->resource) || !vault_role_allows_data(role, search->action))
        return true;
    memcpy(search->found, assignment->name, sizeof search->found);
    return false;
}

static kq_status search_assignments(struct vault_call *call, struct rbac_search *search)
{
    char marker[VAULT_MARKER_SIZE] = "";
    do {
        struct vault_page page = {.marker = marker, .max = ASSIGNMENTS_PAGE};
        KQ_TRY(vault_store_list_assignments(call->service->store, call->caller.object_id, NULL, &page,
                                            consider_assignment, search));
        memcpy(marker, page.next, sizeof marker);
    } while (marker[0] != '\0' && search->found[0] == '\0');
    return KQ_OK;
}

static enum vault_problem check_roles(struct vault_call *call, uint32_t permission, const char *key_name)
{
    char resource[700], action[100];
    snprintf(resource, sizeof resource,
             "/subscriptions/%s/resourcegroups/%s/providers/microsoft.keyvault/vaults/%s%s%s", call->vault.subscription,
             call->vault.group, call->vault.name, key_name == NULL ? "" : "/keys/", key_name == NULL ? "" : key_name);
    snprintf(action, sizeof action, "Microsoft.KeyVault/vaults/%s", vault_permission_action(permission));
    struct rbac_search search = {.resource = resource, .action = action};
    kq_status status = search_assignments(call, &search);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "look-up of the role assignments", NULL);
    if (search.found[0] != '\0') {
        kq_ignore(vault_http_response_header(call->response, "x-ms-keyvault-rbac-assignment-id", search.found),
                  "the answer goes without this header");
        return VAULT_OK;
    }
    return vault_fail(call, VAULT_FORBIDDEN_BY_RBAC,
                      "Caller is not authorized to perform action on resource.\r\n"
                      "If role assignments, deny assignments or role definitions were changed recently, please observe "
                      "propagation time.\r\n"
                      "Caller: " WHO "\r\nAction: '%s'\r\nResource: '%s'\r\nAssignment: (not found)\r\n"
                      "DenyAssignmentId: null\r\nDecisionReason: null\r\nVault: " WHOM "\r\n",
                      call->caller.client_id, call->caller.object_id, call->caller.issuer, action, resource,
                      call->vault.name, call->vault.location);
}

enum vault_problem vault_access_check(struct vault_call *call, uint32_t permission, const char *key_name)
{
    if (strcasecmp(call->caller.tenant_id, call->service->tenant_id) != 0)
        return vault_fail(call, VAULT_UNAUTHORIZED,
                          "AKV10032: Invalid issuer. The token is of tenant %s, the vault of %s.",
                          call->caller.tenant_id, call->service->tenant_id);
    return call->vault.uses_rbac ? check_roles(call, permission, key_name) : check_policy(call, permission);
}

/* ---- network rules -------------------------------------------------------------------- */

static bool matches_rule(const json_t *rules, const char *address)
{
    size_t i;
    const json_t *rule;
    json_array_foreach((json_t *)rules, i, rule)
    {
        const char *cidr = NULL;
        if (vault_json_string(rule, "value", &cidr) && cidr != NULL && vault_cidr_contains(cidr, address))
            return true;
    }
    return false;
}

static bool is_address_allowed(const json_t *properties, const char *address)
{
    const char *public_access = NULL, *action = NULL;
    const json_t *acls = NULL, *rules = NULL;
    bool is_readable = vault_json_string(properties, "publicNetworkAccess", &public_access) &&
                       vault_json_object(properties, "networkAcls", &acls) &&
                       (acls == NULL || (vault_json_string(acls, "defaultAction", &action) &&
                                         vault_json_array(acls, "ipRules", &rules)));
    if (!is_readable || (public_access != NULL && strcasecmp(public_access, "Disabled") == 0))
        return false;
    if (acls == NULL || action == NULL || strcasecmp(action, "Allow") == 0)
        return true;
    return rules != NULL && matches_rule(rules, address);
}

/* Most vaults are open to all addresses, and their properties then need no
 * parsing: what could close them is absent or says "Allow" and "Enabled" as we
 * write it, and no word closes them elsewhere. In doubt they are parsed. */
static bool is_plainly_open(const char *text)
{
    if (text == NULL)
        return true;
    bool has_rules = strstr(text, "networkAcls") != NULL && strstr(text, "\"defaultAction\":\"Allow\"") == NULL;
    bool has_access =
        strstr(text, "publicNetworkAccess") != NULL && strstr(text, "\"publicNetworkAccess\":\"Enabled\"") == NULL;
    return !has_rules && !has_access && strcasestr(text, "deny") == NULL && strcasestr(text, "disabled") == NULL;
}

enum vault_problem vault_access_check_network(struct vault_call *call)
{
    const char *text = call->vault.properties;
    if (is_plainly_open(text))
        return VAULT_OK;
    json_t *properties = NULL;
    char error[160];
    kq_status status = vault_json_parse(kq_slice_text(text), &properties, error, sizeof error);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "properties of the vault", NULL);
    bool is_allowed = is_address_allowed(properties, call->request->peer_address);
    vault_json_free(properties);
    if (is_allowed)
        return VAULT_OK;
    return vault_fail(call, VAULT_FORBIDDEN_BY_FIREWALL,
                      "Client address is not authorized and caller is not a trusted service.\r\nClient address: %s\r\n"
                      "Caller: " WHO "\r\nVault: " WHOM,
                      call->request->peer_address, call->caller.client_id, call->caller.object_id, call->caller.issuer,
                      call->vault.name, call->vault.location);
}
