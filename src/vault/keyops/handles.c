#include "vault/keyops/handles.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SUBSCRIPTION_MAX 36u /* as in a place (wire/formats.h) */
#define VAULT_MAX 63u
#define NAME_MAX_LEN 127u
#define VERSION_MAX 32u

struct vault_handle_entry {
    char subscription[SUBSCRIPTION_MAX + 1];
    char vault[VAULT_MAX + 1];
    char name[NAME_MAX_LEN + 1];
    char version[VERSION_MAX + 1];
    uint64_t handle; /* 0: not loaded */
    uint64_t generation;
    size_t num_users;
    bool is_loading;
    bool is_removed; /* goes with its last user */
    size_t bucket;
    struct vault_handle_entry *next_in_bucket;  /* of a free one: the next free one */
    struct vault_handle_entry *previous, *next; /* idle ones, longest unused first */
};

struct vault_handles {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t num_entries;
    size_t num_touched; /* entries behind these were never used; memory for them comes when they are */
    struct vault_handle_entry *entries;
    struct vault_handle_entry *first_free;
    struct vault_handle_entry *first_idle, *last_idle;
    size_t num_buckets;
    struct vault_handle_entry **buckets;
};

kq_status vault_handles_new(size_t max, struct vault_handles **out)
{
    KQ_AUTO(vault_handles) handles = calloc(1, sizeof *handles);
    if (handles == NULL)
        return KQ_ERR_MEMORY;
    pthread_mutex_init(&handles->lock, NULL);
    pthread_cond_init(&handles->changed, NULL);
    handles->num_entries = max;
    handles->num_buckets = max;
    handles->entries = calloc(max, sizeof *handles->entries);
    handles->buckets = calloc(max, sizeof *handles->buckets);
    if (handles->entries == NULL || handles->buckets == NULL)
        return KQ_ERR_MEMORY;
    *out = KQ_TAKE(handles);
    return KQ_OK;
}

void vault_handles_free(struct vault_handles *handles)
{
    if (handles == NULL)
        return;
    pthread_cond_destroy(&handles->changed);
    pthread_mutex_destroy(&handles->lock);
    free(handles->entries);
    free(handles->buckets);
    free(handles);
}

/* ---- by name ---- */

