/* keyquay card: cardpp under the umbrella's name. */
#include "base/size.h"
#include "tools/common/args.h"
#include "tools/keyquay/owner_commands.h"
#include "tools/owner/card_acts.h"

static kq_status run(struct kq_tool *tool, const char *const *words, size_t num_words)
{
    const char *path = num_words > 1 ? words[1] : NULL;
    if (num_words == 0)
        return kq_tool_usage(tool, "one of examine, check and change is needed");
    if (strcmp(words[0], "examine") == 0)
        return kq_card_examine(tool, path);
    if (strcmp(words[0], "check") == 0)
        return kq_card_check_passphrase(tool, path);
    tool->is_ceremony = true;
    if (strcmp(words[0], "change") == 0)
        return kq_card_change_passphrase(tool, path);
    return kq_tool_usage(tool, "\"%.40s\": not examine, check or change", words[0]);
}

int kq_cmd_card(int argc, char **argv)
{
    struct kq_tool tool;
    const char *folder = NULL;
    kq_tool_init(&tool, "keyquay card", argc, argv);
    const struct kq_arg args[] = {
        {"folder", 0, &folder, NULL, "DIR", "the module's folder (default: the owner's)"},
        {"weak-passphrase", 0, NULL, &tool.weak_passphrase, NULL, "allow passphrases under 12 characters"},
        {"json", 0, NULL, &tool.is_json, NULL, "print JSON (examine)"},
    };
    const struct kq_args table = {
        .synopsis = "examine|check|change [CARD] [OPTION...]",
        .about = "Looks at an administrator card, checks or changes its passphrase.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = 2,
    };
    const char *words[2];
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    kq_status status = folder == NULL ? KQ_OK : kq_tool_set_folder(&tool, folder);
    return kq_tool_finish(&tool, status == KQ_OK ? run(&tool, words, num_words) : status);
}
