/* keyquay root and keyquay world: the lists that decide whom the module
 * releases keys to. They grow only under a card quorum, after an officer has
 * entered the hash. */
#include <inttypes.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/ask.h"
#include "tools/common/connect.h"
#include "tools/common/quorum.h"
#include "tools/keyquay/owner_commands.h"

struct kind {
    enum kq_trust_list list;
    const char *program;
    const char *word;
    enum kq_ask_kind ask;
};
static const struct kind root_kind = {KQ_TRUST_ROOTS, "keyquay root", "root", KQ_ASK_TRUST_ROOT};
static const struct kind world_kind = {KQ_TRUST_WORLDS, "keyquay world", "world", KQ_ASK_TRUST_WORLD};

struct options {
    const char *folder, *label;
    bool rehearsal;
};

/* ---- list ----------------------------------------------------------------------------------- */

static void print_entry(const struct kind *kind, const struct kq_trust_entry *entry)
{
    char hash[KQ_HASH_TEXT_SIZE], since[KQ_TIME_TEXT_SIZE];
    kq_hash_text(entry->hash, hash);
    kq_time_text(entry->since, since);
    printf("%s\n %-12s%.*s\n %-12s%s\n", hash, "label", (int)entry->label.len, (const char *)entry->label.data, "since",
           since);
    if (kind->list == KQ_TRUST_WORLDS)
        printf(" %-12s%" PRIu64 "\n", "generation", entry->generation);
    if (entry->rehearsal != 0)
        printf(" %-12s%s\n", "rehearsal", "yes: proves nothing about the operator");
}

static json_t *json_entry(const struct kq_trust_entry *entry)
{
    char hash[65];
    kq_hex_encode(entry->hash, hash);
    json_t *object = json_object();
    json_object_set_new(object, "hash", json_string(hash));
    json_object_set_new(object, "label", json_stringn((const char *)entry->label.data, entry->label.len));
    json_object_set_new(object, "rehearsal", json_boolean(entry->rehearsal != 0));
    json_object_set_new(object, "generation", json_integer((json_int_t)entry->generation));
    json_object_set_new(object, "since", json_integer((json_int_t)entry->since));
    return object;
}

static kq_status show(struct kq_tool *tool, const struct kind *kind, struct kq_list entries, json_t *array)
{
    struct kq_slice item;
    struct kq_trust_entry entry;
    while (kq_list_next(&entries, &item)) {
        if (kq_trust_entry_get(item, &entry, NULL) != KQ_OK)
            return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "the module's list cannot be read");
        if (tool->is_json)
            json_array_append_new(array, json_entry(&entry));
        else
            print_entry(kind, &entry);
    }
    return KQ_OK;
}

static kq_status list(struct kq_tool *tool, const struct kind *kind)
{
    const struct kq_trust_list_request params = {.list = kind->list};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_trust_list_reply results;
    KQ_TRY(kq_tool_call(tool, KQ_OP_TRUST_LIST, &params, "the list", &results, &reply));
    json_t *array = json_array();
    kq_status status = show(tool, kind, results.entries, array);
    if (!tool->is_json && results.entries.num == 0)
        printf("No %s is trusted.\n", kind->word);
    if (tool->is_json && status == KQ_OK)
        kq_tool_print_json(array);
    else
        json_decref(array);
    return status;
}

/* ---- trust, distrust --------------------------------------------------------------------------- */

static kq_status read_hash(struct kq_tool *tool, const struct kind *kind, const char *given, uint8_t out[32])
{
    char prompt[160];
    snprintf(prompt, sizeof prompt, "SHA-256 hash of the %s, as its owner publishes it (64 hexadecimal digits)",
             kind->word);
    const struct kq_question question = {.kind = kind->ask, .prompt = prompt};
    KQ_AUTO_VALUE(kq_secret) answer = {0};
    kq_secret_init(&answer);
    if (given == NULL)
        KQ_TRY(kq_ask(tool, &question, &answer));
    struct kq_slice text = given == NULL ? kq_secret_borrow(&answer) : kq_slice_text(given);
    static const char historical[] = "59178a47";
    if (text.len >= 8 && memcmp(text.data, historical, 8) == 0)
        return kq_tool_fail(tool, KQ_ERR_UNSUPPORTED, "Use the SHA-256 hash of a Keyquay root.",
                            "59178a47... is the root of the old system; its key is not public and it is trusted by "
                            "nothing here");
    if (!kq_hash_parse(text, out))
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL, "a hash has 64 hexadecimal digits");
    return KQ_OK;
}

