#include "vault/api/login_person.h"

#include <strings.h>

#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "pubcrypto/hash.h"
#include "vault/api/oauth.h"
#include "vault/auth/device.h"
#include "vault/core/names.h"

/* Tokens for people. A refresh token is 32 random bytes of which the store has
 * the SHA-256; each use replaces it, and an old one that comes back ends the
 * sign-in, for then two parties have it. */

#define ANSWER_MAX (32u * 1024)
#define TOKEN_MAX (12u * 1024)
#define REFRESH_SIZE 44u        /* 32 bytes in base64url, with NUL */
#define SESSION_IDLE_S 2592000u /* 30 days without a use */
#define SESSION_LIFE_S 7776000u /* 90 days since the passphrase was given */
/* Clients ask from several processes at once: so long the token before is
 * answered too, without a new refresh token. */
#define ROTATION_GRACE_S 60u

struct person_grant {
    struct vault_device_wish wish;
    struct vault_person person;
    bool wants_client_info;
    struct kq_buffer access_token;
    struct kq_buffer id_token;        /* empty: none is given */
    char refresh_token[REFRESH_SIZE]; /* "": none is given */
};

static void clear_grant(struct person_grant *grant)
{
    vault_person_clear(&grant->person);
    kq_buffer_clear(&grant->access_token);
    kq_buffer_clear(&grant->id_token);
    kq_wipe(grant->refresh_token, sizeof grant->refresh_token);
}

static enum vault_problem refuse_grant(struct vault_call *call)
{
    return vault_oauth_fail(call, 400, "invalid_grant", 70008,
                            "The sign-in has ended, or this is no code or token of this client. Sign in again.");
}

static enum vault_problem fail_grant(struct vault_call *call, kq_status status)
{
    if (status == KQ_ERR_CONNECT || status == KQ_ERR_WAIT || status == KQ_ERR_OUTCOME_UNKNOWN)
        return vault_oauth_busy(call, 503, "The module with the token key does not answer. Try again in a second.");
    return vault_oauth_fail(call, 500, "server_error", 0, "The sign-in failed: %s", kq_status_text(status));
}

/* ---- the answer -------------------------------------------------------------------------------- */

static kq_status put_text(struct kq_buffer *out, const char *text)
{
    return kq_buffer_append(out, text, strlen(text));
}

/* base64url of {"uid":...,"utid":...}: how clients of Azure name an account. */
static kq_status put_client_info(const struct vault_call *call, const struct person_grant *grant, struct kq_buffer *out)
{
    char text[160];
    snprintf(text, sizeof text, "{\"uid\":\"%s\",\"utid\":\"%s\"}", grant->person.object_id, call->service->tenant_id);
    KQ_TRY(put_text(out, "\",\"client_info\":\""));
    return kq_base64url_encode(kq_slice_text(text), out);
}

/* Before anything is changed: the module may not be there. */
static kq_status make_tokens(struct vault_call *call, struct person_grant *grant)
{
    struct vault_authority *authority = call->service->authority;
    const struct vault_token_subject subject = {.client_id = grant->wish.client_id,
                                                .object_id = grant->person.object_id,
                                                .audience = grant->wish.resource,
                                                .proof = VAULT_TOKEN_BY_NOTHING,
                                                .user_name = grant->person.user_name,
                                                .display_name = grant->person.display_name};
    kq_buffer_init(&grant->access_token, TOKEN_MAX);
    kq_buffer_init(&grant->id_token, TOKEN_MAX);
    KQ_TRY(vault_token_issue_to(authority, &subject, call->now, &grant->access_token));
    return grant->wish.wants_id_token ? vault_id_token_issue(authority, &subject, call->now, &grant->id_token) : KQ_OK;
}

