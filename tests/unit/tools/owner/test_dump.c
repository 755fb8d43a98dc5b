#include "unit.h"

#include <stdio.h>

#include "base/text.h"
#include "tools/owner/dump.h"
#include "trust/acl.h"
#include "wire/formats.h"

static const uint8_t fill[64] = {5};

struct dumped {
    char *text;
    size_t len;
    kq_status status;
    const char *field;
};

static struct dumped dump(struct kq_slice bytes)
{
    struct dumped dumped = {.text = NULL};
    FILE *out = open_memstream(&dumped.text, &dumped.len);
    assert_non_null(out);
    dumped.status = kq_dump_print(bytes, out, &dumped.field);
    fclose(out);
    return dumped;
}

static void put_place(struct kq_buffer *out)
{
    const struct kq_place place = {.kind = KQ_PLACE_OWNER,
                                   .hknso = kq_slice_of(fill, 32),
                                   .application = kq_slice_text("simple"),
                                   .ident = kq_slice_text("contosokey")};
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_slice bytes;
    kq_writer_init(&writer, KQ_PLACE_MAX);
    kq_place_put(&place, &writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    assert_ok(kq_buffer_append(out, bytes.data, bytes.len));
}

static void put_blob(struct kq_writer *writer)
{
    KQ_AUTO_VALUE(kq_buffer) acl = {.max = KQ_ACL_MAX};
    KQ_AUTO_VALUE(kq_buffer) place = {.max = KQ_PLACE_MAX};
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, kq_slice_of(fill, 32), &acl));
    put_place(&place);
    const struct kq_key_blob blob = {.hkm = kq_slice_of(fill, 32),
                                     .key_type = KQ_KEY_RSA,
                                     .bits = 2048,
                                     .origin = KQ_ORIGIN_IMPORTED_CLEAR,
                                     .acl = kq_buffer_slice(&acl),
                                     .place = kq_buffer_slice(&place),
                                     .public_hash = kq_slice_of(fill, 32),
                                     .salt = kq_slice_of(fill, 32),
                                     .sealed = kq_slice_of(fill, 64)};
    kq_key_blob_put(&blob, writer);
}

static void put_key_file(struct kq_writer *writer)
{
    KQ_AUTO_VALUE(kq_writer) blob;
    struct kq_key_file file = {.application = kq_slice_text("simple"),
                               .ident = kq_slice_text("contosokey"),
                               .plainname = kq_slice_text("A key"),
                               .created = 1795297443,
                               .hknso = kq_slice_of(fill, 32)};
    kq_writer_init(&blob, 12288);
    put_blob(&blob);
    assert_ok(kq_writer_finish(&blob, &file.blob));
    kq_writer_init(writer, KQ_KEY_FILE_MAX);
    kq_key_file_put(&file, writer);
}

static void dump__key_file__blob_place_and_acl_in_words(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_slice bytes;
    put_key_file(&writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    struct dumped dumped = dump(bytes);
    assert_ok(dumped.status);
    static const char *const expected[] = {
        "keyquay/key-file, version 1",
        "plainname: \"A key\"",
        "created: 1795297443 (2026-11-21T21:44:03Z)",
        "blob: keyquay/key-blob",
        "origin: 2 (imported in the clear)",
        "key_type: 1 (RSA)",
        "place: keyquay/place",
        "GetACL",
        "ident: \"contosokey\"",
        "certificate: (empty)",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (strstr(dumped.text, expected[i]) == NULL)
            fail_msg("missing \"%s\" in:\n%s", expected[i], dumped.text);
    }
    free(dumped.text);
}

static void dump__device_key__is_not_shown(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_slice bytes;
    const struct kq_device_key key = {.key = kq_slice_of(fill, 32)};
    char hex[2 * 32 + 1], groups[KQ_HASH_TEXT_SIZE];
    kq_hex_encode(key.key, hex);
    kq_hash_text(key.key, groups);
    kq_writer_init(&writer, 64);
    kq_device_key_put(&key, &writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    struct dumped dumped = dump(bytes);
    assert_ok(dumped.status);
    assert_non_null(strstr(dumped.text, "keyquay/device-key"));
    assert_non_null(strstr(dumped.text, "not shown"));
    assert_null(strstr(dumped.text, hex));
    assert_null(strstr(dumped.text, groups));
    free(dumped.text);
}

static void dump__truncated_anywhere__error_with_field(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_slice bytes;
    put_key_file(&writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    for (size_t len = 0; len < bytes.len; len++) {
        struct dumped dumped = dump(kq_slice_of(bytes.data, len));
        assert_status(dumped.status, KQ_ERR_FORMAT);
        assert_non_null(dumped.field);
        free(dumped.text);
    }
}

static void dump__any_bit_flipped__ends_without_harm(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_slice bytes;
    put_key_file(&writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        writer.buffer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct dumped dumped = dump(bytes);
        free(dumped.text);
        writer.buffer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void dump__not_a_record__format(void **state)
{
    (void)state;
    struct dumped dumped = dump(kq_slice_text("-----BEGIN CERTIFICATE-----"));
    assert_status(dumped.status, KQ_ERR_FORMAT);
    assert_string_equal(dumped.field, "type");
    free(dumped.text);
}

UNIT_MAIN(cmocka_unit_test(dump__key_file__blob_place_and_acl_in_words),
          cmocka_unit_test(dump__device_key__is_not_shown),
          cmocka_unit_test(dump__truncated_anywhere__error_with_field),
          cmocka_unit_test(dump__any_bit_flipped__ends_without_harm), cmocka_unit_test(dump__not_a_record__format))
