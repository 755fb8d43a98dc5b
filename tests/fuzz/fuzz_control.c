/* Text of the control plane's clients: $filter, resource ids and address
 * ranges. The input is three lines, one for each. */
#include "base/text.h"
#include "fuzz.h"
#include "vault/api/cidr.h"
#include "vault/api/filter.h"
#include "vault/api/scope.h"

static void check_filter(const char *text)
{
    static const char *const none[] = {NULL};
    struct vault_filter filter;
    if (!vault_filter_parse(text, &filter))
        return;
    FUZZ_CHECK(filter.num_clauses <= VAULT_FILTER_CLAUSES_MAX);
    FUZZ_CHECK(vault_filter_has_only(&filter, none) == (filter.num_clauses == 0));
    for (size_t i = 0; i < filter.num_clauses; i++)
        FUZZ_CHECK(vault_filter_value(&filter, filter.clauses[i].name) != NULL);
}

static void check_scope(const char *text)
{
    struct vault_scope scope, again;
    char shown[VAULT_SCOPE_TEXT_SIZE], lower[VAULT_SCOPE_TEXT_SIZE], repeated[VAULT_SCOPE_TEXT_SIZE];
    if (!vault_scope_parse(text, &scope))
        return;
    vault_scope_text(&scope, shown);
    vault_scope_lower(&scope, lower);
    FUZZ_CHECK(vault_scope_parse(shown, &again));
    vault_scope_text(&again, repeated);
    FUZZ_CHECK(strcmp(shown, repeated) == 0);
    FUZZ_CHECK(vault_scope_covers(shown, lower) && vault_scope_covers(lower, shown));
}

static void check_cidr(const char *cidr, const char *address)
{
    if (vault_cidr_contains(cidr, address))
        FUZZ_CHECK(vault_cidr_is_valid(cidr) && vault_cidr_is_valid(address));
    if (vault_cidr_is_valid(address) && strchr(address, '/') == NULL)
        FUZZ_CHECK(vault_cidr_contains(address, address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[2048];
    char *rest = text;
    if (!kq_text_copy(kq_slice_of(data, size), text, sizeof text))
        return 0;
    const char *filter = strsep(&rest, "\n"), *scope = rest == NULL ? "" : strsep(&rest, "\n");
    check_filter(filter);
    check_scope(scope);
    if (rest != NULL)
        check_cidr(scope, rest);
    return 0;
}
