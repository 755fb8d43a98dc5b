#include <stdio.h>

#include "unit.h"
#include "vault/api/router.h"

/* docs/protocols/rest.md has a row for each route and for each problem, and no
 * others. What is missing is printed as the row to add. */

static char *read_document(void)
{
    const char *tests = getenv("KEYQUAY_TESTS");
    char path[4200];
    if (tests == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/../docs/protocols/rest.md", tests);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, 256 * 1024);
    assert_non_null(text);
    size_t len = fread(text, 1, 256 * 1024 - 1, file);
    fclose(file);
    assert_in_range(len, 1, 256 * 1024 - 2);
    return text;
}

static const char *hosts_text(uint32_t hosts)
{
    static const struct {
        uint32_t hosts;
        const char *text;
    } rows[] = {
        {VAULT_HOST_VAULT, "vault"},
        {VAULT_HOST_LOGIN, "login"},
        {VAULT_HOST_MANAGEMENT, "management"},
        {VAULT_HOST_ANY, "any of ours"},
        {VAULT_HOST_ANY | VAULT_HOST_OTHER, "every"},
        {VAULT_HOST_LOGIN | VAULT_HOST_MANAGEMENT, "login, management"},
        {VAULT_HOST_VAULT | VAULT_HOST_OTHER, "vault, others"},
        {VAULT_HOST_MANAGEMENT | VAULT_HOST_OTHER, "management, others"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].hosts == hosts)
            return rows[i].text;
    }
    return "?";
}

static void route_row(const struct vault_route *route, char *out, size_t size)
{
    bool is_public = (route->flags & VAULT_ROUTE_PUBLIC) != 0;
    bool has_permission = route->permission != 0;
    snprintf(out, size, "\n| `%s %s` | %s | %s%s%s |", vault_method_text(route->method), route->pattern,
             hosts_text(route->hosts), has_permission ? "`" : "",
             has_permission ? vault_permission_text(route->permission)
             : is_public    ? "no token"
                            : "token",
             has_permission ? "`" : "");
}

static size_t count_rows(const char *text, const char *begin)
{
    size_t count = 0;
    for (const char *at = strstr(text, begin); at != NULL; at = strstr(at + 1, begin))
        count++;
    return count;
}

static bool is_documented(const char *document, const char *row)
{
    if (strstr(document, row) != NULL)
        return true;
    print_error("docs/protocols/rest.md has no row beginning with:%s\n", row);
    return false;
}

static void routes__each__has_its_row(void **state)
{
    char *document = read_document();
    size_t num_routes = 0, num_missing = 0, num_rows = 0;
    char row[512];
    (void)state;
    assert_non_null(document);
    for (const struct vault_route *const *table = vault_route_tables; *table != NULL; table++) {
        for (const struct vault_route *route = *table; route->method != 0; route++) {
            route_row(route, row, sizeof row);
            num_missing += is_documented(document, row) ? 0 : 1;
            num_routes++;
        }
    }
    for (int method = VAULT_GET; method <= VAULT_DELETE; method++) {
        snprintf(row, sizeof row, "\n| `%s /", vault_method_text((enum vault_method)method));
        num_rows += count_rows(document, row);
    }
    free(document);
    assert_int_equal(num_missing, 0);
    assert_int_equal(num_rows, num_routes); /* a row too many, or one twice */
}

static void problems__each__has_its_row(void **state)
{
    char *document = read_document();
    size_t num_missing = 0, num_rows = 0;
    char row[256];
    (void)state;
    assert_non_null(document);
    for (int problem = VAULT_OK + 1; problem < VAULT_NUM_PROBLEMS; problem++) {
        const struct vault_problem_row *known = vault_problem_row((enum vault_problem)problem);
        const char *quote = known->inner_code == NULL ? "" : "`";
        snprintf(row, sizeof row, "\n| %u | `%s` | %s%s%s |", known->http_status, known->code, quote,
                 known->inner_code == NULL ? "-" : known->inner_code, quote);
        num_missing += is_documented(document, row) ? 0 : 1;
    }
    for (int status = 4; status <= 5; status++) {
        snprintf(row, sizeof row, "\n| %d", status);
        num_rows += count_rows(document, row);
    }
    free(document);
    assert_int_equal(num_missing, 0);
    assert_int_equal(num_rows, VAULT_NUM_PROBLEMS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes__each__has_its_row),
        cmocka_unit_test(problems__each__has_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
