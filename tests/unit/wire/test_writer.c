#include "wire/writer.h"

#include "unit.h"

static void writer_uints__values__big_endian(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 15);
    kq_writer_u8(&writer, 0x01);
    kq_writer_u16(&writer, 0x2345);
    kq_writer_u32(&writer, 0x6789abcd);
    kq_writer_u64(&writer, UINT64_C(0xef0123456789abcd));
    struct kq_slice out;
    assert_ok(kq_writer_finish(&writer, &out));
    assert_slice_equal(out, kq_slice_of("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd", 15));
}

static void writer_bytes__one_over_maximum__sticks_and_output_untouched(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 3);
    kq_writer_bytes(&writer, kq_slice_text("abcd"));
    kq_writer_u8(&writer, 1); /* would fit, but a failure sticks */
    struct kq_slice out = kq_slice_text("before");
    assert_status(kq_writer_finish(&writer, &out), KQ_ERR_TOO_LARGE);
    assert_slice_equal(out, kq_slice_text("before"));
    assert_int_equal(writer.buffer.len, 0);
}

static void writer_bytes__exact_maximum__fits(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 3);
    kq_writer_bytes(&writer, kq_slice_text("abc"));
    kq_writer_bytes(&writer, KQ_SLICE_EMPTY);
    struct kq_slice out;
    assert_ok(kq_writer_finish(&writer, &out));
    assert_slice_equal(out, kq_slice_text("abc"));
}

static void writer_u64__no_room_for_all__writes_nothing(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 7);
    kq_writer_u64(&writer, 1);
    struct kq_slice out;
    assert_status(kq_writer_finish(&writer, &out), KQ_ERR_TOO_LARGE);
    assert_int_equal(writer.buffer.len, 0);
}

static void writer_finish__nothing_written__empty(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 0);
    struct kq_slice out = kq_slice_text("before");
    assert_ok(kq_writer_finish(&writer, &out));
    assert_int_equal(out.len, 0);
}

UNIT_MAIN(cmocka_unit_test(writer_uints__values__big_endian),
          cmocka_unit_test(writer_bytes__one_over_maximum__sticks_and_output_untouched),
          cmocka_unit_test(writer_bytes__exact_maximum__fits),
          cmocka_unit_test(writer_u64__no_room_for_all__writes_nothing),
          cmocka_unit_test(writer_finish__nothing_written__empty))
