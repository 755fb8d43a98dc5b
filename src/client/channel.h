#ifndef KQ_CLIENT_CHANNEL_H
#define KQ_CLIENT_CHANNEL_H

#include "base/buffer.h"

/* One stream of frames over a blocking socket. */
struct kqc_channel {
    int fd; /* owned; -1 when closed */
    struct kq_buffer inbox;
};

void kqc_channel_init(struct kqc_channel *channel, int fd);
void kqc_channel_clear(struct kqc_channel *channel);

/* Connects to a unix socket.  Errors: KQ_ERR_CONNECT, KQ_ERR_TOO_LARGE (path). */
KQ_MUST_CHECK kq_status kqc_channel_connect(const char *path, struct kqc_channel *out);

/* How long one send and one receive may last, 0: for ever. A send that lasts
 * longer is a lost connection; a receive says KQ_ERR_WAIT and may be called again. */
KQ_MUST_CHECK kq_status kqc_channel_set_patience(struct kqc_channel *channel, uint64_t send_ms, uint64_t receive_ms);

enum kqc_sent { KQC_SENT_NOTHING, KQC_SENT_SOME };

/* Writes bytes that are one whole frame, head included.
 * out_sent  on KQ_ERR_CONNECT: whether the other side may have seen anything */
KQ_MUST_CHECK kq_status kqc_channel_send(struct kqc_channel *channel, struct kq_slice frame, enum kqc_sent *out_sent);

/* Waits for the next frame and puts its body, alone, into out.
 * Errors: KQ_ERR_CONNECT, KQ_ERR_WAIT (kqc_channel_set_patience()), KQ_ERR_FORMAT (a frame over the maximum). */
KQ_MUST_CHECK kq_status kqc_channel_receive(struct kqc_channel *channel, struct kq_buffer *out);

#endif
