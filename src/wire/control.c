#include "wire/control.h"

KQ_RECORD_DEFINE(kq_control, NULL, 1, KQ_CONTROL_FIELDS, KQ_CONTROL_MAX);

kq_status kq_control_split(struct kq_slice in, struct kq_slice *out_frame, size_t *out_taken)
{
    *out_taken = 0;
    if (in.len < KQ_FRAME_HEAD_LEN)
        return KQ_OK;
    struct kq_reader reader;
    kq_reader_init(&reader, in);
    uint32_t body_len = kq_reader_u32(&reader);
    if (body_len > KQ_CONTROL_MAX)
        return KQ_ERR_TOO_LARGE;
    if (reader.left < body_len)
        return KQ_OK;
    *out_frame = kq_reader_bytes(&reader, body_len);
    *out_taken = KQ_FRAME_HEAD_LEN + body_len;
    return KQ_OK;
}

kq_status kq_control_append(const struct kq_control *control, struct kq_writer *writer)
{
    size_t start = writer->buffer.len;
    kq_writer_u32(writer, 0);
    kq_control_put(control, writer);
    KQ_TRY(writer->failure);
    kq_frame_head(writer->buffer.len - start - KQ_FRAME_HEAD_LEN, writer->buffer.data + start);
    return KQ_OK;
}
