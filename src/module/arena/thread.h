#ifndef HSM_ARENA_THREAD_H
#define HSM_ARENA_THREAD_H

#include <pthread.h>

#include "base/status.h"

/* Threads whose stacks are ours: 256 KiB, locked, left out of core files, a
 * guard page below. Secrets live on stacks too. */
#define HSM_STACK_LEN (256u * 1024)

typedef void *hsm_thread_main(void *context);

struct hsm_thread {
    pthread_t id;
    void *mapping; /* guard page, then the stack */
};

/* Errors: KQ_ERR_MEMORY (see HSM_ARENA_LOCK_REMEDY). */
KQ_MUST_CHECK kq_status hsm_thread_start(struct hsm_thread *thread, hsm_thread_main *main, void *context);
/* Waits for its end, wipes and unmaps the stack. */
void hsm_thread_join(struct hsm_thread *thread);

#endif
