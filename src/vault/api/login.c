#include "base/text.h"
#include "vault/api/form.h"
#include "vault/api/login_assertion.h"
#include "vault/api/login_person.h"
#include "vault/api/oauth.h"
#include "vault/auth/secret.h"

/* The token endpoint: client credentials with a secret or an assertion under a
 * certificate, in the forms of all its generations (scope= and resource=, with and without v2.0, ADFS). */

#define RESOURCE_SIZE 256
#define TOKEN_ANSWER_MAX (16u * 1024)
#define SECRETS_LOOKED_AT 64u /* of one client, expired ones among them */

struct token_request {
    const char *client_id;
    const char *secret; /* one of these two */
    const char *assertion;
    char resource[RESOURCE_SIZE]; /* what becomes aud */
    bool is_v1;                   /* asked for with resource=: numbers are answered as text */
};

static enum vault_problem refuse_missing(struct vault_call *call, const char *parameter)
{
    return vault_oauth_fail(call, 400, "invalid_request", 900144,
                            "The request body must contain the following parameter: '%s'.", parameter);
}

/* ---- what is asked for ------------------------------------------------------------------ */

/* RESOURCE/.default, one of them. A resource that ends with a slash gives two
 * in a row, and keeps its own. */
static enum vault_problem read_scope(struct vault_call *call, const char *scope, struct token_request *request)
{
    static const char suffix[] = "/.default";
    size_t len = strlen(scope);
    if (strchr(scope, ' ') != NULL)
        return vault_oauth_fail(call, 400, "invalid_scope", 70011,
                                "The scope '%s' is not valid: ask for one resource at a time.",
                                vault_oauth_shown(scope));
    if (len < sizeof suffix || strcmp(scope + len - (sizeof suffix - 1), suffix) != 0)
        return vault_oauth_fail(call, 400, "invalid_scope", 1002012,
                                "The scope '%s' is not valid. Client credential flows must have a scope value with "
                                "/.default suffixed to the resource identifier, like %s/.default.",
                                vault_oauth_shown(scope), call->service->vault_resource);
    if (!kq_text_copy(kq_slice_of(scope, len - (sizeof suffix - 1)), request->resource, sizeof request->resource))
        return vault_oauth_fail(call, 400, "invalid_scope", 70011, "The scope is longer than any resource here.");
    return VAULT_OK;
}

static enum vault_problem read_resource(struct vault_call *call, const struct vault_form *form,
                                        struct token_request *request)
{
    const char *scope = vault_form_value(form, "scope");
    const char *resource = vault_form_value(form, "resource");
    if (scope == NULL && resource == NULL)
        return refuse_missing(call, "scope");
    if (scope != NULL && scope[0] != '\0')
        return read_scope(call, scope, request);
    if (resource == NULL || resource[0] == '\0')
        return refuse_missing(call, "scope");
    if (!kq_text_copy(kq_slice_text(resource), request->resource, sizeof request->resource))
        return vault_oauth_fail(call, 400, "invalid_resource", 50001, "The resource is longer than any resource here.");
    request->is_v1 = true;
    return VAULT_OK;
}

