#include "wire/frame.h"

#include "unit.h"

static void frame_head__lengths__big_endian(void **state)
{
    (void)state;
    uint8_t head[KQ_FRAME_HEAD_LEN];
    kq_frame_head(KQ_FRAME_MAX, head);
    assert_memory_equal(head, "\x00\x02\x00\x00", 4);
    kq_frame_head(0x123, head);
    assert_memory_equal(head, "\x00\x00\x01\x23", 4);
}

static void frame_split__each_truncation__waits_for_more(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o'};
    for (size_t len = 0; len < sizeof bytes; len++) {
        struct kq_slice frame;
        size_t taken = 99;
        assert_ok(kq_frame_split(kq_slice_of(bytes, len), &frame, &taken));
        assert_int_equal(taken, 0);
    }
    struct kq_slice frame;
    size_t taken;
    assert_ok(kq_frame_split(kq_slice_of(bytes, sizeof bytes), &frame, &taken));
    assert_int_equal(taken, sizeof bytes);
    assert_slice_equal(frame, kq_slice_text("hello"));
}

static void frame_split__two_frames__first_only(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0, 0, 0, 1, 'a', 0, 0, 0, 0};
    struct kq_slice frame;
    size_t taken;
    assert_ok(kq_frame_split(kq_slice_of(bytes, sizeof bytes), &frame, &taken));
    assert_int_equal(taken, 5);
    assert_slice_equal(frame, kq_slice_text("a"));
    assert_ok(kq_frame_split(kq_slice_of(bytes + 5, 4), &frame, &taken));
    assert_int_equal(taken, 4);
    assert_int_equal(frame.len, 0);
}

static void frame_split__maximum_and_one_more__bounded(void **state)
{
    (void)state;
    static uint8_t bytes[KQ_FRAME_HEAD_LEN + KQ_FRAME_MAX];
    struct kq_slice frame;
    size_t taken;
    kq_frame_head(KQ_FRAME_MAX, bytes);
    assert_ok(kq_frame_split(kq_slice_of(bytes, sizeof bytes), &frame, &taken));
    assert_int_equal(frame.len, KQ_FRAME_MAX);
    kq_frame_head(KQ_FRAME_MAX + 1, bytes);
    assert_status(kq_frame_split(kq_slice_of(bytes, 4), &frame, &taken), KQ_ERR_TOO_LARGE);
    assert_status(kq_frame_split(kq_slice_of("\xff\xff\xff\xff", 4), &frame, &taken), KQ_ERR_TOO_LARGE);
    assert_int_equal(taken, 0);
}

UNIT_MAIN(cmocka_unit_test(frame_head__lengths__big_endian),
          cmocka_unit_test(frame_split__each_truncation__waits_for_more),
          cmocka_unit_test(frame_split__two_frames__first_only),
          cmocka_unit_test(frame_split__maximum_and_one_more__bounded))
