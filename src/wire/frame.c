#include "wire/frame.h"

#include "wire/reader.h"

kq_status kq_frame_split(struct kq_slice in, struct kq_slice *out_frame, size_t *out_taken)
{
    *out_taken = 0;
    if (in.len < KQ_FRAME_HEAD_LEN)
        return KQ_OK;
    struct kq_reader reader;
    kq_reader_init(&reader, in);
    uint32_t body_len = kq_reader_u32(&reader);
    if (body_len > KQ_FRAME_MAX)
        return KQ_ERR_TOO_LARGE;
    if (reader.left < body_len)
        return KQ_OK;
    *out_frame = kq_reader_bytes(&reader, body_len);
    *out_taken = KQ_FRAME_HEAD_LEN + body_len;
    return KQ_OK;
}

void kq_frame_head(size_t body_len, uint8_t out[KQ_FRAME_HEAD_LEN])
{
    for (size_t i = 0; i < KQ_FRAME_HEAD_LEN; i++)
        out[i] = (uint8_t)(body_len >> (8 * (KQ_FRAME_HEAD_LEN - 1 - i)));
}
