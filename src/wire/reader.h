#ifndef KQ_WIRE_READER_H
#define KQ_WIRE_READER_H

#include "base/slice.h"
#include "base/status.h"

/* A cursor over borrowed bytes with a sticky failure flag. After a failure
 * every read yields zero or an empty slice; kq_reader_finish() then says so. */
struct kq_reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

void kq_reader_init(struct kq_reader *reader, struct kq_slice in);
uint8_t kq_reader_u8(struct kq_reader *reader);
uint16_t kq_reader_u16(struct kq_reader *reader); /* big-endian, as all below */
uint32_t kq_reader_u32(struct kq_reader *reader);
uint64_t kq_reader_u64(struct kq_reader *reader);
/* Borrows the next len bytes of the input. */
struct kq_slice kq_reader_bytes(struct kq_reader *reader, size_t len);
/* Marks the cursor as failed (a value was read but is not allowed). */
void kq_reader_fail(struct kq_reader *reader);
/* KQ_OK if nothing failed and nothing is left over, else KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kq_reader_finish(const struct kq_reader *reader);

#endif
