#include "module/service/dispatch.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/wipe.h"
#include "module/arena/arena.h"
#include "module/cards/quorum.h"
#include "module/service/change.h"
#include "module/service/flush.h"
#include "module/service/outcome.h"
#include "pubcrypto/hash.h"

/* A request under way, for the functions of this file. */
struct job {
    struct hsm_call call;
    const struct hsm_row *row;
    const struct kq_operation *operation;
    const struct kq_request *message;
    struct hsm_request *request;
    bool is_parked; /* a repeat of an act that runs: another time */
    size_t worker;
    struct hsm_act act;
    uint64_t params[1024 / sizeof(uint64_t)]; /* the decoded params struct, see RECORD_STRUCT_MAX */
    struct kq_writer *results;
};

/* ---- who, what, when ---- */

static uint32_t roles_of(const struct hsm_state *state, uint32_t uid)
{
    for (size_t i = 0; i < state->num_peers; i++) {
        if (state->peers[i].uid == uid)
            return state->peers[i].roles;
    }
    return 0;
}

static uint32_t world_bit(const struct hsm_state *state)
{
    return 1u << (unsigned)state->world.kind;
}

static kq_status check_role(struct job *job)
{
    struct hsm_call *call = &job->call;
    if ((roles_of(call->state, call->session->uid) & job->row->roles) != 0)
        return KQ_OK;
    return hsm_call_fail(call, KQ_ERR_DENIED, "user %u has no role that allows %s; an administrator gives roles",
                         call->session->uid, job->operation->name);
}

static kq_status check_world(struct job *job)
{
    struct hsm_call *call = &job->call;
    if ((world_bit(call->state) & job->row->worlds) != 0)
        return KQ_OK;
    if ((int)call->state->world.kind == 0)
        return hsm_call_fail(call, KQ_ERR_STATE, "%s needs a Security World: make or load one first",
                             job->operation->name);
    return hsm_call_fail(call, KQ_ERR_STATE, "%s is not offered in this kind of Security World", job->operation->name);
}

static kq_status decode_params(struct job *job)
{
    const char *field = "";
    if (job->operation->params->struct_size > sizeof job->params)
        KQ_BUG("a params struct is larger than a job has room for");
    kq_status status = kq_record_get(job->operation->params, job->message->params, job->params, &field);
    if (status != KQ_OK)
        return hsm_call_fail(&job->call, status, "params of %s: %s", job->operation->name, field);
    return KQ_OK;
}

static kq_status check_request_id(struct job *job)
{
    if ((job->row->flags & HSM_ROW_RECORDED) == 0 || job->message->request_id.len == KQ_REQUEST_ID_LEN)
        return KQ_OK;
    return hsm_call_fail(&job->call, KQ_ERR_ARGUMENT, "%s needs a request id of %u bytes", job->operation->name,
                         KQ_REQUEST_ID_LEN);
}

static kq_status check(struct job *job)
{
    if (!atomic_load(&job->call.session->has_said_hello) && job->call.op != KQ_OP_HELLO)
        return hsm_call_fail(&job->call, KQ_ERR_STATE, "hello comes first");
    KQ_TRY(check_role(job));
    KQ_TRY(check_world(job));
    KQ_TRY(decode_params(job));
    KQ_TRY(check_request_id(job));
    if ((job->row->flags & (HSM_ROW_RECORDED | HSM_ROW_QUORUM)) != 0 || job->message->authority != 0)
        kq_sha256(job->message->params, job->act.params_hash);
    return KQ_OK;
}

/* ---- what the audit says ---- */

static enum kq_audit_class audit_class(const struct job *job)
{
    switch (job->call.op) {
    case KQ_OP_TRANSFER_COPY:
    case KQ_OP_TRANSFER_PACKAGE:
    case KQ_OP_WORLD_ADMIT:
        return KQ_AUDIT_EXPORT;
    default:
        return (job->row->flags & HSM_ROW_USE) != 0 ? KQ_AUDIT_USE : KQ_AUDIT_ADMIN;
    }
}

static struct kq_slice audit_subject(const struct hsm_call *call)
{
    return call->has_audit_subject ? kq_slice_of(call->audit_subject, sizeof call->audit_subject) : KQ_SLICE_EMPTY;
}

