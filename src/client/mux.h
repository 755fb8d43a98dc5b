#ifndef KQ_CLIENT_MUX_H
#define KQ_CLIENT_MUX_H

#include "client/session.h"

/* One connection to a module shared by many threads: each thread calls and
 * waits for its own answer, the requests of all are in flight together. A
 * waiting thread reads for the others while it waits; there is no thread of its
 * own behind this.
 *
 * After a lost connection the next caller connects again (at most one at a
 * time); what may be repeated is repeated unseen for up to retry_ms, as
 * kqc_call() does it (client/repeat.h). Handles die with a connection: compare
 * generations. A call whose own answer did not come in time is not repeated. */
struct kqc_mux;

struct kqc_mux_options {
    const char *path;    /* the module's socket; copied */
    const char *program; /* for HELLO; copied */
    uint64_t retry_ms;   /* how long a call waits for a module that is restarting */
    uint64_t answer_ms;  /* how long a call waits for an answer before it gives the connection up */
};

/* Connects lazily: opening succeeds while the module is away.  Errors: KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status kqc_mux_open(const struct kqc_mux_options *options, struct kqc_mux **out);
/* No call may be under way. */
void kqc_mux_free(struct kqc_mux *mux);
KQ_AUTO_DEFINE(kqc_mux);

/* Counts the connections: 0 before the first. */
uint64_t kqc_mux_generation(struct kqc_mux *mux);

/* As kqc_call(), from any thread; at most 60 are in flight at once, more wait
 * up to answer_ms for their turn. reply->generation is the connection's.
 *
 * needs_generation  not 0: the call is not sent on a connection of another
 *                   generation (its handle would be dead): KQ_ERR_NOT_FOUND */
KQ_MUST_CHECK kq_status kqc_mux_call(struct kqc_mux *mux, enum kq_op op, const void *params, uint64_t needs_generation,
                                     void *results, struct kqc_reply *reply);
/* Sends and does not wait: for what may fail unseen. The answer is dropped when
 * somebody reads it; while dozens of such answers are unread, this does. Nothing
 * is sent while no connection of this generation is there.
 * needs_generation  not 0 */
void kqc_mux_post(struct kqc_mux *mux, enum kq_op op, const void *params, uint64_t needs_generation);

#endif
