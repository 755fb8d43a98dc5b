#include "vault/store/turn.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "vault/store/backend.h"

#define PATIENCE_S 10

void vault_turns_init(struct vault_turns *turns)
{
    for (size_t i = 0; i < VAULT_TURNS; i++)
        pthread_mutex_init(&turns->locks[i], NULL);
}

void vault_turns_clear(struct vault_turns *turns)
{
    for (size_t i = 0; i < VAULT_TURNS; i++)
        pthread_mutex_destroy(&turns->locks[i]);
}

static uint32_t mix(uint32_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint32_t)tolower((unsigned char)*text)) * UINT32_C(0x01000193); /* FNV-1a */
    return (hash ^ '/') * UINT32_C(0x01000193);
}

void vault_turn_clear(struct vault_turn *turn)
{
    if (turn->lock != NULL)
        pthread_mutex_unlock(turn->lock);
    turn->lock = NULL;
}

kq_status vault_store_take_turn(struct vault_store *store, const char *vault, const char *key, struct vault_turn *out)
{
    struct timespec until;
    uint32_t hash = mix(mix(UINT32_C(0x811c9dc5), vault), key);
    pthread_mutex_t *lock = &store->turns.locks[(hash ^ hash >> 16) % VAULT_TURNS];
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    if (pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until) != 0)
        return KQ_ERR_WAIT;
    out->lock = lock;
    return KQ_OK;
}
