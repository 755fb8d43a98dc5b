#include "base/size.h"

#include "unit.h"

static void size_add__fits__gives_sum(void **state)
{
    (void)state;
    size_t out = 0;
    assert_true(kq_size_add(SIZE_MAX - 1, 1, &out));
    assert_int_equal(out, SIZE_MAX);
}

static void size_add__overflows__false_and_output_untouched(void **state)
{
    (void)state;
    size_t out = 77;
    assert_false(kq_size_add(SIZE_MAX, 1, &out));
    assert_int_equal(out, 77);
}

static void size_mul__fits__gives_product(void **state)
{
    (void)state;
    size_t out = 0;
    assert_true(kq_size_mul(SIZE_MAX / 2, 2, &out));
    assert_int_equal(out, SIZE_MAX - 1);
    assert_true(kq_size_mul(SIZE_MAX, 0, &out));
    assert_int_equal(out, 0);
}

static void size_mul__overflows__false_and_output_untouched(void **state)
{
    (void)state;
    size_t out = 77;
    assert_false(kq_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_int_equal(out, 77);
}

static void count_of__array__gives_elements(void **state)
{
    (void)state;
    uint32_t numbers[7];
    assert_int_equal(KQ_COUNT_OF(numbers), 7);
}

UNIT_MAIN(cmocka_unit_test(size_add__fits__gives_sum),
          cmocka_unit_test(size_add__overflows__false_and_output_untouched),
          cmocka_unit_test(size_mul__fits__gives_product),
          cmocka_unit_test(size_mul__overflows__false_and_output_untouched),
          cmocka_unit_test(count_of__array__gives_elements))
