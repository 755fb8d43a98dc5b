#include "module/arena/thread.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/wipe.h"
#include "module/arena/arena.h"

static size_t guard_len(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static kq_status stack_map(void **out_mapping)
{
    size_t len = guard_len() + HSM_STACK_LEN;
    uint8_t *mapping = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED)
        return KQ_ERR_MEMORY;
    uint8_t *stack = mapping + guard_len();
    if (mprotect(stack, HSM_STACK_LEN, PROT_READ | PROT_WRITE) != 0 ||
        madvise(stack, HSM_STACK_LEN, MADV_DONTDUMP) != 0 || hsm_arena_lock(stack, HSM_STACK_LEN) != KQ_OK) {
        munmap(mapping, len);
        return KQ_ERR_MEMORY;
    }
    *out_mapping = mapping;
    return KQ_OK;
}

static void stack_unmap(void *mapping)
{
    kq_wipe((uint8_t *)mapping + guard_len(), HSM_STACK_LEN);
    munmap(mapping, guard_len() + HSM_STACK_LEN);
}

kq_status hsm_thread_start(struct hsm_thread *thread, hsm_thread_main *main, void *context)
{
    void *mapping;
    KQ_TRY(stack_map(&mapping));
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed == 0) {
        failed = pthread_attr_setstack(&attributes, (uint8_t *)mapping + guard_len(), HSM_STACK_LEN);
        if (failed == 0)
            failed = pthread_create(&thread->id, &attributes, main, context);
        pthread_attr_destroy(&attributes);
    }
    if (failed != 0) {
        stack_unmap(mapping);
        return KQ_ERR_MEMORY;
    }
    thread->mapping = mapping;
    return KQ_OK;
}

void hsm_thread_join(struct hsm_thread *thread)
{
    pthread_join(thread->id, NULL);
    stack_unmap(thread->mapping);
    thread->mapping = NULL;
}