static kq_status write_answer(struct vault_call *call, const struct person_grant *grant, struct kq_buffer *out)
{
    unsigned long long life = vault_authority_token_life_s(call->service->authority);
    char head[800];
    /* The resource has been found among our names: nothing in it needs an escape. */
    snprintf(head, sizeof head,
             "{\"token_type\":\"Bearer\",\"scope\":\"%s/user_impersonation\",\"expires_in\":%llu,"
             "\"ext_expires_in\":%llu,\"access_token\":\"",
             grant->wish.resource, life, life);
    KQ_TRY(put_text(out, head));
    KQ_TRY(kq_buffer_append(out, grant->access_token.data, grant->access_token.len));
    if (grant->refresh_token[0] != '\0') {
        KQ_TRY(put_text(out, "\",\"refresh_token\":\""));
        KQ_TRY(put_text(out, grant->refresh_token));
    }
    if (grant->id_token.len > 0) {
        KQ_TRY(put_text(out, "\",\"id_token\":\""));
        KQ_TRY(kq_buffer_append(out, grant->id_token.data, grant->id_token.len));
    }
    if (grant->wants_client_info)
        KQ_TRY(put_client_info(call, grant, out));
    return put_text(out, "\"}");
}

static enum vault_problem answer(struct vault_call *call, const struct person_grant *grant)
{
    struct kq_buffer *body = &call->response->body;
    kq_buffer_clear(body);
    kq_buffer_init(body, ANSWER_MAX);
    kq_status status = write_answer(call, grant, body);
    if (status == KQ_OK)
        status = vault_http_response_header(call->response, "Cache-Control", "no-store, no-cache");
    if (status != KQ_OK) {
        kq_buffer_clear(body);
        return fail_grant(call, status);
    }
    call->response->status = 200;
    call->response->content_type = "application/json; charset=utf-8";
    /* For the log: this request has shown whose it is. */
    kq_text_copy(kq_slice_text(grant->wish.client_id), call->caller.client_id, sizeof call->caller.client_id);
    kq_text_copy(kq_slice_text(grant->person.object_id), call->caller.object_id, sizeof call->caller.object_id);
    return VAULT_OK;
}

static bool wants_client_info(const struct vault_form *form)
{
    const char *value = vault_form_value(form, "client_info");
    return value != NULL && strcmp(value, "1") == 0;
}

/* ---- refresh tokens ---------------------------------------------------------------------------- */

static kq_status make_refresh_token(char out[REFRESH_SIZE], uint8_t out_hash[32])
{
    uint8_t bytes[32];
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, REFRESH_SIZE);
    KQ_TRY(kq_random(bytes, sizeof bytes));
    kq_status status = kq_base64url_encode(kq_slice_of(bytes, sizeof bytes), &text);
    kq_wipe(bytes, sizeof bytes);
    KQ_TRY(status);
    kq_sha256(kq_buffer_slice(&text), out_hash);
    return kq_text_copy(kq_buffer_slice(&text), out, REFRESH_SIZE) ? KQ_OK : KQ_ERR_INTERNAL;
}

static kq_status begin_session(struct vault_call *call, struct person_grant *grant)
{
    struct vault_session session = {.created = call->now, .expires = call->now + SESSION_IDLE_S};
    KQ_TRY(vault_new_guid(session.id));
    snprintf(session.object_id, sizeof session.object_id, "%s", grant->person.object_id);
    snprintf(session.client_id, sizeof session.client_id, "%s", grant->wish.client_id);
    KQ_TRY(make_refresh_token(grant->refresh_token, session.hash));
    return vault_store_put_session(call->service->store, &session);
}

/* A new refresh token in the place of this one; none if another process of the client was faster. */
static kq_status rotate(struct vault_call *call, struct vault_session *session, struct person_grant *grant)
{
    uint64_t last = session->created + SESSION_LIFE_S;
    memcpy(session->previous, session->hash, sizeof session->previous);
    session->rotated = call->now;
    session->expires = call->now + SESSION_IDLE_S < last ? call->now + SESSION_IDLE_S : last;
    KQ_TRY(make_refresh_token(grant->refresh_token, session->hash));
    kq_status status = vault_store_rotate_session(call->service->store, session);
    if (status != KQ_OK)
        kq_wipe(grant->refresh_token, sizeof grant->refresh_token);
    return status == KQ_ERR_NOT_FOUND ? KQ_OK : status;
}

