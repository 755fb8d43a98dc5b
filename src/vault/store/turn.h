#ifndef VAULT_STORE_TURN_H
#define VAULT_STORE_TURN_H

#include <pthread.h>

#include "base/cleanup.h"
#include "base/status.h"

/* Who changes a record reads it, changes it and writes it whole. Two at once
 * would undo one another's change: a policy entry that was taken away would be
 * back, a disabled or deleted key usable. So they take turns, from before the
 * reading to after the writing. */
struct vault_store;

#define VAULT_TURNS 256u

/* One lock for many records; inside of a store. */
struct vault_turns {
    pthread_mutex_t locks[VAULT_TURNS];
};
void vault_turns_init(struct vault_turns *turns);
void vault_turns_clear(struct vault_turns *turns);

struct vault_turn {
    pthread_mutex_t *lock; /* NULL: none is held */
};
void vault_turn_clear(struct vault_turn *turn);
KQ_AUTO_DEFINE_VALUE(vault_turn);

/* Waits for the turn to change a vault, or a key of it: names in any case, key
 * "" for the vault itself. Nobody may hold two.
 * Errors: KQ_ERR_WAIT (those before take too long) */
KQ_MUST_CHECK kq_status vault_store_take_turn(struct vault_store *store, const char *vault, const char *key,
                                              struct vault_turn *out);

#endif
