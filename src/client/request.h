#ifndef KQ_CLIENT_REQUEST_H
#define KQ_CLIENT_REQUEST_H

#include "client/repeat.h"
#include "client/session.h"

/* What every road to a module does with one request and its reply: the
 * session's (session.h) and the shared connection's (mux.h). */

struct kqc_request {
    enum kq_op op;
    const void *params; /* NULL for kq_nothing */
    uint64_t authority;
    struct kq_slice request_id; /* empty unless the operation is an act */
};

/* Writes the whole frame, head included, into an empty writer.
 * Errors: KQ_ERR_ARGUMENT (no such operation; params outside their limits), KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status kqc_request_encode(const struct kqc_request *request, uint64_t seq, struct kq_writer *frame);

/* Reads reply->frame, sets status, words and delay. Results borrow from the frame.
 * Errors: KQ_ERR_FORMAT, KQ_ERR_VERSION. */
KQ_MUST_CHECK kq_status kqc_reply_read(struct kqc_reply *reply, uint64_t *out_seq, struct kq_slice *out_results);

/* Takes the results of an operation apart (results NULL: nothing is wanted).
 * Errors: KQ_ERR_FORMAT, KQ_ERR_VERSION; the reply says which field. */
KQ_MUST_CHECK kq_status kqc_reply_get_results(enum kq_op op, struct kq_slice bytes, void *results,
                                              struct kqc_reply *reply);

/* A status that is not the module's, and its words. Returns the status. */
kq_status kqc_reply_set(struct kqc_reply *reply, kq_status status, const char *detail);

enum kqc_ever_sent { KQC_NEVER_SENT, KQC_EVER_SENT };
/* What a lost connection means for the caller, once nothing is tried again. */
kq_status kqc_reply_set_lost(struct kqc_reply *reply, enum kqc_repeat repeat, enum kqc_ever_sent sent);

#endif
