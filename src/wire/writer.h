#ifndef KQ_WIRE_WRITER_H
#define KQ_WIRE_WRITER_H

#include "base/buffer.h"

/* Appends to a growable buffer with a hard maximum. Failure is sticky: after
 * it every put does nothing and kq_writer_finish() tells. Storage is wiped
 * when it grows and when it is cleared, so secrets may pass through. */
struct kq_writer {
    struct kq_buffer buffer;
    kq_status failure;
};

void kq_writer_init(struct kq_writer *writer, size_t max);
void kq_writer_u8(struct kq_writer *writer, uint8_t value);
void kq_writer_u16(struct kq_writer *writer, uint16_t value); /* big-endian, as all below */
void kq_writer_u32(struct kq_writer *writer, uint32_t value);
void kq_writer_u64(struct kq_writer *writer, uint64_t value);
void kq_writer_bytes(struct kq_writer *writer, struct kq_slice bytes);
/* KQ_OK and the bytes written so far (borrowed), or the first failure. */
KQ_MUST_CHECK kq_status kq_writer_finish(const struct kq_writer *writer, struct kq_slice *out);
void kq_writer_clear(struct kq_writer *writer);

KQ_AUTO_DEFINE_VALUE(kq_writer);

#endif
