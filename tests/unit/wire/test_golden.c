/* The bytes of every format, fixed for ever: tests/golden/<name>.hex holds
 * what the encoder must print and the decoder must take. With
 * KEYQUAY_GOLDEN_WRITE=1 the files are written anew, for a change of format
 * that is meant: its document and these files change in the same commit.
 * Source docs/formats/encoding.md */
#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "every_record.h"
#include "golden_records.h"
#include "record_maker.h"
#include "unit.h"

#define HEX_MAX (2u * 1024 * 1024)
#define BYTES_PER_LINE 32

static void golden_path(const char *name, char out[KQ_PATH_MAX])
{
    const char *tests = getenv("KEYQUAY_TESTS");
    assert_non_null(tests);
    char file[128];
    assert_true(snprintf(file, sizeof file, "golden/%s.hex", name) < (int)sizeof file);
    for (char *at = file + 7; *at != '\0'; at++) {
        if (*at == '/')
            *at = '-';
    }
    assert_ok(kq_path_join(tests, file, out));
}

static void put_hex_lines(struct kq_slice bytes, struct kq_buffer *out)
{
    for (size_t at = 0; at < bytes.len; at += BYTES_PER_LINE) {
        size_t len = bytes.len - at < BYTES_PER_LINE ? bytes.len - at : BYTES_PER_LINE;
        char line[2 * BYTES_PER_LINE + 1];
        kq_hex_encode(kq_slice_of(bytes.data + at, len), line);
        line[2 * len] = '\n';
        assert_ok(kq_buffer_append(out, line, 2 * len + 1));
    }
}

static size_t line_start(struct kq_slice text, size_t at)
{
    while (at > 0 && text.data[at - 1] != '\n')
        at--;
    return at;
}

static int line_len(struct kq_slice text, size_t start)
{
    size_t end = start;
    while (end < text.len && text.data[end] != '\n')
        end++;
    return (int)(end - start);
}

/* Shows the first line that differs. */
static void fail_with_difference(const char *name, struct kq_slice expected, struct kq_slice got)
{
    size_t at = 0;
    while (at < expected.len && at < got.len && expected.data[at] == got.data[at])
        at++;
    size_t start = line_start(expected.len < got.len ? expected : got, at < expected.len && at < got.len ? at : 0);
    print_error("%s: %zu hex characters expected, %zu found; first difference in byte %zu:\n  golden: %.*s\n  now:    "
                "%.*s\n",
                name, expected.len, got.len, start / (2 * BYTES_PER_LINE + 1) * BYTES_PER_LINE,
                line_len(expected, start), expected.data + start, line_len(got, start), got.data + start);
    fail();
}

static void compare_with_golden(const char *name, struct kq_slice encoded)
{
    char path[KQ_PATH_MAX];
    golden_path(name, path);
    KQ_AUTO_VALUE(kq_buffer) now = {0};
    kq_buffer_init(&now, HEX_MAX);
    put_hex_lines(encoded, &now);
    if (getenv("KEYQUAY_GOLDEN_WRITE") != NULL)
        assert_ok(kq_file_write(path, kq_buffer_slice(&now), 0644, KQ_FILE_REPLACE));
    KQ_AUTO_VALUE(kq_buffer) golden = {0};
    kq_status status = kq_file_read(path, HEX_MAX, &golden);
    if (status != KQ_OK)
        print_error("%s: %s\n", path, kq_status_text(status));
    assert_ok(status);
    if (!kq_slice_is_equal(kq_buffer_slice(&golden), kq_buffer_slice(&now)))
        fail_with_difference(name, kq_buffer_slice(&golden), kq_buffer_slice(&now));
}

/* A value that is not at a limit, and strings that need more than one length byte where they may. */
static uint64_t usual_measure(const struct kq_field *field, size_t index)
{
    uint64_t span = field->max - field->min;
    uint64_t wanted = field->kind == KQ_FIELD_UINT   ? 1000003 * (index + 1)
                      : field->kind == KQ_FIELD_LIST ? 2
                                                     : 17 + index;
    return field->min + (span == UINT64_MAX ? wanted : wanted % (span + 1));
}

static void formats__usual_values__golden_bytes(void **state)
{
    (void)state;
    for (size_t index = 0; every_record(index) != NULL; index++) {
        const struct kq_record_type *type = every_record(index);
        if (type->name == NULL)
            continue;
        KQ_AUTO_VALUE(made_record) made = {0};
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        for (size_t i = 0; i < type->num_fields; i++)
            make_field(&made, type, i, usual_measure(&type->fields[i], i));
        struct kq_slice encoded;
        assert_ok(encode_made(&made, type, &writer, &encoded));
        compare_with_golden(type->name, encoded);
    }
}

static void protocol__usual_values__golden_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * kq_num_operations; i++) {
        const struct kq_operation *operation = &kq_operations[i / 2];
        const struct kq_record_type *type = i % 2 == 0 ? operation->params : operation->results;
        KQ_AUTO_VALUE(made_record) made = {0};
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        for (size_t j = 0; j < type->num_fields; j++)
            make_field(&made, type, j, usual_measure(&type->fields[j], j));
        struct kq_slice encoded;
        assert_ok(encode_made(&made, type, &writer, &encoded));
        char name[80];
        assert_true(snprintf(name, sizeof name, "module/%s.%s", operation->name, i % 2 == 0 ? "params" : "results") <
                    (int)sizeof name);
        compare_with_golden(name, encoded);
    }
}

static void examples__meaningful_values__golden_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(golden_examples); i++) {
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        kq_writer_init(&writer, 65536);
        golden_examples[i].put(&writer);
        struct kq_slice encoded;
        assert_ok(kq_writer_finish(&writer, &encoded));
        compare_with_golden(golden_examples[i].name, encoded);
    }
}

UNIT_MAIN(cmocka_unit_test(formats__usual_values__golden_bytes), cmocka_unit_test(protocol__usual_values__golden_bytes),
          cmocka_unit_test(examples__meaningful_values__golden_bytes))
