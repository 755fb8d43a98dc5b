#include "tools/common/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ct.h"
#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "tools/common/terminal.h"

#define ANSWER_MAX 1024u

static const struct {
    const char *name;
    enum kq_echo echo;
} kinds[] = {
    [KQ_ASK_BLANK_CARD] = {"blank-card", KQ_ECHO_ON},
    [KQ_ASK_CARD] = {"card", KQ_ECHO_ON},
    [KQ_ASK_NEW_PASSPHRASE] = {"new-passphrase", KQ_ECHO_OFF},
    [KQ_ASK_PASSPHRASE] = {"passphrase", KQ_ECHO_OFF},
    [KQ_ASK_CONFIRM] = {"confirm", KQ_ECHO_ON},
    [KQ_ASK_TRUST_ROOT] = {"trust-root", KQ_ECHO_ON},
    [KQ_ASK_TRUST_WORLD] = {"trust-world", KQ_ECHO_ON},
    [KQ_ASK_USERNAME] = {"username", KQ_ECHO_ON},
    [KQ_ASK_SECRET] = {"secret", KQ_ECHO_OFF},
};

/* ---- a program that answers ------------------------------------------------ */

static const char *askpass_program(void)
{
    const char *program = getenv("KEYQUAY_ASKPASS");
    return program == NULL || program[0] == '\0' ? NULL : program;
}

static void set_number(const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    if (value == 0)
        unsetenv(name);
    else
        setenv(name, text, 1);
}

#define EXIT_NO_EXEC 127

_Noreturn static void become_askpass(const char *program, const struct kq_question *question, int output)
{
    set_number("KEYQUAY_ASK_CARD", question->card);
    set_number("KEYQUAY_ASK_OF", question->of);
    set_number("KEYQUAY_ASK_ATTEMPTS_LEFT", question->attempts_left);
    if (question->set != NULL)
        setenv("KEYQUAY_ASK_SET", question->set, 1);
    else
        unsetenv("KEYQUAY_ASK_SET");
    if (dup2(output, STDOUT_FILENO) >= 0)
        execlp(program, program, kinds[question->kind].name, question->prompt, (char *)NULL);
    _exit(EXIT_NO_EXEC);
}

static kq_status read_answer(int fd, uint8_t answer[ANSWER_MAX], size_t *out_len)
{
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, answer + len, ANSWER_MAX - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KQ_ERR_IO;
        if (got == 0)
            break;
        len += (size_t)got;
        if (len == ANSWER_MAX)
            return KQ_ERR_TOO_LARGE;
    }
    const uint8_t *end = len == 0 ? NULL : memchr(answer, '\n', len);
    *out_len = end == NULL ? len : (size_t)(end - answer);
    return KQ_OK;
}

static int wait_for(pid_t child)
{
    int how = 0;
    while (waitpid(child, &how, 0) < 0) {
        if (errno != EINTR)
            return EXIT_NO_EXEC;
    }
    return WIFEXITED(how) ? WEXITSTATUS(how) : 1;
}

static kq_status ask_program(struct kq_tool *tool, const char *program, const struct kq_question *question,
                             struct kq_secret *out)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return kq_tool_fail(tool, KQ_ERR_IO, NULL, "KEYQUAY_ASKPASS: no pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0)
        become_askpass(program, question, ends[1]);
    close(ends[1]);
    KQ_AUTO_FD output = ends[0];
    if (child < 0)
        return kq_tool_fail(tool, KQ_ERR_IO, NULL, "KEYQUAY_ASKPASS: not started: %s", strerror(errno));
    uint8_t answer[ANSWER_MAX];
    size_t len = 0;
    kq_status status = read_answer(output, answer, &len);
    close(output);
    output = -1;
    int code = wait_for(child);
    if (status == KQ_OK && code == 0)
        status = kq_secret_set(out, answer, len);
    kq_wipe(answer, sizeof answer);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "KEYQUAY_ASKPASS: the answer to \"%s\": %s", kinds[question->kind].name,
                            kq_status_text(status));
    if (code == EXIT_NO_EXEC)
        return kq_tool_fail(tool, KQ_ERR_STATE, "Set it to a program that prints one line, or unset it.",
                            "KEYQUAY_ASKPASS: %s could not be run", program);
    return code == 0 ? KQ_OK : kq_tool_fail(tool, KQ_ERR_CANCELLED, NULL, "cancelled (%s)", kinds[question->kind].name);
}

