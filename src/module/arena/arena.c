#include "module/arena/arena.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.h"
#include "base/size.h"
#include "base/wipe.h"

/* Block sizes, header included: 16, 32, 48, 64, then four steps to each
 * doubling (80, 96, 112, 128, 160, ...), so that at most a fifth is lost. */
#define NUM_CLASSES 88u
#define BLOCK_MIN 32u /* a header and a pointer */
/* Blocks up to 2 KiB are kept in a cache per thread. */
#define NUM_CACHED_CLASSES 24u
#define NUM_CACHES 64u
#define GROWTH_STEP (256u * 1024)

enum block_mark { BLOCK_USED = 0x5ec1, BLOCK_FREE = 0xf1ee };

struct block {
    uint32_t len; /* as asked for */
    uint16_t class_;
    uint16_t mark;
    uint64_t check;       /* its own address and the arena's cookie, against stray writes */
    struct block *next[]; /* free blocks only: one pointer, where the data was */
};
_Static_assert(sizeof(struct block) == HSM_ARENA_ALIGNMENT, "data follow the header, aligned");

struct free_list {
    struct block *first;
    uint32_t num;
};

/* Written by its thread alone; used is read by others. */
struct cache {
    atomic_bool is_taken;
    atomic_long used; /* may be negative: blocks are freed by other threads */
    uint64_t refused;
    struct free_list lists[NUM_CACHED_CLASSES];
};

struct arena {
    pthread_mutex_t lock;
    uint8_t *top;   /* where the next new block starts */
    uint8_t *ready; /* end of what is usable */
    uint8_t *end;   /* end of what is reserved */
    uint8_t *mapping;
    size_t mapping_len;
    uint64_t cookie;
    bool allow_unlocked;
    atomic_bool is_unlocked;
    atomic_ulong refused;
    atomic_long used; /* by threads without a cache */
    struct free_list lists[NUM_CLASSES];
    struct cache caches[NUM_CACHES];
};

/* One per process: OpenSSL's hooks carry no context (dev/globals.allow). */
static struct arena *arena;
static _Thread_local struct cache *own_cache;

static size_t class_of(size_t size)
{
    if (size <= 64)
        return (size + 15) / 16 - 1;
    size_t log2 = 63u - (size_t)__builtin_clzll((unsigned long long)size - 1);
    return 4 * (log2 - 6) + ((size - 1) >> (log2 - 2));
}

static size_t class_size(size_t class_)
{
    if (class_ < 4)
        return 16 * (class_ + 1);
    return (class_ % 4 + 5) << (class_ / 4 + 3);
}

static uint64_t block_check(const struct block *block)
{
    return (uint64_t)(uintptr_t)block ^ arena->cookie;
}

static struct block *block_of(void *data)
{
    struct block *block = (struct block *)((uint8_t *)data - sizeof(struct block));
    if (block->mark != BLOCK_USED || block->check != block_check(block))
        KQ_BUG("a block was freed twice, or something wrote over its head");
    return block;
}

static void list_push(struct free_list *list, struct block *block)
{
    block->next[0] = list->first;
    list->first = block;
    list->num++;
}

static struct block *list_pop(struct free_list *list)
{
    struct block *block = list->first;
    if (block == NULL)
        return NULL;
    list->first = block->next[0];
    block->next[0] = NULL;
    list->num--;
    return block;
}

static bool list_move(struct free_list *from, struct free_list *to)
{
    struct block *block = list_pop(from);
    if (block == NULL)
        return false;
    list_push(to, block);
    return true;
}

static uint32_t cache_limit(size_t class_)
{
    return (uint32_t)(4096 / class_size(class_) + 4);
}

/* Makes at least size more bytes usable. MAP_LOCKED rather than mlock(),
 * which the filter does not know. */
static bool arena_grow(size_t size)
{
    size_t step = (size + GROWTH_STEP - 1) / GROWTH_STEP * GROWTH_STEP;
    if (step > (size_t)(arena->end - arena->ready))
        step = (size_t)(arena->end - arena->ready);
    if (step < size)
        return false;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    void *more = mmap(arena->ready, step, PROT_READ | PROT_WRITE, flags | MAP_LOCKED, -1, 0);
    if (more == MAP_FAILED && arena->allow_unlocked) {
        arena->is_unlocked = true;
        more = mmap(arena->ready, step, PROT_READ | PROT_WRITE, flags, -1, 0);
    }
    if (more == MAP_FAILED)
        return false;
    if (madvise(more, step, MADV_DONTDUMP) != 0 || madvise(more, step, MADV_WIPEONFORK) != 0)
        return false;
    arena->ready += step;
    return true;
}

