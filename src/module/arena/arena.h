#ifndef HSM_ARENA_ARENA_H
#define HSM_ARENA_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The one region of memory in which the module keeps anything that may be
 * secret: reserved once, guarded on both sides, made usable in locked steps as
 * it is needed, left out of core files, wiped on fork and wiped on free.
 * There is one per process, because OpenSSL's allocation hooks carry no
 * context. All functions are thread safe. docs/decisions/0002-module-memory-behind-one-seam.md. */

struct hsm_arena_options {
    size_t first;        /* bytes locked at start */
    size_t max;          /* how far it may grow; reserved address space, not memory */
    bool allow_unlocked; /* go on without mlock, and say so in status and receipts */
};

#define HSM_ARENA_FIRST_DEFAULT (1024u * 1024)
#define HSM_ARENA_MAX_DEFAULT (64u * 1024 * 1024)
#define HSM_ARENA_ALIGNMENT 16u

/* Reserves the region. Call once, before anything is allocated.
 *
 * out_why  on failure a sentence with the remedy (LimitMEMLOCK, --allow-unlocked); static storage
 * Errors   KQ_ERR_MEMORY, KQ_ERR_STATE (already started) */
KQ_MUST_CHECK kq_status hsm_arena_start(const struct hsm_arena_options *options, const char **out_why);
/* Wipes and unmaps everything; nothing of it may be in use (tests). */
void hsm_arena_stop(void);

/* Makes every allocation of OpenSSL come from the arena, and OpenSSL read no
 * configuration. Must precede the first OpenSSL call.  Errors: KQ_ERR_STATE (it is too late). */
KQ_MUST_CHECK kq_status hsm_arena_hook_openssl(void);

/* Zeroed bytes aligned to HSM_ARENA_ALIGNMENT; NULL when len is 0 or the bound is reached. */
void *hsm_arena_new(size_t len);
/* Wipes and releases; NULL is fine. A double free or a damaged header aborts. */
void hsm_arena_free(void *data);
/* Copies into a new block, wipes and frees the old one (never in place of
 * it). NULL data allocates; len 0 frees. NULL on failure, data untouched. */
void *hsm_arena_resize(void *data, size_t len);

/* Locks len bytes of other memory (thread stacks) under the same rule as the
 * arena: KQ_OK also where it failed and allow_unlocked was given. */
KQ_MUST_CHECK kq_status hsm_arena_lock(void *data, size_t len);

struct hsm_arena_facts {
    size_t used;      /* bytes asked for and not freed */
    size_t size;      /* bytes made usable so far */
    bool is_locked;   /* all of it, stacks included */
    uint64_t refused; /* allocations that failed */
};
void hsm_arena_facts_get(struct hsm_arena_facts *out);

/* How often this thread was refused memory so far: tells a failure inside
 * OpenSSL for want of memory from a broken promise. */
uint64_t hsm_arena_refusals(void);

/* Gives the calling thread's cached blocks back; for threads that end. */
void hsm_arena_leave(void);

/* What to do when locking fails; static storage. */
#define HSM_ARENA_LOCK_REMEDY                                                                                          \
    "memory cannot be locked: raise LimitMEMLOCK (systemd) or RLIMIT_MEMLOCK (ulimit -l), "                            \
    "or start with --allow-unlocked, which status and receipts will show"

#endif
