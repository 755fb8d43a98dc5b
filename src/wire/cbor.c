#include "wire/cbor.h"

#include "base/text.h"

/* Major types, RFC 8949 3.1. */
enum { MAJOR_UINT = 0, MAJOR_BYTES = 2, MAJOR_TEXT = 3, MAJOR_ARRAY = 4 };

/* Low five bits of the head: a value below 24, or that 1, 2, 4 or 8 bytes follow. */
enum { HEAD_U8 = 24, HEAD_U16 = 25, HEAD_U32 = 26, HEAD_U64 = 27 };

static uint64_t get_head(struct kq_reader *reader, uint8_t major)
{
    uint8_t head = kq_reader_u8(reader);
    uint8_t low = head & 31;
    uint64_t value = low;
    uint64_t smallest = 0;
    if (low == HEAD_U8) {
        value = kq_reader_u8(reader);
        smallest = 24;
    } else if (low == HEAD_U16) {
        value = kq_reader_u16(reader);
        smallest = 0x100;
    } else if (low == HEAD_U32) {
        value = kq_reader_u32(reader);
        smallest = 0x10000;
    } else if (low == HEAD_U64) {
        value = kq_reader_u64(reader);
        smallest = 0x100000000;
    } else if (low > HEAD_U64) {
        kq_reader_fail(reader);
    }
    if (head >> 5 != major || value < smallest)
        kq_reader_fail(reader);
    return reader->failed ? 0 : value;
}

uint64_t kq_cbor_get_uint(struct kq_reader *reader)
{
    return get_head(reader, MAJOR_UINT);
}

static struct kq_slice get_string(struct kq_reader *reader, uint8_t major)
{
    uint64_t len = get_head(reader, major);
    if (len > reader->left) {
        kq_reader_fail(reader);
        return KQ_SLICE_EMPTY;
    }
    return kq_reader_bytes(reader, (size_t)len);
}

struct kq_slice kq_cbor_get_bytes(struct kq_reader *reader)
{
    return get_string(reader, MAJOR_BYTES);
}

struct kq_slice kq_cbor_get_text(struct kq_reader *reader)
{
    struct kq_slice text = get_string(reader, MAJOR_TEXT);
    if (!kq_text_is_printable(text)) {
        kq_reader_fail(reader);
        return KQ_SLICE_EMPTY;
    }
    return text;
}

size_t kq_cbor_get_array(struct kq_reader *reader)
{
    uint64_t num_items = get_head(reader, MAJOR_ARRAY);
    if (num_items > reader->left) {
        kq_reader_fail(reader);
        return 0;
    }
    return (size_t)num_items;
}

static void put_head(struct kq_writer *writer, uint8_t major, uint64_t value)
{
    uint8_t high = (uint8_t)(major << 5);
    if (value < HEAD_U8) {
        kq_writer_u8(writer, (uint8_t)(high | value));
    } else if (value < 0x100) {
        kq_writer_u8(writer, high | HEAD_U8);
        kq_writer_u8(writer, (uint8_t)value);
    } else if (value < 0x10000) {
        kq_writer_u8(writer, high | HEAD_U16);
        kq_writer_u16(writer, (uint16_t)value);
    } else if (value < 0x100000000) {
        kq_writer_u8(writer, high | HEAD_U32);
        kq_writer_u32(writer, (uint32_t)value);
    } else {
        kq_writer_u8(writer, high | HEAD_U64);
        kq_writer_u64(writer, value);
    }
}

void kq_cbor_put_uint(struct kq_writer *writer, uint64_t value)
{
    put_head(writer, MAJOR_UINT, value);
}

void kq_cbor_put_bytes(struct kq_writer *writer, struct kq_slice bytes)
{
    put_head(writer, MAJOR_BYTES, bytes.len);
    kq_writer_bytes(writer, bytes);
}

void kq_cbor_put_text(struct kq_writer *writer, struct kq_slice text)
{
    put_head(writer, MAJOR_TEXT, text.len);
    kq_writer_bytes(writer, text);
}

void kq_cbor_put_array(struct kq_writer *writer, size_t num_items)
{
    put_head(writer, MAJOR_ARRAY, num_items);
}
