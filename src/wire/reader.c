#include "wire/reader.h"

void kq_reader_init(struct kq_reader *reader, struct kq_slice in)
{
    *reader = (struct kq_reader){.at = in.data, .left = in.len};
}

void kq_reader_fail(struct kq_reader *reader)
{
    reader->failed = true;
    reader->left = 0;
}

struct kq_slice kq_reader_bytes(struct kq_reader *reader, size_t len)
{
    if (reader->failed || len > reader->left) {
        kq_reader_fail(reader);
        return KQ_SLICE_EMPTY;
    }
    struct kq_slice bytes = kq_slice_of(reader->at, len);
    if (len > 0)
        reader->at += len;
    reader->left -= len;
    return bytes;
}

static uint64_t read_big_endian(struct kq_reader *reader, size_t len)
{
    struct kq_slice bytes = kq_reader_bytes(reader, len);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

uint8_t kq_reader_u8(struct kq_reader *reader)
{
    return (uint8_t)read_big_endian(reader, 1);
}

uint16_t kq_reader_u16(struct kq_reader *reader)
{
    return (uint16_t)read_big_endian(reader, 2);
}

uint32_t kq_reader_u32(struct kq_reader *reader)
{
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t kq_reader_u64(struct kq_reader *reader)
{
    return read_big_endian(reader, 8);
}

kq_status kq_reader_finish(const struct kq_reader *reader)
{
    return reader->failed || reader->left != 0 ? KQ_ERR_FORMAT : KQ_OK;
}
