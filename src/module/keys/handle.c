#include "module/keys/handle.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/memory.h"
#include "module/privcrypto/seal.h"

#define TABLE_FIRST_CAPACITY 8u

struct entry {
    uint64_t handle;
    struct hsm_loaded *loaded; /* owned */
};

/* Entries stand in no order: a table is small, and looking through it costs
 * nothing beside a signature. */
struct hsm_handles {
    pthread_mutex_t lock;
    struct entry *entries;
    size_t capacity;
    size_t num_entries;
};

kq_status hsm_loaded_new(struct hsm_key **key, uint64_t origin, struct kq_slice acl, struct kq_slice place,
                         struct hsm_loaded **out)
{
    struct hsm_loaded *made = kq_memory_new(sizeof *made);
    if (made == NULL)
        return KQ_ERR_MEMORY;
    *made = (struct hsm_loaded){.origin = origin, .loaded_monotonic_ms = kq_clock_monotonic_ms(), .num_references = 1};
    KQ_AUTO(hsm_loaded) loaded = made;
    kq_buffer_init(&loaded->acl, KQ_ACL_MAX);
    kq_buffer_init(&loaded->place, KQ_PLACE_MAX);
    KQ_TRY(kq_buffer_append(&loaded->acl, acl.data, acl.len));
    KQ_TRY(kq_buffer_append(&loaded->place, place.data, place.len));
    loaded->key = KQ_TAKE(*key);
    *out = KQ_TAKE(loaded);
    return KQ_OK;
}

void hsm_loaded_free(struct hsm_loaded *loaded)
{
    if (loaded == NULL || __atomic_sub_fetch(&loaded->num_references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    hsm_key_free(loaded->key);
    kq_buffer_clear(&loaded->acl);
    kq_buffer_clear(&loaded->place);
    kq_memory_free(loaded, sizeof *loaded);
}

kq_status hsm_handles_new(struct hsm_handles **out)
{
    struct hsm_handles *handles = kq_memory_new(sizeof *handles);
    if (handles == NULL)
        return KQ_ERR_MEMORY;
    *handles = (struct hsm_handles){.capacity = 0};
    if (pthread_mutex_init(&handles->lock, NULL) != 0)
        KQ_BUG("a mutex could not be made");
    *out = handles;
    return KQ_OK;
}

void hsm_handles_free(struct hsm_handles *handles)
{
    if (handles == NULL)
        return;
    for (size_t i = 0; i < handles->num_entries; i++)
        hsm_loaded_free(handles->entries[i].loaded);
    kq_memory_free(handles->entries, handles->capacity * sizeof *handles->entries);
    pthread_mutex_destroy(&handles->lock);
    kq_memory_free(handles, sizeof *handles);
}

static struct entry *find_entry(struct hsm_handles *handles, uint64_t handle)
{
    for (size_t i = 0; i < handles->num_entries; i++) {
        if (handles->entries[i].handle == handle)
            return &handles->entries[i];
    }
    return NULL;
}

static kq_status make_room(struct hsm_handles *handles)
{
    if (handles->num_entries < handles->capacity)
        return KQ_OK;
    if (handles->num_entries >= HSM_HANDLES_MAX)
        return KQ_ERR_TOO_LARGE;
    size_t capacity = handles->capacity == 0 ? TABLE_FIRST_CAPACITY : 2 * handles->capacity;
    struct entry *entries = kq_memory_new(capacity * sizeof *entries);
    if (entries == NULL)
        return KQ_ERR_MEMORY;
    if (handles->num_entries > 0)
        memcpy(entries, handles->entries, handles->num_entries * sizeof *entries);
    kq_memory_free(handles->entries, handles->capacity * sizeof *handles->entries);
    handles->entries = entries;
    handles->capacity = capacity;
    return KQ_OK;
}

static uint64_t draw_handle(struct hsm_handles *handles)
{
    uint64_t handle = 0;
    while (handle == 0 || find_entry(handles, handle) != NULL)
        hsm_random(&handle, sizeof handle);
    return handle;
}

kq_status hsm_handles_add(struct hsm_handles *handles, struct hsm_loaded **loaded, uint64_t *out_handle)
{
    pthread_mutex_lock(&handles->lock);
    kq_status status = make_room(handles);
    if (status == KQ_OK) {
        uint64_t handle = draw_handle(handles);
        (*loaded)->handle = handle;
        handles->entries[handles->num_entries++] = (struct entry){handle, KQ_TAKE(*loaded)};
        *out_handle = handle;
    }
    pthread_mutex_unlock(&handles->lock);
    return status;
}

kq_status hsm_handles_find(struct hsm_handles *handles, uint64_t handle, struct hsm_loaded **out)
{
    pthread_mutex_lock(&handles->lock);
    const struct entry *entry = find_entry(handles, handle);
    if (entry != NULL) {
        __atomic_add_fetch(&entry->loaded->num_references, 1, __ATOMIC_RELAXED);
        *out = entry->loaded;
    }
    pthread_mutex_unlock(&handles->lock);
    return entry == NULL ? KQ_ERR_NOT_FOUND : KQ_OK;
}

kq_status hsm_handles_remove(struct hsm_handles *handles, uint64_t handle)
{
    struct hsm_loaded *loaded = NULL;
    pthread_mutex_lock(&handles->lock);
    struct entry *entry = find_entry(handles, handle);
    if (entry != NULL) {
        loaded = entry->loaded;
        *entry = handles->entries[--handles->num_entries];
    }
    pthread_mutex_unlock(&handles->lock);
    hsm_loaded_free(loaded);
    return loaded == NULL ? KQ_ERR_NOT_FOUND : KQ_OK;
}

size_t hsm_handles_count(struct hsm_handles *handles)
{
    pthread_mutex_lock(&handles->lock);
    size_t num = handles->num_entries;
    pthread_mutex_unlock(&handles->lock);
    return num;
}

void hsm_handles_list(struct hsm_handles *handles, struct kq_writer *items, size_t *out_num)
{
    pthread_mutex_lock(&handles->lock);
    for (size_t i = 0; i < handles->num_entries; i++) {
        uint8_t bytes[8];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)(handles->entries[i].handle >> (8 * (7 - k)));
        kq_list_put(items, kq_slice_of(bytes, sizeof bytes));
    }
    *out_num = handles->num_entries;
    pthread_mutex_unlock(&handles->lock);
}
