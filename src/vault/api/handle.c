#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "vault/api/access.h"
#include "vault/api/operation.h"
#include "vault/api/router.h"
#include "vault/core/names.h"
#include "vault/ops/metrics.h"

/* The road of every request: host, route, token, vault, api-version, network
 * and permission, body, handler; then the envelope, the standard headers and
 * one entry for the log. Nothing of a request is judged before its token. */

#define HTTPS_PORT 443

/* ---- answers ------------------------------------------------------------------------- */

/* Text of strangers may not be UTF-8; what is not ASCII then becomes a question mark. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char plain[sizeof((struct vault_call *)NULL)->message];
    size_t len = 0;
    for (; text[len] != '\0' && len < sizeof plain - 1; len++)
        plain[len] = (unsigned char)text[len] < 0x80 ? text[len] : '?';
    plain[len] = '\0';
    return json_string(plain);
}

static void reply_problem(struct vault_call *call, enum vault_problem problem)
{
    const struct vault_problem_row *row = vault_problem_row(problem);
    json_t *value = json_pack("{s:{s:s, s:o}}", "error", "code", row->code, "message", text_value(call->message));
    if (value != NULL && row->inner_code != NULL) /* without memory the envelope goes without it */
        (void)json_object_set_new(json_object_get(value, "error"), "innererror",
                                  json_pack("{s:s}", "code", row->inner_code));
    if (vault_reply(call, row->http_status, value) == VAULT_OK)
        return;
    kq_buffer_clear(&call->response->body);
    call->response->status = row->http_status;
    call->response->content_type = NULL;
}

static void set_header(struct vault_call *call, const char *name, const char *value)
{
    kq_ignore(vault_http_response_header(call->response, name, value),
              "a value that cannot be sent, or no memory: the answer goes without this header");
}

