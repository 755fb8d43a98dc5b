#include "vault/ops/test_mode.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct vault_test_mode {
    bool has_clock;
    bool has_faults;
    atomic_int_fast64_t offset_s;
    pthread_mutex_t lock; /* what is below */
    size_t num_faults;
    struct vault_fault faults[VAULT_FAULTS_MAX];
};

kq_status vault_test_mode_new(bool has_clock, bool has_faults, struct vault_test_mode **out)
{
    struct vault_test_mode *mode = calloc(1, sizeof *mode);
    if (mode == NULL)
        return KQ_ERR_MEMORY;
    mode->has_clock = has_clock;
    mode->has_faults = has_faults;
    pthread_mutex_init(&mode->lock, NULL);
    *out = mode;
    return KQ_OK;
}

void vault_test_mode_free(struct vault_test_mode *mode)
{
    if (mode == NULL)
        return;
    pthread_mutex_destroy(&mode->lock);
    free(mode);
}

bool vault_test_mode_has_clock(const struct vault_test_mode *mode)
{
    return mode->has_clock;
}

bool vault_test_mode_has_faults(const struct vault_test_mode *mode)
{
    return mode->has_faults;
}

void vault_test_clock_set(struct vault_test_mode *mode, int64_t offset_s)
{
    atomic_store(&mode->offset_s, offset_s);
}

int64_t vault_test_clock_offset(const struct vault_test_mode *mode)
{
    return atomic_load(&mode->offset_s);
}

kq_status vault_faults_add(struct vault_test_mode *mode, const struct vault_fault *fault)
{
    pthread_mutex_lock(&mode->lock);
    bool fits = mode->num_faults < VAULT_FAULTS_MAX;
    if (fits)
        mode->faults[mode->num_faults++] = *fault;
    pthread_mutex_unlock(&mode->lock);
    return fits ? KQ_OK : KQ_ERR_FULL;
}

void vault_faults_clear(struct vault_test_mode *mode)
{
    pthread_mutex_lock(&mode->lock);
    mode->num_faults = 0;
    pthread_mutex_unlock(&mode->lock);
}

/* The lock is held. */
static void use_up(struct vault_test_mode *mode, size_t i)
{
    if (--mode->faults[i].count > 0)
        return;
    mode->num_faults--;
    memmove(&mode->faults[i], &mode->faults[i + 1], (mode->num_faults - i) * sizeof mode->faults[0]);
}

bool vault_faults_take(struct vault_test_mode *mode, const char *path, struct vault_fault *out)
{
    bool found = false;
    pthread_mutex_lock(&mode->lock);
    for (size_t i = 0; i < mode->num_faults && !found; i++) {
        const struct vault_fault *fault = &mode->faults[i];
        found = strncasecmp(path, fault->match, strlen(fault->match)) == 0;
        if (found) {
            *out = *fault;
            use_up(mode, i);
        }
    }
    pthread_mutex_unlock(&mode->lock);
    return found;
}