/* KQ_ERR_AUTH where the token says nothing, or was used before. */
static kq_status use_refresh_token(struct vault_call *call, const char *token, struct person_grant *grant)
{
    struct vault_session session;
    uint8_t hash[32];
    kq_sha256(kq_slice_text(token), hash);
    kq_status status = vault_store_find_session(call->service->store, hash, &session);
    if (status == KQ_ERR_NOT_FOUND)
        return KQ_ERR_AUTH;
    KQ_TRY(status);
    bool is_newest = memcmp(hash, session.hash, sizeof hash) == 0;
    if (strcasecmp(session.client_id, grant->wish.client_id) != 0 || session.expires <= call->now)
        return KQ_ERR_AUTH;
    if (!is_newest && call->now >= session.rotated + ROTATION_GRACE_S) {
        status = vault_store_delete_session(call->service->store, session.id);
        return status == KQ_OK || status == KQ_ERR_NOT_FOUND ? KQ_ERR_AUTH : status;
    }
    status = vault_store_get_person(call->service->store, session.object_id, &grant->person);
    if (status == KQ_ERR_NOT_FOUND)
        return KQ_ERR_AUTH;
    KQ_TRY(status);
    KQ_TRY(make_tokens(call, grant));
    return is_newest ? rotate(call, &session, grant) : KQ_OK;
}

static enum vault_problem refresh(struct vault_call *call, const struct vault_form *form, struct person_grant *grant)
{
    const char *token = vault_form_value(form, "refresh_token");
    enum vault_problem problem = vault_login_read_wish(call, form, &grant->wish);
    if (problem != VAULT_OK || call->response->status != 0)
        return problem;
    if (token == NULL)
        return vault_oauth_fail(call, 400, "invalid_request", 900144,
                                "The request body must contain the following parameter: 'refresh_token'.");
    kq_status status = use_refresh_token(call, token, grant);
    if (status == KQ_ERR_AUTH)
        return refuse_grant(call);
    return status == KQ_OK ? answer(call, grant) : fail_grant(call, status);
}

enum vault_problem vault_login_by_refresh(struct vault_call *call, const struct vault_form *form)
{
    struct person_grant grant = {.wants_client_info = wants_client_info(form)};
    enum vault_problem problem = refresh(call, form, &grant);
    clear_grant(&grant);
    return problem;
}

/* ---- device codes ------------------------------------------------------------------------------ */

static enum vault_problem refuse_poll(struct vault_call *call, kq_status status)
{
    if (status == KQ_ERR_STATE)
        return vault_oauth_fail(call, 400, "authorization_pending", 70016,
                                "Nobody has decided yet. Ask again after the interval.");
    if (status == KQ_ERR_WAIT)
        return vault_oauth_fail(call, 400, "slow_down", 70019,
                                "Asked too soon. The interval is %u seconds longer from now on.",
                                VAULT_DEVICE_INTERVAL_S);
    if (status == KQ_ERR_CANCELLED)
        return vault_oauth_fail(call, 400, "access_denied", 70017, "The sign-in was denied.");
    if (status == KQ_ERR_EXPIRED)
        return vault_oauth_fail(call, 400, "expired_token", 70020, "The code has ended. Begin again.");
    return refuse_grant(call);
}

static enum vault_problem grant_device(struct vault_call *call, const char *client_id, const char *device_code,
                                       struct person_grant *grant)
{
    char object_id[37] = "";
    kq_status status = vault_device_poll(vault_authority_devices(call->service->authority), device_code, client_id,
                                         call->now, &grant->wish, object_id);
    if (status != KQ_OK)
        return refuse_poll(call, status);
    status = vault_store_get_person(call->service->store, object_id, &grant->person);
    if (status == KQ_ERR_NOT_FOUND)
        return refuse_grant(call);
    if (status == KQ_OK)
        status = make_tokens(call, grant);
    if (status == KQ_OK && grant->wish.wants_refresh_token)
        status = begin_session(call, grant);
    return status == KQ_OK ? answer(call, grant) : fail_grant(call, status);
}

enum vault_problem vault_login_by_device(struct vault_call *call, const struct vault_form *form)
{
    struct person_grant grant = {.wants_client_info = wants_client_info(form)};
    const char *client_id = vault_form_value(form, "client_id");
    const char *device_code = vault_form_value(form, "device_code");
    if (client_id == NULL || device_code == NULL)
        return vault_oauth_fail(call, 400, "invalid_request", 900144,
                                "The request body must contain the following parameter: '%s'.",
                                client_id == NULL ? "client_id" : "device_code");
    enum vault_problem problem = grant_device(call, client_id, device_code, &grant);
    clear_grant(&grant);
    return problem;
}