static uint64_t mix(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

/* Versions are random and ours, so nobody can choose keys that collide. */
static size_t bucket_of(const struct vault_handles *handles, const struct vault_handle_name *name)
{
    return (size_t)(mix(mix(UINT64_C(0xcbf29ce484222325), name->version), name->name) % handles->num_buckets);
}

static bool is_named(const struct vault_handle_entry *entry, const struct vault_handle_name *name)
{
    return strcmp(entry->version, name->version) == 0 && strcmp(entry->name, name->name) == 0 &&
           strcmp(entry->vault, name->vault) == 0 && strcmp(entry->subscription, name->subscription) == 0;
}

static struct vault_handle_entry *find(const struct vault_handles *handles, const struct vault_handle_name *name)
{
    struct vault_handle_entry *entry = handles->buckets[bucket_of(handles, name)];
    while (entry != NULL && !is_named(entry, name))
        entry = entry->next_in_bucket;
    return entry;
}

static void take_name(struct vault_handles *handles, struct vault_handle_entry *entry,
                      const struct vault_handle_name *name)
{
    *entry = (struct vault_handle_entry){.bucket = bucket_of(handles, name)};
    memcpy(entry->subscription, name->subscription, strlen(name->subscription) + 1);
    memcpy(entry->vault, name->vault, strlen(name->vault) + 1);
    memcpy(entry->name, name->name, strlen(name->name) + 1);
    memcpy(entry->version, name->version, strlen(name->version) + 1);
    entry->next_in_bucket = handles->buckets[entry->bucket];
    handles->buckets[entry->bucket] = entry;
}

static bool is_name_valid(const struct vault_handle_name *name)
{
    return strlen(name->subscription) <= SUBSCRIPTION_MAX && strlen(name->vault) <= VAULT_MAX &&
           strlen(name->name) <= NAME_MAX_LEN && strlen(name->version) <= VERSION_MAX;
}

/* ---- idle and free ---- */

static void leave_idle(struct vault_handles *handles, struct vault_handle_entry *entry)
{
    *(entry->previous != NULL ? &entry->previous->next : &handles->first_idle) = entry->next;
    *(entry->next != NULL ? &entry->next->previous : &handles->last_idle) = entry->previous;
    entry->previous = entry->next = NULL;
}

static void join_idle(struct vault_handles *handles, struct vault_handle_entry *entry)
{
    entry->previous = handles->last_idle;
    entry->next = NULL;
    *(handles->last_idle != NULL ? &handles->last_idle->next : &handles->first_idle) = entry;
    handles->last_idle = entry;
}

static void forget(struct vault_handles *handles, struct vault_handle_entry *entry, struct vault_held *out)
{
    struct vault_handle_entry **link = &handles->buckets[entry->bucket];
    while (*link != entry)
        link = &(*link)->next_in_bucket;
    *link = entry->next_in_bucket;
    out->stale_handle = entry->handle;
    out->stale_generation = entry->generation;
    entry->handle = 0;
    entry->next_in_bucket = handles->first_free;
    handles->first_free = entry;
}

/* An entry for another key: a free one, else the longest unused. */
static struct vault_handle_entry *make_room(struct vault_handles *handles, struct vault_held *out)
{
    if (handles->first_free == NULL && handles->num_touched < handles->num_entries)
        return &handles->entries[handles->num_touched++];
    if (handles->first_free == NULL && handles->first_idle != NULL) {
        struct vault_handle_entry *entry = handles->first_idle;
        leave_idle(handles, entry);
        forget(handles, entry, out);
    }
    struct vault_handle_entry *entry = handles->first_free;
    if (entry != NULL)
        handles->first_free = entry->next_in_bucket;
    return entry;
}

/* ---- holding ---- */

static void take(struct vault_handles *handles, struct vault_handle_entry *entry, struct vault_held *out)
{
    if (entry->num_users++ == 0)
        leave_idle(handles, entry);
    out->entry = entry;
    out->is_loaded = entry->handle != 0;
    out->handle = entry->handle;
    out->generation = entry->generation;
    if (!out->is_loaded)
        entry->is_loading = true;
}

static void hold(struct vault_handles *handles, const struct vault_handle_name *name, struct vault_held *out)
{
    for (;;) {
        struct vault_handle_entry *entry = find(handles, name);
        if (entry != NULL && !entry->is_loading) {
            take(handles, entry, out);
            return;
        }
        if (entry == NULL && (entry = make_room(handles, out)) != NULL) {
            take_name(handles, entry, name);
            entry->num_users = 1;
            entry->is_loading = true;
            out->entry = entry;
            return;
        }
        pthread_cond_wait(&handles->changed, &handles->lock);
    }
}

kq_status vault_handles_hold(struct vault_handles *handles, const struct vault_handle_name *name,
                             struct vault_held *out)
{
    if (!is_name_valid(name))
        return KQ_ERR_ARGUMENT;
    *out = (struct vault_held){.entry = NULL};
    pthread_mutex_lock(&handles->lock);
    hold(handles, name, out);
    pthread_mutex_unlock(&handles->lock);
    return KQ_OK;
}

void vault_handles_set(struct vault_handles *handles, struct vault_held *held, uint64_t handle, uint64_t generation)
{
    pthread_mutex_lock(&handles->lock);
    held->entry->handle = held->handle = handle;
    held->entry->generation = held->generation = generation;
    held->entry->is_loading = false;
    held->is_loaded = true;
    pthread_cond_broadcast(&handles->changed);
    pthread_mutex_unlock(&handles->lock);
}

void vault_handles_drop(struct vault_handles *handles, const struct vault_held *held)
{
    pthread_mutex_lock(&handles->lock);
    if (held->entry->handle == held->handle && held->entry->generation == held->generation)
        held->entry->handle = 0;
    pthread_mutex_unlock(&handles->lock);
}

void vault_handles_release(struct vault_handles *handles, struct vault_held *held)
{
    struct vault_handle_entry *entry = held->entry;
    held->stale_handle = 0;
    pthread_mutex_lock(&handles->lock);
    if (!held->is_loaded)
        entry->is_loading = false;
    entry->num_users--;
    if (entry->num_users == 0 && (entry->handle == 0 || entry->is_removed))
        forget(handles, entry, held);
    else if (entry->num_users == 0)
        join_idle(handles, entry);
    pthread_cond_broadcast(&handles->changed);
    pthread_mutex_unlock(&handles->lock);
    held->entry = NULL;
}

void vault_handles_remove(struct vault_handles *handles, const struct vault_handle_name *name, struct vault_held *out)
{
    *out = (struct vault_held){.entry = NULL};
    pthread_mutex_lock(&handles->lock);
    struct vault_handle_entry *entry = find(handles, name);
    if (entry != NULL && entry->num_users > 0) {
        entry->is_removed = true;
    } else if (entry != NULL) {
        leave_idle(handles, entry);
        forget(handles, entry, out);
    }
    pthread_mutex_unlock(&handles->lock);
}

size_t vault_handles_count(struct vault_handles *handles)
{
    size_t num = 0;
    pthread_mutex_lock(&handles->lock);
    for (size_t i = 0; i < handles->num_touched; i++)
        num += handles->entries[i].handle != 0;
    pthread_mutex_unlock(&handles->lock);
    return num;
}
