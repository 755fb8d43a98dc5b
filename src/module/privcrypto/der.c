#include "module/privcrypto/der.h"

enum { LENGTH_U8 = 0x81, LENGTH_U16 = 0x82 };

static size_t get_length(struct kq_reader *reader)
{
    uint8_t first = kq_reader_u8(reader);
    size_t len = first;
    size_t smallest = 0;
    if (first == LENGTH_U8) {
        len = kq_reader_u8(reader);
        smallest = 0x80;
    } else if (first == LENGTH_U16) {
        len = kq_reader_u16(reader);
        smallest = 0x100;
    } else if (first >= 0x80) {
        kq_reader_fail(reader);
    }
    if (len < smallest)
        kq_reader_fail(reader);
    return reader->failed ? 0 : len;
}

struct kq_slice hsm_der_get(struct kq_reader *reader, uint8_t tag)
{
    if (kq_reader_u8(reader) != tag)
        kq_reader_fail(reader);
    size_t len = get_length(reader);
    return kq_reader_bytes(reader, len);
}

void hsm_der_enter(struct kq_reader *outer, uint8_t tag, struct kq_reader *out_inner)
{
    kq_reader_init(out_inner, hsm_der_get(outer, tag));
    if (outer->failed)
        kq_reader_fail(out_inner);
}

bool hsm_der_is_next(const struct kq_reader *reader, uint8_t tag)
{
    return !reader->failed && reader->left > 0 && reader->at[0] == tag;
}

struct kq_slice hsm_der_get_unsigned(struct kq_reader *reader)
{
    struct kq_slice content = hsm_der_get(reader, HSM_DER_INTEGER);
    bool is_negative = content.len > 0 && content.data[0] >= 0x80;
    bool is_padded = content.len > 1 && content.data[0] == 0 && content.data[1] < 0x80;
    if (content.len == 0 || is_negative || is_padded) {
        kq_reader_fail(reader);
        return KQ_SLICE_EMPTY;
    }
    if (content.len > 1 && content.data[0] == 0)
        return kq_slice_of(content.data + 1, content.len - 1);
    return content;
}

struct kq_slice hsm_der_get_bits(struct kq_reader *reader)
{
    struct kq_slice content = hsm_der_get(reader, HSM_DER_BIT_STRING);
    if (content.len == 0 || content.data[0] != 0) {
        kq_reader_fail(reader);
        return KQ_SLICE_EMPTY;
    }
    return kq_slice_of(content.data + 1, content.len - 1);
}

static void put_head(struct kq_writer *writer, uint8_t tag, size_t len)
{
    kq_writer_u8(writer, tag);
    if (len < 0x80) {
        kq_writer_u8(writer, (uint8_t)len);
    } else if (len < 0x100) {
        kq_writer_u8(writer, LENGTH_U8);
        kq_writer_u8(writer, (uint8_t)len);
    } else if (len < 0x10000) {
        kq_writer_u8(writer, LENGTH_U16);
        kq_writer_u16(writer, (uint16_t)len);
    } else if (writer->failure == KQ_OK) {
        writer->failure = KQ_ERR_TOO_LARGE;
    }
}

void hsm_der_put(struct kq_writer *writer, uint8_t tag, struct kq_slice content)
{
    put_head(writer, tag, content.len);
    kq_writer_bytes(writer, content);
}

void hsm_der_put_unsigned(struct kq_writer *writer, struct kq_slice bytes)
{
    while (bytes.len > 0 && bytes.data[0] == 0)
        bytes = kq_slice_of(bytes.data + 1, bytes.len - 1);
    bool needs_zero = bytes.len == 0 || bytes.data[0] >= 0x80;
    put_head(writer, HSM_DER_INTEGER, bytes.len + (needs_zero ? 1 : 0));
    if (needs_zero)
        kq_writer_u8(writer, 0);
    kq_writer_bytes(writer, bytes);
}

void hsm_der_put_bits(struct kq_writer *writer, struct kq_slice bytes)
{
    put_head(writer, HSM_DER_BIT_STRING, bytes.len + 1);
    kq_writer_u8(writer, 0); /* no unused bits */
    kq_writer_bytes(writer, bytes);
}

void hsm_der_put_inner(struct kq_writer *writer, uint8_t tag, const struct kq_writer *inner)
{
    struct kq_slice content;
    kq_status status = kq_writer_finish(inner, &content);
    if (status == KQ_OK)
        hsm_der_put(writer, tag, content);
    else if (writer->failure == KQ_OK)
        writer->failure = status;
}
