/* cardpp: looks at an administrator card, checks or changes its passphrase. */
#include "base/size.h"
#include "tools/common/args.h"
#include "tools/owner/card_acts.h"

struct options {
    bool examine, check, change, recover;
    const char *module;
};

static kq_status run(struct kq_tool *tool, const struct options *options, const char *path)
{
    if (options->recover)
        return kq_tool_fail(tool, KQ_ERR_UNSUPPORTED,
                            "A quorum of the other cards still rebuilds the world: new-world --program.",
                            "--recover: a forgotten passphrase cannot be replaced; nothing else opens the card");
    if (options->module != NULL && strcmp(options->module, "1") != 0)
        return kq_tool_usage(tool, "--module=%s: there is one module, number 1", options->module);
    if (options->examine + options->check + options->change != 1)
        return kq_tool_usage(tool, "one of --examine, --check and --change is needed");
    if (options->examine)
        return kq_card_examine(tool, path);
    return options->check ? kq_card_check_passphrase(tool, path) : kq_card_change_passphrase(tool, path);
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    struct options options = {.examine = false};
    kq_tool_init(&tool, "cardpp", argc, argv);
    const struct kq_arg args[] = {
        {"examine", 'e', NULL, &options.examine, NULL, "tell what the card is; needs no module"},
        {"check", 'c', NULL, &options.check, NULL, "check its passphrase"},
        {"change", 'C', NULL, &options.change, NULL, "give it a new passphrase"},
        {"recover", 'r', NULL, &options.recover, NULL, "not offered"},
        {"module", 'm', &options.module, NULL, "M", "the module: 1"},
        {"weak-passphrase", 0, NULL, &tool.weak_passphrase, NULL, "allow passphrases under 12 characters"},
        {"json", 0, NULL, &tool.is_json, NULL, "print JSON (--examine)"},
    };
    const struct kq_args table = {
        .synopsis = "--examine | --check | --change [OPTION...] [CARD]",
        .about = "CARD is the path of the card's file; without it the program asks.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = 1,
    };
    const char *path = NULL;
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, &path, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    tool.is_ceremony = options.change;
    return kq_tool_finish(&tool, run(&tool, &options, path));
}
