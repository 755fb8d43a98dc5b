#include "base/slice.h"

#include "unit.h"

static void slice_is_equal__same_bytes__true(void **state)
{
    (void)state;
    assert_true(kq_slice_is_equal(kq_slice_of("abc", 3), kq_slice_text("abc")));
    assert_true(kq_slice_is_text(kq_slice_of("abcd", 3), "abc"));
}

static void slice_is_equal__other_byte_or_length__false(void **state)
{
    (void)state;
    assert_false(kq_slice_is_equal(kq_slice_text("abc"), kq_slice_text("abd")));
    assert_false(kq_slice_is_equal(kq_slice_text("abc"), kq_slice_text("ab")));
    assert_false(kq_slice_is_equal(kq_slice_text("abc"), KQ_SLICE_EMPTY));
}

static void slice_is_equal__empty_with_and_without_pointer__true(void **state)
{
    (void)state;
    assert_true(kq_slice_is_equal(KQ_SLICE_EMPTY, kq_slice_of("x", 0)));
    assert_true(kq_slice_is_text(KQ_SLICE_EMPTY, ""));
}

static void slice_text__null__empty(void **state)
{
    (void)state;
    assert_int_equal(kq_slice_text(NULL).len, 0);
}

static void slice_after__part_all_and_nothing__the_rest(void **state)
{
    (void)state;
    assert_slice_equal(kq_slice_after(kq_slice_text("abc"), 1), kq_slice_text("bc"));
    assert_int_equal(kq_slice_after(kq_slice_text("abc"), 3).len, 0);
    assert_null(kq_slice_after(KQ_SLICE_EMPTY, 0).data);
}

UNIT_MAIN(cmocka_unit_test(slice_is_equal__same_bytes__true),
          cmocka_unit_test(slice_is_equal__other_byte_or_length__false),
          cmocka_unit_test(slice_is_equal__empty_with_and_without_pointer__true),
          cmocka_unit_test(slice_text__null__empty), cmocka_unit_test(slice_after__part_all_and_nothing__the_rest))
