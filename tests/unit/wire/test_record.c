/* Every record of the project against its own table. Source docs/formats/encoding.md */
#include "wire/record.h"

#include "every_record.h"
#include "record_maker.h"
#include "unit.h"

#define EACH_TYPE(type)                                                                                                \
    for (size_t index_ = 0; every_record(index_) != NULL; index_++)                                                    \
        for (const struct kq_record_type *type = every_record(index_); type != NULL; type = NULL)

/* Decodes, demands success, encodes again and demands the same bytes. */
static void assert_canonical(const struct kq_record_type *type, struct kq_slice encoded)
{
    uint64_t decoded[MADE_STRUCT_MAX / sizeof(uint64_t)];
    const char *field = "";
    kq_status status = kq_record_get(type, encoded, decoded, &field);
    if (status != KQ_OK)
        print_error("%s: %s\n", record_title(type), field);
    assert_ok(status);
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, encoded.len);
    kq_record_put(type, decoded, &writer);
    struct kq_slice again;
    assert_ok(kq_writer_finish(&writer, &again));
    assert_slice_equal(again, encoded);
}

static void record__every_field_smallest__round_trip(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        KQ_AUTO_VALUE(made_record) made = {0};
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        make_smallest(&made, type);
        struct kq_slice encoded;
        assert_ok(encode_made(&made, type, &writer, &encoded));
        assert_canonical(type, encoded);
    }
}

static void record__each_field_largest__round_trip(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        for (size_t i = 0; i < type->num_fields; i++) {
            KQ_AUTO_VALUE(made_record) made = {0};
            KQ_AUTO_VALUE(kq_writer) writer = {0};
            make_smallest(&made, type);
            made_record_clear(&made);
            make_smallest(&made, type);
            make_field(&made, type, i, type->fields[i].max);
            struct kq_slice encoded;
            assert_ok(encode_made(&made, type, &writer, &encoded));
            assert_canonical(type, encoded);
        }
    }
}

static void record_put__each_field_out_of_limits__argument(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        for (size_t i = 0; i < type->num_fields; i++) {
            const struct kq_field *field = &type->fields[i];
            const uint64_t wrong[] = {field->min - 1, field->max + 1};
            for (size_t j = 0; j < 2; j++) {
                if (wrong[j] >= field->min && wrong[j] <= field->max)
                    continue; /* the limit is that of the type itself */
                if (field->kind != KQ_FIELD_UINT && wrong[j] > 2u * 1024 * 1024)
                    continue; /* no string is shorter than 0 */
                KQ_AUTO_VALUE(made_record) made = {0};
                KQ_AUTO_VALUE(kq_writer) writer = {0};
                make_smallest(&made, type);
                make_field(&made, type, i, wrong[j]);
                struct kq_slice encoded;
                assert_status(encode_made(&made, type, &writer, &encoded), KQ_ERR_ARGUMENT);
            }
        }
    }
}

/* Writes the smallest record with one field replaced, without asking the table. */
static void put_unchecked(const struct kq_record_type *type, size_t wrong_field, uint64_t measure,
                          struct kq_writer *writer)
{
    kq_cbor_put_array(writer, type->num_fields + (type->name == NULL ? 0 : 2));
    if (type->name != NULL) {
        kq_cbor_put_text(writer, kq_slice_text(type->name));
        kq_cbor_put_uint(writer, type->version);
    }
    for (size_t i = 0; i < type->num_fields; i++) {
        uint64_t value = i == wrong_field ? measure : type->fields[i].min;
        switch (type->fields[i].kind) {
        case KQ_FIELD_UINT:
            kq_cbor_put_uint(writer, value);
            break;
        case KQ_FIELD_BYTES:
            kq_cbor_put_bytes(writer, filler(value));
            break;
        case KQ_FIELD_TEXT:
            kq_cbor_put_text(writer, filler(value));
            break;
        case KQ_FIELD_LIST:
            kq_cbor_put_array(writer, value);
            for (uint64_t j = 0; j < value; j++)
                kq_cbor_put_bytes(writer, KQ_SLICE_EMPTY);
            break;
        }
    }
}

