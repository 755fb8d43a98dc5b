#include "harness/fake_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "module/cards/quorum.h"
#include "module/world/create.h"
#include "pubcrypto/hash.h"

/* ---- the clock ------------------------------------------------------------------- */

static uint64_t clock_unix_s = FAKE_NOW;
static uint64_t clock_monotonic_ms = 1000;

uint64_t kq_clock_unix_s(void)
{
    return clock_unix_s;
}

uint64_t kq_clock_monotonic_ms(void)
{
    return clock_monotonic_ms;
}

void fake_clock_set(uint64_t unix_s)
{
    clock_unix_s = unix_s;
}

void fake_clock_advance(uint64_t seconds)
{
    clock_unix_s += seconds;
    clock_monotonic_ms += seconds * 1000;
}

/* ---- service/call.h ---------------------------------------------------------------- */

static struct fake_module *module_of(const struct hsm_call *call)
{
    return (struct fake_module *)(void *)call->module;
}

kq_status hsm_call_fail(struct hsm_call *call, kq_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->detail, sizeof call->detail, format, arguments);
    va_end(arguments);
    return status;
}

static void publish(struct fake_module *module, struct hsm_state *state)
{
    hsm_state_free(module->state);
    module->state = state;
}

kq_status hsm_call_change_state(struct hsm_call *call, hsm_state_edit *edit, void *context)
{
    struct fake_module *module = module_of(call);
    assert_null(call->draft); /* not for rows with a draft */
    KQ_AUTO(hsm_state) draft = NULL;
    KQ_TRY(hsm_state_clone(call->state, &draft));
    KQ_TRY(edit(draft, context));
    if (module->change_fails != KQ_OK) {
        kq_status status = module->change_fails;
        module->change_fails = KQ_OK;
        return status;
    }
    publish(module, KQ_TAKE(draft));
    call->state = module->state;
    module->num_changes++;
    return KQ_OK;
}

const char *hsm_call_key_protection(const struct hsm_call *call)
{
    (void)call;
    return "none (test)";
}

const char *hsm_call_rollback_protection(const struct hsm_call *call)
{
    (void)call;
    return "none";
}

const char *hsm_call_memory(const struct hsm_call *call)
{
    (void)call;
    return "not locked (test)";
}

struct hsm_quorum **hsm_call_quorum_slot(struct hsm_call *call)
{
    return &module_of(call)->quorum;
}

struct hsm_creation **hsm_call_creation_slot(struct hsm_call *call)
{
    return &module_of(call)->creation;
}

struct hsm_handles *hsm_call_handles(struct hsm_call *call)
{
    return module_of(call)->handles;
}

/* ---- the module ---------------------------------------------------------------------- */

static void must(kq_status status, const char *what)
{
    if (status == KQ_OK)
        return;
    fprintf(stderr, "fake module: %s: %s\n", what, kq_status_text(status));
    abort();
}

void fake_module_init(struct fake_module *module, const struct hsm_row *const *tables)
{
    *module = (struct fake_module){.tables = tables, .audit_index = 7};
    must(hsm_state_new(1000, &module->state), "state");
    must(hsm_handles_new(&module->handles), "handles");
}

void fake_module_reconnect(struct fake_module *module)
{
    hsm_quorum_free(module->quorum);
    hsm_creation_free(module->creation);
    hsm_handles_free(module->handles);
    module->quorum = NULL;
    module->creation = NULL;
    must(hsm_handles_new(&module->handles), "handles");
}

void fake_module_clear(struct fake_module *module)
{
    hsm_quorum_free(module->quorum);
    hsm_creation_free(module->creation);
    hsm_handles_free(module->handles);
    hsm_state_free(module->state);
    kq_buffer_clear(&module->results);
}

static const struct hsm_row *find_row(const struct fake_module *module, enum kq_op op)
{
    for (const struct hsm_row *const *table = module->tables; *table != NULL; table++) {
        for (const struct hsm_row *row = *table; row->handler != NULL; row++) {
            if (row->op == op)
                return row;
        }
    }
    fprintf(stderr, "fake module: no row for operation %d\n", (int)op);
    abort();
}

