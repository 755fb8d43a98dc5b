/* Source  docs/formats/encoding.md; RFC 8949 4.2.1 */
#include "wire/cbor.h"

#include "unit.h"

/* RFC 8949 appendix A and the edges of each head. */
static const struct {
    uint64_t value;
    const char *bytes;
    size_t len;
} uint_vectors[] = {
    {0, "\x00", 1},
    {1, "\x01", 1},
    {10, "\x0a", 1},
    {23, "\x17", 1},
    {24, "\x18\x18", 2},
    {100, "\x18\x64", 2},
    {255, "\x18\xff", 2},
    {256, "\x19\x01\x00", 3},
    {1000, "\x19\x03\xe8", 3},
    {65535, "\x19\xff\xff", 3},
    {65536, "\x1a\x00\x01\x00\x00", 5},
    {1000000, "\x1a\x00\x0f\x42\x40", 5},
    {0xffffffff, "\x1a\xff\xff\xff\xff", 5},
    {0x100000000, "\x1b\x00\x00\x00\x01\x00\x00\x00\x00", 9},
    {1000000000000, "\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00", 9},
    {UINT64_MAX, "\x1b\xff\xff\xff\xff\xff\xff\xff\xff", 9},
};
#define NUM_UINTS (sizeof uint_vectors / sizeof uint_vectors[0])

static struct kq_reader reader_over(const void *data, size_t len)
{
    struct kq_reader reader;
    kq_reader_init(&reader, kq_slice_of(data, len));
    return reader;
}

static void cbor_uint__published_vectors__both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_UINTS; i++) {
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        kq_writer_init(&writer, 9);
        kq_cbor_put_uint(&writer, uint_vectors[i].value);
        struct kq_slice out;
        assert_ok(kq_writer_finish(&writer, &out));
        assert_slice_equal(out, kq_slice_of(uint_vectors[i].bytes, uint_vectors[i].len));
        struct kq_reader reader = reader_over(out.data, out.len);
        assert_true(kq_cbor_get_uint(&reader) == uint_vectors[i].value);
        assert_ok(kq_reader_finish(&reader));
    }
}

static void cbor_uint__each_truncation__fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_UINTS; i++) {
        for (size_t len = 0; len < uint_vectors[i].len; len++) {
            struct kq_reader reader = reader_over(uint_vectors[i].bytes, len);
            assert_true(kq_cbor_get_uint(&reader) == 0);
            assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
        }
    }
}

static void cbor_uint__longer_head_than_needed__fails(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\x18\x00", 2},
        {"\x18\x17", 2},
        {"\x19\x00\xff", 3},
        {"\x1a\x00\x00\xff\xff", 5},
        {"\x1b\x00\x00\x00\x00\xff\xff\xff\xff", 9},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct kq_reader reader = reader_over(bad[i].bytes, bad[i].len);
        assert_true(kq_cbor_get_uint(&reader) == 0);
        assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
    }
}

/* For each getter, only the heads of its own major type are taken, and no
 * reserved (28-30) or indefinite (31) one. */
static void cbor_get__each_first_byte__only_its_own_major_type(void **state)
{
    (void)state;
    uint8_t in[64] = {0};
    for (unsigned first = 0; first < 256; first++) {
        in[0] = (uint8_t)first;
        memset(in + 1, 0x01, 8);
        unsigned major = first >> 5, low = first & 31;
        struct kq_reader reader = reader_over(in, sizeof in);
        kq_cbor_get_uint(&reader);
        bool uint_ok = major == 0 && (low < 24 || (low > 24 && low < 28));
        assert_int_equal(!reader.failed, uint_ok);
        reader = reader_over(in, sizeof in);
        kq_cbor_get_bytes(&reader);
        assert_int_equal(!reader.failed, major == 2 && low < 24);
        reader = reader_over(in, sizeof in);
        kq_cbor_get_array(&reader);
        assert_int_equal(!reader.failed, major == 4 && low < 24);
        memset(in + 1, 'a', 63);
        reader = reader_over(in, sizeof in);
        kq_cbor_get_text(&reader);
        assert_int_equal(!reader.failed, major == 3 && low < 24);
    }
}

static void cbor_bytes__lengths_around_each_head__round_trip(void **state)
{
    (void)state;
    static uint8_t content[70000];
    const size_t lengths[] = {0, 1, 23, 24, 255, 256, 65535, 65536, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        kq_writer_init(&writer, 80000);
        kq_cbor_put_bytes(&writer, kq_slice_of(content, lengths[i]));
        struct kq_slice out;
        assert_ok(kq_writer_finish(&writer, &out));
        struct kq_reader reader = reader_over(out.data, out.len);
        assert_slice_equal(kq_cbor_get_bytes(&reader), kq_slice_of(content, lengths[i]));
        assert_ok(kq_reader_finish(&reader));
        reader = reader_over(out.data, out.len - 1);
        kq_cbor_get_bytes(&reader);
        assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
    }
}

static void cbor_bytes__length_beyond_input__fails(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over("\x5b\xff\xff\xff\xff\xff\xff\xff\xff", 9);
    assert_int_equal(kq_cbor_get_bytes(&reader).len, 0);
    assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
}

static void cbor_text__control_or_malformed__fails(void **state)
{
    (void)state;
    const char *const bad[] = {"\x61\x0a", "\x61\x7f", "\x61\x80", "\x62\xc3\x28", "\x63\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct kq_reader reader = reader_over(bad[i], strlen(bad[i]));
        assert_int_equal(kq_cbor_get_text(&reader).len, 0);
        assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
    }
}

static void cbor_array__more_items_than_bytes_left__fails(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over("\x83\x00\x00\x00", 4);
    assert_int_equal(kq_cbor_get_array(&reader), 3);
    reader = reader_over("\x84\x00\x00\x00", 4);
    assert_int_equal(kq_cbor_get_array(&reader), 0);
    assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
    reader = reader_over("\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9);
    assert_int_equal(kq_cbor_get_array(&reader), 0);
    assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
}

UNIT_MAIN(cmocka_unit_test(cbor_uint__published_vectors__both_ways),
          cmocka_unit_test(cbor_uint__each_truncation__fails),
          cmocka_unit_test(cbor_uint__longer_head_than_needed__fails),
          cmocka_unit_test(cbor_get__each_first_byte__only_its_own_major_type),
          cmocka_unit_test(cbor_bytes__lengths_around_each_head__round_trip),
          cmocka_unit_test(cbor_bytes__length_beyond_input__fails),
          cmocka_unit_test(cbor_text__control_or_malformed__fails),
          cmocka_unit_test(cbor_array__more_items_than_bytes_left__fails))
