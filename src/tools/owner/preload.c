/* preload: loads keys, then becomes a program that finds them through the
 * descriptor named in KEYQUAY_PRELOAD. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/size.h"
#include "tools/common/args.h"
#include "tools/common/connect.h"
#include "tools/common/keyfile.h"

#define WORDS_MAX 256
#define KEYS_MAX 256

struct options {
    const char *module, *application, *ident, *cardset, *softcard;
};

static kq_status load_one(struct kq_tool *tool, const struct kq_key_name *name)
{
    KQ_AUTO_VALUE(kq_stored_key) stored = {.path = ""};
    struct kqc_key *key = NULL;
    KQ_TRY(kq_key_read(tool, name->application, name->ident, &stored));
    KQ_TRY(kq_key_load(tool, &stored, &key));
    /* Not freed on purpose: that would unload it. The process is about to be another program. */
    fprintf(stderr, "preload: loaded %s %s\n", name->application, name->ident);
    return KQ_OK;
}

static kq_status load_all(struct kq_tool *tool, const struct options *options)
{
    KQ_AUTO_VALUE(kq_key_names) names = {.num = 0};
    KQ_TRY(kq_key_list(tool, options->application, options->ident, &names));
    if (names.num == 0)
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "\"nfkminfo -l\" lists the keys there are.",
                            "no key matches application %s, ident %s in %s",
                            options->application == NULL ? "*" : options->application,
                            options->ident == NULL ? "*" : options->ident, tool->local);
    if (names.num > KEYS_MAX)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, "Give a narrower -A or -K.",
                            "%zu keys match; at most %d are loaded at once", names.num, KEYS_MAX);
    for (size_t i = 0; i < names.num; i++)
        KQ_TRY(load_one(tool, &names.names[i]));
    return KQ_OK;
}

static kq_status become(struct kq_tool *tool, char *const *program)
{
    char number[16];
    int fd = fcntl(kqc_session_fd(tool->session), F_DUPFD, 3); /* without close-on-exec */
    if (fd < 0)
        return kq_tool_fail(tool, KQ_ERR_IO, NULL, "the session cannot be handed on: %s", strerror(errno));
    snprintf(number, sizeof number, "%d", fd);
    if (setenv("KEYQUAY_PRELOAD", number, 1) != 0)
        return kq_tool_fail(tool, KQ_ERR_MEMORY, NULL, "KEYQUAY_PRELOAD cannot be set");
    execvp(program[0], program);
    return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, NULL, "%s: cannot be run: %s", program[0], strerror(errno));
}

static kq_status check(struct kq_tool *tool, const struct options *options, size_t num_words)
{
    if (options->module != NULL && strcmp(options->module, "1") != 0)
        return kq_tool_usage(tool, "--module=%s: there is one module, number 1", options->module);
    if (options->cardset != NULL || options->softcard != NULL)
        return kq_tool_fail(tool, KQ_ERR_UNSUPPORTED, "Name keys with -A and -K.",
                            "card sets and softcards are not offered: keys are module-protected");
    if (num_words == 0)
        return kq_tool_usage(tool, "a program is needed, or the word pause or exit");
    return KQ_OK;
}

static kq_status run(struct kq_tool *tool, const struct options *options, char **words, size_t num_words)
{
    KQ_TRY(check(tool, options, num_words));
    unsetenv("KEYQUAY_PRELOAD"); /* a session of its own, also inside another preload */
    KQ_TRY(kq_tool_connect(tool));
    KQ_TRY(load_all(tool, options));
    if (strcmp(words[0], "exit") == 0)
        return KQ_OK;
    if (strcmp(words[0], "pause") == 0) {
        fprintf(stderr, "preload: the keys stay loaded until this program ends (Ctrl-C)\n");
        pause();
        return KQ_OK;
    }
    return become(tool, words);
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    struct options options = {.module = NULL};
    const struct kq_arg args[] = {
        {"module", 'm', &options.module, NULL, "M", "the module: 1"},
        {"appname", 'A', &options.application, NULL, "APP", "keys of this application (a shell pattern)"},
        {"key-ident", 'K', &options.ident, NULL, "IDENT", "keys with this identifier (a shell pattern)"},
        {"cardset", 'c', &options.cardset, NULL, "NAME", "not offered"},
        {"softcard", 's', &options.softcard, NULL, "NAME", "not offered"},
    };
    const struct kq_args table = {
        .synopsis = "[-m M] [-A APP] [-K IDENT] PROGRAM [ARGUMENT...] | pause | exit",
        .about = "Loads the keys that match and runs PROGRAM, which finds the session's descriptor in KEYQUAY_PRELOAD.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = WORDS_MAX,
        .order = KQ_ARGS_STOP_EARLY,
    };
    const char *words[WORDS_MAX + 1];
    size_t num_words;
    kq_tool_init(&tool, "preload", argc, argv);
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    /* The words are the tail of argv, which ends with NULL as execvp() wants it. */
    return kq_tool_finish(&tool, run(&tool, &options, argv + argc - num_words, num_words));
}
