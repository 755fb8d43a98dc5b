#include "wire/writer.h"

void kq_writer_init(struct kq_writer *writer, size_t max)
{
    *writer = (struct kq_writer){.failure = KQ_OK};
    kq_buffer_init(&writer->buffer, max);
}

void kq_writer_bytes(struct kq_writer *writer, struct kq_slice bytes)
{
    if (writer->failure == KQ_OK)
        writer->failure = kq_buffer_append(&writer->buffer, bytes.data, bytes.len);
}

static void write_big_endian(struct kq_writer *writer, uint64_t value, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
    kq_writer_bytes(writer, kq_slice_of(bytes, len));
}

void kq_writer_u8(struct kq_writer *writer, uint8_t value)
{
    write_big_endian(writer, value, 1);
}

void kq_writer_u16(struct kq_writer *writer, uint16_t value)
{
    write_big_endian(writer, value, 2);
}

void kq_writer_u32(struct kq_writer *writer, uint32_t value)
{
    write_big_endian(writer, value, 4);
}

void kq_writer_u64(struct kq_writer *writer, uint64_t value)
{
    write_big_endian(writer, value, 8);
}

kq_status kq_writer_finish(const struct kq_writer *writer, struct kq_slice *out)
{
    KQ_TRY(writer->failure);
    *out = kq_buffer_slice(&writer->buffer);
    return KQ_OK;
}

void kq_writer_clear(struct kq_writer *writer)
{
    kq_buffer_clear(&writer->buffer);
}
