#include "vault/json/json.h"

#include <stdio.h>

#include "base/size.h"
#include "unit.h"

static kq_status parse(const char *text, size_t len, json_t **out, char error[160])
{
    return vault_json_parse(kq_slice_of(text, len), out, error, 160);
}

static void refused(const char *text, const char *word)
{
    char error[160] = "";
    json_t *value = NULL;
    assert_status(parse(text, strlen(text), &value, error), KQ_ERR_FORMAT);
    assert_null(value);
    if (strstr(error, word) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", text, error, word);
}

static void json_parse__values_of_all_kinds__are_read(void **state)
{
    static const char *const texts[] = {"{}",         "[]", "\"\"", "1", "true", "null", " {\"a\": [1, 2.5, -3e2]} ",
                                        "\"\\u00e9\""};
    char error[160];
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(texts); i++) {
        json_t *value = NULL;
        assert_ok(parse(texts[i], strlen(texts[i]), &value, error));
        assert_non_null(value);
        vault_json_free(value);
    }
}

static void json_parse__malformed__is_refused_with_a_reason(void **state)
{
    (void)state;
    refused("", "empty");
    refused("{", "too early");
    refused("{}x", "follows");
    refused("{\"a\":1,\"a\":2}", "twice");
    refused("{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", "twice");
    refused("{\"a\":1,\"\\u0061\":2}", "twice");
    refused("{a:1}", "syntax");
    refused("{\"a\":1,}", "syntax");
    refused("{'a':1}", "syntax");
    refused("\"\xc0\xaf\"", "UTF-8");
    refused("\"\xed\xa0\x80\"", "UTF-8");
    refused("\"\\u0000\"", "zero");
    refused("99999999999999999999", "large");
    refused("\xef\xbb\xbf{}", "syntax");
}

static void json_parse__bytes_after_a_zero__are_refused(void **state)
{
    static const char text[] = "{}\0{}";
    char error[160];
    json_t *value = NULL;
    (void)state;
    assert_status(parse(text, sizeof text - 1, &value, error), KQ_ERR_FORMAT);
}

static void json_parse__every_truncation__is_refused(void **state)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"\\u00e9x\"}],\"c\":null}";
    char error[160];
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        json_t *value = NULL;
        assert_status(parse(text, len, &value, error), KQ_ERR_FORMAT);
    }
}

/* So many arrays around a 1. */
static kq_status parse_nested(unsigned depth, const char *inside)
{
    char text[256] = "";
    char error[160];
    json_t *value = NULL;
    size_t at = 0;
    for (unsigned i = 0; i < depth; i++)
        text[at++] = '[';
    at += (size_t)snprintf(text + at, sizeof text - at, "%s", inside);
    for (unsigned i = 0; i < depth; i++)
        text[at++] = ']';
    kq_status status = parse(text, at, &value, error);
    vault_json_free(value);
    return status;
}

static void json_parse__deepest_nesting__is_read_and_one_more_is_not(void **state)
{
    (void)state;
    assert_ok(parse_nested(VAULT_JSON_DEPTH_MAX, "1"));
    assert_ok(parse_nested(VAULT_JSON_DEPTH_MAX, "\"[[[[{{{{\\\"[[\""));
    assert_status(parse_nested(VAULT_JSON_DEPTH_MAX + 1, "1"), KQ_ERR_FORMAT);
}

/* An array of so many of these. */
static kq_status parse_many(size_t number, const char *value)
{
    size_t len = strlen(value), at = 1;
    char error[160];
    json_t *array = NULL;
    char *text = malloc(number * (len + 1) + 2);
    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 0; i < number; i++, at += len + 1) {
        memcpy(text + at, value, len);
        text[at + len] = i + 1 < number ? ',' : ']';
    }
    kq_status status = parse(text, at, &array, error);
    vault_json_free(array);
    free(text);
    return status;
}

