#include "vault/api/router.h"

#include "vault/api/operation.h"

#include <strings.h>

const struct vault_route *const vault_route_tables[] = {
    vault_operation_routes,
    vault_key_use_routes,
    vault_key_routes,
    vault_login_routes,
    vault_metadata_routes,
    vault_subscription_routes,
    vault_vault_routes,
    vault_role_routes,
    vault_public_routes,
    vault_principal_routes,
    NULL,
};

/* The first label of a host NAME.vault.DOMAIN; false if it is none. */
static bool read_label(const char *domain, const char *host, char label[VAULT_HOST_LABEL_SIZE])
{
    static const char zone[] = "vault.";
    const char *dot = strchr(host, '.');
    if (dot == NULL || dot == host || (size_t)(dot - host) >= VAULT_HOST_LABEL_SIZE)
        return false;
    if (strncasecmp(dot + 1, zone, sizeof zone - 1) != 0 || strcasecmp(dot + sizeof zone, domain) != 0)
        return false;
    memcpy(label, host, (size_t)(dot - host));
    label[dot - host] = '\0';
    return true;
}

enum vault_host vault_host_classify(const char *domain, const char *host, char label[VAULT_HOST_LABEL_SIZE])
{
    static const char login[] = "login.", management[] = "management.";
    label[0] = '\0';
    if (strncasecmp(host, login, sizeof login - 1) == 0 && strcasecmp(host + sizeof login - 1, domain) == 0)
        return VAULT_HOST_LOGIN;
    if (strncasecmp(host, management, sizeof management - 1) == 0 &&
        strcasecmp(host + sizeof management - 1, domain) == 0)
        return VAULT_HOST_MANAGEMENT;
    return read_label(domain, host, label) ? VAULT_HOST_VAULT : VAULT_HOST_OTHER;
}

/* How a pattern meets a path: a bit for each literal segment, the first segment
 * highest, so that the greater number is the better match. */
struct match {
    bool is_match;
    uint32_t literals;
    const char *names[8];
};

static struct match match_pattern(const char *pattern, const struct vault_http_request *request)
{
    struct match match = {0};
    size_t num_names = 0, i = 0;
    const char *at = pattern;
    while (*at == '/') {
        at++;
        size_t len = strcspn(at, "/");
        if (len == 0)
            break; /* "/": no segment */
        if (i == request->num_segments)
            return match;
        const char *segment = request->segments[i];
        bool is_name = len == 2 && at[0] == '{' && at[1] == '}';
        if (is_name && num_names == sizeof match.names / sizeof match.names[0])
            KQ_BUG("a route with too many names");
        if (is_name)
            match.names[num_names++] = segment;
        else if (strlen(segment) == len && strncasecmp(segment, at, len) == 0)
            match.literals |= UINT32_C(1) << (31 - i);
        else
            return match;
        at += len;
        i++;
    }
    match.is_match = i == request->num_segments;
    return match;
}

_Static_assert(VAULT_SEGMENTS_MAX <= 32, "one bit for each segment");

struct search {
    const struct vault_http_request *request;
    enum vault_host host;
    const struct vault_route *best;
    struct match match;
    uint32_t methods;
};

static bool fits_method(const struct vault_route *route, enum vault_method method)
{
    return route->method == method || (method == VAULT_HEAD && route->method == VAULT_GET);
}

static void consider(struct search *search, const struct vault_route *route)
{
    if ((route->hosts & search->host) == 0)
        return;
    struct match match = match_pattern(route->pattern, search->request);
    if (!match.is_match)
        return;
    search->methods |= UINT32_C(1) << route->method;
    if (!fits_method(route, search->request->method))
        return;
    bool is_better = search->best == NULL || match.literals > search->match.literals ||
                     (match.literals == search->match.literals && route->method == search->request->method &&
                      search->best->method != search->request->method);
    if (!is_better)
        return;
    search->best = route;
    search->match = match;
}

const struct vault_route *vault_route_find(const struct vault_route *const *tables, enum vault_host host,
                                           const struct vault_http_request *request, const char *out_names[8],
                                           uint32_t *out_methods)
{
    struct search search = {.request = request, .host = host};
    for (; *tables != NULL; tables++) {
        for (const struct vault_route *route = *tables; route->method != 0; route++)
            consider(&search, route);
    }
    if (search.best != NULL)
        memcpy(out_names, search.match.names, sizeof search.match.names);
    if ((search.methods & UINT32_C(1) << VAULT_GET) != 0)
        search.methods |= UINT32_C(1) << VAULT_HEAD;
    *out_methods = search.methods;
    return search.best;
}
