#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "base/wipe.h"
#include "pubcrypto/hash.h"
#include "vault/auth/cache.h"
#include "vault/auth/secret.h"

#define REMEMBERED_SETS 32u

struct vault_secret_gate {
    pthread_mutex_t lock;
    pthread_cond_t left; /* somebody has left: on the monotonic clock */
    size_t num_running;
    size_t num_waiting;
    struct vault_cache *remembered;     /* owned; values have no bytes */
    uint8_t key[32];                    /* of the remembered hashes; random */
    struct vault_stored_secret nobodys; /* takes the place of secrets that are not there */
};

static bool init_locks(struct vault_secret_gate *gate)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&gate->lock, NULL) != 0)
        return false;
    bool good = pthread_condattr_init(&attributes) == 0;
    if (good) {
        good = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
               pthread_cond_init(&gate->left, &attributes) == 0;
        pthread_condattr_destroy(&attributes);
    }
    if (!good)
        pthread_mutex_destroy(&gate->lock);
    return good;
}

kq_status vault_secret_gate_new(struct vault_secret_gate **out)
{
    struct vault_secret_gate *memory = calloc(1, sizeof *memory);
    if (memory == NULL || !init_locks(memory)) {
        free(memory);
        return KQ_ERR_MEMORY;
    }
    KQ_AUTO(vault_secret_gate) gate = memory;
    KQ_TRY(kq_random(gate->key, sizeof gate->key));
    KQ_TRY(kq_random(gate->nobodys.salt, sizeof gate->nobodys.salt));
    KQ_TRY(kq_random(gate->nobodys.hash, sizeof gate->nobodys.hash));
    gate->nobodys.log2_n = VAULT_SECRET_LOG2_N;
    KQ_TRY(vault_cache_new(REMEMBERED_SETS, 0, &gate->remembered));
    *out = KQ_TAKE(gate);
    return KQ_OK;
}

void vault_secret_gate_free(struct vault_secret_gate *gate)
{
    if (gate == NULL)
        return;
    vault_cache_free(gate->remembered);
    pthread_cond_destroy(&gate->left);
    pthread_mutex_destroy(&gate->lock);
    kq_wipe(gate, sizeof *gate);
    free(gate);
}

static void hash_of(const struct vault_secret_gate *gate, struct kq_slice secret,
                    const struct vault_stored_secret *stored, uint8_t out[32])
{
    const struct kq_slice parts[] = {kq_slice_of(gate->key, 32), kq_slice_of(stored->salt, 32),
                                     kq_slice_of(stored->hash, 32), secret};
    kq_sha256_parts(parts, 4, out);
}

static bool is_remembered(struct vault_secret_gate *gate, struct kq_slice secret,
                          const struct vault_stored_secret *stored, size_t num_stored, uint64_t now)
{
    bool found = false;
    for (size_t i = 0; i < num_stored; i++) {
        uint8_t hash[32];
        hash_of(gate, secret, &stored[i], hash);
        found = vault_cache_get(gate->remembered, hash, now, NULL) || found;
    }
    return found;
}

static struct timespec moment_after_ms(uint64_t ms)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    uint64_t nanoseconds = (uint64_t)moment.tv_nsec + ms % 1000 * 1000000;
    moment.tv_sec += (time_t)(ms / 1000 + nanoseconds / 1000000000);
    moment.tv_nsec = (long)(nanoseconds % 1000000000);
    return moment;
}

static kq_status enter(struct vault_secret_gate *gate)
{
    struct timespec deadline = moment_after_ms(VAULT_GATE_WAIT_MS);
    pthread_mutex_lock(&gate->lock);
    bool may_wait = gate->num_waiting < VAULT_GATE_WAITING;
    int waited = 0;
    if (may_wait) {
        gate->num_waiting++;
        while (gate->num_running >= VAULT_GATE_RUNNING && waited == 0)
            waited = pthread_cond_timedwait(&gate->left, &gate->lock, &deadline);
        gate->num_waiting--;
    }
    bool entered = may_wait && gate->num_running < VAULT_GATE_RUNNING;
    if (entered)
        gate->num_running++;
    pthread_mutex_unlock(&gate->lock);
    return entered ? KQ_OK : KQ_ERR_WAIT;
}

static void leave(struct vault_secret_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->num_running--;
    pthread_cond_signal(&gate->left);
    pthread_mutex_unlock(&gate->lock);
}

/* Goes through all VAULT_GATE_SECRETS places unless the secret is found. */
static kq_status derive(struct vault_secret_gate *gate, struct kq_slice secret,
                        const struct vault_stored_secret *stored, size_t num_stored, uint64_t now)
{
    kq_status status = KQ_ERR_AUTH;
    for (size_t i = 0; i < VAULT_GATE_SECRETS && status == KQ_ERR_AUTH; i++) {
        bool is_there = i < num_stored;
        const struct vault_stored_secret *one = is_there ? &stored[i] : &gate->nobodys;
        status = vault_secret_check(secret, one->salt, one->log2_n, one->hash);
        if (status == KQ_OK && !is_there)
            status = KQ_ERR_AUTH;
        if (status == KQ_OK) {
            uint8_t hash[32];
            hash_of(gate, secret, one, hash);
            vault_cache_put(gate->remembered, hash, now + VAULT_GATE_REMEMBERS_S, NULL);
        }
    }
    return status;
}

kq_status vault_secret_gate_check(struct vault_secret_gate *gate, struct kq_slice secret,
                                  const struct vault_stored_secret *stored, size_t num_stored, uint64_t now)
{
    if (num_stored > VAULT_GATE_SECRETS)
        return KQ_ERR_ARGUMENT;
    if (is_remembered(gate, secret, stored, num_stored, now))
        return KQ_OK;
    KQ_TRY(enter(gate));
    /* Who waited may have waited for one with the same secret. */
    kq_status status =
        is_remembered(gate, secret, stored, num_stored, now) ? KQ_OK : derive(gate, secret, stored, num_stored, now);
    leave(gate);
    return status;
}
