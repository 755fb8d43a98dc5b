#include "vault/ops/throttle.h"

#include <ctype.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_S 10u
#define SLOTS 4096u
#define PROBES 16u
#define SUBSCRIPTION_FACTOR 5u

/* One vault or one subscription within the present window. */
struct slot {
    uint64_t window; /* 0: never used */
    uint64_t id;
    bool is_subscription;
    uint32_t used[VAULT_THROTTLE_NUM_KINDS];
};

struct vault_throttle {
    pthread_mutex_t lock;
    struct slot slots[SLOTS];
};

kq_status vault_throttle_new(struct vault_throttle **out)
{
    struct vault_throttle *throttle = calloc(1, sizeof *throttle);
    if (throttle == NULL)
        return KQ_ERR_MEMORY;
    pthread_mutex_init(&throttle->lock, NULL);
    *out = throttle;
    return KQ_OK;
}

void vault_throttle_free(struct vault_throttle *throttle)
{
    if (throttle == NULL)
        return;
    pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

uint32_t vault_throttle_limit(enum vault_throttle_kind kind)
{
    static const uint32_t limits[VAULT_THROTTLE_NUM_KINDS] = {
        [VAULT_THROTTLE_HSM_CREATE] = 10,      [VAULT_THROTTLE_HSM_OTHER] = 2000,
        [VAULT_THROTTLE_SOFTWARE_CREATE] = 20, [VAULT_THROTTLE_SOFTWARE_OTHER] = 4000,
        [VAULT_THROTTLE_REST] = 4000,
    };
    return limits[kind];
}

uint32_t vault_throttle_weight(enum vault_throttle_kind kind, bool is_rsa, uint32_t bits)
{
    if (!is_rsa || (kind != VAULT_THROTTLE_HSM_OTHER && kind != VAULT_THROTTLE_SOFTWARE_OTHER))
        return 1;
    return bits > 3072 ? 8 : bits > 2048 ? 4 : 1;
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a; what it hashes was made by this service */
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint64_t)(unsigned char)tolower((unsigned char)*text)) * UINT64_C(1099511628211);
    return hash;
}

/* NULL if the table is full of others in this window. */
static struct slot *find_slot(struct vault_throttle *throttle, uint64_t id, bool is_subscription, uint64_t window)
{
    struct slot *free_slot = NULL;
    uint64_t start = (id + (is_subscription ? 1 : 0)) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    for (size_t i = 0; i < PROBES; i++) {
        struct slot *slot = &throttle->slots[(start + i) % SLOTS];
        if (slot->window == window && slot->id == id && slot->is_subscription == is_subscription)
            return slot;
        if (slot->window != window && free_slot == NULL)
            free_slot = slot;
    }
    if (free_slot != NULL)
        *free_slot = (struct slot){.window = window, .id = id, .is_subscription = is_subscription};
    return free_slot;
}

static bool has_room(const struct slot *slot, enum vault_throttle_kind kind, uint32_t weight)
{
    if (slot == NULL)
        return true; /* a rehearsal need not be exact with thousands of vaults at once */
    uint32_t limit = vault_throttle_limit(kind) * (slot->is_subscription ? SUBSCRIPTION_FACTOR : 1);
    return slot->used[kind] + weight <= limit;
}

bool vault_throttle_take(struct vault_throttle *throttle, uint64_t vault_id, const char *subscription,
                         enum vault_throttle_kind kind, uint32_t weight, uint64_t now_s)
{
    uint64_t window = now_s / WINDOW_S + 1;
    pthread_mutex_lock(&throttle->lock);
    struct slot *of_vault = find_slot(throttle, vault_id, false, window);
    struct slot *of_subscription = find_slot(throttle, hash_text(subscription), true, window);
    bool fits = has_room(of_vault, kind, weight) && has_room(of_subscription, kind, weight);
    if (fits && of_vault != NULL)
        of_vault->used[kind] += weight;
    if (fits && of_subscription != NULL)
        of_subscription->used[kind] += weight;
    pthread_mutex_unlock(&throttle->lock);
    return fits;
}