static void assert_refused(const struct kq_record_type *type, size_t field, uint64_t measure)
{
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 8 * 1024 * 1024);
    put_unchecked(type, field, measure, &writer);
    struct kq_slice encoded;
    assert_ok(kq_writer_finish(&writer, &encoded));
    uint64_t decoded[MADE_STRUCT_MAX / sizeof(uint64_t)];
    const char *name = "";
    kq_status status = kq_record_get(type, encoded, decoded, &name);
    if (status == KQ_ERR_TOO_LARGE && encoded.len > type->max_len)
        return;
    assert_status(status, KQ_ERR_FORMAT);
    assert_string_equal(name, type->fields[field].name);
}

static void record_get__each_field_out_of_limits__format_and_its_name(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        for (size_t i = 0; i < type->num_fields; i++) {
            const struct kq_field *field = &type->fields[i];
            if (field->min > 0)
                assert_refused(type, i, field->min - 1);
            if (field->max < UINT64_MAX)
                assert_refused(type, i, field->max + 1);
        }
    }
}

static void record_get__each_truncation__refused(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        KQ_AUTO_VALUE(made_record) made = {0};
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        struct unit_random random = {.state = 7};
        make_random(&made, type, &random);
        struct kq_slice encoded;
        assert_ok(encode_made(&made, type, &writer, &encoded));
        uint64_t decoded[MADE_STRUCT_MAX / sizeof(uint64_t)];
        for (size_t len = 0; len < encoded.len; len++)
            assert_status(kq_record_get(type, kq_slice_of(encoded.data, len), decoded, NULL), KQ_ERR_FORMAT);
    }
}

static void record_get__one_byte_too_many__length(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        KQ_AUTO_VALUE(made_record) made = {0};
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        make_smallest(&made, type);
        struct kq_slice encoded;
        assert_ok(encode_made(&made, type, &writer, &encoded));
        kq_writer_u8(&writer, 0);
        assert_ok(kq_writer_finish(&writer, &encoded));
        uint64_t decoded[MADE_STRUCT_MAX / sizeof(uint64_t)];
        const char *field = "";
        kq_status status = kq_record_get(type, encoded, decoded, &field);
        assert_true(status == KQ_ERR_FORMAT || (status == KQ_ERR_TOO_LARGE && encoded.len > type->max_len));
        assert_string_equal(field, "length");
    }
}

static void record_get__over_the_types_maximum__too_large(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        uint64_t decoded[MADE_STRUCT_MAX / sizeof(uint64_t)];
        const char *field = "";
        assert_status(kq_record_get(type, filler(type->max_len + 1), decoded, &field), KQ_ERR_TOO_LARGE);
        assert_string_equal(field, "length");
    }
}

static void record_put__over_the_types_maximum__too_large(void **state)
{
    (void)state;
    /* Three actions of the largest detail are each allowed, together more than an ACL may hold. */
    static const uint8_t detail[256];
    KQ_AUTO_VALUE(kq_writer) items = {0};
    kq_writer_init(&items, 65536);
    for (int i = 0; i < 16; i++)
        kq_list_put(&items, kq_slice_of(detail, sizeof detail));
    struct kq_acl acl = {.groups = {.num = 16}};
    assert_ok(kq_writer_finish(&items, &acl.groups.items));
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 65536);
    kq_acl_put(&acl, &writer);
    struct kq_slice out;
    assert_status(kq_writer_finish(&writer, &out), KQ_ERR_TOO_LARGE);
}

