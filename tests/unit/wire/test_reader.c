#include "wire/reader.h"

#include "unit.h"

static struct kq_reader reader_over(const void *data, size_t len)
{
    struct kq_reader reader;
    kq_reader_init(&reader, kq_slice_of(data, len));
    return reader;
}

static const uint8_t eight[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

static void reader_uints__exact_fit__big_endian(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over(eight, 1);
    assert_int_equal(kq_reader_u8(&reader), 0x01);
    assert_ok(kq_reader_finish(&reader));
    reader = reader_over(eight, 2);
    assert_int_equal(kq_reader_u16(&reader), 0x0123);
    assert_ok(kq_reader_finish(&reader));
    reader = reader_over(eight, 4);
    assert_int_equal(kq_reader_u32(&reader), 0x01234567);
    assert_ok(kq_reader_finish(&reader));
    reader = reader_over(eight, 8);
    assert_true(kq_reader_u64(&reader) == UINT64_C(0x0123456789abcdef));
    assert_ok(kq_reader_finish(&reader));
}

static void reader_u8__truncated__fails_and_sticks(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over(eight, 0);
    assert_int_equal(kq_reader_u8(&reader), 0);
    assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
}

static void reader_u16__truncated__fails_and_sticks(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over(eight, 1);
    assert_int_equal(kq_reader_u16(&reader), 0);
    assert_int_equal(kq_reader_u8(&reader), 0); /* the byte that was there is not handed out any more */
    assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
}

static void reader_u32__each_truncation__fails(void **state)
{
    (void)state;
    for (size_t len = 0; len < 4; len++) {
        struct kq_reader reader = reader_over(eight, len);
        assert_int_equal(kq_reader_u32(&reader), 0);
        assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
    }
}

static void reader_u64__each_truncation__fails(void **state)
{
    (void)state;
    for (size_t len = 0; len < 8; len++) {
        struct kq_reader reader = reader_over(eight, len);
        assert_true(kq_reader_u64(&reader) == 0);
        assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
    }
}

static void reader_bytes__exact_fit__borrows_from_input(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over(eight, 8);
    struct kq_slice bytes = kq_reader_bytes(&reader, 8);
    assert_ptr_equal(bytes.data, eight);
    assert_int_equal(bytes.len, 8);
    assert_ok(kq_reader_finish(&reader));
}

static void reader_bytes__one_too_many_or_huge__empty_and_failed(void **state)
{
    (void)state;
    const size_t lengths[] = {9, SIZE_MAX, SIZE_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct kq_reader reader = reader_over(eight, 8);
        assert_int_equal(kq_reader_bytes(&reader, lengths[i]).len, 0);
        assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
    }
}

static void reader_bytes__nothing_of_nothing__ok(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over(NULL, 0);
    assert_int_equal(kq_reader_bytes(&reader, 0).len, 0);
    assert_ok(kq_reader_finish(&reader));
}

static void reader_finish__one_byte_left_over__format(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over(eight, 5);
    kq_reader_u32(&reader);
    assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
}

static void reader_fail__after_good_reads__sticks(void **state)
{
    (void)state;
    struct kq_reader reader = reader_over(eight, 8);
    kq_reader_u8(&reader);
    kq_reader_fail(&reader);
    assert_int_equal(kq_reader_u8(&reader), 0);
    assert_int_equal(kq_reader_bytes(&reader, 0).len, 0);
    assert_status(kq_reader_finish(&reader), KQ_ERR_FORMAT);
}

UNIT_MAIN(cmocka_unit_test(reader_uints__exact_fit__big_endian),
          cmocka_unit_test(reader_u8__truncated__fails_and_sticks),
          cmocka_unit_test(reader_u16__truncated__fails_and_sticks),
          cmocka_unit_test(reader_u32__each_truncation__fails), cmocka_unit_test(reader_u64__each_truncation__fails),
          cmocka_unit_test(reader_bytes__exact_fit__borrows_from_input),
          cmocka_unit_test(reader_bytes__one_too_many_or_huge__empty_and_failed),
          cmocka_unit_test(reader_bytes__nothing_of_nothing__ok),
          cmocka_unit_test(reader_finish__one_byte_left_over__format),
          cmocka_unit_test(reader_fail__after_good_reads__sticks))