static struct block *block_carve(size_t class_)
{
    size_t size = class_size(class_);
    size_t room = (size_t)(arena->ready - arena->top);
    if (room < size && !arena_grow(size - room))
        return NULL;
    struct block *block = (struct block *)arena->top;
    arena->top += size;
    block->class_ = (uint16_t)class_;
    block->check = block_check(block);
    block->mark = BLOCK_FREE;
    return block;
}

static void block_release(uint8_t *at, size_t class_)
{
    struct block *block = (struct block *)at;
    block->class_ = (uint16_t)class_;
    block->check = block_check(block);
    block->mark = BLOCK_FREE;
    list_push(&arena->lists[class_], block);
}

/* Makes free blocks of free bytes, the largest first. */
static void release_rest(uint8_t *at, size_t len)
{
    while (len >= BLOCK_MIN) {
        size_t class_ = class_of(len);
        if (class_size(class_) > len)
            class_--;
        block_release(at, class_);
        at += class_size(class_);
        len -= class_size(class_);
    }
}

/* Cuts a larger free block: where everything was taken in large blocks once,
 * small ones can still be had afterwards. */
static struct block *block_cut(size_t class_)
{
    for (size_t larger = class_ + 1; larger < NUM_CLASSES; larger++) {
        struct block *block = list_pop(&arena->lists[larger]);
        if (block == NULL)
            continue;
        size_t size = class_size(class_);
        block->class_ = (uint16_t)class_;
        release_rest((uint8_t *)block + size, class_size(larger) - size);
        return block;
    }
    return NULL;
}

static struct block *central_take(size_t class_)
{
    struct block *block = list_pop(&arena->lists[class_]);
    if (block == NULL)
        block = block_carve(class_);
    return block != NULL ? block : block_cut(class_);
}

static struct cache *cache_find(void)
{
    if (own_cache != NULL)
        return own_cache;
    for (size_t i = 0; i < NUM_CACHES; i++) {
        if (!atomic_exchange(&arena->caches[i].is_taken, true))
            return own_cache = &arena->caches[i];
    }
    return NULL;
}

/* Half a cache of blocks at once, so that the lock is taken seldom. */
static struct block *cache_take(struct cache *cache, size_t class_)
{
    struct free_list *list = &cache->lists[class_];
    struct block *block = list_pop(list);
    if (block != NULL)
        return block;
    pthread_mutex_lock(&arena->lock);
    block = central_take(class_);
    uint32_t num_spare = cache_limit(class_) / 2;
    while (num_spare > 0 && list_move(&arena->lists[class_], list))
        num_spare--;
    pthread_mutex_unlock(&arena->lock);
    return block;
}

static void cache_give(struct cache *cache, struct block *block)
{
    size_t class_ = block->class_;
    struct free_list *list = &cache->lists[class_];
    list_push(list, block);
    if (list->num <= cache_limit(class_))
        return;
    pthread_mutex_lock(&arena->lock);
    for (uint32_t num_spare = cache_limit(class_) / 2; num_spare > 0; num_spare--)
        list_move(list, &arena->lists[class_]);
    pthread_mutex_unlock(&arena->lock);
}

static void count_used(struct cache *cache, long change)
{
    if (cache == NULL) {
        atomic_fetch_add_explicit(&arena->used, change, memory_order_relaxed);
        return;
    }
    long used = atomic_load_explicit(&cache->used, memory_order_relaxed);
    atomic_store_explicit(&cache->used, used + change, memory_order_relaxed);
}

void *hsm_arena_new(size_t len)
{
    if (len == 0 || arena == NULL || len > UINT32_MAX - sizeof(struct block))
        return NULL;
    size_t class_ = class_of(len + sizeof(struct block) < BLOCK_MIN ? BLOCK_MIN : len + sizeof(struct block));
    if (class_ >= NUM_CLASSES)
        return NULL;
    struct cache *cache = cache_find();
    struct block *block;
    if (cache != NULL && class_ < NUM_CACHED_CLASSES) {
        block = cache_take(cache, class_);
    } else {
        pthread_mutex_lock(&arena->lock);
        block = central_take(class_);
        pthread_mutex_unlock(&arena->lock);
    }
    if (block == NULL) {
        atomic_fetch_add(&arena->refused, 1);
        if (cache != NULL)
            cache->refused++;
        return NULL;
    }
    block->mark = BLOCK_USED;
    block->len = (uint32_t)len;
    count_used(cache, (long)len);
    return block->next;
}