static bool has_header(const struct vault_call *call, const char *name)
{
    for (size_t i = 0; i < call->response->num_headers; i++) {
        if (strcmp(call->response->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

/* What a handler has not set itself. */
static void set_default(struct vault_call *call, const char *name, const char *value)
{
    if (!has_header(call, name))
        set_header(call, name, value);
}

/* The ids of requests are http/'s to add, to its own refusals too. */
static void set_standard_headers(struct vault_call *call, enum vault_host host)
{
    set_default(call, "Cache-Control", "no-cache");
    bool is_page =
        strncmp(call->response->content_type == NULL ? "" : call->response->content_type, "text/html", 9) == 0;
    if (!is_page) {
        set_default(call, "Pragma", "no-cache");
        set_default(call, "Expires", "-1");
    }
    set_default(call, "Strict-Transport-Security", "max-age=31536000;includeSubDomains");
    set_default(call, "X-Content-Type-Options", "nosniff");
    if (call->service->test_mode != NULL)
        set_header(call, "x-keyquay-test-mode", "yes");
    if (host != VAULT_HOST_VAULT || is_page)
        return;
    char network[160];
    bool is_ipv6 = strchr(call->request->peer_address, ':') != NULL;
    snprintf(network, sizeof network, "conn_type=%s;addr=%s;act_addr_fam=%s;", is_ipv6 ? "Ipv6" : "Ipv4",
             call->request->peer_address, is_ipv6 ? "InterNetworkV6" : "InterNetwork");
    if (call->vault.location != NULL)
        set_header(call, "x-ms-keyvault-region", call->vault.location);
    set_header(call, "x-ms-keyvault-service-version", KQ_VERSION);
    set_header(call, "x-ms-keyvault-network-info", network);
}

/* ---- who calls -------------------------------------------------------------------------- */

/* The challenge of a vault is read by clients' own parsers: exactly this form. */
static void set_challenge(struct vault_call *call, enum vault_host host)
{
    const struct vault_service *service = call->service;
    char value[700];
    if (host == VAULT_HOST_VAULT)
        snprintf(value, sizeof value, "Bearer authorization=\"%s/%s\", resource=\"%s\"", service->login_url,
                 service->tenant_id, service->vault_resource);
    else
        snprintf(value, sizeof value, "Bearer authorization_uri=\"%s/%s\", error=\"invalid_token\"", service->login_url,
                 service->tenant_id);
    set_header(call, "WWW-Authenticate", value);
}

enum vault_audience vault_audience_of(enum vault_host host)
{
    return host == VAULT_HOST_VAULT ? VAULT_AUDIENCE_VAULT : VAULT_AUDIENCE_MANAGEMENT;
}

static enum vault_problem check_token(struct vault_call *call, enum vault_host host, const char *authorization)
{
    struct vault_authority *authority = call->service->authority;
    bool is_vault = host == VAULT_HOST_VAULT;
    if (authorization == NULL)
        return vault_fail(call, is_vault ? VAULT_UNAUTHORIZED : VAULT_AUTHENTICATION_FAILED, "%s",
                          is_vault ? "AKV10000: Request is missing a Bearer or PoP token."
                                   : "Authentication failed. The 'Authorization' header is missing.");
    if (call->route != NULL && (call->route->flags & VAULT_ROUTE_GRAPH) != 0 &&
        vault_token_check(authority, authorization, VAULT_AUDIENCE_GRAPH, call->now, &call->caller, call->message,
                          sizeof call->message) == VAULT_OK)
        return VAULT_OK;
    enum vault_problem problem = vault_token_check(authority, authorization, vault_audience_of(host), call->now,
                                                   &call->caller, call->message, sizeof call->message);
    return problem == VAULT_UNAUTHORIZED && !is_vault ? VAULT_AUTHENTICATION_FAILED : problem;
}

/* An application's rights are for its own tokens: people sign in through
 * clients with ids that anybody may write, and have rights of their own. And
 * another issuer, which may choose its subjects' ids, makes nobody an operator. */
static kq_status look_up_operator(struct vault_call *call)
{
    if (!call->caller.is_of_this_vault)
        return KQ_OK;
    KQ_AUTO_VALUE(vault_principal) principal = {0};
    KQ_AUTO_VALUE(vault_person) person = {0};
    kq_status status = vault_store_get_principal(call->service->store, call->caller.client_id, &principal);
    if (status == KQ_OK && strcasecmp(principal.object_id, call->caller.object_id) == 0) {
        call->caller_is_operator = principal.is_operator;
        return KQ_OK;
    }
    if (status == KQ_OK || status == KQ_ERR_NOT_FOUND)
        status = vault_store_get_person(call->service->store, call->caller.object_id, &person);
    call->caller_is_operator = status == KQ_OK && person.is_operator;
    return status == KQ_ERR_NOT_FOUND ? KQ_OK : status;
}

static enum vault_problem authenticate(struct vault_call *call, enum vault_host host)
{
    enum vault_problem problem = check_token(call, host, vault_http_header(call->request, "Authorization"));
    if (problem == VAULT_UNAUTHORIZED || problem == VAULT_AUTHENTICATION_FAILED)
        set_challenge(call, host);
    if (problem != VAULT_OK || host != VAULT_HOST_MANAGEMENT)
        return problem;
    kq_status status = look_up_operator(call);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "look-up of the caller", NULL);
}

/* ---- what is called ------------------------------------------------------------------------ */

static enum vault_problem find_vault(struct vault_call *call, const char *label)
{
    kq_status status = vault_name_is_valid(label) ? vault_store_get_vault(call->service->store, label, &call->vault)
                                                  : KQ_ERR_NOT_FOUND;
    bool is_gone = status == KQ_OK && call->vault.deleted != 0;
    if (status == KQ_ERR_NOT_FOUND || is_gone)
        return vault_fail(call, VAULT_VAULT_NOT_FOUND, "There is no key vault '%s' here%s. Vaults are created at %s.",
                          label, is_gone ? " (it has been deleted, and may be recovered)" : "",
                          call->service->management_url);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "look-up of the vault", NULL);
}

/* The other trees of a vault's host, which some clients will try. */
static bool is_tree_not_offered(const struct vault_http_request *request)
{
    static const char *const trees[] = {"secrets", "deletedsecrets", "certificates", "deletedcertificates",
                                        "storage", "deletedstorage", "settings",     "securitydomain",
                                        "backup",  "restore",        "providers"};
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        if (request->num_segments > 0 && strcasecmp(request->segments[0], trees[i]) == 0)
            return true;
    }
    return false;
}

static enum vault_problem refuse_route(struct vault_call *call, enum vault_host host, uint32_t methods)
{
    const struct vault_http_request *request = call->request;
    if (host == VAULT_HOST_VAULT && is_tree_not_offered(request))
        return vault_fail(
            call, VAULT_NOT_SUPPORTED,
            "/%s is not supported: this service keeps keys, no secrets, certificates or storage accounts.",
            request->segments[0]);
    if (methods == 0 && host == VAULT_HOST_OTHER)
        return vault_fail(call, VAULT_NOT_FOUND,
                          "This service has no host '%s'. Its hosts are NAME.vault.%s, login.%s and management.%s.",
                          request->host, call->service->domain, call->service->domain, call->service->domain);
    if (methods == 0)
        return vault_fail(call, VAULT_NOT_FOUND, "There is nothing at this path for the host '%s'.", request->host);
    char allow[64] = "";
    size_t len = 0;
    for (int method = VAULT_GET; method <= VAULT_DELETE; method++) {
        if ((methods & UINT32_C(1) << method) != 0 && len < sizeof allow)
            len += (size_t)snprintf(allow + len, sizeof allow - len, "%s%s", len == 0 ? "" : ", ",
                                    vault_method_text((enum vault_method)method));
    }
    set_header(call, "Allow", allow);
    return vault_fail(call, VAULT_METHOD_NOT_ALLOWED, "%s is not allowed here. Allowed: %s.",
                      vault_method_text(request->method), allow);
}

static enum vault_problem check_version(struct vault_call *call, enum vault_host host)
{
    const char *version = vault_http_parameter(call->request, "api-version");
    bool may_be_missing = (call->route->flags & (VAULT_ROUTE_NO_VERSION | VAULT_ROUTE_PUBLIC)) != 0;
    if ((version != NULL && version[0] != '\0') || may_be_missing)
        return VAULT_OK;
    if (host == VAULT_HOST_VAULT)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "api-version must be specified: add the query parameter api-version=7.4.");
    return vault_fail(call, VAULT_MISSING_API_VERSION,
                      "The api-version query parameter (?api-version=) is required for all requests.");
}

