#include "module/audit/recover.h"

#include "module/audit/tree.h"
#include "trust/chain.h"
#include "wire/frame.h"

void hsm_audit_recovery_clear(struct hsm_audit_recovery *recovery)
{
    kq_buffer_clear(&recovery->again);
}

/* Where the walk over the tail stands. */
struct walk {
    const struct hsm_state *state;
    struct hsm_audit_tree tree;
    bool last_is_clean_stop;
};

/* The module's own word, not a peer's. */
static bool is_clean_stop(const struct kq_audit_record *record)
{
    return record->class_ == KQ_AUDIT_SYSTEM && kq_slice_is_text(record->event, HSM_AUDIT_EVENT_CLEAN_STOP);
}

static bool take_record(struct walk *walk, struct kq_slice content)
{
    struct kq_audit_record record;
    if (kq_audit_record_get(content, &record, NULL) != KQ_OK || record.index != walk->tree.num_records)
        return false;
    hsm_audit_tree_add(&walk->tree, content);
    walk->last_is_clean_stop = is_clean_stop(&record);
    return true;
}

static bool is_head_of(const struct walk *walk, struct kq_slice content)
{
    struct kq_slice body;
    struct kq_audit_head head;
    uint8_t root[32];
    if (kq_signed_verify(content, hsm_key_public(walk->state->module_key), &body) != KQ_OK ||
        kq_audit_head_get(body, &head, NULL) != KQ_OK)
        return false;
    hsm_audit_tree_root(&walk->tree, root);
    return head.num_records == walk->tree.num_records && kq_slice_is_equal(head.root, kq_slice_of(root, sizeof root)) &&
           kq_slice_is_text(head.esn, walk->state->esn);
}

enum step { STEP_RECORD, STEP_HEAD, STEP_END };

static enum step take_entry(struct walk *walk, struct kq_slice frame)
{
    struct kq_audit_entry entry;
    if (kq_audit_entry_get(frame, &entry, NULL) != KQ_OK)
        return STEP_END;
    if (entry.kind == KQ_AUDIT_ENTRY_RECORD)
        return take_record(walk, entry.content) ? STEP_RECORD : STEP_END;
    if (entry.kind == KQ_AUDIT_ENTRY_HEAD)
        return is_head_of(walk, entry.content) ? STEP_HEAD : STEP_END;
    return STEP_END;
}

/* Follows records up to the last head that verifies; returns the bytes kept. */
static size_t absorb(const struct hsm_state *state, struct kq_slice bytes, struct hsm_audit_recovery *out)
{
    struct walk walk = {.state = state, .tree = out->tree};
    size_t at = 0, kept = 0;
    for (;;) {
        struct kq_slice frame;
        size_t taken;
        if (kq_frame_split(kq_slice_after(bytes, at), &frame, &taken) != KQ_OK || taken == 0)
            return kept;
        enum step step = take_entry(&walk, frame);
        if (step == STEP_END)
            return kept;
        at += taken;
        if (step == STEP_HEAD) {
            kept = at;
            out->tree = walk.tree;
            out->is_clean = walk.last_is_clean_stop;
        }
    }
}

/* How the records end that the state itself holds: they are not in doubt. */
static bool ends_clean(struct kq_slice frames)
{
    bool is_clean = false;
    struct kq_slice frame;
    size_t taken;
    while (kq_frame_split(frames, &frame, &taken) == KQ_OK && taken > 0) {
        struct kq_audit_entry entry;
        struct kq_audit_record record;
        frames = kq_slice_of(frames.data + taken, frames.len - taken);
        if (kq_audit_entry_get(frame, &entry, NULL) == KQ_OK && entry.kind == KQ_AUDIT_ENTRY_RECORD &&
            kq_audit_record_get(entry.content, &record, NULL) == KQ_OK)
            is_clean = is_clean_stop(&record);
    }
    return is_clean;
}

kq_status hsm_audit_recover(const struct hsm_state *state, uint64_t log_len, struct kq_slice tail,
                            struct hsm_audit_recovery *out)
{
    struct kq_slice pending = kq_buffer_slice(&state->audit_pending);
    *out = (struct hsm_audit_recovery){
        .tree = state->audit, .log_len = state->audit_log_len, .is_clean = ends_clean(pending)};
    kq_buffer_init(&out->again, HSM_AUDIT_PENDING_MAX);
    if (log_len < state->audit_log_len) {
        out->is_cut = true;
        out->log_len = log_len;
        return kq_buffer_append(&out->again, pending.data, pending.len);
    }
    if (tail.len < pending.len || (pending.len > 0 && memcmp(tail.data, pending.data, pending.len) != 0)) {
        out->num_dropped = tail.len;
        return kq_buffer_append(&out->again, pending.data, pending.len);
    }
    size_t kept = absorb(state, kq_slice_after(tail, pending.len), out);
    out->log_len += pending.len + kept;
    out->num_dropped = tail.len - pending.len - kept;
    return KQ_OK;
}
