#include "module/service/flush.h"

#include "base/clock.h"
#include "module/audit/entries.h"
#include "module/audit/recover.h"
#include "module/service/persist.h"

/* Early enough that signing and writing fit into the rest of the window. */
#define FLUSH_AFTER_MS 60u
#define RETRY_AFTER_MS 500u

int hsm_flush_timeout_ms(struct hsm_module *module)
{
    if (module->flush.seq != 0 || module->flush.is_waiting)
        return -1;
    uint64_t since = hsm_audit_window_since(module->window);
    uint64_t due = module->flush.retry_ms != 0 ? module->flush.retry_ms : since == 0 ? 0 : since + FLUSH_AFTER_MS;
    if (due == 0)
        return -1;
    uint64_t now = kq_clock_monotonic_ms();
    return due <= now ? 0 : (int)(due - now);
}

static kq_status put_folded(struct hsm_module *module, const struct hsm_audit_folded *folded)
{
    struct hsm_flush *flush = &module->flush;
    struct kq_audit_record record = {.time = folded->time,
                                     .class_ = (uint64_t)folded->use.class_,
                                     .event = kq_slice_text(folded->use.event),
                                     .status = folded->use.status,
                                     .peer_uid = folded->use.peer_uid,
                                     .place = folded->use.place,
                                     .subject = folded->use.subject,
                                     .count = folded->count};
    return hsm_audit_put_record(&flush->tree, &record, &flush->frames);
}

enum flush_end { FLUSH_ORDINARY, FLUSH_LAST };

static kq_status fill_frames(struct hsm_module *module, enum flush_end end)
{
    struct hsm_flush *flush = &module->flush;
    flush->tree = module->tree;
    size_t num = hsm_audit_window_take(module->window, flush->folded);
    for (size_t i = 0; i < num; i++)
        KQ_TRY(put_folded(module, &flush->folded[i]));
    uint64_t now = kq_clock_unix_s();
    if (end == FLUSH_LAST)
        KQ_TRY(hsm_audit_put_record(
            &flush->tree,
            &(struct kq_audit_record){
                .time = now, .class_ = KQ_AUDIT_SYSTEM, .event = kq_slice_text(HSM_AUDIT_EVENT_CLEAN_STOP), .count = 1},
            &flush->frames));
    const struct hsm_state *state = hsm_snapshot_state(module->current);
    return hsm_audit_put_head(&flush->tree, state->esn, state->module_key, now, &flush->frames);
}

/* The state goes along when the log has grown far beyond what it knows, which
 * bounds what a start-up has to read, and at the end, so that nothing that was
 * cut off the log of a stopped module goes unnoticed. */
static kq_status add_checkpoint(struct hsm_module *module, enum flush_end end)
{
    struct hsm_flush *flush = &module->flush;
    if (end == FLUSH_ORDINARY && module->log_len - module->checkpoint_len < HSM_AUDIT_TAIL_CHECKPOINT)
        return KQ_OK;
    KQ_TRY(hsm_state_clone(hsm_snapshot_state(module->current), &flush->state));
    flush->state->audit = flush->tree;
    flush->state->audit_log_len = module->log_len;
    kq_buffer_clear(&flush->state->audit_pending);
    kq_buffer_init(&flush->state->audit_pending, HSM_AUDIT_PENDING_MAX);
    KQ_TRY(kq_buffer_append(&flush->state->audit_pending, flush->frames.data, flush->frames.len));
    return hsm_state_seal(flush->state, kq_slice_of(module->device_key, sizeof module->device_key), &flush->sealed);
}

/* With the gate in hand. What could not be written before goes first, as it was. */
static void flush_begin(struct hsm_module *module, enum flush_end end)
{
    struct hsm_flush *flush = &module->flush;
    if (flush->frames.len == 0) {
        kq_status status = fill_frames(module, end);
        if (status == KQ_OK)
            status = add_checkpoint(module, end);
        if (status != KQ_OK)
            hsm_module_die("audit records cannot be made");
    }
    if (hsm_persist_begin(module, kq_buffer_slice(&flush->sealed), kq_buffer_slice(&flush->frames), &flush->seq) !=
        KQ_OK)
        hsm_module_die("audit records cannot be sent");
}

void hsm_flush_run(struct hsm_module *module)
{
    struct hsm_flush *flush = &module->flush;
    if (!flush->is_waiting && hsm_flush_timeout_ms(module) != 0)
        return;
    flush->is_waiting = !hsm_gate_try(module);
    if (!flush->is_waiting)
        flush_begin(module, FLUSH_ORDINARY);
}

bool hsm_flush_run_last(struct hsm_module *module)
{
    struct hsm_flush *flush = &module->flush;
    if (flush->seq != 0)
        return false;
    flush->is_waiting = !hsm_gate_try(module);
    if (!flush->is_waiting)
        flush_begin(module, FLUSH_LAST);
    return !flush->is_waiting;
}

static void flush_succeeded(struct hsm_module *module)
{
    struct hsm_flush *flush = &module->flush;
    module->tree = flush->tree;
    module->log_len += flush->frames.len;
    kq_buffer_clear(&flush->frames);
    kq_buffer_clear(&flush->sealed);
    if (flush->state != NULL) {
        module->checkpoint_len = module->log_len;
        if (hsm_module_publish(module, &flush->state) != KQ_OK)
            hsm_module_die("no memory to publish a state that is on the disk already");
    }
    flush->retry_ms = 0;
    atomic_store(&module->is_log_failing, false);
}

bool hsm_flush_done(struct hsm_module *module, uint64_t seq, kq_status status)
{
    if (module->flush.seq == 0 || module->flush.seq != seq)
        return false;
    module->flush.seq = 0;
    if (status == KQ_OK) {
        flush_succeeded(module);
    } else {
        module->flush.retry_ms = kq_clock_monotonic_ms() + RETRY_AFTER_MS;
        atomic_store(&module->is_log_failing, true);
    }
    hsm_gate_leave(module);
    return true;
}

/* Wakes the loop and waits until something about the gate has changed. */
static void wait_for_flush(struct hsm_module *module, uint64_t since)
{
    hsm_module_wake(module);
    pthread_mutex_lock(&module->gate_lock);
    while (hsm_audit_window_since(module->window) == since && !atomic_load(&module->is_log_failing))
        pthread_cond_wait(&module->gate_changed, &module->gate_lock);
    pthread_mutex_unlock(&module->gate_lock);
}

kq_status hsm_flush_note(struct hsm_module *module, const struct hsm_audit_use *use, uint64_t now)
{
    for (;;) {
        uint64_t since = hsm_audit_window_since(module->window);
        enum hsm_audit_noted noted = hsm_audit_window_note(module->window, use, now, kq_clock_monotonic_ms());
        if (noted == HSM_AUDIT_NOTED)
            return KQ_OK;
        if (noted != HSM_AUDIT_IS_FULL) {
            hsm_module_wake(module);
            return KQ_OK;
        }
        if (atomic_load(&module->is_log_failing))
            return KQ_ERR_IO;
        wait_for_flush(module, since);
    }
}

kq_status hsm_flush_admit(struct hsm_module *module)
{
    if (atomic_load_explicit(&module->is_log_failing, memory_order_relaxed))
        return KQ_ERR_IO;
    uint64_t since = hsm_audit_window_since(module->window);
    if (since != 0 && kq_clock_monotonic_ms() > since + HSM_AUDIT_WINDOW_MS)
        wait_for_flush(module, since);
    return KQ_OK;
}
