#include "vault/api/oauth.h"

#include <stdarg.h>
#include <strings.h>

#include "base/text.h"

#define SHOWN_MAX 200u

const char *vault_oauth_shown(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++)
        if (i == SHOWN_MAX || text[i] < ' ' || text[i] > '~')
            return "(not shown)";
    return text;
}

/* What a client calls its request, if that is a GUID; our own name for it else. */
static const char *correlation_id(const struct vault_call *call)
{
    const char *id = vault_http_header(call->request, "client-request-id");
    return id != NULL && kq_guid_is_valid(kq_slice_text(id)) ? id : call->request->request_id;
}

static json_t *error_of(const struct vault_call *call, const char *error, unsigned code)
{
    char timestamp[KQ_TIME_TEXT_SIZE];
    kq_time_text(call->now, timestamp);
    timestamp[10] = ' '; /* "2026-11-21 21:44:03Z" */
    json_t *codes = json_array();
    if (code != 0 && json_array_append_new(codes, json_integer(code)) != 0) {
        json_decref(codes);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s}", "error", error, "error_description", call->message,
                     "error_codes", codes, "timestamp", timestamp, "trace_id", call->request->request_id,
                     "correlation_id", correlation_id(call));
}

enum vault_problem vault_oauth_fail(struct vault_call *call, unsigned http_status, const char *error, unsigned code,
                                    const char *format, ...)
{
    int len = code == 0 ? 0 : snprintf(call->message, sizeof call->message, "AADSTS%u: ", code);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->message + len, sizeof call->message - (size_t)len, format, arguments);
    va_end(arguments);
    return vault_reply(call, http_status, error_of(call, error, code));
}

enum vault_problem vault_oauth_busy(struct vault_call *call, unsigned http_status, const char *description)
{
    kq_status status = vault_http_response_header(call->response, "Retry-After", "1");
    if (status != KQ_OK)
        return vault_fail_status(call, status, "answer", NULL);
    return vault_oauth_fail(call, http_status, "temporarily_unavailable", 90033, "%s", description);
}

bool vault_oauth_tenant_is_ours(const struct vault_call *call, const char *tenant)
{
    return strcasecmp(tenant, call->service->tenant_id) == 0 || strcasecmp(tenant, "adfs") == 0 ||
           strcasecmp(tenant, "common") == 0 || strcasecmp(tenant, "organizations") == 0;
}

enum vault_problem vault_oauth_no_tenant(struct vault_call *call, const char *tenant)
{
    return vault_oauth_fail(call, 400, "invalid_tenant", 90002,
                            "Tenant '%s' not found. This service has one tenant; its id is in the challenge of every "
                            "vault, and 'adfs' stands for it.",
                            vault_oauth_shown(tenant));
}
