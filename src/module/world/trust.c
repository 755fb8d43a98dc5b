#include "module/world/trust.h"

#include "base/text.h"
#include "module/service/call.h"
#include "module/world/rows.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/x509.h"

void hsm_trust_label(struct hsm_trusted *entry, struct kq_slice text)
{
    if (text.len > sizeof entry->label - 1)
        text.len = sizeof entry->label - 1;
    if (!kq_text_is_printable(text) || !kq_text_copy(text, entry->label, sizeof entry->label))
        entry->label[0] = '\0';
}

static struct hsm_trusted *choose_list(struct hsm_state *state, enum kq_trust_list list, size_t **out_num)
{
    *out_num = list == KQ_TRUST_ROOTS ? &state->num_roots : &state->num_worlds;
    return list == KQ_TRUST_ROOTS ? state->roots : state->worlds;
}

static struct hsm_trusted *find(struct hsm_state *state, enum kq_trust_list list, const uint8_t hash[32])
{
    return list == KQ_TRUST_ROOTS ? hsm_state_find_root(state, hash) : hsm_state_find_world(state, hash);
}

static void take_out(struct hsm_trusted *entries, size_t *num, size_t at)
{
    memmove(&entries[at], &entries[at + 1], (*num - at - 1) * sizeof *entries);
    (*num)--;
}

/* Otherwise distrust and trust again would open the way back to an older exchange key. */
static void keep_generation(struct hsm_state *draft, const struct hsm_trusted *entry)
{
    if (entry->generation == 0)
        return;
    if (draft->num_former_worlds == HSM_TRUSTED_MAX)
        take_out(draft->former_worlds, &draft->num_former_worlds, 0);
    draft->former_worlds[draft->num_former_worlds++] = *entry;
}

static void drop_former(struct hsm_state *draft, const uint8_t hash[32])
{
    for (size_t i = 0; i < draft->num_former_worlds; i++) {
        if (memcmp(draft->former_worlds[i].hash, hash, 32) == 0) {
            take_out(draft->former_worlds, &draft->num_former_worlds, i);
            return;
        }
    }
}

kq_status hsm_trust_add(struct hsm_state *draft, enum kq_trust_list list, const struct hsm_trusted *entry)
{
    size_t *num;
    struct hsm_trusted *entries = choose_list(draft, list, &num);
    struct hsm_trusted *existing = find(draft, list, entry->hash);
    if (existing != NULL) {
        existing->is_rehearsal = entry->is_rehearsal;
        memcpy(existing->label, entry->label, sizeof existing->label);
        return KQ_OK;
    }
    if (*num == HSM_TRUSTED_MAX)
        return KQ_ERR_TOO_LARGE;
    entries[*num] = *entry;
    if (list == KQ_TRUST_WORLDS) {
        entries[*num].generation = hsm_state_generation_seen(draft, entry->hash);
        drop_former(draft, entry->hash);
    }
    (*num)++;
    return KQ_OK;
}

kq_status hsm_trust_remove(struct hsm_state *draft, enum kq_trust_list list, const uint8_t hash[32])
{
    size_t *num;
    struct hsm_trusted *entries = choose_list(draft, list, &num);
    struct hsm_trusted *entry = find(draft, list, hash);
    if (entry == NULL)
        return KQ_ERR_NOT_FOUND;
    if (list == KQ_TRUST_WORLDS)
        keep_generation(draft, entry);
    take_out(entries, num, (size_t)(entry - entries));
    return KQ_OK;
}

kq_status hsm_trust_own_root(struct hsm_state *draft, uint64_t now)
{
    if (draft->world.kind != KQ_WORLD_REGION || draft->root.len == 0)
        return KQ_OK;
    struct kq_certificate root;
    KQ_TRY(kq_certificate_get(kq_buffer_slice(&draft->root), &root));
    struct hsm_trusted entry = {.is_rehearsal = root.is_rehearsal, .since = now};
    kq_sha256(root.public_key, entry.hash);
    hsm_trust_label(&entry, kq_slice_text(root.common_name));
    return hsm_trust_add(draft, KQ_TRUST_ROOTS, &entry);
}

kq_status hsm_trust_list_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_trust_list_request *request = params;
    bool is_roots = request->list == KQ_TRUST_ROOTS;
    const struct hsm_trusted *entries = is_roots ? call->state->roots : call->state->worlds;
    size_t num = is_roots ? call->state->num_roots : call->state->num_worlds;

    KQ_AUTO_VALUE(kq_writer) items = {0};
    kq_writer_init(&items, HSM_TRUSTED_MAX * 256);
    for (size_t i = 0; i < num; i++) {
        const struct kq_trust_entry entry = {
            .hash = kq_slice_of(entries[i].hash, sizeof entries[i].hash),
            .label = kq_slice_text(entries[i].label),
            .rehearsal = entries[i].is_rehearsal,
            .generation = entries[i].generation,
            .since = entries[i].since,
        };
        KQ_AUTO_VALUE(kq_writer) item = {0};
        kq_writer_init(&item, 256);
        kq_trust_entry_put(&entry, &item);
        struct kq_slice encoded;
        KQ_TRY(kq_writer_finish(&item, &encoded));
        kq_list_put(&items, encoded);
    }
    struct kq_slice encoded;
    KQ_TRY(kq_writer_finish(&items, &encoded));
    const struct kq_trust_list_reply reply = {.entries = {.items = encoded, .num = num}};
    kq_trust_list_reply_put(&reply, results);
    return KQ_OK;
}

kq_status hsm_trust_change_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_trust_change_request *request = params;
    memcpy(call->audit_subject, request->hash.data, sizeof call->audit_subject);
    call->has_audit_subject = true;
    if (request->change == KQ_TRUST_REMOVE) {
        if (hsm_trust_remove(call->draft, (enum kq_trust_list)request->list, request->hash.data) != KQ_OK)
            return hsm_call_fail(call, KQ_ERR_NOT_FOUND, "hash: not on this list");
    } else {
        struct hsm_trusted entry = {.is_rehearsal = request->rehearsal == 1, .since = call->now};
        memcpy(entry.hash, request->hash.data, sizeof entry.hash);
        hsm_trust_label(&entry, request->label);
        if (hsm_trust_add(call->draft, (enum kq_trust_list)request->list, &entry) != KQ_OK)
            return hsm_call_fail(call, KQ_ERR_TOO_LARGE, "the list is full (%u entries); remove one first",
                                 HSM_TRUSTED_MAX);
    }
    kq_record_put(&kq_nothing_type, &(struct kq_nothing){0}, results);
    return KQ_OK;
}