static kq_status record_act(struct job *job, struct hsm_change *change)
{
    const struct hsm_call *call = &job->call;
    struct kq_audit_record record = {.time = call->now,
                                     .class_ = (uint64_t)audit_class(job),
                                     .event = call->audit_event.len > 0 ? call->audit_event
                                                                        : kq_slice_text(job->operation->name),
                                     .status = KQ_OK,
                                     .peer_uid = call->session->uid,
                                     .peer = call->audit_peer,
                                     .place = kq_buffer_slice(&call->audit_place),
                                     .subject = audit_subject(call),
                                     .detail = call->audit_detail,
                                     .count = 1};
    return hsm_change_record(change, &record);
}

/* Uses, and refused acts: they reach the log within the window. */
static kq_status note(struct job *job, kq_status status)
{
    const struct hsm_call *call = &job->call;
    return hsm_flush_note(call->module,
                          &(struct hsm_audit_use){.class_ = audit_class(job),
                                                  .event = job->operation->name,
                                                  .status = (uint64_t)status,
                                                  .peer_uid = call->session->uid,
                                                  .place = kq_buffer_slice(&call->audit_place),
                                                  .subject = audit_subject(call)},
                          call->now);
}

/* ---- running ---- */

static kq_status run_handler(struct job *job)
{
    return job->row->handler(&job->call, job->params, job->results);
}

static kq_status results_slice(struct job *job, struct kq_slice *out)
{
    if (job->operation->results == &kq_nothing_type && job->results->buffer.len == 0)
        kq_record_put(&kq_nothing_type, NULL, job->results);
    return kq_writer_finish(job->results, out);
}

static void refresh_state(struct hsm_call *call)
{
    hsm_snapshot_free(call->snapshot);
    call->snapshot = hsm_module_snapshot(call->module);
    call->state = hsm_snapshot_state(call->snapshot);
}

static kq_status begin_change(struct job *job, struct hsm_change *change)
{
    kq_status status = hsm_change_begin(job->call.module, change);
    return status == KQ_ERR_IO ? hsm_call_fail(&job->call, status, HSM_CHANGE_IO_TEXT) : status;
}

static kq_status commit_change(struct job *job, struct hsm_change *change)
{
    kq_status status = hsm_change_commit(change);
    return status == KQ_ERR_IO ? hsm_call_fail(&job->call, status, HSM_CHANGE_IO_TEXT) : status;
}

static kq_status record_and_commit(struct job *job, struct hsm_change *change)
{
    if ((job->row->flags & HSM_ROW_RECORDED) != 0) {
        struct kq_slice results;
        KQ_TRY(results_slice(job, &results));
        KQ_TRY(hsm_outcome_add(change->draft, &job->act, change->tree.num_records, results));
        KQ_TRY(record_act(job, change));
    }
    return commit_change(job, change);
}

/* The handler edits the draft, which nobody sees before it is durable. The
 * state may have moved on while others changed it: ask again. */
static kq_status run_with_draft(struct job *job)
{
    struct hsm_call *call = &job->call;
    KQ_AUTO_VALUE(hsm_change) change = {0};
    KQ_TRY(begin_change(job, &change));
    refresh_state(call);
    KQ_TRY(hsm_quorum_recheck(call));
    KQ_TRY(check_role(job));
    KQ_TRY(check_world(job));
    call->draft = change.draft;
    call->audit_index = change.tree.num_records;
    kq_status status = run_handler(job);
    call->draft = NULL;
    KQ_TRY(status);
    return record_and_commit(job, &change);
}

static kq_status run_then_record(struct job *job)
{
    KQ_TRY(run_handler(job));
    KQ_AUTO_VALUE(hsm_change) change = {0};
    KQ_TRY(begin_change(job, &change));
    return record_and_commit(job, &change);
}

static kq_status run_with_quorum(struct job *job)
{
    struct hsm_call *call = &job->call;
    uint32_t flags = job->row->flags;
    kq_status status = KQ_OK;
    if ((flags & HSM_ROW_QUORUM) != 0 || job->message->authority != 0)
        status = hsm_quorum_take(call, job->message->authority, job->act.params_hash);
    if (status == KQ_OK) {
        status = (flags & HSM_ROW_DRAFT) != 0      ? run_with_draft(job)
                 : (flags & HSM_ROW_RECORDED) != 0 ? run_then_record(job)
                                                   : run_handler(job);
    }
    hsm_quorum_drop(call);
    return status;
}

