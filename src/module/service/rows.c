#include "base/clock.h"
#include "base/size.h"
#include "module/arena/arena.h"
#include "module/audit/entries.h"
#include "module/audit/recover.h"
#include "module/service/persist.h"
#include "module/service/session.h"
#include "module/world/statement.h"

#define ANY_ROLE (KQ_ROLE_USE | KQ_ROLE_ADMIN | KQ_ROLE_VAULT)

static uint32_t roles_of(const struct hsm_state *state, uint32_t uid)
{
    for (size_t i = 0; i < state->num_peers; i++) {
        if (state->peers[i].uid == uid)
            return state->peers[i].roles;
    }
    return 0;
}

static kq_status hello(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_hello_request *request = params;
    if (request->protocol != KQ_PROTOCOL_VERSION)
        return hsm_call_fail(call, KQ_ERR_VERSION, "this module speaks protocol %u", KQ_PROTOCOL_VERSION);
    atomic_store(&call->session->has_said_hello, true);
    call->session->in.max = KQ_FRAME_MAX + KQ_FRAME_HEAD_LEN; /* the loop's own, and HELLO runs there */
    kq_hello_reply_put(&(struct kq_hello_reply){.protocol = KQ_PROTOCOL_VERSION,
                                                .esn = kq_slice_text(call->state->esn),
                                                .uid = call->session->uid,
                                                .roles = roles_of(call->state, call->session->uid)},
                       results);
    return results->failure;
}

static kq_status sign_module_state(const struct hsm_call *call, struct kq_buffer *out)
{
    const struct hsm_state *state = call->state;
    if ((int)state->world.kind == 0)
        return KQ_OK;
    uint8_t key_hash[32];
    hsm_key_public_hash(state->module_key, key_hash);
    struct kq_module_state facts = {.esn = kq_slice_text(state->esn),
                                    .module_key_hash = kq_slice_of(key_hash, sizeof key_hash),
                                    .hknso = kq_slice_of(state->world.hknso, 32),
                                    .world_kind = (uint64_t)state->world.kind,
                                    .hkm = kq_slice_of(state->world.hkm, 32),
                                    .key_protection = kq_slice_text(hsm_call_key_protection(call)),
                                    .rollback_protection = kq_slice_text(hsm_call_rollback_protection(call)),
                                    .time = call->now};
    return hsm_sign_record(state->module_key, &kq_module_state_type, &facts, out);
}

static size_t count_handles(struct hsm_module *module, size_t *out_num_sessions)
{
    size_t num = 0;
    pthread_mutex_lock(&module->sessions_lock);
    *out_num_sessions = module->num_sessions;
    for (struct hsm_session *session = module->sessions; session != NULL; session = session->next)
        num += hsm_handles_count(session->handles);
    pthread_mutex_unlock(&module->sessions_lock);
    return num;
}

static kq_status status(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    (void)params; /* none */
    struct hsm_module *module = call->module;
    const struct hsm_state *state = call->state;
    struct hsm_arena_facts arena;
    hsm_arena_facts_get(&arena);
    KQ_AUTO_VALUE(kq_buffer) module_state = {0};
    KQ_TRY(sign_module_state(call, &module_state));
    size_t num_sessions;
    size_t num_handles = count_handles(module, &num_sessions);
    kq_status_reply_put(
        &(struct kq_status_reply){.esn = kq_slice_text(state->esn),
                                  .version = kq_slice_text(module->config.version),
                                  .key_protection = kq_slice_text(hsm_call_key_protection(call)),
                                  .rollback_protection = kq_slice_text(hsm_call_rollback_protection(call)),
                                  .memory = kq_slice_text(hsm_call_memory(call)),
                                  .module_public = hsm_key_public(state->module_key),
                                  .warrant = kq_buffer_slice(&state->warrant),
                                  .root = kq_buffer_slice(&state->root),
                                  .world_kind = (uint64_t)state->world.kind,
                                  .world_file = kq_buffer_slice(&state->world.world_file),
                                  .module_state = kq_buffer_slice(&module_state),
                                  .workers = module->config.num_workers,
                                  .queue_len = hsm_queue_len(module->queue),
                                  .uptime_s = (kq_clock_monotonic_ms() - module->started_ms) / 1000,
                                  .num_sessions = num_sessions,
                                  .num_handles = num_handles,
                                  .arena_used = arena.used,
                                  .arena_size = arena.size,
                                  .audit_records = state->audit.num_records},
        results);
    return results->failure;
}