static bool is_in_world(const struct fake_module *module, const struct hsm_row *row)
{
    return (row->worlds & (1u << module->state->world.kind)) != 0;
}

void fake_call_begin(struct fake_module *module, struct hsm_call *call, enum kq_op op)
{
    *call = (struct hsm_call){
        .module = (struct hsm_module *)(void *)module,
        .op = op,
        .now = clock_unix_s,
        .state = module->state,
        .audit_index = module->audit_index,
    };
}

void fake_call_end(struct fake_module *module, struct hsm_call *call, kq_status status)
{
    if (status == KQ_OK && call->draft != NULL) {
        module->audit_index++;
        publish(module, KQ_TAKE(call->draft));
    }
    hsm_state_free(call->draft);
    call->draft = NULL;
    hsm_quorum_drop(call);
    kq_buffer_clear(&call->audit_place);
    module->status = status;
    snprintf(module->detail, sizeof module->detail, "%s", call->detail);
    module->wait_ms = call->wait_ms;
}

static void encode_params(const struct kq_operation *operation, const void *params, struct kq_writer *out)
{
    static const struct kq_nothing nothing;
    struct kq_slice unused;
    kq_writer_init(out, 120000);
    kq_record_put(operation->params, params == NULL ? &nothing : params, out);
    must(kq_writer_finish(out, &unused), operation->name);
}

void fake_params_hash(enum kq_op op, const void *params, uint8_t out[32])
{
    KQ_AUTO_VALUE(kq_writer) encoded = {0};
    encode_params(kq_operation_find(op), params, &encoded);
    kq_sha256(kq_buffer_slice(&encoded.buffer), out);
}

/* What the dispatcher does between a request's frame and its handler. */
static kq_status dispatch(struct fake_module *module, const struct hsm_row *row, struct hsm_call *call,
                          struct kq_slice params_bytes, struct kq_writer *results)
{
    uint64_t decoded[128];
    uint8_t params_hash[32];
    uint64_t authority = module->authority;
    module->authority = 0;
    if (!is_in_world(module, row))
        return KQ_ERR_STATE;
    must(kq_record_get(kq_operation_find(row->op)->params, params_bytes, decoded, NULL), "params");
    kq_sha256(params_bytes, params_hash);
    if ((row->flags & HSM_ROW_QUORUM) != 0 || authority != 0)
        KQ_TRY(hsm_quorum_take(call, authority, params_hash));
    KQ_TRY(hsm_quorum_recheck(call));
    if ((row->flags & HSM_ROW_DRAFT) != 0)
        must(hsm_state_clone(call->state, &call->draft), "draft");
    return row->handler(call, decoded, results);
}

kq_status fake_module_call(struct fake_module *module, enum kq_op op, const void *params, void *results)
{
    const struct hsm_row *row = find_row(module, op);
    const struct kq_operation *operation = kq_operation_find(op);
    struct hsm_call call;
    fake_call_begin(module, &call, op);
    KQ_AUTO_VALUE(kq_writer) encoded = {0};
    encode_params(operation, params, &encoded);
    call.params_bytes = kq_buffer_slice(&encoded.buffer);
    KQ_AUTO_VALUE(kq_writer) reply = {0};
    kq_writer_init(&reply, 120000);
    kq_status status = dispatch(module, row, &call, call.params_bytes, &reply);
    struct kq_slice bytes;
    if (status == KQ_OK)
        status = kq_writer_finish(&reply, &bytes);
    fake_call_end(module, &call, status);
    kq_buffer_clear(&module->results);
    if (status != KQ_OK)
        return status;
    kq_buffer_init(&module->results, 120000);
    must(kq_buffer_append(&module->results, bytes.data, bytes.len), "results");
    if (results != NULL)
        must(kq_record_get(operation->results, kq_buffer_slice(&module->results), results, NULL), operation->name);
    return KQ_OK;
}