static void json_parse__most_values__are_read_and_one_more_is_not(void **state)
{
    (void)state;
    assert_ok(parse_many(VAULT_JSON_VALUES_MAX, "1"));
    assert_ok(parse_many(VAULT_JSON_VALUES_MAX, "\",[{\""));
    assert_status(parse_many(VAULT_JSON_VALUES_MAX + 1, "1"), KQ_ERR_FORMAT);
    assert_status(parse_many(VAULT_JSON_VALUES_MAX, "{}"), KQ_ERR_FORMAT);
}

static void json_parse__a_secret_in_the_error__is_not_repeated(void **state)
{
    char error[160];
    static const char text[] = "{\"d\":\"hunter2\" \"hunter2\"}";
    json_t *value = NULL;
    (void)state;
    assert_status(parse(text, sizeof text - 1, &value, error), KQ_ERR_FORMAT);
    assert_null(strstr(error, "hunter2"));
    assert_non_null(strstr(error, "line 1"));
}

static void json_write__members__keep_their_order(void **state)
{
    static const char text[] = "{\"z\":1,\"a\":[true,null,\"\\\"\"],\"m\":{}}";
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    char error[160];
    json_t *value = NULL;
    (void)state;
    kq_buffer_init(&out, 100);
    assert_ok(parse(text, sizeof text - 1, &value, error));
    assert_ok(vault_json_write(value, &out));
    assert_slice_equal(kq_buffer_slice(&out), kq_slice_text(text));
    vault_json_free(value);
}

static void json_write__no_room__leaves_the_buffer_as_it_was(void **state)
{
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    (void)state;
    kq_buffer_init(&out, 12);
    assert_ok(kq_buffer_append(&out, "before", 6));
    json_t *value = json_string("longer than that");
    assert_status(vault_json_write(value, &out), KQ_ERR_TOO_LARGE);
    assert_slice_equal(kq_buffer_slice(&out), kq_slice_text("before"));
    vault_json_free(value);
}

static void json_members__present_absent_null_and_wrong__are_told_apart(void **state)
{
    static const char text[] = "{\"s\":\"x\",\"b\":false,\"i\":-7,\"o\":{},\"a\":[],\"n\":null,\"r\":1.0}";
    char error[160];
    json_t *object = NULL;
    const char *string = "untouched";
    bool boolean = true;
    int64_t integer = 5;
    const json_t *part = NULL;
    (void)state;
    assert_ok(parse(text, sizeof text - 1, &object, error));
    assert_true(vault_json_string(object, "none", &string) && vault_json_string(object, "n", &string));
    assert_string_equal(string, "untouched");
    assert_false(vault_json_string(object, "i", &string) || vault_json_bool(object, "s", &boolean));
    assert_false(vault_json_integer(object, "r", &integer) || vault_json_object(object, "a", &part));
    assert_false(vault_json_array(object, "o", &part));
    assert_true(boolean && integer == 5 && part == NULL);
    assert_true(vault_json_string(object, "s", &string) && strcmp(string, "x") == 0);
    assert_true(vault_json_bool(object, "b", &boolean) && !boolean);
    assert_true(vault_json_integer(object, "i", &integer) && integer == -7);
    assert_true(vault_json_object(object, "o", &part) && json_is_object(part));
    assert_true(vault_json_array(object, "a", &part) && json_is_array(part));
    vault_json_free(object);
}

UNIT_MAIN(cmocka_unit_test(json_parse__values_of_all_kinds__are_read),
          cmocka_unit_test(json_parse__malformed__is_refused_with_a_reason),
          cmocka_unit_test(json_parse__bytes_after_a_zero__are_refused),
          cmocka_unit_test(json_parse__every_truncation__is_refused),
          cmocka_unit_test(json_parse__deepest_nesting__is_read_and_one_more_is_not),
          cmocka_unit_test(json_parse__most_values__are_read_and_one_more_is_not),
          cmocka_unit_test(json_parse__a_secret_in_the_error__is_not_repeated),
          cmocka_unit_test(json_write__members__keep_their_order),
          cmocka_unit_test(json_write__no_room__leaves_the_buffer_as_it_was),
          cmocka_unit_test(json_members__present_absent_null_and_wrong__are_told_apart))