static const char *value_or_null(const struct vault_form *form, const char *name)
{
    const char *value = vault_form_value(form, name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static enum vault_problem check_proofs(struct vault_call *call, const char *assertion_type,
                                       const struct token_request *request)
{
    if (request->secret != NULL && request->assertion != NULL)
        return vault_oauth_fail(call, 400, "invalid_request", 90014,
                                "The request has both a client_secret and a client_assertion. Send one of them.");
    if (request->secret == NULL && request->assertion == NULL)
        return vault_oauth_fail(call, 401, "invalid_client", 7000216,
                                "'client_assertion' or 'client_secret' is required for the 'client_credentials' grant "
                                "type.");
    if (request->assertion != NULL &&
        (assertion_type == NULL || strcmp(assertion_type, VAULT_CLIENT_ASSERTION_TYPE) != 0))
        return vault_oauth_fail(call, 400, "invalid_request", 50027, "The client_assertion_type must be %s.",
                                VAULT_CLIENT_ASSERTION_TYPE);
    return VAULT_OK;
}

static enum vault_problem read_client(struct vault_call *call, const struct vault_form *form,
                                      struct token_request *request)
{
    request->client_id = vault_form_value(form, "client_id");
    request->secret = value_or_null(form, "client_secret");
    request->assertion = value_or_null(form, "client_assertion");
    if (request->client_id == NULL)
        return refuse_missing(call, "client_id");
    if (!kq_guid_is_valid(kq_slice_text(request->client_id)))
        return vault_oauth_fail(call, 400, "unauthorized_client", 700016,
                                "Application with identifier '%s' was not found: a client_id is a GUID.",
                                vault_oauth_shown(request->client_id));
    return check_proofs(call, vault_form_value(form, "client_assertion_type"), request);
}

/* ---- who asks ----------------------------------------------------------------------------- */

/* The newest secrets of a client that have not expired. */
static kq_status load_secrets(struct vault_call *call, const char *client_id,
                              struct vault_stored_secret out[VAULT_GATE_SECRETS], size_t *out_num)
{
    size_t num = 0;
    for (size_t i = 0; i < SECRETS_LOOKED_AT; i++) {
        struct vault_client_secret record;
        kq_status status = vault_store_get_client_secret(call->service->store, client_id, i, &record);
        if (status == KQ_ERR_NOT_FOUND)
            break;
        KQ_TRY(status);
        if (record.expires != 0 && record.expires <= call->now)
            continue;
        struct vault_stored_secret *stored = &out[num++ % VAULT_GATE_SECRETS];
        memcpy(stored->salt, record.salt, sizeof stored->salt);
        memcpy(stored->hash, record.hash, sizeof stored->hash);
        stored->log2_n = record.scrypt_log2_n;
    }
    *out_num = num < VAULT_GATE_SECRETS ? num : VAULT_GATE_SECRETS;
    return KQ_OK;
}

/* KQ_OK with the principal; KQ_ERR_AUTH for an unknown client as for a wrong
 * secret, at the same price. */
static kq_status check_secret(struct vault_call *call, const struct token_request *request, struct vault_principal *out)
{
    struct vault_stored_secret stored[VAULT_GATE_SECRETS] = {{.log2_n = 0}};
    size_t num_stored = 0;
    kq_status status = vault_store_get_principal(call->service->store, request->client_id, out);
    if (status == KQ_OK)
        KQ_TRY(load_secrets(call, request->client_id, stored, &num_stored));
    else if (status != KQ_ERR_NOT_FOUND)
        return status;
    return vault_secret_gate_check(vault_authority_secrets(call->service->authority), kq_slice_text(request->secret),
                                   stored, num_stored, call->now);
}

static enum vault_problem refuse_client(struct vault_call *call, const struct token_request *request, kq_status status,
                                        const char *why)
{
    if (status == KQ_ERR_AUTH && request->assertion != NULL)
        return vault_oauth_fail(call, 401, "invalid_client", 700027, "The client assertion of '%s' is refused: %s.",
                                request->client_id, why);
    if (status == KQ_ERR_AUTH)
        return vault_oauth_fail(call, 401, "invalid_client", 7000215,
                                "Invalid client secret provided. There is no application '%s' with this secret, or "
                                "the secret has expired. Send the secret's value, not its id.",
                                request->client_id);
    if (status == KQ_ERR_WAIT)
        return vault_oauth_busy(call, 429, "Too many sign-ins are being checked. Try again in a second.");
    return vault_oauth_fail(call, 500, "server_error", 0, "Looking up the application failed: %s",
                            kq_status_text(status));
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* Written by hand: the token then lies in one buffer that is wiped. */
static kq_status write_answer(struct vault_call *call, const struct token_request *request, struct kq_slice token)
{
    struct kq_buffer *body = &call->response->body;
    uint64_t life = vault_authority_token_life_s(call->service->authority);
    char head[700];
    char extra[500] = "";
    const char *quote = request->is_v1 ? "\"" : "";
    /* The resource has been found among our names: nothing in it needs an escape. */
    if (request->is_v1)
        snprintf(extra, sizeof extra, "\"expires_on\":\"%llu\",\"not_before\":\"%llu\",\"resource\":\"%s\",",
                 (unsigned long long)(call->now + life), (unsigned long long)call->now, request->resource);
    snprintf(head, sizeof head, "{\"token_type\":\"Bearer\",\"expires_in\":%s%llu%s,\"ext_expires_in\":%s%llu%s,%s",
             quote, (unsigned long long)life, quote, quote, (unsigned long long)life, quote, extra);
    kq_buffer_clear(body);
    kq_buffer_init(body, TOKEN_ANSWER_MAX);
    KQ_TRY(kq_buffer_append(body, head, strlen(head)));
    KQ_TRY(kq_buffer_append(body, "\"access_token\":\"", sizeof "\"access_token\":\"" - 1));
    KQ_TRY(kq_buffer_append(body, token.data, token.len));
    KQ_TRY(kq_buffer_append(body, "\"}", 2));
    KQ_TRY(vault_http_response_header(call->response, "Cache-Control", "no-store, no-cache"));
    call->response->status = 200;
    call->response->content_type = "application/json; charset=utf-8";
    return KQ_OK;
}

static enum vault_problem refuse_token(struct vault_call *call, const struct token_request *request, kq_status status)
{
    kq_buffer_clear(&call->response->body);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_oauth_fail(call, 400, "invalid_resource", 500011,
                                "The resource '%s' was not found in the tenant. Resources here are %s (keys) and %s "
                                "(vaults, subscriptions).",
                                vault_oauth_shown(request->resource), call->service->vault_resource,
                                call->service->management_url);
    if (status == KQ_ERR_CONNECT || status == KQ_ERR_WAIT || status == KQ_ERR_OUTCOME_UNKNOWN)
        return vault_oauth_busy(call, 503, "The module with the token key does not answer. Try again in a second.");
    return vault_oauth_fail(call, 500, "server_error", 0, "Signing the token failed: %s", kq_status_text(status));
}

static enum vault_problem issue(struct vault_call *call, const struct token_request *request)
{
    KQ_AUTO_VALUE(vault_principal) principal = {.display_name = NULL};
    KQ_AUTO_VALUE(kq_buffer) token = {0};
    kq_buffer_init(&token, TOKEN_ANSWER_MAX);
    bool has_secret = request->assertion == NULL;
    const char *why = "";
    kq_status status = has_secret
                           ? check_secret(call, request, &principal)
                           : vault_login_by_assertion(call, request->client_id, request->assertion, &principal, &why);
    if (status != KQ_OK)
        return refuse_client(call, request, status, why);
    const struct vault_token_subject subject = {
        .client_id = principal.client_id,
        .object_id = principal.object_id,
        .audience = request->resource,
        .proof = has_secret ? VAULT_TOKEN_BY_SECRET : VAULT_TOKEN_BY_CERTIFICATE,
    };
    status = vault_token_issue_to(call->service->authority, &subject, call->now, &token);
    if (status == KQ_OK)
        status = write_answer(call, request, kq_buffer_slice(&token));
    if (status != KQ_OK)
        return refuse_token(call, request, status);
    /* For the log: this request has shown whose it is. */
    kq_text_copy(kq_slice_text(principal.client_id), call->caller.client_id, sizeof call->caller.client_id);
    kq_text_copy(kq_slice_text(principal.object_id), call->caller.object_id, sizeof call->caller.object_id);
    return VAULT_OK;
}

static enum vault_problem grant_client_credentials(struct vault_call *call, const struct vault_form *form)
{
    struct token_request request = {.client_id = NULL};
    enum vault_problem problem = read_client(call, form, &request);
    if (problem != VAULT_OK || call->response->status != 0)
        return problem;
    problem = read_resource(call, form, &request);
    if (problem != VAULT_OK || call->response->status != 0)
        return problem;
    return issue(call, &request);
}

/* Handlers answer refusals themselves and return VAULT_OK: a status that is set says that there is an answer. */
static enum vault_problem post_token(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
    const char *why = NULL;
    call->response->status = 0;
    if (!vault_oauth_tenant_is_ours(call, call->names[0]))
        return vault_oauth_no_tenant(call, call->names[0]);
    if (!vault_form_is_type(vault_http_header(call->request, "Content-Type")))
        return vault_oauth_fail(call, 400, "invalid_request", 900561,
                                "The request's Content-Type must be application/x-www-form-urlencoded.");
    if (vault_form_parse(call->request->body, &form, &why) != KQ_OK)
        return vault_oauth_fail(call, 400, "invalid_request", 9002313, "The request body is malformed: %s.", why);
    const char *grant = vault_form_value(&form, "grant_type");
    if (grant == NULL)
        return refuse_missing(call, "grant_type");
    if (strcmp(grant, "client_credentials") == 0)
        return grant_client_credentials(call, &form);
    if (strcmp(grant, VAULT_GRANT_DEVICE_CODE) == 0)
        return vault_login_by_device(call, &form);
    if (strcmp(grant, "refresh_token") == 0)
        return vault_login_by_refresh(call, &form);
    return vault_oauth_fail(call, 400, "unsupported_grant_type", 70003,
                            "The grant type '%s' is not supported. Use client_credentials, refresh_token or %s.",
                            vault_oauth_shown(grant), VAULT_GRANT_DEVICE_CODE);
}

/* Named in the discovery documents because clients insist on it. */
static enum vault_problem get_authorize(struct vault_call *call)
{
    return vault_oauth_fail(call, 400, "unsupported_response_type", 0,
                            "Signing people in with a browser is not supported here. Sign in with a device code "
                            "(az login --use-device-code) or as a service principal (az login --service-principal).");
}

const struct vault_route vault_login_routes[] = {
    {VAULT_HOST_LOGIN, VAULT_POST, "/{}/oauth2/token", post_token, 0, VAULT_ROUTE_PUBLIC | VAULT_ROUTE_FORM},
    {VAULT_HOST_LOGIN, VAULT_POST, "/{}/oauth2/v2.0/token", post_token, 0, VAULT_ROUTE_PUBLIC | VAULT_ROUTE_FORM},
    /* Who takes the ADFS authority for a host and adds the tenant to it. */
    {VAULT_HOST_LOGIN, VAULT_POST, "/adfs/{}/oauth2/v2.0/token", post_token, 0, VAULT_ROUTE_PUBLIC | VAULT_ROUTE_FORM},
    {VAULT_HOST_LOGIN, VAULT_POST, "/{}/oauth2/devicecode", vault_device_post, 0,
     VAULT_ROUTE_PUBLIC | VAULT_ROUTE_FORM},
    {VAULT_HOST_LOGIN, VAULT_POST, "/{}/oauth2/v2.0/devicecode", vault_device_post, 0,
     VAULT_ROUTE_PUBLIC | VAULT_ROUTE_FORM},
    {VAULT_HOST_LOGIN, VAULT_GET, "/device", vault_device_page_get, 0, VAULT_ROUTE_PUBLIC},
    {VAULT_HOST_LOGIN, VAULT_POST, "/device", vault_device_page_post, 0, VAULT_ROUTE_PUBLIC | VAULT_ROUTE_FORM},
    {VAULT_HOST_LOGIN, VAULT_GET, "/{}/oauth2/authorize", get_authorize, 0, VAULT_ROUTE_PUBLIC},
    {VAULT_HOST_LOGIN, VAULT_GET, "/{}/oauth2/v2.0/authorize", get_authorize, 0, VAULT_ROUTE_PUBLIC},
    {VAULT_HOST_LOGIN, VAULT_GET, "/{}/.well-known/openid-configuration", vault_discovery_document, 0,
     VAULT_ROUTE_PUBLIC},
    {VAULT_HOST_LOGIN, VAULT_GET, "/{}/v2.0/.well-known/openid-configuration", vault_discovery_document_v2, 0,
     VAULT_ROUTE_PUBLIC},
    {VAULT_HOST_LOGIN, VAULT_GET, "/{}/discovery/keys", vault_discovery_keys, 0, VAULT_ROUTE_PUBLIC},
    {VAULT_HOST_LOGIN, VAULT_GET, "/{}/discovery/v2.0/keys", vault_discovery_keys, 0, VAULT_ROUTE_PUBLIC},
    {VAULT_HOST_LOGIN, VAULT_GET, "/{}/discovery/instance", vault_discovery_instance, 0, VAULT_ROUTE_PUBLIC},
    {.method = 0},
};
