#include <strings.h>

#include "vault/api/cidr.h"
#include "vault/api/vaults.h"

#define IP_RULES_MAX 1000u

/* One of two words, in any case; NULL if it is neither. fallback where it is absent. */
static const char *choose(const json_t *object, const char *name, const char *a, const char *b, const char *fallback)
{
    const char *text = fallback;
    if (!vault_json_string(object, name, &text))
        return NULL;
    if (strcasecmp(text, a) == 0)
        return a;
    return strcasecmp(text, b) == 0 ? b : NULL;
}

static enum vault_problem read_rules(struct vault_call *call, const json_t *rules, json_t *out)
{
    size_t i;
    json_t *rule;
    if (json_array_size(rules) > IP_RULES_MAX)
        return vault_fail(call, VAULT_BAD_REQUEST, "properties.networkAcls.ipRules: at most %u rules are allowed.",
                          IP_RULES_MAX);
    json_array_foreach(rules, i, rule)
    {
        const char *value = NULL;
        if (!json_is_object(rule) || !vault_json_string(rule, "value", &value) || value == NULL ||
            !vault_cidr_is_valid(value))
            return vault_fail(call, VAULT_BAD_REQUEST,
                              "properties.networkAcls.ipRules[%zu].value: an address or a range such as "
                              "203.0.113.0/24 or 2001:db8::/32 is wanted.",
                              i);
        if (json_array_append_new(out, json_pack("{s:s}", "value", value)) != 0)
            return vault_fail_status(call, KQ_ERR_MEMORY, "network rules", NULL);
    }
    return VAULT_OK;
}

enum vault_problem vault_network_read(struct vault_call *call, const json_t *acls, json_t **out)
{
    const json_t *rules = NULL, *networks = NULL;
    const char *bypass = choose(acls, "bypass", "AzureServices", "None", "AzureServices");
    const char *action = choose(acls, "defaultAction", "Allow", "Deny", "Allow");
    if (bypass == NULL || action == NULL)
        return vault_fail(call, VAULT_BAD_REQUEST,
                          "properties.networkAcls: bypass is AzureServices or None, defaultAction is Allow or Deny.");
    if (!vault_json_array(acls, "ipRules", &rules) || !vault_json_array(acls, "virtualNetworkRules", &networks))
        return vault_fail(call, VAULT_BAD_REQUEST,
                          "properties.networkAcls: ipRules and virtualNetworkRules are arrays.");
    if (json_array_size(networks) > 0)
        return vault_fail(call, VAULT_BAD_REQUEST,
                          "properties.networkAcls.virtualNetworkRules: there are no virtual networks here, the rule "
                          "could never apply. Name address ranges in ipRules.");
    json_t *clean = json_array();
    enum vault_problem problem =
        clean == NULL ? vault_fail_status(call, KQ_ERR_MEMORY, "network rules", NULL) : read_rules(call, rules, clean);
    if (problem != VAULT_OK) {
        json_decref(clean);
        return problem;
    }
    *out = json_pack("{s:s, s:s, s:o, s:[]}", "bypass", bypass, "defaultAction", action, "ipRules", clean,
                     "virtualNetworkRules");
    return *out != NULL ? VAULT_OK : vault_fail_status(call, KQ_ERR_MEMORY, "network rules", NULL);
}
