#ifndef KQ_CLIENT_LINK_H
#define KQ_CLIENT_LINK_H

#include <pthread.h>

#include "client/channel.h"
#include "client/session.h"

/* One connection under a kqc_mux, its HELLO said, and who waits on it. All
 * members but the channel's inbox (the reader's) and the right to write
 * (sending) are guarded by the mux's lock. */

struct kqc_waiter {
    uint64_t seq;
    struct kqc_reply *reply; /* borrowed; filled when is_done */
    struct kq_slice results; /* borrows from *reply */
    pthread_cond_t woken;    /* the answer came, the link was lost, or it is your turn to read */
    bool is_waiting;         /* has sent; may read for all */
    bool is_done;
    struct kqc_waiter *previous, *next;
};

struct kqc_link {
    struct kqc_channel channel;
    pthread_mutex_t sending;
    uint64_t generation;
    char esn[KQ_ESN_LEN + 1];
    size_t num_users; /* calls between join and leave; the last one to leave a lost link frees it */
    bool has_reader;
    bool is_lost;
    size_t num_unread;          /* answers to come that nobody waits for */
    struct kqc_waiter *waiters; /* not answered yet */
};

/* Connects and says HELLO, for at most patience_ms.
 * answer_ms  for one send on the link later; a quarter of it, at most a second, for one receive
 * Errors     KQ_ERR_CONNECT, KQ_ERR_VERSION, KQ_ERR_FORMAT, KQ_ERR_TOO_LARGE, KQ_ERR_DENIED */
KQ_MUST_CHECK kq_status kqc_link_open(const char *path, const char *program, uint64_t patience_ms, uint64_t answer_ms,
                                      struct kqc_link **out);
void kqc_link_free(struct kqc_link *link);
KQ_AUTO_DEFINE(kqc_link);

void kqc_link_join(struct kqc_link *link, struct kqc_waiter *waiter);
/* Drops the waiter if it was not answered. */
void kqc_link_leave(struct kqc_link *link, struct kqc_waiter *waiter);
/* The reply, which *reply gives up, goes to whoever waits for it, if anybody does. */
void kqc_link_deliver(struct kqc_link *link, uint64_t seq, struct kq_slice results, struct kqc_reply *reply);
/* Wakes somebody to be the reader, if there is none. */
void kqc_link_pass_on(struct kqc_link *link);
/* Nobody can use it any more: wakes all. Descriptors are closed by kqc_link_free() only, when nobody is inside. */
void kqc_link_lose(struct kqc_link *link);

#endif