/* ---- the terminal ------------------------------------------------------------ */

bool kq_ask_has_terminal(void)
{
    KQ_AUTO_FD fd = kq_terminal_open();
    return fd >= 0;
}

static kq_status fail_nobody(struct kq_tool *tool, const char *what)
{
    return kq_tool_fail(tool, KQ_ERR_STATE, "Run it at a terminal, or set KEYQUAY_ASKPASS to a program that answers.",
                        "there is nobody to ask%s%s", what[0] == '\0' ? "" : " for: ", what);
}

kq_status kq_ask_check(struct kq_tool *tool)
{
    if (tool->answerer != NULL || askpass_program() != NULL || kq_ask_has_terminal())
        return KQ_OK;
    return fail_nobody(tool, "");
}

static kq_status ask_terminal(struct kq_tool *tool, const char *prompt, enum kq_echo echo, struct kq_secret *out)
{
    KQ_AUTO_FD fd = kq_terminal_open();
    if (fd < 0)
        return fail_nobody(tool, prompt);
    kq_status status = kq_terminal_ask(fd, prompt, echo, out);
    return status == KQ_OK ? KQ_OK : kq_tool_fail(tool, status, NULL, "cancelled at: %s", prompt);
}

kq_status kq_ask(struct kq_tool *tool, const struct kq_question *question, struct kq_secret *out)
{
    if (tool->answerer != NULL)
        return tool->answerer(tool->answerer_context, question, out);
    const char *program = askpass_program();
    if (program != NULL)
        return ask_program(tool, program, question, out);
    return ask_terminal(tool, question->prompt, kinds[question->kind].echo, out);
}

kq_status kq_ask_line(struct kq_tool *tool, const char *prompt, const char *fallback, char *out, size_t size)
{
    KQ_AUTO_VALUE(kq_secret) answer = {0};
    kq_secret_init(&answer);
    KQ_TRY(ask_terminal(tool, prompt, KQ_ECHO_ON, &answer));
    struct kq_slice text = kq_secret_borrow(&answer);
    if (text.len == 0 && fallback != NULL)
        text = kq_slice_text(fallback);
    if (!kq_text_copy(text, out, size))
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, NULL, "%s: the answer is too long", prompt);
    return KQ_OK;
}

/* ---- new passphrases ----------------------------------------------------------- */

#define GENERATED_LETTERS 20u /* of 32: 100 bits */
#define GENERATED_GROUP 4u

/* Letters and digits that are not mistaken for one another. */
static kq_status generate_passphrase(char out[GENERATED_LETTERS + GENERATED_LETTERS / GENERATED_GROUP])
{
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
    _Static_assert(sizeof alphabet == 33, "5 bits a letter");
    uint8_t bytes[GENERATED_LETTERS];
    KQ_TRY(kq_random(bytes, sizeof bytes));
    char *at = out;
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i > 0 && i % GENERATED_GROUP == 0)
            *at++ = '-';
        *at++ = alphabet[bytes[i] & 31];
    }
    *at = '\0';
    kq_wipe(bytes, sizeof bytes);
    return KQ_OK;
}