static kq_status change(struct kq_tool *tool, const struct kind *kind, const struct options *options,
                        enum kq_trust_change change_kind, const char *given)
{
    uint8_t hash[32];
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_TRY(read_hash(tool, kind, given, hash));
    kq_tool_note_hash(tool, kind->word, kq_slice_of(hash, sizeof hash));
    const struct kq_trust_change_request params = {
        .list = kind->list,
        .change = change_kind,
        .hash = kq_slice_of(hash, sizeof hash),
        .label = options->label == NULL ? KQ_SLICE_EMPTY : kq_slice_text(options->label),
        .rehearsal = options->rehearsal,
    };
    KQ_TRY(
        kq_tool_call_with_quorum(tool, KQ_OP_TRUST_CHANGE, &params, KQ_SLICE_EMPTY, "changing the list", NULL, &reply));
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(params.hash, text);
    printf("%s %s: %s\n", kind->word, change_kind == KQ_TRUST_ADD ? "trusted" : "no longer trusted", text);
    return KQ_OK;
}

static kq_status run(struct kq_tool *tool, const struct kind *kind, const struct options *options,
                     const char *const *words, size_t num_words)
{
    const char *hash = num_words > 1 ? words[1] : NULL;
    const char *act = num_words > 0 ? words[0] : "";
    bool is_list = strcmp(act, "list") == 0, is_trust = strcmp(act, "trust") == 0;
    if (!is_list && !is_trust && strcmp(act, "distrust") != 0)
        return kq_tool_usage(tool, "one of list, trust and distrust is needed");
    if (is_list && hash != NULL)
        return kq_tool_usage(tool, "list takes no hash");
    tool->is_ceremony = !is_list;
    if (!is_list)
        KQ_TRY(kq_ask_check(tool));
    if (options->folder != NULL)
        KQ_TRY(kq_tool_set_folder(tool, options->folder));
    KQ_TRY(options->folder != NULL ? kq_tool_connect_folder(tool) : kq_tool_connect(tool));
    if (is_list)
        return list(tool, kind);
    return change(tool, kind, options, is_trust ? KQ_TRUST_ADD : KQ_TRUST_REMOVE, hash);
}

static int command(const struct kind *kind, int argc, char **argv)
{
    struct kq_tool tool;
    struct options options = {.folder = NULL};
    kq_tool_init(&tool, kind->program, argc, argv);
    const struct kq_arg args[] = {
        {"folder", 0, &options.folder, NULL, "DIR", "the module's folder (default: the owner's)"},
        {"label", 0, &options.label, NULL, "TEXT", "what to call it in lists"},
        {"rehearsal", 0, NULL, &options.rehearsal, NULL, "trust it although it is a rehearsal, by its name"},
        {"json", 0, NULL, &tool.is_json, NULL, "print JSON (list)"},
    };
    const struct kq_args table = {
        .synopsis = "list | trust [HASH] | distrust [HASH] [OPTION...]",
        .about = "The module releases keys only to what is on both lists, roots and worlds.\n"
                 "Changing a list takes a quorum of cards. Without HASH the program asks for it.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = 2,
    };
    const char *words[2];
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, run(&tool, kind, &options, words, num_words));
}

int kq_cmd_root(int argc, char **argv)
{
    return command(&root_kind, argc, argv);
}

int kq_cmd_world(int argc, char **argv)
{
    return command(&world_kind, argc, argv);
}
