#include "base/size.h"
#include "pubcrypto/der.h"
#include "unit.h"

static kq_status read_octets(const char *bytes, size_t len)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, kq_slice_of(bytes, len));
    kq_der_get(&reader, KQ_DER_OCTET_STRING);
    return kq_der_finish(&reader);
}
#define READ(literal) read_octets(literal, sizeof(literal) - 1)

static void der_get__exact_fit__gives_the_content(void **state)
{
    (void)state;
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, kq_slice_of("\x04\x02hi", 4));
    assert_slice_equal(kq_der_get(&reader, KQ_DER_OCTET_STRING), kq_slice_text("hi"));
    assert_ok(kq_der_finish(&reader));
}

static void der_get__each_truncation__fails(void **state)
{
    (void)state;
    for (size_t len = 0; len < 4; len++)
        assert_status(read_octets("\x04\x02hi", len), KQ_ERR_FORMAT);
}

static void der_get__one_byte_more__fails_at_finish(void **state)
{
    (void)state;
    assert_status(READ("\x04\x02hi!"), KQ_ERR_FORMAT);
}

static void der_get__other_tag__fails(void **state)
{
    (void)state;
    assert_status(READ("\x05\x00"), KQ_ERR_FORMAT);
}

static void der_get__indefinite_or_padded_length__fails(void **state)
{
    (void)state;
    assert_status(READ("\x04\x80\x00\x00"), KQ_ERR_FORMAT);
    assert_status(READ("\x04\x81\x01\x41"), KQ_ERR_FORMAT);
    assert_status(READ("\x04\x82\x00\x01\x41"), KQ_ERR_FORMAT);
    assert_status(READ("\x04\x83\x00\x00\x01\x41"), KQ_ERR_FORMAT);
}

static void der_length__at_each_border__survives_a_round_trip(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 127, 128, 255, 256, 65535};
    static uint8_t content[65535];
    for (size_t i = 0; i < KQ_COUNT_OF(lens); i++) {
        KQ_AUTO_VALUE(kq_der_writer) writer = {.failure = KQ_OK};
        kq_der_writer_init(&writer, 70000);
        kq_der_put(&writer, KQ_DER_OCTET_STRING, kq_slice_of(content, lens[i]));
        assert_ok(writer.failure);
        struct kq_der_reader reader;
        kq_der_reader_init(&reader, kq_buffer_slice(&writer.buffer));
        assert_int_equal(kq_der_get(&reader, KQ_DER_OCTET_STRING).len, lens[i]);
        assert_ok(kq_der_finish(&reader));
    }
}

static void der_put__content_over_the_maximum__is_too_large(void **state)
{
    (void)state;
    static uint8_t content[65536];
    KQ_AUTO_VALUE(kq_der_writer) writer = {.failure = KQ_OK};
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_der_writer_init(&writer, 70000);
    kq_buffer_init(&out, 70000);
    kq_der_put(&writer, KQ_DER_OCTET_STRING, kq_slice_of(content, sizeof content));
    assert_status(kq_der_writer_finish(&writer, &out), KQ_ERR_TOO_LARGE);
    assert_int_equal(out.len, 0);
}

static struct kq_slice positive_of(const char *bytes, size_t len, bool *out_failed)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, kq_slice_of(bytes, len));
    struct kq_slice magnitude = kq_der_get_positive(&reader);
    *out_failed = reader.failed;
    return magnitude;
}

static void der_get_positive__high_bit_behind_a_zero__drops_the_zero(void **state)
{
    (void)state;
    bool failed;
    assert_slice_equal(positive_of("\x02\x02\x00\x80", 4, &failed), kq_slice_of("\x80", 1));
    assert_false(failed);
}

static void der_get_positive__zero_negative_or_padded__fails(void **state)
{
    (void)state;
    bool failed;
    positive_of("\x02\x01\x00", 3, &failed);
    assert_true(failed);
    positive_of("\x02\x01\x80", 3, &failed);
    assert_true(failed);
    positive_of("\x02\x02\x00\x7f", 4, &failed);
    assert_true(failed);
    positive_of("\x02\x00", 2, &failed);
    assert_true(failed);
}

static void der_put_positive__leading_zeros__are_dropped(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_der_writer) writer = {.failure = KQ_OK};
    kq_der_writer_init(&writer, 100);
    kq_der_put_positive(&writer, kq_slice_of("\x00\x00\x80", 3));
    assert_slice_equal(kq_buffer_slice(&writer.buffer), kq_slice_of("\x02\x02\x00\x80", 4));
}

static void der_get_bit_string__unused_bits__fails(void **state)
{
    (void)state;
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, kq_slice_of("\x03\x02\x01\x80", 4));
    kq_der_get_bit_string(&reader);
    assert_status(kq_der_finish(&reader), KQ_ERR_FORMAT);
}

static void der_enter__after_a_failure__stays_failed(void **state)
{
    (void)state;
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, kq_slice_of("\x31\x00\x30\x00", 4));
    kq_der_get(&reader, KQ_DER_SEQUENCE);
    struct kq_der_reader inner = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    assert_status(kq_der_finish(&inner), KQ_ERR_FORMAT);
}

UNIT_MAIN(cmocka_unit_test(der_get__exact_fit__gives_the_content), cmocka_unit_test(der_get__each_truncation__fails),
          cmocka_unit_test(der_get__one_byte_more__fails_at_finish), cmocka_unit_test(der_get__other_tag__fails),
          cmocka_unit_test(der_get__indefinite_or_padded_length__fails),
          cmocka_unit_test(der_length__at_each_border__survives_a_round_trip),
          cmocka_unit_test(der_put__content_over_the_maximum__is_too_large),
          cmocka_unit_test(der_get_positive__high_bit_behind_a_zero__drops_the_zero),
          cmocka_unit_test(der_get_positive__zero_negative_or_padded__fails),
          cmocka_unit_test(der_put_positive__leading_zeros__are_dropped),
          cmocka_unit_test(der_get_bit_string__unused_bits__fails),
          cmocka_unit_test(der_enter__after_a_failure__stays_failed))
