#include <stdio.h>
#include <strings.h>

#include "base/text.h"
#include "vault/api/login_person.h"
#include "vault/api/page_text.h"
#include "vault/auth/device.h"
#include "vault/auth/secret.h"
#include "vault/core/names.h"

/* The page where a person decides about a device. There is no cookie and no
 * session: name and passphrase come in the same form as the decision, so a
 * forged form has nothing to use. */

#define PAGE_MAX (32u * 1024)
#define CODE_SHOWN_MAX 32u

static const char style[] =
    ":root{color-scheme:light dark}body{font:16px/1.55 system-ui,sans-serif;max-width:34rem;margin:0 auto;"
    "padding:1rem 1.25rem 4rem}h1{font-size:1.6rem;line-height:1.2}label{display:block;font-weight:600;margin-top:1rem}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem .6rem;border:1px solid "
    "#767676;border-radius:4px}"
    "#user_code{text-transform:uppercase;letter-spacing:.15em}"
    "button{font:inherit;padding:.4rem 1.2rem;margin:1.25rem .75rem 0 0;border:1px solid #767676;border-radius:4px;"
    "cursor:pointer}dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}"
    ".warn{border-left:4px solid #8a5300;padding-left:.75rem}"
    "input:focus-visible,button:focus-visible{outline:3px solid #004fa3;outline-offset:2px}"
    "@media(prefers-color-scheme:dark){.warn{border-color:#ffb84d}input:focus-visible,button:focus-visible"
    "{outline-color:#8cc4ff}}";

/* ---- writing ----------------------------------------------------------------------------- */

static kq_status set_headers(struct vault_http_response *response, const char *nonce)
{
    char policy[240];
    snprintf(policy, sizeof policy,
             "default-src 'none'; style-src 'nonce-%s'; img-src data:; base-uri 'none'; form-action 'self'; "
             "frame-ancestors 'none'",
             nonce);
    KQ_TRY(vault_http_response_header(response, "Content-Security-Policy", policy));
    KQ_TRY(vault_http_response_header(response, "X-Frame-Options", "DENY"));
    KQ_TRY(vault_http_response_header(response, "Cache-Control", "no-store"));
    /* Without any referrer the page's own form would come with an origin that says nothing. */
    return vault_http_response_header(response, "Referrer-Policy", "same-origin");
}

