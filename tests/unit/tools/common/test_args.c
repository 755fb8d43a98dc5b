#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/size.h"
#include "tools/common/args.h"

struct values {
    const char *module, *mode;
    bool batch, verify, verbose;
};

struct result {
    enum kq_args_result parsed;
    struct values values;
    const char *words[2];
    size_t num_words;
    int exit;
};

/* Parses a command line; the words after the program's name, NULL at the end. */
static struct result parse(enum kq_args_order order, const char *const *line)
{
    struct result result = {.exit = -1};
    char *argv[16] = {(char[]){"program"}};
    int argc = 1;
    for (; line[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)line[argc - 1];
    const struct kq_arg args[] = {
        {"module", 'm', &result.values.module, NULL, "M", "module"},
        {"mode", 0, &result.values.mode, NULL, "MODE", "mode"},
        {"batch", 'b', NULL, &result.values.batch, NULL, "batch"},
        {"verify", 'v', NULL, &result.values.verify, NULL, "verify"},
        {"verbose", 0, NULL, &result.values.verbose, NULL, "verbose"},
    };
    const struct kq_args table = {
        .synopsis = "", .about = "", .args = args, .num_args = KQ_COUNT_OF(args), .max_words = 2, .order = order};
    struct kq_tool tool;
    kq_tool_init(&tool, "program", argc, argv);
    result.parsed = kq_args_parse(&tool, &table, argc, argv, result.words, &result.num_words);
    result.exit = kq_tool_finish(&tool, result.parsed == KQ_ARGS_WRONG ? KQ_ERR_ARGUMENT : KQ_OK);
    return result;
}

#define LINE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void args_parse__long_with_equals__set(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_MIXED, LINE("--module=1", "--batch"));
    assert_int_equal(result.parsed, KQ_ARGS_GO_ON);
    assert_string_equal(result.values.module, "1");
    assert_true(result.values.batch);
}

static void args_parse__value_as_next_word__set(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_MIXED, LINE("--module", "1", "-m", "2"));
    assert_string_equal(result.values.module, "2");
    assert_int_equal(result.num_words, 0);
}

static void args_parse__letters_together_with_value__set(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_MIXED, LINE("-bm1"));
    assert_true(result.values.batch);
    assert_string_equal(result.values.module, "1");
}

static void args_parse__empty_value__is_a_value(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_MIXED, LINE("--mode="));
    assert_string_equal(result.values.mode, "");
}

static void args_parse__unique_prefix__set(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_MIXED, LINE("--ba", "--verb"));
    assert_true(result.values.batch);
    assert_true(result.values.verbose);
    assert_false(result.values.verify);
}

static void args_parse__prefix_of_two__usage(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_MIXED, LINE("--mod=1"));
    assert_int_equal(result.parsed, KQ_ARGS_WRONG);
    assert_int_equal(result.exit, KQ_EXIT_USAGE);
}

static void args_parse__unknown__usage(void **state)
{
    (void)state;
    assert_int_equal(parse(KQ_ARGS_MIXED, LINE("--nonsense")).exit, KQ_EXIT_USAGE);
    assert_int_equal(parse(KQ_ARGS_MIXED, LINE("-x")).exit, KQ_EXIT_USAGE);
}

static void args_parse__value_missing_or_not_wanted__usage(void **state)
{
    (void)state;
    assert_int_equal(parse(KQ_ARGS_MIXED, LINE("--module")).exit, KQ_EXIT_USAGE);
    assert_int_equal(parse(KQ_ARGS_MIXED, LINE("-m")).exit, KQ_EXIT_USAGE);
    assert_int_equal(parse(KQ_ARGS_MIXED, LINE("--batch=yes")).exit, KQ_EXIT_USAGE);
}

static void args_parse__words_between_options__kept_in_order(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_MIXED, LINE("simple", "-b", "type=RSA"));
    assert_int_equal(result.num_words, 2);
    assert_string_equal(result.words[0], "simple");
    assert_string_equal(result.words[1], "type=RSA");
}

static void args_parse__word_too_many__usage(void **state)
{
    (void)state;
    assert_int_equal(parse(KQ_ARGS_MIXED, LINE("a", "b", "c")).exit, KQ_EXIT_USAGE);
}

static void args_parse__double_hyphen__rest_are_words(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_MIXED, LINE("--", "-b", "--"));
    assert_int_equal(result.num_words, 2);
    assert_string_equal(result.words[0], "-b");
    assert_string_equal(result.words[1], "--");
    assert_false(result.values.batch);
}

static void args_parse__stop_early__options_of_the_program_are_its_own(void **state)
{
    (void)state;
    struct result result = parse(KQ_ARGS_STOP_EARLY, LINE("-m", "1", "sh", "-b"));
    assert_int_equal(result.num_words, 2);
    assert_string_equal(result.words[1], "-b");
    assert_false(result.values.batch);
}

static void args_parse__help_and_version__done(void **state)
{
    (void)state;
    /* What they print goes past the test's own output. */
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
    assert_int_equal(dup2(nowhere, STDOUT_FILENO), STDOUT_FILENO);
    enum kq_args_result help = parse(KQ_ARGS_MIXED, LINE("--help")).parsed;
    enum kq_args_result letter = parse(KQ_ARGS_MIXED, LINE("-h")).parsed;
    enum kq_args_result mark = parse(KQ_ARGS_MIXED, LINE("-?")).parsed;
    enum kq_args_result version = parse(KQ_ARGS_MIXED, LINE("--version")).parsed;
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(nowhere);
    assert_int_equal(help, KQ_ARGS_DONE);
    assert_int_equal(letter, KQ_ARGS_DONE);
    assert_int_equal(mark, KQ_ARGS_DONE);
    assert_int_equal(version, KQ_ARGS_DONE);
}

static void args_quorum__forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } cases[] = {{"2/3", true},   {"1/1", true},    {"64/64", true}, {"3/2", false}, {"0/3", false},
                 {"2/65", false}, {"2", false},     {"2/", false},   {"/3", false},  {"-1/3", false},
                 {"2/3 ", false}, {"2/3/4", false}, {"", false}};
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        uint64_t quorum = 99, num = 99;
        assert_int_equal(kq_args_quorum(cases[i].text, 64, &quorum, &num), cases[i].good);
        if (!cases[i].good)
            assert_int_equal(quorum + num, 198);
    }
}

UNIT_MAIN(cmocka_unit_test(args_parse__long_with_equals__set), cmocka_unit_test(args_parse__value_as_next_word__set),
          cmocka_unit_test(args_parse__letters_together_with_value__set),
          cmocka_unit_test(args_parse__empty_value__is_a_value), cmocka_unit_test(args_parse__unique_prefix__set),
          cmocka_unit_test(args_parse__prefix_of_two__usage), cmocka_unit_test(args_parse__unknown__usage),
          cmocka_unit_test(args_parse__value_missing_or_not_wanted__usage),
          cmocka_unit_test(args_parse__words_between_options__kept_in_order),
          cmocka_unit_test(args_parse__word_too_many__usage),
          cmocka_unit_test(args_parse__double_hyphen__rest_are_words),
          cmocka_unit_test(args_parse__stop_early__options_of_the_program_are_its_own),
          cmocka_unit_test(args_parse__help_and_version__done), cmocka_unit_test(args_quorum__forms))
