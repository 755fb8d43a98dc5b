#ifndef KQ_WIRE_FRAME_H
#define KQ_WIRE_FRAME_H

#include "base/buffer.h"

/* Frames on a stream: a 32-bit big-endian length, then that many bytes.
 * docs/protocols/module.md 2. */
#define KQ_FRAME_HEAD_LEN 4u
#define KQ_FRAME_MAX (128u * 1024)

/* Looks at the bytes received so far.
 *
 * out_frame  the first frame's body, borrowed from in; meaningful when *out_taken > 0
 * out_taken  bytes the frame takes up, head included; 0 if it is not complete yet
 * Errors     KQ_ERR_TOO_LARGE for a length over KQ_FRAME_MAX */
KQ_MUST_CHECK kq_status kq_frame_split(struct kq_slice in, struct kq_slice *out_frame, size_t *out_taken);

/* Writes the head for a body of body_len <= KQ_FRAME_MAX bytes. */
void kq_frame_head(size_t body_len, uint8_t out[KQ_FRAME_HEAD_LEN]);

#endif