static void record_get__other_type_or_version__named(void **state)
{
    (void)state;
    for (size_t i = 0; i < kq_num_format_types; i++) {
        const struct kq_record_type *type = kq_format_types[i];
        if (type->name == NULL)
            continue;
        const struct {
            uint64_t version;
            const char *name;
            kq_status expected;
        } cases[] = {{0, type->name, KQ_ERR_FORMAT},
                     {type->version + 1, type->name, KQ_ERR_VERSION},
                     {UINT64_MAX, type->name, KQ_ERR_VERSION},
                     {type->version, "keyquay/other", KQ_ERR_FORMAT},
                     {type->version + 1, "keyquay/other", KQ_ERR_FORMAT}};
        for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++) {
            KQ_AUTO_VALUE(made_record) made = {0};
            KQ_AUTO_VALUE(kq_writer) writer = {0};
            make_smallest(&made, type);
            struct kq_record_type other = *type;
            other.name = cases[j].name;
            other.version = cases[j].version;
            struct kq_slice encoded;
            assert_ok(encode_made(&made, &other, &writer, &encoded));
            uint64_t decoded[MADE_STRUCT_MAX / sizeof(uint64_t)];
            const char *field = "";
            assert_status(kq_record_get(type, encoded, decoded, &field), cases[j].expected);
            assert_string_equal(field, "type");
        }
    }
}

static void record_get__failure__output_untouched(void **state)
{
    (void)state;
    struct kq_device_key key = {.key = kq_slice_text("before")};
    assert_status(kq_device_key_get(kq_slice_text("nonsense"), &key, NULL), KQ_ERR_FORMAT);
    assert_slice_equal(key.key, kq_slice_text("before"));
}

static void record__random_values__round_trip(void **state)
{
    (void)state;
    struct unit_random random = {.state = 20261121};
    EACH_TYPE(type)
    {
        for (int i = 0; i < 60; i++) {
            KQ_AUTO_VALUE(made_record) made = {0};
            KQ_AUTO_VALUE(kq_writer) writer = {0};
            make_random(&made, type, &random);
            struct kq_slice encoded;
            kq_status status = encode_made(&made, type, &writer, &encoded);
            if (status == KQ_ERR_TOO_LARGE)
                continue; /* each field within its limits, together more than the type allows */
            assert_ok(status);
            assert_canonical(type, encoded);
        }
    }
}

