#include "vault/auth/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/size.h"
#include "base/wipe.h"

/* A place: hash, end, then value_len bytes. ends == 0: free. */
struct place {
    uint8_t hash[32];
    uint64_t ends;
    uint8_t value[];
};

struct vault_cache {
    pthread_mutex_t lock;
    size_t num_sets;
    size_t value_len;
    size_t place_len;
    size_t places_len;
    uint8_t *places; /* owned */
};

kq_status vault_cache_new(size_t num_sets, size_t value_len, struct vault_cache **out)
{
    if (num_sets == 0 || (num_sets & (num_sets - 1)) != 0 || value_len > SIZE_MAX / 2)
        return KQ_ERR_ARGUMENT;
    size_t place_len = (sizeof(struct place) + value_len + 7) & ~(size_t)7;
    size_t places_len;
    if (!kq_size_mul(place_len, num_sets * VAULT_CACHE_WAYS, &places_len))
        return KQ_ERR_ARGUMENT;
    struct vault_cache *cache = calloc(1, sizeof *cache);
    uint8_t *places = calloc(1, places_len);
    if (cache == NULL || places == NULL || pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(places);
        free(cache);
        return KQ_ERR_MEMORY;
    }
    cache->num_sets = num_sets;
    cache->value_len = value_len;
    cache->place_len = place_len;
    cache->places_len = places_len;
    cache->places = places;
    *out = cache;
    return KQ_OK;
}

void vault_cache_free(struct vault_cache *cache)
{
    if (cache == NULL)
        return;
    kq_wipe(cache->places, cache->places_len);
    free(cache->places);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Hashes are spread evenly by themselves; their first bytes choose the set. */
static struct place *place_at(const struct vault_cache *cache, const uint8_t hash[32], size_t way)
{
    size_t set = ((size_t)hash[0] | (size_t)hash[1] << 8 | (size_t)hash[2] << 16) & (cache->num_sets - 1);
    return (struct place *)(void *)(cache->places + (set * VAULT_CACHE_WAYS + way) * cache->place_len);
}

bool vault_cache_get(struct vault_cache *cache, const uint8_t hash[32], uint64_t now, void *out_value)
{
    bool found = false;
    pthread_mutex_lock(&cache->lock);
    for (size_t way = 0; way < VAULT_CACHE_WAYS; way++) {
        const struct place *place = place_at(cache, hash, way);
        if (!kq_ct_bytes_are_equal(place->hash, hash, 32) || place->ends <= now)
            continue;
        if (out_value != NULL)
            memcpy(out_value, place->value, cache->value_len);
        found = true;
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

/* The place of the same hash, else the one that ends first (free ones end at 0). */
static struct place *place_for(const struct vault_cache *cache, const uint8_t hash[32])
{
    struct place *best = place_at(cache, hash, 0);
    struct place *same = NULL;
    for (size_t way = 0; way < VAULT_CACHE_WAYS; way++) {
        struct place *place = place_at(cache, hash, way);
        if (kq_ct_bytes_are_equal(place->hash, hash, 32))
            same = place;
        if (place->ends < best->ends)
            best = place;
    }
    return same != NULL ? same : best;
}

void vault_cache_put(struct vault_cache *cache, const uint8_t hash[32], uint64_t ends, const void *value)
{
    pthread_mutex_lock(&cache->lock);
    struct place *place = place_for(cache, hash);
    memcpy(place->hash, hash, 32);
    place->ends = ends;
    if (cache->value_len > 0)
        memcpy(place->value, value, cache->value_len);
    pthread_mutex_unlock(&cache->lock);
}
