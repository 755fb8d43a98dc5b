/* Source  docs/protocols/module.md */
#include "wire/messages.h"

#include "unit.h"
#include "wire/control.h"

static void operation_find__each_number__its_row(void **state)
{
    (void)state;
    size_t num_found = 0;
    for (uint64_t op = 0; op < 300; op++) {
        const struct kq_operation *operation = kq_operation_find(op);
        if (operation == NULL)
            continue;
        num_found++;
        assert_true((uint64_t)operation->op == op);
        assert_non_null(operation->name);
        assert_non_null(operation->params);
        assert_non_null(operation->results);
    }
    assert_int_equal(num_found, kq_num_operations);
    assert_null(kq_operation_find(0));
    assert_null(kq_operation_find(UINT64_MAX));
}

static void operations__numbers_and_names__no_two_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < kq_num_operations; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(kq_operations[i].op, kq_operations[j].op);
            assert_string_not_equal(kq_operations[i].name, kq_operations[j].name);
        }
    }
}

/* Sum of the largest encodings of all fields: what a message may come to. A
 * KEK package holds one signed statement and two certificates, so it never
 * fills the room that both kinds of package share. */
static uint64_t largest(const struct kq_record_type *type)
{
    uint64_t sum = 9;
    for (size_t i = 0; i < type->num_fields; i++) {
        const struct kq_field *field = &type->fields[i];
        uint64_t most = field->kind == KQ_FIELD_UINT ? 0 : field->max;
        sum += 9 + (strcmp(field->name, "kek_package") == 0 ? KQ_SIGNED_MAX + 2 * KQ_CERT_MAX + 1024 : most);
    }
    return sum;
}

static void operations__largest_params_and_results__fit_a_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < kq_num_operations; i++) {
        const struct kq_operation *operation = &kq_operations[i];
        if (largest(operation->params) > 120000 || largest(operation->results) > 120000)
            print_error("%s\n", operation->name);
        assert_true(largest(operation->params) <= 120000);
        assert_true(largest(operation->results) <= 120000);
    }
    assert_true(largest(&kq_request_type) <= KQ_FRAME_MAX);
    assert_true(largest(&kq_reply_type) <= KQ_FRAME_MAX);
}

static void control_split__each_truncation__waits_for_more(void **state)
{
    (void)state;
    struct kq_control control = {.kind = KQ_CONTROL_PERSIST, .seq = 7, .log = kq_slice_text("log")};
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 1000);
    kq_writer_u8(&writer, 0xee); /* something before it */
    assert_ok(kq_control_append(&control, &writer));
    struct kq_slice whole;
    assert_ok(kq_writer_finish(&writer, &whole));
    whole = kq_slice_of(whole.data + 1, whole.len - 1);
    struct kq_slice frame;
    size_t taken;
    for (size_t len = 0; len < whole.len; len++) {
        assert_ok(kq_control_split(kq_slice_of(whole.data, len), &frame, &taken));
        assert_int_equal(taken, 0);
    }
    assert_ok(kq_control_split(whole, &frame, &taken));
    assert_int_equal(taken, whole.len);
    struct kq_control back;
    assert_ok(kq_control_get(frame, &back, NULL));
    assert_int_equal(back.kind, KQ_CONTROL_PERSIST);
    assert_slice_equal(back.log, kq_slice_text("log"));
}

static void control_split__over_its_limit__too_large(void **state)
{
    (void)state;
    uint8_t head[KQ_FRAME_HEAD_LEN];
    struct kq_slice frame;
    size_t taken = 1;
    kq_frame_head(KQ_CONTROL_MAX, head);
    assert_ok(kq_control_split(kq_slice_of(head, sizeof head), &frame, &taken));
    assert_int_equal(taken, 0);
    kq_frame_head(KQ_CONTROL_MAX + 1, head);
    assert_status(kq_control_split(kq_slice_of(head, sizeof head), &frame, &taken), KQ_ERR_TOO_LARGE);
}

UNIT_MAIN(cmocka_unit_test(operation_find__each_number__its_row),
          cmocka_unit_test(operations__numbers_and_names__no_two_alike),
          cmocka_unit_test(operations__largest_params_and_results__fit_a_frame),
          cmocka_unit_test(control_split__each_truncation__waits_for_more),
          cmocka_unit_test(control_split__over_its_limit__too_large))