/* Whatever is accepted has only one encoding, even when it was not ours. */
static void record_get__each_bit_flipped__refused_or_canonical(void **state)
{
    (void)state;
    static uint8_t changed[4096];
    struct unit_random random = {.state = 3};
    EACH_TYPE(type)
    {
        KQ_AUTO_VALUE(made_record) made = {0};
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        make_random(&made, type, &random);
        struct kq_slice encoded;
        if (encode_made(&made, type, &writer, &encoded) != KQ_OK || encoded.len > sizeof changed)
            continue;
        memcpy(changed, encoded.data, encoded.len);
        for (size_t bit = 0; bit < 8 * encoded.len; bit++) {
            changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            uint64_t decoded[MADE_STRUCT_MAX / sizeof(uint64_t)];
            struct kq_slice in = kq_slice_of(changed, encoded.len);
            if (kq_record_get(type, in, decoded, NULL) == KQ_OK)
                assert_canonical(type, in);
            changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void record_get__random_bytes__refused_or_canonical(void **state)
{
    (void)state;
    struct unit_random random = {.state = 11};
    uint8_t bytes[64];
    EACH_TYPE(type)
    {
        for (int i = 0; i < 300; i++) {
            size_t len = unit_random_next(&random) % sizeof bytes;
            unit_random_fill(&random, bytes, len);
            if (len > 0 && i % 2 == 0)
                bytes[0] = (uint8_t)(0x80 + type->num_fields % 24);
            uint64_t decoded[MADE_STRUCT_MAX / sizeof(uint64_t)];
            if (kq_record_get(type, kq_slice_of(bytes, len), decoded, NULL) == KQ_OK)
                assert_canonical(type, kq_slice_of(bytes, len));
        }
    }
}

static void list_next__items__each_once_then_false(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) items = {0};
    kq_writer_init(&items, 100);
    kq_list_put(&items, kq_slice_text("one"));
    kq_list_put(&items, KQ_SLICE_EMPTY);
    struct kq_list list = {.num = 2};
    assert_ok(kq_writer_finish(&items, &list.items));
    struct kq_slice item;
    assert_true(kq_list_next(&list, &item));
    assert_slice_equal(item, kq_slice_text("one"));
    assert_true(kq_list_next(&list, &item));
    assert_int_equal(item.len, 0);
    assert_false(kq_list_next(&list, &item));
    assert_false(kq_list_next(&list, &item));
}

static void list_next__fewer_items_than_said__false(void **state)
{
    (void)state;
    struct kq_list list = {.items = kq_slice_of("\x41x", 2), .num = 2};
    struct kq_slice item;
    assert_true(kq_list_next(&list, &item));
    assert_false(kq_list_next(&list, &item));
}

static void record_get__list_of_other_things__refused(void **state)
{
    (void)state;
    /* ["keyquay/acl", 1, [1]]: an integer where a byte string belongs. */
    const char bytes[] = "\x83\x6bkeyquay/acl\x01\x81\x01";
    struct kq_acl acl;
    const char *field = "";
    assert_status(kq_acl_get(kq_slice_of(bytes, sizeof bytes - 1), &acl, &field), KQ_ERR_FORMAT);
    assert_string_equal(field, "groups");
}

static void record_put__list_whose_items_are_not_what_it_says__argument(void **state)
{
    (void)state;
    struct kq_acl acl = {.groups = {.items = kq_slice_of("\x41x\x41y", 4), .num = 1}};
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 100);
    kq_acl_put(&acl, &writer);
    struct kq_slice out;
    assert_status(kq_writer_finish(&writer, &out), KQ_ERR_ARGUMENT);
}

static void record_put__text_that_is_not_printable__argument(void **state)
{
    (void)state;
    struct kq_hello_request hello = {.protocol = 1, .client = kq_slice_text("line\nbreak")};
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 100);
    kq_hello_request_put(&hello, &writer);
    struct kq_slice out;
    assert_status(kq_writer_finish(&writer, &out), KQ_ERR_ARGUMENT);
}

static void formats__names__no_two_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < kq_num_format_types; i++) {
        for (size_t j = 0; j < i; j++) {
            const char *a = kq_format_types[i]->name;
            const char *b = kq_format_types[j]->name;
            assert_true(a == NULL || b == NULL || strcmp(a, b) != 0);
        }
    }
}

UNIT_MAIN(cmocka_unit_test(record__every_field_smallest__round_trip),
          cmocka_unit_test(record__each_field_largest__round_trip),
          cmocka_unit_test(record_put__each_field_out_of_limits__argument),
          cmocka_unit_test(record_get__each_field_out_of_limits__format_and_its_name),
          cmocka_unit_test(record_get__each_truncation__refused),
          cmocka_unit_test(record_get__one_byte_too_many__length),
          cmocka_unit_test(record_get__over_the_types_maximum__too_large),
          cmocka_unit_test(record_put__over_the_types_maximum__too_large),
          cmocka_unit_test(record_get__other_type_or_version__named),
          cmocka_unit_test(record_get__failure__output_untouched), cmocka_unit_test(record__random_values__round_trip),
          cmocka_unit_test(record_get__each_bit_flipped__refused_or_canonical),
          cmocka_unit_test(record_get__random_bytes__refused_or_canonical),
          cmocka_unit_test(list_next__items__each_once_then_false),
          cmocka_unit_test(list_next__fewer_items_than_said__false),
          cmocka_unit_test(record_get__list_of_other_things__refused),
          cmocka_unit_test(record_put__list_whose_items_are_not_what_it_says__argument),
          cmocka_unit_test(record_put__text_that_is_not_printable__argument),
          cmocka_unit_test(formats__names__no_two_alike))