void hsm_arena_free(void *data)
{
    if (data == NULL)
        return;
    struct block *block = block_of(data);
    struct cache *cache = cache_find();
    kq_wipe(data, block->len);
    count_used(cache, -(long)block->len);
    block->mark = BLOCK_FREE;
    block->len = 0;
    if (cache != NULL && block->class_ < NUM_CACHED_CLASSES) {
        cache_give(cache, block);
        return;
    }
    pthread_mutex_lock(&arena->lock);
    list_push(&arena->lists[block->class_], block);
    pthread_mutex_unlock(&arena->lock);
}

void *hsm_arena_resize(void *data, size_t len)
{
    if (data == NULL)
        return hsm_arena_new(len);
    if (len == 0) {
        hsm_arena_free(data);
        return NULL;
    }
    size_t old_len = block_of(data)->len;
    void *copy = hsm_arena_new(len);
    if (copy == NULL)
        return NULL;
    memcpy(copy, data, old_len < len ? old_len : len);
    hsm_arena_free(data);
    return copy;
}

uint64_t hsm_arena_refusals(void)
{
    if (own_cache != NULL)
        return own_cache->refused;
    return arena == NULL ? 0 : atomic_load(&arena->refused);
}

void hsm_arena_leave(void)
{
    struct cache *cache = own_cache;
    own_cache = NULL;
    if (arena == NULL || cache == NULL)
        return;
    pthread_mutex_lock(&arena->lock);
    for (size_t i = 0; i < NUM_CACHED_CLASSES; i++) {
        while (list_move(&cache->lists[i], &arena->lists[i]))
            ;
    }
    pthread_mutex_unlock(&arena->lock);
    atomic_store(&cache->is_taken, false);
}

kq_status hsm_arena_lock(void *data, size_t len)
{
    if (mlock(data, len) == 0)
        return KQ_OK;
    arena->is_unlocked = true;
    return arena->allow_unlocked ? KQ_OK : KQ_ERR_MEMORY;
}

void hsm_arena_facts_get(struct hsm_arena_facts *out)
{
    *out = (struct hsm_arena_facts){0};
    if (arena == NULL)
        return;
    long used = atomic_load(&arena->used);
    for (size_t i = 0; i < NUM_CACHES; i++)
        used += atomic_load(&arena->caches[i].used);
    pthread_mutex_lock(&arena->lock);
    out->size = (size_t)(arena->ready - arena->mapping) - (size_t)sysconf(_SC_PAGESIZE);
    pthread_mutex_unlock(&arena->lock);
    out->used = used > 0 ? (size_t)used : 0;
    out->is_locked = !arena->is_unlocked;
    out->refused = atomic_load(&arena->refused);
}

/* A guard page, the arena's own book-keeping and blocks, a guard page. The
 * book-keeping is the first thing in the usable part. */
static kq_status arena_map(const struct hsm_arena_options *options, struct arena *draft)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t max = (options->max + page - 1) / page * page;
    draft->mapping_len = max + 2 * page;
    draft->mapping = mmap(NULL, draft->mapping_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (draft->mapping == MAP_FAILED)
        return KQ_ERR_MEMORY;
    draft->ready = draft->mapping + page;
    draft->end = draft->ready + max;
    draft->top = draft->ready;
    return KQ_OK;
}

kq_status hsm_arena_start(const struct hsm_arena_options *options, const char **out_why)
{
    *out_why = HSM_ARENA_LOCK_REMEDY;
    if (arena != NULL)
        return KQ_ERR_STATE;
    struct arena draft = {.lock = PTHREAD_MUTEX_INITIALIZER, .allow_unlocked = options->allow_unlocked};
    KQ_TRY(kq_random(&draft.cookie, sizeof draft.cookie));
    KQ_TRY(arena_map(options, &draft));
    arena = &draft;
    bool has_grown = options->first >= sizeof draft && arena_grow(options->first);
    arena = NULL;
    if (!has_grown) {
        munmap(draft.mapping, draft.mapping_len);
        return KQ_ERR_MEMORY;
    }
    struct arena *own = (struct arena *)draft.top;
    draft.top += (sizeof draft + HSM_ARENA_ALIGNMENT - 1) / HSM_ARENA_ALIGNMENT * HSM_ARENA_ALIGNMENT;
    memcpy(own, &draft, sizeof draft);
    arena = own;
    return KQ_OK;
}

void hsm_arena_stop(void)
{
    if (arena == NULL)
        return;
    uint8_t *mapping = arena->mapping;
    size_t mapping_len = arena->mapping_len;
    uint8_t *first = (uint8_t *)arena;
    size_t used_len = (size_t)(arena->top - first);
    arena = NULL;
    own_cache = NULL;
    kq_wipe(first, used_len);
    munmap(mapping, mapping_len);
}
