#include "module/audit/window.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"

struct hsm_audit_window {
    pthread_mutex_t lock;
    atomic_ullong since_ms;
    size_t num;
    uint64_t digests[HSM_AUDIT_WINDOW_MAX];
    struct hsm_audit_folded folded[HSM_AUDIT_WINDOW_MAX];
};

kq_status hsm_audit_window_new(struct hsm_audit_window **out)
{
    struct hsm_audit_window *window = kq_memory_new(sizeof *window);
    if (window == NULL)
        return KQ_ERR_MEMORY;
    memset(window, 0, sizeof *window);
    pthread_mutex_init(&window->lock, NULL);
    *out = window;
    return KQ_OK;
}

void hsm_audit_window_free(struct hsm_audit_window *window)
{
    if (window == NULL)
        return;
    pthread_mutex_destroy(&window->lock);
    kq_memory_free(window, sizeof *window);
}

/* FNV-1a; only picks candidates, equality is checked byte by byte. */
static uint64_t digest_bytes(uint64_t digest, struct kq_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        digest = (digest ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    return digest;
}

static uint64_t digest_use(const struct hsm_audit_use *use)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325) ^ (use->peer_uid << 16) ^ use->status;
    return digest_bytes(digest_bytes(digest, use->subject), use->place);
}

static bool is_same_use(const struct hsm_audit_use *a, const struct hsm_audit_use *b)
{
    return a->event == b->event && a->status == b->status && a->peer_uid == b->peer_uid &&
           kq_slice_is_equal(a->subject, b->subject) && kq_slice_is_equal(a->place, b->place);
}

static struct hsm_audit_folded *find_folded(struct hsm_audit_window *window, uint64_t digest,
                                            const struct hsm_audit_use *use)
{
    for (size_t i = 0; i < window->num; i++) {
        struct hsm_audit_folded *folded = &window->folded[i];
        if (window->digests[i] == digest && folded->count < UINT32_MAX && is_same_use(&folded->use, use))
            return folded;
    }
    return NULL;
}

static void fill_folded(struct hsm_audit_folded *folded, const struct hsm_audit_use *use, uint64_t now)
{
    folded->use = *use;
    folded->time = now;
    folded->count = 1;
    folded->use.place = kq_slice_of(folded->bytes, use->place.len);
    folded->use.subject = kq_slice_of(folded->bytes + KQ_PLACE_MAX, use->subject.len);
    if (use->place.len > 0)
        memcpy(folded->bytes, use->place.data, use->place.len);
    if (use->subject.len > 0)
        memcpy(folded->bytes + KQ_PLACE_MAX, use->subject.data, use->subject.len);
}

static enum hsm_audit_noted note_new(struct hsm_audit_window *window, const struct hsm_audit_use *use, uint64_t digest,
                                     uint64_t now, uint64_t now_monotonic_ms)
{
    if (window->num == HSM_AUDIT_WINDOW_MAX)
        return HSM_AUDIT_IS_FULL;
    fill_folded(&window->folded[window->num], use, now);
    window->digests[window->num++] = digest;
    if (window->num == 1)
        atomic_store(&window->since_ms, now_monotonic_ms);
    if (window->num == HSM_AUDIT_WINDOW_MAX) {
        atomic_store(&window->since_ms, 1); /* long overdue */
        return HSM_AUDIT_NOTED_LAST;
    }
    return window->num == 1 ? HSM_AUDIT_NOTED_FIRST : HSM_AUDIT_NOTED;
}

enum hsm_audit_noted hsm_audit_window_note(struct hsm_audit_window *window, const struct hsm_audit_use *use,
                                           uint64_t now, uint64_t now_monotonic_ms)
{
    if (use->place.len > KQ_PLACE_MAX || use->subject.len > 32)
        KQ_BUG("a use with a place or subject that is too long");
    uint64_t digest = digest_use(use);
    enum hsm_audit_noted noted = HSM_AUDIT_NOTED;
    pthread_mutex_lock(&window->lock);
    struct hsm_audit_folded *folded = find_folded(window, digest, use);
    if (folded != NULL)
        folded->count++;
    else
        noted = note_new(window, use, digest, now, now_monotonic_ms);
    pthread_mutex_unlock(&window->lock);
    return noted;
}

uint64_t hsm_audit_window_since(struct hsm_audit_window *window)
{
    return atomic_load(&window->since_ms);
}

size_t hsm_audit_window_take(struct hsm_audit_window *window, struct hsm_audit_folded *out)
{
    pthread_mutex_lock(&window->lock);
    size_t num = window->num;
    for (size_t i = 0; i < num; i++)
        fill_folded(&out[i], &window->folded[i].use, window->folded[i].time);
    for (size_t i = 0; i < num; i++)
        out[i].count = window->folded[i].count;
    window->num = 0;
    atomic_store(&window->since_ms, 0);
    pthread_mutex_unlock(&window->lock);
    return num;
}
