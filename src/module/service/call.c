#include "module/service/call.h"

#include <stdarg.h>
#include <stdio.h>

#include "module/arena/arena.h"
#include "module/service/change.h"
#include "module/service/session.h"

/* Cut text must not end within a character. */
static void end_at_character(char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && ((uint8_t)text[start - 1] & 0x80) != 0)
        text[start - 1] = '\0';
}

kq_status hsm_call_fail(struct hsm_call *call, kq_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(call->detail, sizeof call->detail, format, arguments);
    va_end(arguments);
    if (len >= (int)sizeof call->detail)
        end_at_character(call->detail, sizeof call->detail - 1);
    return status;
}

kq_status hsm_call_change_state(struct hsm_call *call, hsm_state_edit *edit, void *context)
{
    if (call->draft != NULL)
        KQ_BUG("a handler with a draft changes that, nothing else");
    KQ_AUTO_VALUE(hsm_change) change = {0};
    if (hsm_change_begin(call->module, &change) != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_IO, HSM_CHANGE_IO_TEXT);
    KQ_TRY(edit(change.draft, context));
    kq_status status = hsm_change_commit(&change);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, status == KQ_ERR_IO ? HSM_CHANGE_IO_TEXT : "the state has no room");
    hsm_snapshot_free(call->snapshot);
    call->snapshot = hsm_module_snapshot(call->module);
    call->state = hsm_snapshot_state(call->snapshot);
    return KQ_OK;
}

const char *hsm_call_key_protection(const struct hsm_call *call)
{
    return call->module->config.key_protection;
}

const char *hsm_call_rollback_protection(const struct hsm_call *call)
{
    return call->module->config.rollback_protection;
}

const char *hsm_call_memory(const struct hsm_call *call)
{
    (void)call; /* there is one arena */
    struct hsm_arena_facts facts;
    hsm_arena_facts_get(&facts);
    return facts.is_locked ? "locked" : "not locked (--allow-unlocked)";
}

struct hsm_quorum **hsm_call_quorum_slot(struct hsm_call *call)
{
    return &call->session->quorum;
}

struct hsm_creation **hsm_call_creation_slot(struct hsm_call *call)
{
    return &call->session->creation;
}

struct hsm_handles *hsm_call_handles(struct hsm_call *call)
{
    return call->session->handles;
}
