#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/common/ask.h"

/* Programs that answer are shell scripts in a folder of the test. */
struct fixture {
    char folder[64];
    char script[96];
    struct kq_tool tool;
    struct kq_secret answer;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/keyquay-ask.XXXXXX");
    if (mkdtemp(fixture->folder) == NULL)
        return -1;
    snprintf(fixture->script, sizeof fixture->script, "%s/askpass", fixture->folder);
    kq_tool_init(&fixture->tool, "program", 0, NULL);
    kq_secret_init(&fixture->answer);
    /* Without a controlling terminal the outcome is the same wherever the tests run. */
    setsid();
    unsetenv("KEYQUAY_ASKPASS");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kq_secret_clear(&fixture->answer);
    unlink(fixture->script);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static void answer_with(struct fixture *fixture, const char *body)
{
    char text[512];
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", body);
    assert_ok(kq_file_write(fixture->script, kq_slice_text(text), 0700, KQ_FILE_REPLACE));
    setenv("KEYQUAY_ASKPASS", fixture->script, 1);
}

static kq_status ask(struct fixture *fixture, const struct kq_question *question)
{
    return kq_ask(&fixture->tool, question, &fixture->answer);
}

static void assert_answer(const struct fixture *fixture, const char *expected)
{
    assert_slice_equal(kq_secret_borrow(&fixture->answer), kq_slice_text(expected));
}

static const struct kq_question passphrase_question = {
    .kind = KQ_ASK_PASSPHRASE, .prompt = "Passphrase of card 2", .card = 2, .of = 3, .set = "aabb", .attempts_left = 1};

static void ask__program_answers__first_line(void **state)
{
    struct fixture *fixture = *state;
    answer_with(fixture, "printf 'open sesame\\nmore\\n'");
    assert_ok(ask(fixture, &passphrase_question));
    assert_answer(fixture, "open sesame");
}

static void ask__program__sees_kind_prompt_and_facts(void **state)
{
    struct fixture *fixture = *state;
    answer_with(fixture, "echo \"$1|$2|$KEYQUAY_ASK_CARD|$KEYQUAY_ASK_OF|$KEYQUAY_ASK_SET|"
                         "$KEYQUAY_ASK_ATTEMPTS_LEFT\"");
    assert_ok(ask(fixture, &passphrase_question));
    assert_answer(fixture, "passphrase|Passphrase of card 2|2|3|aabb|1");
}

static void ask__facts_that_do_not_apply__are_not_set(void **state)
{
    struct fixture *fixture = *state;
    const struct kq_question question = {.kind = KQ_ASK_CONFIRM, .prompt = "sure"};
    setenv("KEYQUAY_ASK_CARD", "7", 1);
    answer_with(fixture, "echo \"$1|${KEYQUAY_ASK_CARD-unset}|${KEYQUAY_ASK_SET-unset}\"");
    assert_ok(ask(fixture, &question));
    assert_answer(fixture, "confirm|unset|unset");
}

static void ask__program_says_no__cancelled(void **state)
{
    struct fixture *fixture = *state;
    answer_with(fixture, "echo ignored; exit 1");
    assert_status(ask(fixture, &passphrase_question), KQ_ERR_CANCELLED);
    assert_int_equal(kq_tool_finish(&fixture->tool, KQ_ERR_CANCELLED), KQ_EXIT_CANCELLED);
}

static void ask__program_missing__state(void **state)
{
    struct fixture *fixture = *state;
    setenv("KEYQUAY_ASKPASS", "/nonexistent/askpass", 1);
    assert_status(ask(fixture, &passphrase_question), KQ_ERR_STATE);
}

static void ask__answer_too_long__refused(void **state)
{
    struct fixture *fixture = *state;
    answer_with(fixture, "head -c 5000 /dev/zero | tr '\\0' a");
    assert_status(ask(fixture, &passphrase_question), KQ_ERR_TOO_LARGE);
}

static void ask__nobody__fails_at_once(void **state)
{
    struct fixture *fixture = *state;
    assert_status(kq_ask_check(&fixture->tool), KQ_ERR_STATE);
    assert_int_equal(kq_tool_finish(&fixture->tool, KQ_ERR_STATE), KQ_EXIT_FAILED);
    assert_status(ask(fixture, &passphrase_question), KQ_ERR_STATE);
}

static const struct kq_question new_passphrase = {.kind = KQ_ASK_NEW_PASSPHRASE, .prompt = "new"};

static void new_passphrase__long_enough__taken(void **state)
{
    struct fixture *fixture = *state;
    answer_with(fixture, "echo 'twelve chars'");
    assert_ok(kq_ask_new_passphrase(&fixture->tool, &new_passphrase, &fixture->answer));
    assert_answer(fixture, "twelve chars");
}

static void new_passphrase__too_short__asked_three_times(void **state)
{
    struct fixture *fixture = *state;
    char count[128], script[256];
    KQ_AUTO_VALUE(kq_buffer) seen = {0};
    snprintf(count, sizeof count, "%s/count", fixture->folder);
    snprintf(script, sizeof script, "echo $KEYQUAY_ASK_ATTEMPTS_LEFT >> %s; echo eleven-char", count);
    answer_with(fixture, script);
    assert_status(kq_ask_new_passphrase(&fixture->tool, &new_passphrase, &fixture->answer), KQ_ERR_ARGUMENT);
    assert_ok(kq_file_read(count, 64, &seen));
    assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text("3\n2\n1\n"));
    unlink(count);
}

