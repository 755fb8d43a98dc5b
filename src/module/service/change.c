#include "module/service/change.h"

#include "base/clock.h"
#include "module/audit/entries.h"
#include "module/service/persist.h"

kq_status hsm_change_begin(struct hsm_module *module, struct hsm_change *change)
{
    hsm_gate_enter(module);
    *change = (struct hsm_change){.module = module, .tree = module->tree};
    if (atomic_load(&module->is_log_failing))
        return KQ_ERR_IO;
    kq_buffer_init(&change->frames, HSM_AUDIT_PENDING_MAX);
    return hsm_state_clone(hsm_snapshot_state(module->current), &change->draft);
}

kq_status hsm_change_record(struct hsm_change *change, struct kq_audit_record *record)
{
    return hsm_audit_put_record(&change->tree, record, &change->frames);
}

static kq_status seal_and_persist(struct hsm_change *change)
{
    struct hsm_module *module = change->module;
    struct hsm_state *draft = change->draft;
    if (change->frames.len > 0)
        KQ_TRY(hsm_audit_put_head(&change->tree, draft->esn, draft->module_key, kq_clock_unix_s(), &change->frames));
    draft->audit = change->tree;
    draft->audit_log_len = module->log_len;
    kq_buffer_clear(&draft->audit_pending);
    draft->audit_pending = change->frames;
    change->frames = (struct kq_buffer){0};
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_TRY(hsm_state_seal(draft, kq_slice_of(module->device_key, sizeof module->device_key), &sealed));
    uint64_t seq;
    KQ_TRY(hsm_persist_begin(module, kq_buffer_slice(&sealed), kq_buffer_slice(&draft->audit_pending), &seq));
    return hsm_persist_wait(module, seq);
}

kq_status hsm_change_commit(struct hsm_change *change)
{
    kq_status status = seal_and_persist(change);
    if (status == KQ_OK) {
        struct hsm_module *module = change->module;
        module->tree = change->tree;
        module->log_len += change->draft->audit_pending.len;
        module->checkpoint_len = module->log_len;
        if (hsm_module_publish(module, &change->draft) != KQ_OK)
            hsm_module_die("no memory to publish a state that is on the disk already");
    }
    hsm_change_clear(change);
    return status;
}

void hsm_change_clear(struct hsm_change *change)
{
    hsm_state_free(KQ_TAKE(change->draft));
    kq_buffer_clear(&change->frames);
    if (change->module != NULL)
        hsm_gate_leave(KQ_TAKE(change->module));
}
