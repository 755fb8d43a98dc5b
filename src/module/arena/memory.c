#include "base/memory.h"

#include "module/arena/arena.h"

void *kq_memory_new(size_t len)
{
    return hsm_arena_new(len);
}

void kq_memory_free(void *data, size_t len)
{
    (void)len; /* the arena wipes what was asked for */
    hsm_arena_free(data);
}