static enum vault_problem read_body(struct vault_call *call, enum vault_host host)
{
    const enum vault_problem wrong = host == VAULT_HOST_VAULT ? VAULT_BAD_PARAMETER : VAULT_BAD_REQUEST;
    char error[160] = "";
    if ((call->route->flags & VAULT_ROUTE_BODY) == 0)
        return VAULT_OK;
    struct kq_slice text = call->request->body.len == 0 ? kq_slice_text("{}") : call->request->body;
    kq_status status = vault_json_parse(text, &call->body, error, sizeof error);
    if (status == KQ_ERR_MEMORY)
        return vault_fail_status(call, status, "request body", NULL);
    if (status != KQ_OK)
        return vault_fail(call, wrong, "The request body is not well-formed JSON: %s", error);
    if (!json_is_object(call->body))
        return vault_fail(call, wrong, "The request body must be a JSON object.");
    return VAULT_OK;
}

static enum vault_problem walk(struct vault_call *call, enum vault_host host, const char *label)
{
    uint32_t methods = 0;
    VAULT_TRY(vault_fault_check(call));
    call->route = vault_route_find(vault_route_tables, host, call->request, call->names, &methods);
    bool is_public = call->route != NULL ? (call->route->flags & VAULT_ROUTE_PUBLIC) != 0
                                         : host == VAULT_HOST_LOGIN || host == VAULT_HOST_OTHER;
    if (!is_public)
        VAULT_TRY(authenticate(call, host));
    if (host == VAULT_HOST_VAULT)
        VAULT_TRY(find_vault(call, label));
    if (call->route == NULL)
        return refuse_route(call, host, methods);
    VAULT_TRY(check_version(call, host));
    if (host == VAULT_HOST_VAULT && !is_public) {
        VAULT_TRY(vault_access_check_network(call));
        if (call->route->permission != 0)
            VAULT_TRY(vault_access_check(call, call->route->permission, call->names[0]));
    }
    VAULT_TRY(read_body(call, host));
    if (host == VAULT_HOST_VAULT && !is_public)
        VAULT_TRY(vault_throttle_check(call));
    return call->route->handler(call);
}