static void new_passphrase__short_but_allowed__taken(void **state)
{
    struct fixture *fixture = *state;
    fixture->tool.weak_passphrase = true;
    answer_with(fixture, "echo x");
    assert_ok(kq_ask_new_passphrase(&fixture->tool, &new_passphrase, &fixture->answer));
}

static void new_passphrase__length_counts_characters_not_bytes(void **state)
{
    struct fixture *fixture = *state;
    answer_with(fixture, "echo 'äöüäöü'"); /* 6 characters in 12 bytes */
    assert_status(kq_ask_new_passphrase(&fixture->tool, &new_passphrase, &fixture->answer), KQ_ERR_ARGUMENT);
}

static void new_passphrase__empty_without_terminal__refused(void **state)
{
    struct fixture *fixture = *state;
    answer_with(fixture, "echo");
    assert_status(kq_ask_new_passphrase(&fixture->tool, &new_passphrase, &fixture->answer), KQ_ERR_STATE);
}

static void ask_hash__same_hash_in_any_form__ok(void **state)
{
    struct fixture *fixture = *state;
    uint8_t hash[32];
    memset(hash, 0xab, sizeof hash);
    answer_with(fixture, "echo 'ABABABAB abababab abababab abababab ab:ab:ab:ab abababab abababab abababab'");
    assert_ok(kq_ask_hash(&fixture->tool, KQ_ASK_TRUST_ROOT, "root", kq_slice_of(hash, sizeof hash)));
}

static void ask_hash__another_hash__untrusted(void **state)
{
    struct fixture *fixture = *state;
    uint8_t hash[32];
    memset(hash, 0xac, sizeof hash);
    answer_with(fixture, "echo 'ABABABAB abababab abababab abababab abababab abababab abababab abababab'");
    assert_status(kq_ask_hash(&fixture->tool, KQ_ASK_TRUST_WORLD, "world", kq_slice_of(hash, sizeof hash)),
                  KQ_ERR_UNTRUSTED);
}

static void ask_hash__a_yes_is_no_hash__untrusted(void **state)
{
    struct fixture *fixture = *state;
    uint8_t hash[32] = {0};
    answer_with(fixture, "echo yes");
    assert_status(kq_ask_hash(&fixture->tool, KQ_ASK_TRUST_ROOT, "root", kq_slice_of(hash, sizeof hash)),
                  KQ_ERR_UNTRUSTED);
}

static kq_status answer_from_context(void *context, const struct kq_question *question, struct kq_secret *out)
{
    assert_int_equal(question->kind, KQ_ASK_PASSPHRASE);
    return kq_secret_set(out, context, strlen(context));
}

static void ask__own_answerer__comes_first(void **state)
{
    struct fixture *fixture = *state;
    char text[] = "from the rehearsal";
    answer_with(fixture, "exit 1");
    fixture->tool.answerer = answer_from_context;
    fixture->tool.answerer_context = text;
    assert_ok(ask(fixture, &passphrase_question));
    assert_answer(fixture, text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(ask__program_answers__first_line), TEST(ask__program__sees_kind_prompt_and_facts),
          TEST(ask__facts_that_do_not_apply__are_not_set), TEST(ask__program_says_no__cancelled),
          TEST(ask__program_missing__state), TEST(ask__answer_too_long__refused), TEST(ask__nobody__fails_at_once),
          TEST(new_passphrase__long_enough__taken), TEST(new_passphrase__too_short__asked_three_times),
          TEST(new_passphrase__short_but_allowed__taken), TEST(new_passphrase__length_counts_characters_not_bytes),
          TEST(new_passphrase__empty_without_terminal__refused), TEST(ask_hash__same_hash_in_any_form__ok),
          TEST(ask_hash__another_hash__untrusted), TEST(ask_hash__a_yes_is_no_hash__untrusted),
          TEST(ask__own_answerer__comes_first))
