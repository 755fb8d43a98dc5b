#ifndef VAULT_API_FILTER_H
#define VAULT_API_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* The $filter that clients of the control plane send: comparisons and calls
 * joined by "and".
 *     resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'mine'
 *     atScope() and assignedTo('4c0e...')
 */
#define VAULT_FILTER_CLAUSES_MAX 4u
#define VAULT_FILTER_NAME_SIZE 40
#define VAULT_FILTER_VALUE_SIZE 300

struct vault_filter_clause {
    char name[VAULT_FILTER_NAME_SIZE];   /* of the member or the function */
    char value[VAULT_FILTER_VALUE_SIZE]; /* compared with, or the call's only argument; "" where it has none */
    bool is_call;
};

struct vault_filter {
    struct vault_filter_clause clauses[VAULT_FILTER_CLAUSES_MAX];
    size_t num_clauses;
};

/* NULL and "" are an empty filter. false: not of this form. */
bool vault_filter_parse(const char *text, struct vault_filter *out);
/* The value of a comparison or call, names without regard to case; NULL if there is none. */
const char *vault_filter_value(const struct vault_filter *filter, const char *name);
/* Are all clauses among these names (NULL-terminated)? An unknown one must not be passed over: the answer would be
 * wrong. */
bool vault_filter_has_only(const struct vault_filter *filter, const char *const *names);

#endif
