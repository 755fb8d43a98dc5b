#ifndef KQ_CLIENT_SESSION_H
#define KQ_CLIENT_SESSION_H

#include "base/buffer.h"
#include "base/cleanup.h"
#include "wire/messages.h"

/* libkeyquay: one connection to a module. Not for use by two threads at once.
 *
 * After a lost connection (the module restarted) a call reconnects once and
 * repeats what is safe to repeat: reads, unlimited uses, and acts under their
 * request id. Where the outcome cannot be known it returns
 * KQ_ERR_OUTCOME_UNKNOWN. Handles die with the connection; kqc_key (key.h)
 * loads its blob again unseen. */
struct kqc_session;

/* Connects to the socket at path and says HELLO.  Errors: KQ_ERR_CONNECT, KQ_ERR_VERSION, KQ_ERR_DENIED. */
KQ_MUST_CHECK kq_status kqc_session_open(const char *path, const char *program, struct kqc_session **out);
/* Adopts a connected descriptor (preload) and says HELLO on it; there is no
 * reconnecting then. The descriptor belongs to the session on KQ_OK only. */
KQ_MUST_CHECK kq_status kqc_session_adopt(int fd, const char *program, struct kqc_session **out);
/* True if this process was started by preload: the number of the inherited
 * descriptor stands in KEYQUAY_PRELOAD. */
bool kqc_session_find_inherited(int *out_fd);
void kqc_session_free(struct kqc_session *session);
KQ_AUTO_DEFINE(kqc_session);
/* The descriptor, still owned by the session; -1 while the connection is lost. */
int kqc_session_fd(const struct kqc_session *session);
/* Counts the connections of this session: handles and authorities of an
 * earlier number are dead. */
uint64_t kqc_session_generation(const struct kqc_session *session);
const struct kq_hello_reply *kqc_session_hello(const struct kqc_session *session);

/* What came back. Results borrow from here until the next use or clear. */
struct kqc_reply {
    struct kq_buffer frame;
    kq_status status;
    char detail[513]; /* the module's words, "" if none */
    uint64_t wait_ms;
    uint64_t generation; /* of the connection that it came over */
};
void kqc_reply_clear(struct kqc_reply *reply);
KQ_AUTO_DEFINE_VALUE(kqc_reply);

/* One operation, one answer.
 *
 * params     the operation's params struct of wire/messages.h (NULL for kq_nothing)
 * authority  from AUTH_BEGIN, else 0
 * results    the operation's results struct, filled on KQ_OK, borrows from reply (NULL for kq_nothing)
 * Returns    the module's status; reply->detail holds its words
 * Errors     KQ_ERR_CONNECT          not reached; the act has certainly not happened
 *            KQ_ERR_OUTCOME_UNKNOWN  sent, and the connection was lost before the answer
 *            KQ_ERR_FORMAT           the answer is not one of this protocol version */
KQ_MUST_CHECK kq_status kqc_call(struct kqc_session *session, enum kq_op op, const void *params, uint64_t authority,
                                 void *results, struct kqc_reply *reply);

/* Many in flight on one connection: submit returns at once with the seq that
 * kqc_receive() will name; no retries here. Take in all answers before the
 * next kqc_call(). kqc_receive() returns KQ_OK when an answer came, whatever
 * it says: the module's status is reply->status. */
KQ_MUST_CHECK kq_status kqc_submit(struct kqc_session *session, enum kq_op op, const void *params, uint64_t *out_seq);
KQ_MUST_CHECK kq_status kqc_receive(struct kqc_session *session, uint64_t *out_seq, struct kqc_reply *reply,
                                    struct kq_slice *out_results);

#endif