static kq_status run_in_ceremony(struct job *job)
{
    struct hsm_session *session = job->call.session;
    if (!job->call.module->is_ceremony[job->row->op & 255] && job->message->authority == 0 &&
        (job->row->flags & HSM_ROW_QUORUM) == 0)
        return run_with_quorum(job);
    pthread_mutex_lock(&session->ceremony);
    kq_status status = run_with_quorum(job);
    pthread_mutex_unlock(&session->ceremony);
    return status;
}

static kq_status repeat_or_run(struct job *job)
{
    refresh_state(&job->call); /* the first one may have finished just now */
    const struct hsm_outcome *outcome;
    if (hsm_outcome_find(job->call.state, &job->act, &outcome) != KQ_OK)
        return hsm_call_fail(&job->call, KQ_ERR_MISMATCH, "this request id was used for another act");
    if (outcome == NULL)
        return run_in_ceremony(job);
    kq_writer_bytes(job->results, kq_buffer_slice(&outcome->results));
    return job->results->failure;
}

static kq_status run(struct job *job)
{
    if (job->row->op == KQ_OP_HELLO)
        return run_handler(job); /* on the loop, which nobody must keep waiting: an authority is nothing to it */
    if ((job->row->flags & HSM_ROW_RECORDED) == 0)
        return run_in_ceremony(job);
    job->is_parked = hsm_outcome_enter(job->call.module, job->worker, job->request) == HSM_OUTCOME_PARKED;
    if (job->is_parked)
        return KQ_OK;
    kq_status status = repeat_or_run(job);
    hsm_outcome_leave(job->call.module, job->worker);
    return status;
}

/* Every use, and every refused act or card of somebody with a role. */
static bool is_noted(const struct job *job, kq_status status)
{
    uint32_t flags = job->row->flags;
    if ((flags & HSM_ROW_USE) != 0)
        return true;
    return status != KQ_OK &&
           ((flags & (HSM_ROW_RECORDED | HSM_ROW_QUORUM)) != 0 || job->call.module->is_ceremony[job->row->op & 255]);
}

static kq_status check_and_run(struct job *job)
{
    if ((job->row->flags & HSM_ROW_USE) != 0 && hsm_flush_admit(job->call.module) != KQ_OK)
        return hsm_call_fail(&job->call, KQ_ERR_IO, HSM_CHANGE_IO_TEXT);
    uint64_t refusals = hsm_arena_refusals();
    kq_status status = check(job);
    bool has_role = status != KQ_ERR_DENIED;
    if (status == KQ_OK)
        status = run(job);
    if (job->is_parked)
        return status;
    if (status != KQ_OK && hsm_arena_refusals() != refusals) /* whatever it looked like from inside */
        status = hsm_call_fail(&job->call, KQ_ERR_MEMORY, "the module's memory is full: load fewer keys at once");
    struct kq_slice results;
    if (status == KQ_OK)
        status = results_slice(job, &results);
    if (has_role && is_noted(job, status) && note(job, status) != KQ_OK)
        return hsm_call_fail(&job->call, KQ_ERR_IO, HSM_CHANGE_IO_TEXT);
    return status;
}

void hsm_dispatch(struct hsm_module *module, size_t worker, struct hsm_request *request, struct kq_writer *results,
                  struct hsm_verdict *out)
{
    struct job job = {.call = {.module = module,
                               .session = request->session,
                               .op = (enum kq_op)request->message.op,
                               .params_bytes = request->message.params,
                               .now = kq_clock_unix_s()},
                      .row = module->rows[request->message.op & 255],
                      .operation = kq_operation_find(request->message.op),
                      .message = &request->message,
                      .request = request,
                      .worker = worker,
                      .act = {.op = (enum kq_op)request->message.op,
                              .uid = request->session->uid,
                              .request_id = request->message.request_id},
                      .results = results};
    kq_buffer_init(&job.call.audit_place, KQ_PLACE_MAX);
    refresh_state(&job.call);
    out->status = job.row == NULL || job.operation == NULL
                      ? hsm_call_fail(&job.call, KQ_ERR_UNSUPPORTED, "no operation %u in this module",
                                      (unsigned)request->message.op)
                      : check_and_run(&job);
    out->is_parked = job.is_parked;
    out->wait_ms = job.call.wait_ms;
    memcpy(out->detail, job.call.detail, sizeof out->detail);
    hsm_snapshot_free(job.call.snapshot);
    kq_buffer_clear(&job.call.audit_place);
    kq_wipe(job.params, sizeof job.params);
}
