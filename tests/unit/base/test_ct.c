#include "base/ct.h"

#include "unit.h"

#define ALL_ONES UINT64_MAX

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x100000000,
                                 UINT64_C(0x7fffffffffffffff),
                                 UINT64_C(0x8000000000000000),
                                 UINT64_C(0x8000000000000001),
                                 UINT64_MAX - 1,
                                 UINT64_MAX};
#define NUM_EDGES (sizeof edges / sizeof edges[0])

static void ct_masks__edge_values__agree_with_operators(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_EDGES; i++) {
        assert_true(kq_ct_is_zero(edges[i]) == (edges[i] == 0 ? ALL_ONES : 0));
        for (size_t j = 0; j < NUM_EDGES; j++) {
            assert_true(kq_ct_is_equal(edges[i], edges[j]) == (edges[i] == edges[j] ? ALL_ONES : 0));
            assert_true(kq_ct_is_less(edges[i], edges[j]) == (edges[i] < edges[j] ? ALL_ONES : 0));
        }
    }
}

static void ct_masks__random_values__agree_with_operators(void **state)
{
    (void)state;
    struct unit_random random = {.state = 0x1234567};
    for (int i = 0; i < 20000; i++) {
        uint64_t a = unit_random_next(&random) >> (i % 64);
        uint64_t b = unit_random_next(&random) >> (i / 64 % 64);
        assert_true(kq_ct_is_less(a, b) == (a < b ? ALL_ONES : 0));
        assert_true(kq_ct_is_equal(a, b) == (a == b ? ALL_ONES : 0));
        assert_true(kq_ct_is_zero(a) == (a == 0 ? ALL_ONES : 0));
    }
}

static void ct_select__masks__pick_one_side(void **state)
{
    (void)state;
    assert_true(kq_ct_select(ALL_ONES, 3, 5) == 3);
    assert_true(kq_ct_select(0, 3, 5) == 5);
}

static void ct_bytes_are_equal__one_bit_anywhere__false(void **state)
{
    (void)state;
    uint8_t a[33] = {1, 2, 3};
    uint8_t b[33] = {1, 2, 3};
    assert_true(kq_ct_bytes_are_equal(a, b, sizeof a));
    assert_true(kq_ct_bytes_are_equal(a, b, 0));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(kq_ct_bytes_are_equal(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void ct_select_bytes__masks__copy_one_side_in_place(void **state)
{
    (void)state;
    uint8_t yes[4] = {1, 2, 3, 4};
    const uint8_t no[4] = {5, 6, 7, 8};
    uint8_t out[4];
    kq_ct_select_bytes(ALL_ONES, yes, no, out, 4);
    assert_memory_equal(out, yes, 4);
    kq_ct_select_bytes(0, yes, no, yes, 4);
    assert_memory_equal(yes, no, 4);
}

UNIT_MAIN(cmocka_unit_test(ct_masks__edge_values__agree_with_operators),
          cmocka_unit_test(ct_masks__random_values__agree_with_operators),
          cmocka_unit_test(ct_select__masks__pick_one_side),
          cmocka_unit_test(ct_bytes_are_equal__one_bit_anywhere__false),
          cmocka_unit_test(ct_select_bytes__masks__copy_one_side_in_place))
