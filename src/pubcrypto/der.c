#include "pubcrypto/der.h"

void kq_der_reader_init(struct kq_der_reader *reader, struct kq_slice in)
{
    *reader = (struct kq_der_reader){.at = in.data, .left = in.len};
}

static uint8_t take_byte(struct kq_der_reader *reader)
{
    if (reader->failed || reader->left == 0) {
        reader->failed = true;
        return 0;
    }
    reader->left--;
    return *reader->at++;
}

/* Lengths up to 65535 are enough for everything we read. */
static size_t take_length(struct kq_der_reader *reader)
{
    uint8_t first = take_byte(reader);
    if (first < 0x80)
        return first;
    size_t len = 0;
    if (first == 0x81) {
        len = take_byte(reader);
    } else if (first == 0x82) {
        len = (size_t)take_byte(reader) << 8;
        len |= take_byte(reader);
    }
    bool shortest = first == 0x81 ? len >= 0x80 : first == 0x82 && len >= 0x100;
    if (!shortest)
        reader->failed = true;
    return len;
}

struct kq_slice kq_der_get(struct kq_der_reader *reader, uint8_t tag)
{
    uint8_t found = take_byte(reader);
    size_t len = take_length(reader);
    if (reader->failed || found != tag || len > reader->left) {
        reader->failed = true;
        return KQ_SLICE_EMPTY;
    }
    struct kq_slice content = kq_slice_of(reader->at, len);
    reader->at += len;
    reader->left -= len;
    return content;
}

struct kq_slice kq_der_get_whole(struct kq_der_reader *reader, uint8_t tag)
{
    const uint8_t *start = reader->at;
    kq_der_get(reader, tag);
    return reader->failed ? KQ_SLICE_EMPTY : kq_slice_of(start, (size_t)(reader->at - start));
}

struct kq_der_reader kq_der_enter(struct kq_der_reader *reader, uint8_t tag)
{
    struct kq_der_reader inner;
    kq_der_reader_init(&inner, kq_der_get(reader, tag));
    inner.failed = reader->failed;
    return inner;
}

struct kq_slice kq_der_get_positive(struct kq_der_reader *reader)
{
    struct kq_slice value = kq_der_get(reader, KQ_DER_INTEGER);
    bool padded = value.len > 1 && value.data[0] == 0;
    bool positive = value.len > 0 && value.data[0] < 0x80 && (value.len > 1 || value.data[0] != 0);
    if (reader->failed || !positive || (padded && value.data[1] < 0x80)) {
        reader->failed = true;
        return KQ_SLICE_EMPTY;
    }
    return padded ? kq_slice_of(value.data + 1, value.len - 1) : value;
}

struct kq_slice kq_der_get_bit_string(struct kq_der_reader *reader)
{
    struct kq_slice value = kq_der_get(reader, KQ_DER_BIT_STRING);
    if (reader->failed || value.len == 0 || value.data[0] != 0) {
        reader->failed = true;
        return KQ_SLICE_EMPTY;
    }
    return kq_slice_of(value.data + 1, value.len - 1);
}

bool kq_der_next_is(const struct kq_der_reader *reader, uint8_t tag)
{
    return !reader->failed && reader->left > 0 && *reader->at == tag;
}

kq_status kq_der_finish(const struct kq_der_reader *reader)
{
    return reader->failed || reader->left > 0 ? KQ_ERR_FORMAT : KQ_OK;
}

void kq_der_writer_init(struct kq_der_writer *writer, size_t max)
{
    *writer = (struct kq_der_writer){.failure = KQ_OK};
    kq_buffer_init(&writer->buffer, max);
}

void kq_der_put_raw(struct kq_der_writer *writer, struct kq_slice bytes)
{
    if (writer->failure == KQ_OK && bytes.len > 0)
        writer->failure = kq_buffer_append(&writer->buffer, bytes.data, bytes.len);
}

size_t kq_der_begin(struct kq_der_writer *writer, uint8_t tag)
{
    kq_der_put_raw(writer, kq_slice_of(&tag, 1));
    return writer->buffer.len;
}

/* The length goes in front of the content, once it is known. */
void kq_der_end(struct kq_der_writer *writer, size_t mark)
{
    size_t len = writer->buffer.len - mark;
    uint8_t head[3] = {(uint8_t)len};
    size_t head_len = 1;
    if (len > 0xffff) {
        writer->failure = KQ_ERR_TOO_LARGE;
    } else if (len > 0xff) {
        head[0] = 0x82;
        head[1] = (uint8_t)(len >> 8);
        head[2] = (uint8_t)len;
        head_len = 3;
    } else if (len > 0x7f) {
        head[0] = 0x81;
        head[1] = (uint8_t)len;
        head_len = 2;
    }
    kq_der_put_raw(writer, kq_slice_of(head, head_len));
    if (writer->failure != KQ_OK)
        return;
    uint8_t *content = writer->buffer.data + mark;
    memmove(content + head_len, content, len);
    memcpy(content, head, head_len);
}

void kq_der_put(struct kq_der_writer *writer, uint8_t tag, struct kq_slice content)
{
    size_t mark = kq_der_begin(writer, tag);
    kq_der_put_raw(writer, content);
    kq_der_end(writer, mark);
}

void kq_der_put_positive(struct kq_der_writer *writer, struct kq_slice magnitude)
{
    while (magnitude.len > 0 && magnitude.data[0] == 0)
        magnitude = kq_slice_of(magnitude.data + 1, magnitude.len - 1);
    size_t mark = kq_der_begin(writer, KQ_DER_INTEGER);
    if (magnitude.len == 0 || magnitude.data[0] >= 0x80)
        kq_der_put_raw(writer, kq_slice_of("", 1));
    kq_der_put_raw(writer, magnitude);
    kq_der_end(writer, mark);
}

void kq_der_put_bit_string(struct kq_der_writer *writer, struct kq_slice bytes)
{
    size_t mark = kq_der_begin(writer, KQ_DER_BIT_STRING);
    kq_der_put_raw(writer, kq_slice_of("", 1));
    kq_der_put_raw(writer, bytes);
    kq_der_end(writer, mark);
}

kq_status kq_der_writer_finish(const struct kq_der_writer *writer, struct kq_buffer *out)
{
    KQ_TRY(writer->failure);
    return kq_buffer_append(out, writer->buffer.data, writer->buffer.len);
}

void kq_der_writer_clear(struct kq_der_writer *writer)
{
    kq_buffer_clear(&writer->buffer);
}