/* ---- from beginning to end -------------------------------------------------------------------- */

static uint64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void count_request(const struct vault_call *call, enum vault_host host, uint64_t microseconds)
{
    unsigned index = host == VAULT_HOST_VAULT        ? 0
                     : host == VAULT_HOST_LOGIN      ? 1
                     : host == VAULT_HOST_MANAGEMENT ? 2
                                                     : 3;
    if (call->service->metrics != NULL)
        vault_metrics_request(call->service->metrics, index, call->request->method, call->response->status,
                              microseconds);
}

static void write_log(const struct vault_call *call, enum vault_problem problem, uint64_t microseconds)
{
    const struct vault_service *service = call->service;
    if (service->log == NULL)
        return;
    char path[1024];
    size_t len = strcspn(call->request->target, "?");
    len = len < sizeof path ? len : sizeof path - 1;
    memcpy(path, call->request->target, len);
    path[len] = '\0';
    struct vault_request_log entry = {
        .request_id = call->request->request_id,
        .peer_address = call->request->peer_address,
        .method = vault_method_text(call->request->method),
        .host = call->request->host,
        .path = path,
        .status = call->response->status,
        .code = problem == VAULT_OK ? NULL : vault_problem_row(problem)->code,
        .message = problem == VAULT_OK ? NULL : call->message,
        .object_id = call->caller.object_id,
        .client_id = call->caller.client_id,
        .microseconds = microseconds,
    };
    service->log(service->log_context, &entry);
}

static void write_base_url(struct vault_call *call)
{
    const struct vault_http_request *request = call->request;
    if (request->port == HTTPS_PORT)
        snprintf(call->base_url, sizeof call->base_url, "https://%s", request->host);
    else
        snprintf(call->base_url, sizeof call->base_url, "https://%s:%u", request->host, (unsigned)request->port);
}

void vault_api_refused(void *context, const struct vault_http_refused *refused)
{
    const struct vault_service *service = context;
    const struct vault_request_log entry = {
        .request_id = refused->request_id,
        .peer_address = refused->peer_address,
        .status = refused->status,
        .code = refused->code,
        .message = refused->message,
    };
    if (service->log != NULL)
        service->log(service->log_context, &entry);
}

void vault_api_handle(void *context, const struct vault_http_request *request, struct vault_http_response *response)
{
    struct vault_service *service = context;
    uint64_t began_us = monotonic_us();
    char label[VAULT_HOST_LABEL_SIZE];
    struct vault_call call = {
        .service = service, .request = request, .response = response, .now = vault_service_now(service)};
    enum vault_host host = vault_host_classify(service->domain, request->host, label);
    write_base_url(&call);
    enum vault_problem problem = walk(&call, host, label);
    if (problem != VAULT_OK)
        reply_problem(&call, problem);
    set_standard_headers(&call, host);
    uint64_t microseconds = monotonic_us() - began_us;
    count_request(&call, host, microseconds);
    write_log(&call, problem, microseconds);
    vault_json_free(call.body);
    vault_record_clear(&call.vault);
}
