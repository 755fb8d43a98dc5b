#include "vault/store/recent.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LOCKS 64u
#define NEVER 0u /* moments begin at 1 */

union record {
    struct vault_record vault;
    uint32_t access;
    struct vault_key key;
    struct vault_key_version version;
};

struct place {
    uint64_t moment;
    char name[VAULT_RECENT_NAME_SIZE];
    union record record;
};

/* ---- kinds ---- */

struct kind {
    size_t first; /* of its places among all */
    size_t num;   /* a power of two */
};

static const struct kind kinds[VAULT_RECENT_KINDS] = {
    [VAULT_RECENT_VAULT] = {0, 64},
    [VAULT_RECENT_ACCESS] = {64, 256},
    [VAULT_RECENT_KEY] = {320, 512},
    [VAULT_RECENT_VERSION] = {832, 512},
};
#define PLACES 1344u

struct vault_recent {
    atomic_uint_fast64_t moment;
    pthread_mutex_t locks[LOCKS]; /* of the places with this remainder */
    struct place places[PLACES];
};

static kq_status copy(enum vault_recent_kind kind, const void *from, void *to)
{
    switch (kind) {
    case VAULT_RECENT_VAULT:
        return vault_record_copy(from, to);
    case VAULT_RECENT_KEY:
        return vault_key_copy(from, to);
    case VAULT_RECENT_VERSION:
        return vault_key_version_copy(from, to);
    case VAULT_RECENT_ACCESS:
    case VAULT_RECENT_KINDS:
    default:
        memcpy(to, from, sizeof(uint32_t));
        return KQ_OK;
    }
}

static void clear(enum vault_recent_kind kind, struct place *place)
{
    place->moment = NEVER;
    if (kind == VAULT_RECENT_VAULT)
        vault_record_clear(&place->record.vault);
    else if (kind == VAULT_RECENT_KEY)
        vault_key_clear(&place->record.key);
    else if (kind == VAULT_RECENT_VERSION)
        vault_key_version_clear(&place->record.version);
}

/* ---- life ---- */

kq_status vault_recent_new(struct vault_recent **out)
{
    struct vault_recent *recent = calloc(1, sizeof *recent);
    if (recent == NULL)
        return KQ_ERR_MEMORY;
    atomic_init(&recent->moment, NEVER + 1);
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&recent->locks[i], NULL);
    *out = recent;
    return KQ_OK;
}

void vault_recent_free(struct vault_recent *recent)
{
    if (recent == NULL)
        return;
    for (size_t kind = 0; kind < VAULT_RECENT_KINDS; kind++) {
        for (size_t i = 0; i < kinds[kind].num; i++)
            clear((enum vault_recent_kind)kind, &recent->places[kinds[kind].first + i]);
    }
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&recent->locks[i]);
    free(recent);
}

uint64_t vault_recent_moment(const struct vault_recent *recent)
{
    return atomic_load(&recent->moment);
}

void vault_recent_outdate(struct vault_recent *recent)
{
    atomic_fetch_add(&recent->moment, 1);
}

/* ---- places ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* FNV-1a without regard to case. Names that meet only cost each other a look-up. */
static size_t place_of(enum vault_recent_kind kind, const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)lower(*name)) * UINT64_C(0x100000001b3);
    return kinds[kind].first + ((hash ^ hash >> 32) & (kinds[kind].num - 1));
}

bool vault_recent_get(struct vault_recent *recent, enum vault_recent_kind kind, const char *name, uint64_t moment,
                      void *out)
{
    size_t i = place_of(kind, name);
    struct place *place = &recent->places[i];
    pthread_mutex_lock(&recent->locks[i % LOCKS]);
    bool found = name[0] != '\0' && place->moment == moment && strcasecmp(place->name, name) == 0 &&
                 copy(kind, &place->record, out) == KQ_OK;
    pthread_mutex_unlock(&recent->locks[i % LOCKS]);
    return found;
}

void vault_recent_put(struct vault_recent *recent, enum vault_recent_kind kind, const char *name, uint64_t moment,
                      const void *record)
{
    size_t i = place_of(kind, name), len = strlen(name);
    struct place *place = &recent->places[i];
    if (len == 0 || len >= sizeof place->name)
        return;
    pthread_mutex_lock(&recent->locks[i % LOCKS]);
    clear(kind, place);
    if (copy(kind, record, &place->record) == KQ_OK) {
        memcpy(place->name, name, len + 1);
        place->moment = moment;
    }
    pthread_mutex_unlock(&recent->locks[i % LOCKS]);
}
