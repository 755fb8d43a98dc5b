#ifndef VAULT_KEYOPS_HANDLES_H
#define VAULT_KEYOPS_HANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/status.h"

/* Which keys a module has loaded for us: at most max, the longest unused gives
 * way, one in use never does. Knows names and handles only; whoever holds an
 * entry that is not loaded does the loading. Thread-safe. */
struct vault_handles;

KQ_MUST_CHECK kq_status vault_handles_new(size_t max, struct vault_handles **out);
void vault_handles_free(struct vault_handles *handles);
KQ_AUTO_DEFINE(vault_handles);

struct vault_handle_name {
    const char *subscription;
    const char *vault;
    const char *name;
    const char *version;
};

struct vault_handle_entry;
struct vault_held {
    struct vault_handle_entry *entry;
    bool is_loaded;  /* false: load it, then vault_handles_set() or vault_handles_release() */
    uint64_t handle; /* of a loaded one, and the connection it is valid on */
    uint64_t generation;
    uint64_t stale_handle; /* not 0: the module still has this one, which nobody needs any more */
    uint64_t stale_generation;
};

/* Finds a key's entry, or gives it one, and keeps it from being given up.
 * Waits while somebody else loads this key, and while all entries are in use;
 * so nobody may hold two at once.
 *
 * out->stale_handle  unload it before another key is loaded
 * Errors             KQ_ERR_ARGUMENT (a name over its maximum) */
KQ_MUST_CHECK kq_status vault_handles_hold(struct vault_handles *handles, const struct vault_handle_name *name,
                                           struct vault_held *out);
/* It is loaded now: others may use it too. */
void vault_handles_set(struct vault_handles *handles, struct vault_held *held, uint64_t handle, uint64_t generation);
/* The module no longer knows the handle that we held; the next to hold the key loads it again. */
void vault_handles_drop(struct vault_handles *handles, const struct vault_held *held);
/* Ends the use. Sets held->stale_handle if the key was removed meanwhile. */
void vault_handles_release(struct vault_handles *handles, struct vault_held *held);
/* Forgets a key, as soon as nobody uses it.
 * out  only stale_handle and stale_generation are set */
void vault_handles_remove(struct vault_handles *handles, const struct vault_handle_name *name, struct vault_held *out);
/* Keys with a handle. */
size_t vault_handles_count(struct vault_handles *handles);

#endif
