#include "vault/api/call.h"

#include <stdarg.h>
#include <stdio.h>

/* A page of the longest key items is far below it. */
#define REPLY_MAX (4u * 1024 * 1024)
#define RETRY_AFTER_S "2"

enum vault_problem vault_fail(struct vault_call *call, enum vault_problem problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->message, sizeof call->message, format, arguments);
    va_end(arguments);
    return problem;
}

/* What a status means to a REST client. Where the module said why, the request
 * was at fault; the store's own troubles have no words and are ours. */
struct status_row {
    enum vault_problem problem;
    enum vault_problem with_why;
};

static const struct status_row status_rows[KQ_STATUS_COUNT] = {
    [KQ_ERR_ARGUMENT] = {VAULT_BAD_PARAMETER, VAULT_BAD_PARAMETER},
    [KQ_ERR_FORMAT] = {VAULT_INTERNAL, VAULT_BAD_PARAMETER},
    [KQ_ERR_VERSION] = {VAULT_INTERNAL, VAULT_BAD_PARAMETER},
    [KQ_ERR_TOO_LARGE] = {VAULT_BAD_PARAMETER, VAULT_BAD_PARAMETER},
    [KQ_ERR_MEMORY] = {VAULT_INTERNAL, VAULT_INTERNAL},
    [KQ_ERR_IO] = {VAULT_INTERNAL, VAULT_INTERNAL},
    [KQ_ERR_NOT_FOUND] = {VAULT_NOT_FOUND, VAULT_BAD_PARAMETER},
    [KQ_ERR_EXISTS] = {VAULT_CONFLICT, VAULT_CONFLICT},
    [KQ_ERR_AUTH] = {VAULT_INTERNAL, VAULT_BAD_PARAMETER},
    [KQ_ERR_SIGNATURE] = {VAULT_INTERNAL, VAULT_BAD_PARAMETER},
    [KQ_ERR_DENIED] = {VAULT_FORBIDDEN, VAULT_FORBIDDEN},
    [KQ_ERR_QUORUM] = {VAULT_FORBIDDEN, VAULT_FORBIDDEN},
    [KQ_ERR_STATE] = {VAULT_CONFLICT, VAULT_MODULE_AWAY},
    [KQ_ERR_UNTRUSTED] = {VAULT_INTERNAL, VAULT_BAD_PARAMETER},
    [KQ_ERR_EXPIRED] = {VAULT_BAD_PARAMETER, VAULT_BAD_PARAMETER},
    [KQ_ERR_MISMATCH] = {VAULT_INTERNAL, VAULT_BAD_PARAMETER},
    [KQ_ERR_ROLLBACK] = {VAULT_INTERNAL, VAULT_BAD_PARAMETER},
    [KQ_ERR_UNSUPPORTED] = {VAULT_NOT_SUPPORTED, VAULT_NOT_SUPPORTED},
    [KQ_ERR_WAIT] = {VAULT_THROTTLED, VAULT_THROTTLED},
    [KQ_ERR_CONNECT] = {VAULT_MODULE_AWAY, VAULT_MODULE_AWAY},
    [KQ_ERR_OUTCOME_UNKNOWN] = {VAULT_OUTCOME_UNKNOWN, VAULT_OUTCOME_UNKNOWN},
    [KQ_ERR_CANCELLED] = {VAULT_INTERNAL, VAULT_INTERNAL},
    [KQ_ERR_INTERNAL] = {VAULT_INTERNAL, VAULT_INTERNAL},
    [KQ_ERR_FULL] = {VAULT_STORAGE_FULL, VAULT_STORAGE_FULL},
};

enum vault_problem vault_fail_status(struct vault_call *call, kq_status status, const char *what, const char *why)
{
    bool has_why = why != NULL && why[0] != '\0';
    bool is_known = status > KQ_OK && status < KQ_STATUS_COUNT;
    struct status_row row =
        is_known ? status_rows[status] : (struct status_row){.problem = VAULT_INTERNAL, .with_why = VAULT_INTERNAL};
    if (status == KQ_ERR_WAIT)
        kq_ignore(vault_http_response_header(call->response, "Retry-After", RETRY_AFTER_S),
                  "no memory: the answer goes without this header");
    return vault_fail(call, has_why ? row.with_why : row.problem, "%s: %s", what,
                      has_why ? why : kq_status_text(status));
}

enum vault_problem vault_take_turn(struct vault_call *call, const char *vault, const char *key, struct vault_turn *out)
{
    kq_status status = vault_store_take_turn(call->service->store, vault, key, out);
    return status == KQ_OK ? VAULT_OK
                           : vault_fail_status(call, status, key[0] == '\0' ? vault : key,
                                               "others are changing it; nothing was done, try again");
}

enum vault_problem vault_reply(struct vault_call *call, unsigned http_status, json_t *value)
{
    struct vault_http_response *response = call->response;
    if (value == NULL)
        return vault_fail(call, VAULT_INTERNAL, "out of memory while answering");
    kq_buffer_clear(&response->body);
    kq_buffer_init(&response->body, REPLY_MAX);
    kq_status status = vault_json_write(value, &response->body);
    json_decref(value);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "answer", NULL);
    response->status = http_status;
    response->content_type = "application/json; charset=utf-8";
    return VAULT_OK;
}

enum vault_problem vault_reply_empty(struct vault_call *call, unsigned http_status)
{
    kq_buffer_clear(&call->response->body);
    call->response->status = http_status;
    call->response->content_type = NULL;
    return VAULT_OK;
}