static void begin_page(struct vault_page_text *page, const char *title, const char *nonce)
{
    vault_page_put(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    vault_page_put_text(page, title);
    vault_page_put(page, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style nonce=\"");
    vault_page_put(page, nonce);
    vault_page_put(page, "\">");
    vault_page_put(page, style);
    vault_page_put(page, "</style>\n</head>\n<body>\n<main>\n<h1>");
    vault_page_put_text(page, title);
    vault_page_put(page, "</h1>\n");
}

/* What a page says beside its form. */
struct view {
    unsigned status;
    const char *title;
    const char *notice; /* NULL: none */
    const char *user_code;
    const struct vault_device_wish *wish; /* NULL: a code is asked for, or nothing */
    bool has_form;
};

static void put_code_form(struct vault_page_text *page)
{
    vault_page_put(
        page, "<p>A device or program of yours shows you a code. Type it here only if you have started the sign-in "
              "yourself, just now.</p>\n<form method=\"post\" action=\"/device\">\n<label for=\"user_code\">Code"
              "</label>\n<input id=\"user_code\" name=\"user_code\" required maxlength=\"20\" autocomplete=\"off\" "
              "spellcheck=\"false\" autofocus>\n<button>Go on</button>\n</form>\n");
}

/* What the public clients of Azure call themselves. Anybody may write these ids. */
static const char *name_of_client(const char *client_id)
{
    static const struct {
        const char *id;
        const char *name;
    } known[] = {{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Azure CLI or an Azure library"},
                 {"1950a258-227b-4e31-a9cf-717495945fc2", "Azure PowerShell"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(known[i].id, client_id) == 0)
            return known[i].name;
    return "a program that is not known here";
}

static void put_row(struct vault_page_text *page, const char *term, const char *text)
{
    vault_page_put(page, "<dt>");
    vault_page_put(page, term);
    vault_page_put(page, "</dt><dd>");
    vault_page_put_text(page, text);
    vault_page_put(page, "</dd>\n");
}

static void put_decision_form(struct vault_page_text *page, const struct view *view)
{
    const struct vault_device_wish *wish = view->wish;
    vault_page_put(page, "<p>Who approves lets that program act in his or her name.</p>\n<dl>\n");
    put_row(page, "It says it is", name_of_client(wish->client_id));
    put_row(page, "Client id", wish->client_id);
    put_row(page, "It asks from the address", wish->address);
    put_row(page, "It wants to use", wish->resource);
    put_row(page, "Code", view->user_code);
    vault_page_put(page, "</dl>\n<p class=\"warn\">Approve only what you have started yourself, just now. If somebody "
                         "sent you the code, deny.</p>\n<form method=\"post\" action=\"/device\">\n"
                         "<input type=\"hidden\" name=\"user_code\" value=\"");
    vault_page_put_text(page, view->user_code);
    vault_page_put(page,
                   "\">\n<label for=\"user_name\">Name</label>\n<input id=\"user_name\" name=\"user_name\" required "
                   "maxlength=\"64\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\">\n"
                   "<label for=\"passphrase\">Passphrase</label>\n<input id=\"passphrase\" name=\"passphrase\" "
                   "type=\"password\" required maxlength=\"256\" autocomplete=\"current-password\">\n"
                   "<button name=\"decision\" value=\"approve\">Approve</button>\n"
                   "<button name=\"decision\" value=\"deny\" formnovalidate>Deny</button>\n</form>\n");
}

static enum vault_problem show(struct vault_call *call, const struct view *view)
{
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    char nonce[VAULT_KEY_VERSION_LEN + 1];
    kq_buffer_init(&out, PAGE_MAX);
    struct vault_page_text page = {.call = call, .out = &out, .status = vault_new_version(nonce)};
    if (page.status == KQ_OK)
        page.status = set_headers(call->response, nonce);
    begin_page(&page, view->title, nonce);
    if (view->notice != NULL) {
        vault_page_put(&page, "<p role=\"alert\" class=\"warn\">");
        vault_page_put_text(&page, view->notice);
        vault_page_put(&page, "</p>\n");
    }
    if (view->wish != NULL)
        put_decision_form(&page, view);
    else if (view->has_form)
        put_code_form(&page);
    vault_page_put(&page, "</main>\n</body>\n</html>\n");
    if (page.status != KQ_OK)
        return vault_fail_status(call, page.status, "page", NULL);
    kq_buffer_clear(&call->response->body);
    call->response->body = out;
    out = (struct kq_buffer){0};
    call->response->status = view->status;
    call->response->content_type = "text/html; charset=utf-8";
    return VAULT_OK;
}

static enum vault_problem show_code_form(struct vault_call *call, unsigned status, const char *notice)
{
    const struct view view = {.status = status, .title = "Sign in on a device", .notice = notice, .has_form = true};
    return show(call, &view);
}

static enum vault_problem show_end(struct vault_call *call, unsigned status, const char *title, const char *notice)
{
    const struct view view = {.status = status, .title = title, .notice = notice};
    return show(call, &view);
}

/* ---- deciding -------------------------------------------------------------------------------- */

/* KQ_ERR_AUTH for an unknown name as for a wrong passphrase, at the same price. */
static kq_status check_person(struct vault_call *call, const char *user_name, const char *passphrase,
                              struct vault_person *out)
{
    struct vault_stored_secret stored = {.log2_n = 0};
    kq_status status = vault_store_find_person(call->service->store, user_name, out);
    if (status != KQ_OK && status != KQ_ERR_NOT_FOUND)
        return status;
    size_t num_stored = status == KQ_OK ? 1 : 0;
    if (num_stored == 1) {
        memcpy(stored.salt, out->salt, sizeof stored.salt);
        memcpy(stored.hash, out->hash, sizeof stored.hash);
        stored.log2_n = out->scrypt_log2_n;
    }
    return vault_secret_gate_check(vault_authority_secrets(call->service->authority), kq_slice_text(passphrase),
                                   &stored, num_stored, call->now);
}

static enum vault_problem show_decision(struct vault_call *call, unsigned status, const char *user_code,
                                        const struct vault_device_wish *wish, const char *notice)
{
    const struct view view = {
        .status = status, .title = "Approve this sign-in?", .notice = notice, .user_code = user_code, .wish = wish};
    return show(call, &view);
}

static enum vault_problem approve(struct vault_call *call, const struct vault_form *form, const char *user_code,
                                  const struct vault_device_wish *wish)
{
    struct vault_device_table *table = vault_authority_devices(call->service->authority);
    KQ_AUTO_VALUE(vault_person) person = {.created = 0};
    const char *user_name = vault_form_value(form, "user_name");
    const char *passphrase = vault_form_value(form, "passphrase");
    if (user_name == NULL || passphrase == NULL)
        return show_decision(call, 400, user_code, wish, "Name and passphrase are needed.");
    kq_status status = check_person(call, user_name, passphrase, &person);
    if (status == KQ_ERR_WAIT)
        return show_decision(call, 429, user_code, wish, "Too many sign-ins are being checked. Try again in a second.");
    if (status == KQ_ERR_AUTH) {
        vault_device_blame(table, call->request->peer_address, call->now);
        vault_device_count_try(table, user_code, call->now);
        return show_decision(call, 401, user_code, wish, "There is nobody with this name and passphrase.");
    }
    if (status != KQ_OK)
        return vault_fail_status(call, status, "sign-in", NULL);
    if (vault_device_decide(table, user_code, person.object_id, call->now) != KQ_OK)
        return show_code_form(call, 400, "The code has ended, or somebody has decided already.");
    /* For the log. */
    kq_text_copy(kq_slice_text(wish->client_id), call->caller.client_id, sizeof call->caller.client_id);
    kq_text_copy(kq_slice_text(person.object_id), call->caller.object_id, sizeof call->caller.object_id);
    return show_end(call, 200, "Approved", "The program goes on by itself. You may close this page.");
}

/* Browsers say where a form stood: another place's form does not count here. */
static bool is_from_elsewhere(const struct vault_call *call)
{
    const char *site = vault_http_header(call->request, "Sec-Fetch-Site");
    const char *origin = vault_http_header(call->request, "Origin");
    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return true;
    return origin != NULL && strcasecmp(origin, call->service->login_url) != 0;
}

static enum vault_problem decide(struct vault_call *call, const struct vault_form *form, const char *user_code)
{
    struct vault_device_table *table = vault_authority_devices(call->service->authority);
    const char *decision = vault_form_value(form, "decision");
    struct vault_device_wish wish;
    if (vault_device_look(table, user_code, call->now, &wish) != KQ_OK) {
        vault_device_blame(table, call->request->peer_address, call->now);
        return show_code_form(call, 400,
                              "There is no such code, or it has ended. Compare it with what your program "
                              "shows, or begin again there.");
    }
    if (decision == NULL)
        return show_decision(call, 200, user_code, &wish, NULL);
    if (strcmp(decision, "approve") == 0)
        return approve(call, form, user_code, &wish);
    if (strcmp(decision, "deny") != 0)
        return show_decision(call, 400, user_code, &wish, "Approve or deny.");
    if (vault_device_decide(table, user_code, NULL, call->now) != KQ_OK)
        return show_code_form(call, 400, "The code has ended, or somebody has decided already.");
    return show_end(call, 200, "Denied", "The program gets nothing. You may close this page.");
}

enum vault_problem vault_device_page_get(struct vault_call *call)
{
    return show_code_form(call, 200, NULL);
}

enum vault_problem vault_device_page_post(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
    const char *why = NULL;
    struct vault_device_table *table = vault_authority_devices(call->service->authority);
    if (is_from_elsewhere(call))
        return show_end(call, 403, "Refused", "This form was sent by another site.");
    if (!vault_form_is_type(vault_http_header(call->request, "Content-Type")) ||
        vault_form_parse(call->request->body, &form, &why) != KQ_OK)
        return show_code_form(call, 400, "The form could not be read.");
    const char *user_code = vault_form_value(&form, "user_code");
    if (user_code == NULL || strlen(user_code) > CODE_SHOWN_MAX)
        return show_code_form(call, 400, "A code is needed.");
    if (!vault_device_may_try(table, call->request->peer_address, call->now))
        return show_end(
            call, 429, "Too many attempts",
            "Too many wrong codes or passphrases came from your address. Try again in a quarter of an hour.");
    return decide(call, &form, user_code);
}