static kq_status offer_generated(struct kq_tool *tool, struct kq_secret *out)
{
    char text[GENERATED_LETTERS + GENERATED_LETTERS / GENERATED_GROUP];
    KQ_AUTO_FD fd = kq_terminal_open();
    if (fd < 0)
        return kq_tool_fail(tool, KQ_ERR_STATE, "Answer with a passphrase of your own.",
                            "a generated passphrase could not be shown: there is no terminal");
    KQ_TRY(generate_passphrase(text));
    dprintf(fd, "\n    %s\n\n", text);
    kq_status status = kq_secret_set(out, text, strlen(text));
    kq_wipe(text, sizeof text);
    KQ_AUTO_VALUE(kq_secret) seen = {0};
    kq_secret_init(&seen);
    if (status == KQ_OK)
        status = kq_terminal_ask(fd, "Write it down; it is shown this once. Enter when done", KQ_ECHO_ON, &seen);
    return status == KQ_OK ? KQ_OK : kq_tool_fail(tool, status, NULL, "cancelled at the generated passphrase");
}

static size_t count_characters(struct kq_slice text)
{
    size_t num = 0;
    for (size_t i = 0; i < text.len; i++)
        num += (text.data[i] & 0xc0) != 0x80;
    return num;
}

/* On a terminal what is typed unseen is typed twice. */
static kq_status ask_again(struct kq_tool *tool, const struct kq_secret *first, bool *out_same)
{
    *out_same = true;
    if (tool->answerer != NULL || askpass_program() != NULL)
        return KQ_OK;
    KQ_AUTO_VALUE(kq_secret) second = {0};
    kq_secret_init(&second);
    KQ_TRY(ask_terminal(tool, "The same again", KQ_ECHO_OFF, &second));

    struct kq_slice a = kq_secret_borrow(first), b = kq_secret_borrow(&second);
    *out_same = a.len == b.len && kq_ct_bytes_are_equal(a.data, b.data, a.len);
    return KQ_OK;
}

kq_status kq_ask_new_passphrase(struct kq_tool *tool, const struct kq_question *question, struct kq_secret *out)
{
    struct kq_question attempt = *question;
    size_t least = tool->weak_passphrase ? 1 : KQ_PASSPHRASE_MIN;
    for (attempt.attempts_left = KQ_ASK_ATTEMPTS; attempt.attempts_left > 0; attempt.attempts_left--) {
        bool same;
        KQ_TRY(kq_ask(tool, &attempt, out));
        if (kq_secret_borrow(out).len == 0)
            return offer_generated(tool, out);
        if (count_characters(kq_secret_borrow(out)) < least) {
            fprintf(stderr, "%s: too short: at least %zu characters\n", tool->program, least);
            continue;
        }
        KQ_TRY(ask_again(tool, out, &same));
        if (same)
            return KQ_OK;
        fprintf(stderr, "%s: the two differ\n", tool->program);
    }
    return kq_tool_fail(tool, KQ_ERR_ARGUMENT, "--weak-passphrase allows shorter ones, at your risk.",
                        "no usable passphrase after %u attempts", KQ_ASK_ATTEMPTS);
}

/* ---- hashes from a second road ---------------------------------------------------- */

kq_status kq_ask_hash(struct kq_tool *tool, enum kq_ask_kind kind, const char *prompt, struct kq_slice hash)
{
    struct kq_question question = {.kind = kind, .prompt = prompt};
    KQ_AUTO_VALUE(kq_secret) answer = {0};
    kq_secret_init(&answer);
    for (question.attempts_left = KQ_ASK_ATTEMPTS; question.attempts_left > 0; question.attempts_left--) {
        uint8_t typed[32];
        KQ_TRY(kq_ask(tool, &question, &answer));
        if (kq_hash_parse(kq_secret_borrow(&answer), typed)) {
            if (kq_slice_is_equal(kq_slice_of(typed, sizeof typed), hash))
                return KQ_OK;
            break;
        }
        fprintf(stderr, "%s: a hash has 64 hexadecimal digits\n", tool->program);
    }
    return kq_tool_fail(tool, KQ_ERR_UNTRUSTED,
                        "Compare with what its owner publishes, over a road other than the file's.",
                        "the hash typed is not the one of the file");
}
