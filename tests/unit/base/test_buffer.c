#include "base/buffer.h"

#include "unit.h"

static void buffer_append__exact_maximum__fits(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) buffer = {0};
    kq_buffer_init(&buffer, 5);
    assert_ok(kq_buffer_append(&buffer, "ab", 2));
    assert_ok(kq_buffer_append(&buffer, "cde", 3));
    assert_slice_equal(kq_buffer_slice(&buffer), kq_slice_text("abcde"));
}

static void buffer_append__one_over_maximum__refused_and_unchanged(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) buffer = {0};
    kq_buffer_init(&buffer, 5);
    assert_ok(kq_buffer_append(&buffer, "abc", 3));
    assert_status(kq_buffer_append(&buffer, "def", 3), KQ_ERR_TOO_LARGE);
    assert_slice_equal(kq_buffer_slice(&buffer), kq_slice_text("abc"));
    assert_ok(kq_buffer_append(&buffer, "de", 2));
}

static void buffer_append__huge_length__refused_without_overflow(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) buffer = {0};
    kq_buffer_init(&buffer, SIZE_MAX);
    assert_ok(kq_buffer_append(&buffer, "a", 1));
    assert_status(kq_buffer_append(&buffer, "b", SIZE_MAX), KQ_ERR_TOO_LARGE);
    assert_int_equal(buffer.len, 1);
}

static void buffer_append__nothing__allocates_nothing(void **state)
{
    (void)state;
    struct kq_buffer buffer = {0};
    assert_ok(kq_buffer_append(&buffer, NULL, 0));
    assert_null(buffer.data);
    assert_status(kq_buffer_append(&buffer, "a", 1), KQ_ERR_TOO_LARGE); /* maximum 0 */
}

static void buffer_append__many_growths__keeps_every_byte(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) buffer = {0};
    kq_buffer_init(&buffer, 10000);
    for (size_t i = 0; i < 10000; i++) {
        uint8_t byte = (uint8_t)(i * 7);
        assert_ok(kq_buffer_append(&buffer, &byte, 1));
    }
    assert_int_equal(buffer.len, 10000);
    assert_int_equal(buffer.capacity, 10000); /* never beyond the maximum */
    for (size_t i = 0; i < buffer.len; i++)
        assert_int_equal(buffer.data[i], (uint8_t)(i * 7));
}

static void buffer_reserve__room__lies_behind_the_content(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) buffer = {0};
    kq_buffer_init(&buffer, 1000);
    assert_ok(kq_buffer_append(&buffer, "head", 4));
    uint8_t *room;
    assert_ok(kq_buffer_reserve(&buffer, 996, &room));
    assert_ptr_equal(room, buffer.data + 4);
    assert_int_equal(buffer.len, 4);
    memset(room, 'x', 996);
    buffer.len += 996;
    assert_status(kq_buffer_reserve(&buffer, 1, &room), KQ_ERR_TOO_LARGE);
}

static void buffer_consume__part__moves_rest_and_wipes_tail(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) buffer = {0};
    kq_buffer_init(&buffer, 100);
    assert_ok(kq_buffer_append(&buffer, "abcdef", 6));
    kq_buffer_consume(&buffer, 4);
    assert_slice_equal(kq_buffer_slice(&buffer), kq_slice_text("ef"));
    assert_memory_equal(buffer.data + 2, "\0\0\0\0", 4);
    kq_buffer_consume(&buffer, 0);
    kq_buffer_consume(&buffer, 2);
    assert_int_equal(buffer.len, 0);
}

static void buffer_clear__filled__empty_with_its_maximum(void **state)
{
    (void)state;
    struct kq_buffer buffer;
    kq_buffer_init(&buffer, 64);
    assert_ok(kq_buffer_append(&buffer, "secret", 6));
    kq_buffer_clear(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.len, 0);
    assert_int_equal(buffer.max, 64);
    kq_buffer_clear(&buffer);
}

UNIT_MAIN(cmocka_unit_test(buffer_append__exact_maximum__fits),
          cmocka_unit_test(buffer_append__one_over_maximum__refused_and_unchanged),
          cmocka_unit_test(buffer_append__huge_length__refused_without_overflow),
          cmocka_unit_test(buffer_append__nothing__allocates_nothing),
          cmocka_unit_test(buffer_append__many_growths__keeps_every_byte),
          cmocka_unit_test(buffer_reserve__room__lies_behind_the_content),
          cmocka_unit_test(buffer_consume__part__moves_rest_and_wipes_tail),
          cmocka_unit_test(buffer_clear__filled__empty_with_its_maximum))
