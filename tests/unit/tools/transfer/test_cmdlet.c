#include "base/size.h"
#include "tools/transfer/cmdlet.h"
#include "unit.h"

struct result {
    const char *name;
    const char *names;
    bool force;
    const char *words[2];
    size_t num_words;
    char error[256];
};

static kq_status parse(struct result *result, int argc, const char *const *argv)
{
    char *copy[8];
    *result = (struct result){0};
    const struct kq_cmdlet_parameter parameters[] = {
        {"KeyName", &result->name, NULL},
        {"KeyNames", &result->names, NULL},
        {"Force", NULL, &result->force},
    };
    const struct kq_cmdlet cmdlet = {parameters, KQ_COUNT_OF(parameters), 2};
    for (int i = 0; i < argc; i++)
        copy[i] = (char *)(uintptr_t)argv[i];
    return kq_cmdlet_parse(&cmdlet, argc, copy, result->words, &result->num_words, result->error, sizeof result->error);
}

#define PARSE(result, ...)                                                                                             \
    parse((result), (int)KQ_COUNT_OF(((const char *const[]){"program", __VA_ARGS__})),                                 \
          (const char *const[]){"program", __VA_ARGS__})

static void cmdlet__any_case__is_accepted(void **state)
{
    (void)state;
    struct result result;
    assert_ok(PARSE(&result, "-keyname", "a", "-FORCE"));
    assert_string_equal(result.name, "a");
    assert_true(result.force);
}

static void cmdlet__exact_name__wins_over_longer_ones(void **state)
{
    (void)state;
    struct result result;
    assert_ok(PARSE(&result, "-KeyName", "a", "-KeyNames", "b"));
    assert_string_equal(result.name, "a");
    assert_string_equal(result.names, "b");
}

static void cmdlet__unique_prefix__is_enough(void **state)
{
    (void)state;
    struct result result;
    assert_ok(PARSE(&result, "-f"));
    assert_true(result.force);
}

static void cmdlet__prefix_of_several__is_refused(void **state)
{
    (void)state;
    struct result result;
    assert_status(PARSE(&result, "-Key", "a"), KQ_ERR_ARGUMENT);
    assert_non_null(strstr(result.error, "-Key"));
}

static void cmdlet__colon_and_double_hyphen__are_read(void **state)
{
    (void)state;
    struct result result;
    assert_ok(PARSE(&result, "-KeyName:a:b", "--force"));
    assert_string_equal(result.name, "a:b");
    assert_true(result.force);
}

static void cmdlet__words__are_kept_in_order(void **state)
{
    (void)state;
    struct result result;
    assert_ok(PARSE(&result, "one", "-Force", "-"));
    assert_int_equal(result.num_words, 2);
    assert_string_equal(result.words[0], "one");
    assert_string_equal(result.words[1], "-");
}

static void cmdlet__value_missing__is_refused(void **state)
{
    (void)state;
    struct result result;
    assert_status(PARSE(&result, "-KeyName"), KQ_ERR_ARGUMENT);
    assert_status(PARSE(&result, "-KeyName", "-Force"), KQ_ERR_ARGUMENT);
    assert_ok(PARSE(&result, "-KeyName", "-1"));
    assert_ok(PARSE(&result, "-KeyName:-Force"));
    assert_string_equal(result.name, "-Force");
}

static void cmdlet__given_twice__is_refused(void **state)
{
    (void)state;
    struct result result;
    assert_status(PARSE(&result, "-KeyName", "a", "-keyname", "b"), KQ_ERR_ARGUMENT);
}

static void cmdlet__value_for_a_switch__is_refused(void **state)
{
    (void)state;
    struct result result;
    assert_status(PARSE(&result, "-Force:yes"), KQ_ERR_ARGUMENT);
}

static void cmdlet__unknown_or_empty_name__is_refused(void **state)
{
    (void)state;
    struct result result;
    assert_status(PARSE(&result, "-Other"), KQ_ERR_ARGUMENT);
    assert_status(PARSE(&result, "--"), KQ_ERR_ARGUMENT);
    assert_status(PARSE(&result, "-:x"), KQ_ERR_ARGUMENT);
}

static void cmdlet__one_word_too_many__is_refused(void **state)
{
    (void)state;
    struct result result;
    assert_status(PARSE(&result, "one", "two", "three"), KQ_ERR_ARGUMENT);
    assert_non_null(strstr(result.error, "three"));
}

UNIT_MAIN(cmocka_unit_test(cmdlet__any_case__is_accepted), cmocka_unit_test(cmdlet__exact_name__wins_over_longer_ones),
          cmocka_unit_test(cmdlet__unique_prefix__is_enough), cmocka_unit_test(cmdlet__prefix_of_several__is_refused),
          cmocka_unit_test(cmdlet__colon_and_double_hyphen__are_read),
          cmocka_unit_test(cmdlet__words__are_kept_in_order), cmocka_unit_test(cmdlet__value_missing__is_refused),
          cmocka_unit_test(cmdlet__given_twice__is_refused), cmocka_unit_test(cmdlet__value_for_a_switch__is_refused),
          cmocka_unit_test(cmdlet__unknown_or_empty_name__is_refused),
          cmocka_unit_test(cmdlet__one_word_too_many__is_refused))