static kq_status audit_head(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    (void)params; /* none */
    hsm_gate_enter(call->module);
    struct hsm_audit_tree tree = call->module->tree;
    hsm_gate_leave(call->module);
    KQ_AUTO_VALUE(kq_buffer) head;
    kq_buffer_init(&head, KQ_SIGNED_MAX);
    KQ_TRY(hsm_audit_sign_head(&tree, call->state->esn, call->state->module_key, call->now, &head));
    kq_audit_head_reply_put(&(struct kq_audit_head_reply){.head = kq_buffer_slice(&head),
                                                          .signer_public = hsm_key_public(call->state->module_key)},
                            results);
    return results->failure;
}

/* The names of operations and of the module's own events are said by the module alone. */
static bool is_own_word(struct kq_slice event)
{
    static const char *const own[] = {HSM_AUDIT_EVENT_START, HSM_AUDIT_EVENT_CLEAN_STOP, HSM_AUDIT_EVENT_UNCLEAN_STOP,
                                      HSM_AUDIT_EVENT_LOG_CUT};
    for (size_t i = 0; i < KQ_COUNT_OF(own); i++) {
        if (kq_slice_is_text(event, own[i]))
            return true;
    }
    for (size_t i = 0; i < kq_num_operations; i++) {
        if (kq_slice_is_text(event, kq_operations[i].name))
            return true;
    }
    return false;
}

/* The dispatcher records every act anyway; here the caller says what stands in it. */
static kq_status audit_append(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    (void)results; /* none */
    const struct kq_audit_append_request *request = params;
    if (is_own_word(request->event))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "event: %.*s is said by the module itself", (int)request->event.len,
                             (const char *)request->event.data);
    call->audit_event = request->event;
    call->audit_peer = request->peer;
    call->audit_detail = request->detail;
    return kq_buffer_append(&call->audit_place, request->place.data, request->place.len);
}

static bool has_administrator(const struct hsm_state *state)
{
    for (size_t i = 0; i < state->num_peers; i++) {
        if ((state->peers[i].roles & KQ_ROLE_ADMIN) != 0)
            return true;
    }
    return false;
}

static void forget_peer(struct hsm_state *draft, uint32_t uid)
{
    size_t num = 0;
    for (size_t i = 0; i < draft->num_peers; i++) {
        if (draft->peers[i].uid != uid)
            draft->peers[num++] = draft->peers[i];
    }
    draft->num_peers = num;
}

static kq_status peer_set(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    (void)results; /* none */
    const struct kq_peer_set_request *request = params;
    struct hsm_state *draft = call->draft;
    forget_peer(draft, (uint32_t)request->uid);
    if (request->roles != 0) {
        if (draft->num_peers == HSM_PEERS_MAX)
            return hsm_call_fail(call, KQ_ERR_TOO_LARGE, "%u users have roles already: forget one first",
                                 HSM_PEERS_MAX);
        draft->peers[draft->num_peers++] = (struct hsm_peer){(uint32_t)request->uid, (uint32_t)request->roles};
    }
    if (!has_administrator(draft))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "user %u is the last administrator and has to remain one",
                             (unsigned)request->uid);
    return KQ_OK;
}

const struct hsm_row hsm_service_rows[] = {
    {KQ_OP_HELLO, hello, ANY_ROLE, HSM_IN_ANY, 0},
    {KQ_OP_STATUS, status, ANY_ROLE, HSM_IN_ANY, 0},
    {KQ_OP_AUDIT_HEAD, audit_head, ANY_ROLE, HSM_IN_ANY, 0},
    {KQ_OP_AUDIT_APPEND, audit_append, KQ_ROLE_VAULT, HSM_IN_ANY, HSM_ROW_DRAFT | HSM_ROW_RECORDED},
    {KQ_OP_PEER_SET, peer_set, KQ_ROLE_ADMIN, HSM_IN_ANY, HSM_ROW_DRAFT | HSM_ROW_RECORDED},
    {.handler = NULL},
};
