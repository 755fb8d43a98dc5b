#include <string.h>

#include "base/text.h"
#include "base/wipe.h"
#include "vault/api/login_person.h"
#include "vault/api/oauth.h"
#include "vault/auth/device.h"

/* A device begins a sign-in: it gets a code to ask with, and one for a person to type. */

/* One word of a scope. What asks for a token for a resource ends with
 * /.default or /user_impersonation; a resource that ends with a slash keeps it. */
static bool read_word(struct kq_slice word, struct vault_device_wish *out, bool *is_good)
{
    static const char *const ends[] = {"/.default", "/user_impersonation"};
    if (word.len == 6 && memcmp(word.data, "openid", 6) == 0)
        return out->wants_id_token = true;
    if (word.len == 14 && memcmp(word.data, "offline_access", 14) == 0)
        return out->wants_refresh_token = true;
    if ((word.len == 7 && memcmp(word.data, "profile", 7) == 0) ||
        (word.len == 5 && memcmp(word.data, "email", 5) == 0))
        return true;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t len = strlen(ends[i]);
        if (word.len > len && memcmp(word.data + word.len - len, ends[i], len) == 0)
            *is_good = out->resource[0] == '\0' &&
                       kq_text_copy(kq_slice_of(word.data, word.len - len), out->resource, sizeof out->resource);
    }
    return *is_good;
}

static enum vault_problem read_scope(struct vault_call *call, const char *scope, struct vault_device_wish *out)
{
    bool is_good = false;
    for (const char *at = scope; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (len > 0 && !read_word(kq_slice_of(at, len), out, &is_good)) {
            is_good = false;
            break;
        }
        at += len + (at[len] == ' ');
    }
    if (is_good)
        return VAULT_OK;
    return vault_oauth_fail(call, 400, "invalid_scope", 70011,
                            "The scope '%s' is not valid: it names one resource, like %s/.default, beside openid, "
                            "profile and offline_access.",
                            vault_oauth_shown(scope), call->service->vault_resource);
}

enum vault_problem vault_login_read_wish(struct vault_call *call, const struct vault_form *form,
                                         struct vault_device_wish *out)
{
    const char *client_id = vault_form_value(form, "client_id");
    const char *scope = vault_form_value(form, "scope");
    if (client_id == NULL || scope == NULL)
        return vault_oauth_fail(call, 400, "invalid_request", 900144,
                                "The request body must contain the following parameter: '%s'.",
                                client_id == NULL ? "client_id" : "scope");
    if (!kq_guid_is_valid(kq_slice_text(client_id)))
        return vault_oauth_fail(call, 400, "unauthorized_client", 700016,
                                "Application with identifier '%s' was not found: a client_id is a GUID.",
                                vault_oauth_shown(client_id));
    snprintf(out->client_id, sizeof out->client_id, "%s", client_id);
    snprintf(out->address, sizeof out->address, "%s", call->request->peer_address);
    enum vault_problem problem = read_scope(call, scope, out);
    if (problem != VAULT_OK || call->response->status != 0 ||
        vault_token_is_for_us(call->service->authority, out->resource))
        return problem;
    return vault_oauth_fail(call, 400, "invalid_resource", 500011,
                            "The resource '%s' was not found in the tenant. Resources here are %s (keys) and %s "
                            "(vaults, subscriptions).",
                            vault_oauth_shown(out->resource), call->service->vault_resource,
                            call->service->management_url);
}

/* Applications with secrets of their own have no business with people. */
static enum vault_problem refuse_application(struct vault_call *call, const struct vault_device_wish *wish)
{
    KQ_AUTO_VALUE(vault_principal) principal = {.display_name = NULL};
    kq_status status = vault_store_get_principal(call->service->store, wish->client_id, &principal);
    if (status == KQ_OK)
        return vault_oauth_fail(call, 400, "unauthorized_client", 7000218,
                                "The application '%s' signs in with its own secret or certificate; people do not sign "
                                "in through it.",
                                wish->client_id);
    if (status == KQ_ERR_NOT_FOUND)
        return VAULT_OK;
    return vault_oauth_fail(call, 500, "server_error", 0, "Looking up the application failed: %s",
                            kq_status_text(status));
}

static enum vault_problem answer(struct vault_call *call, const struct vault_device_wish *wish)
{
    char device_code[VAULT_DEVICE_CODE_SIZE];
    char user_code[VAULT_USER_CODE_SIZE];
    char url[300];
    char message[500];
    kq_status status =
        vault_device_begin(vault_authority_devices(call->service->authority), wish, call->now, device_code, user_code);
    if (status == KQ_ERR_WAIT)
        return vault_oauth_busy(call, 429, "Too many sign-ins wait for somebody to decide. Finish one of them first.");
    if (status == KQ_OK)
        status = vault_http_response_header(call->response, "Cache-Control", "no-store, no-cache");
    if (status != KQ_OK)
        return vault_oauth_fail(call, 500, "server_error", 0, "No sign-in was begun: %s", kq_status_text(status));
    snprintf(url, sizeof url, "%s/device", call->service->login_url);
    snprintf(message, sizeof message,
             "To sign in, use a web browser to open the page %s and enter the code %s to authenticate.", url,
             user_code);
    enum vault_problem problem = vault_reply(
        call, 200,
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "device_code", device_code, "user_code", user_code,
                  "verification_uri", url, "verification_url", url, "expires_in", (json_int_t)VAULT_DEVICE_LIFE_S,
                  "interval", (json_int_t)VAULT_DEVICE_INTERVAL_S, "message", message));
    kq_wipe(device_code, sizeof device_code);
    return problem;
}

enum vault_problem vault_device_post(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
    struct vault_device_wish wish = {.client_id = ""};
    const char *why = NULL;
    call->response->status = 0;
    if (!vault_oauth_tenant_is_ours(call, call->names[0]))
        return vault_oauth_no_tenant(call, call->names[0]);
    if (!vault_form_is_type(vault_http_header(call->request, "Content-Type")))
        return vault_oauth_fail(call, 400, "invalid_request", 900561,
                                "The request's Content-Type must be application/x-www-form-urlencoded.");
    if (vault_form_parse(call->request->body, &form, &why) != KQ_OK)
        return vault_oauth_fail(call, 400, "invalid_request", 9002313, "The request body is malformed: %s.", why);
    enum vault_problem problem = vault_login_read_wish(call, &form, &wish);
    if (problem == VAULT_OK && call->response->status == 0)
        problem = refuse_application(call, &wish);
    return problem != VAULT_OK || call->response->status != 0 ? problem : answer(call, &wish);
}
