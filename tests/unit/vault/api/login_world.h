#ifndef KQ_TESTS_VAULT_LOGIN_WORLD_H
#define KQ_TESTS_VAULT_LOGIN_WORLD_H

#include "vault/api/call.h"
#include "vault/auth/token_maker.h"

/* The login and management hosts without a server below them: handlers are
 * called through their tables, headers and records come from here. */

#define LOGIN_URL "https://login.keyquay.localhost:8443"
#define LOGIN_SECRET "the first secret of the tests"
#define LOGIN_NEWER_SECRET "the second secret of the tests"
#define LOGIN_PERSON "00000000-0000-4000-8000-00000000A11C" /* alice */
#define LOGIN_PASSPHRASE "correct horse"
#define LOGIN_EXPIRED_SECRET "the secret that has expired"

struct login_world {
    struct token_maker maker;
    struct vault_service service;
    struct vault_http_request request;
    struct vault_http_response response;
    struct vault_call call;
    const char *content_type; /* headers of the request */
    const char *client_request_id;
    json_t *answer;               /* the last one, parsed; owned */
    struct kq_buffer certificate; /* what MAKER_CLIENT has registered; empty: nothing */
    struct vault_session session; /* the one in the store; id "": none */
    kq_status store_status;       /* what the store says instead of an answer */
};

void login_world_init(struct login_world *world);
void login_world_clear(struct login_world *world);

/* Calls the handler of a pattern; the answer is in world->answer, its status is returned. */
unsigned login_world_call(struct login_world *world, const struct vault_route *routes, enum vault_method method,
                          const char *pattern, const char *tenant);
unsigned login_world_post(struct login_world *world, const char *pattern, const char *tenant, const char *form);
void login_world_set_parameter(struct login_world *world, const char *name, const char *value);
/* A text of the answer, by name; fails if it has none. */
const char *login_world_text(struct login_world *world, const char *name);
const char *login_world_header(const struct login_world *world, const char *name);

#endif
