#ifndef VAULT_API_CALL_H
#define VAULT_API_CALL_H

#include "vault/auth/token.h"
#include "vault/core/permissions.h"
#include "vault/core/problem.h"
#include "vault/http/server.h"
#include "vault/json/json.h"
#include "vault/service.h"
#include "vault/store/store.h"
#include "vault/store/turn.h"

/* One REST call on its way. The router has matched the route, checked the
 * token where the route wants one, found the vault of the host name (data
 * plane) and parsed the body before a handler sees it. */

enum vault_host {
    VAULT_HOST_VAULT = 0x1,      /* NAME.vault.DOMAIN */
    VAULT_HOST_LOGIN = 0x2,      /* login.DOMAIN */
    VAULT_HOST_MANAGEMENT = 0x4, /* management.DOMAIN; Graph's answers too */
    VAULT_HOST_ANY = 0x7,
    VAULT_HOST_OTHER = 0x8, /* any other name or address; for routes that say so, such as health */
};

struct vault_route;

struct vault_call {
    struct vault_service *service;
    const struct vault_http_request *request;
    struct vault_http_response *response;
    const struct vault_route *route;
    const char *names[8];       /* what stood at the {} of the pattern, in order */
    json_t *body;               /* parsed; NULL for routes without BODY */
    struct vault_caller caller; /* "" members on routes that are PUBLIC */
    bool caller_is_operator;    /* management host only */
    struct vault_record vault;  /* data plane */
    char base_url[320];         /* https://host[:port], as the client said it; no slash at the end */
    uint64_t now;
    char message[1400]; /* of a problem */
};

/* Sets the message and returns the problem: `return vault_fail(call, VAULT_KEY_NOT_FOUND, "...")`. */
enum vault_problem vault_fail(struct vault_call *call, enum vault_problem problem, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A status of a lower layer as a problem: storage, module, memory.
 * what  "key mykey"; why may be NULL or "" */
enum vault_problem vault_fail_status(struct vault_call *call, kq_status status, const char *what, const char *why);

/* The turn to change a vault (key: "") or one of its keys, before the record is read.
 * Returns  VAULT_OK, VAULT_THROTTLED */
enum vault_problem vault_take_turn(struct vault_call *call, const char *vault, const char *key, struct vault_turn *out);

/* Answers with JSON; takes value, which may be NULL for "out of memory". */
enum vault_problem vault_reply(struct vault_call *call, unsigned http_status, json_t *value);
/* Answers without a body. */
enum vault_problem vault_reply_empty(struct vault_call *call, unsigned http_status);

typedef enum vault_problem vault_handler(struct vault_call *call);

enum vault_route_flag {
    VAULT_ROUTE_PUBLIC = 0x1,     /* no token */
    VAULT_ROUTE_BODY = 0x2,       /* a JSON object is wanted; an empty body counts as {} */
    VAULT_ROUTE_FORM = 0x4,       /* the handler reads the body itself (token endpoint) */
    VAULT_ROUTE_NO_VERSION = 0x8, /* api-version may be missing */
    VAULT_ROUTE_GRAPH = 0x20,     /* a token for Graph will do as well as one for management */
};

/* Patterns are written with {}: "/keys/{}/{}/sign". Literal segments compare
 * without regard to case and win over {}. Method 0 ends a table. */
struct vault_route {
    uint32_t hosts; /* vault_host bits */
    enum vault_method method;
    const char *pattern;
    vault_handler *handler;
    uint32_t permission; /* data plane: one vault_permission bit, checked before the handler; 0: the handler decides */
    uint32_t flags;
};

/* For whom tokens are made that this host wants. */
enum vault_audience vault_audience_of(enum vault_host host);

extern const struct vault_route vault_key_routes[];      /* api/keys*.c: get list create import update delete ... */
extern const struct vault_route vault_key_use_routes[];  /* api/key_use.c: sign verify encrypt ... */
extern const struct vault_route vault_login_routes[];    /* api/login.c: tokens, discovery, jwks */
extern const struct vault_route vault_metadata_routes[]; /* api/metadata.c: metadata endpoints, Graph */
extern const struct vault_route
    vault_subscription_routes[]; /* api/subscriptions.c: tenants, subscriptions, locations, groups */
extern const struct vault_route
    vault_vault_routes[]; /* api/vaults.c: vaults, deleted vaults, names, policies, resources */
extern const struct vault_route
    vault_principal_routes[];                          /* api/principals.c: applications, their secrets, certificates */
extern const struct vault_route vault_role_routes[];   /* api/roles.c: role definitions and assignments */
extern const struct vault_route vault_public_routes[]; /* api/public.c: /, toolsets, healthz, readyz */

/* Is the caller allowed this on the call's vault (access policy or RBAC)?
 * key_name  for scopes down to one key; NULL
 * Returns   VAULT_OK, VAULT_ACCESS_DENIED, VAULT_FORBIDDEN_BY_RBAC with Azure's words in call->message */
enum vault_problem vault_access_check(struct vault_call *call, uint32_t permission, const char *key_name);

/* The handler for vault_http_start(): context is the struct vault_service. */
void vault_api_handle(void *context, const struct vault_http_request *request, struct vault_http_response *response);
/* A vault_http_on_refused: what the server refused has its line in the log too. */
void vault_api_refused(void *context, const struct vault_http_refused *refused);
/* For it too, with the same context: the principal whose token the request has, if it is good. */
uint64_t vault_api_identify(void *context, const struct vault_http_request *request, enum vault_http_look look);

#endif
