#include "harness/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"

#define PATH_SIZE 4096
#define VECTOR_MAX (1024 * 1024)

/* KEYQUAY_TESTS is the project's tests folder; the vectors lie beside the project. */
static void find_folder(char out[PATH_SIZE])
{
    const char *given = getenv("KEYQUAY_VECTORS");
    const char *tests = getenv("KEYQUAY_TESTS");
    if (given != NULL && given[0] != '\0')
        snprintf(out, PATH_SIZE, "%s", given);
    else
        snprintf(out, PATH_SIZE, "%s/../../shared/vectors", tests == NULL ? "tests" : tests);
}

json_t *vectors_load(const char *name)
{
    char folder[PATH_SIZE];
    char path[2 * PATH_SIZE];
    find_folder(folder);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (access(path, R_OK) != 0) {
        print_message("# no vectors at %s (set KEYQUAY_VECTORS)\n", path);
        return NULL;
    }
    json_error_t error;
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (file == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return file;
}

const char *vectors_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    if (text == NULL)
        fail_msg("vector without \"%s\"", member);
    return text;
}

void vectors_hex(const json_t *object, const char *member, struct kq_buffer *out)
{
    struct kq_slice text = kq_slice_text(vectors_text(object, member));
    kq_buffer_init(out, VECTOR_MAX);
    if (text.len == 0)
        return;
    uint8_t *room = NULL;
    assert_int_equal(kq_buffer_reserve(out, text.len / 2, &room), KQ_OK);
    assert_true(kq_hex_decode(text, room, text.len / 2));
    out->len += text.len / 2;
}
