/* slotinfo: tells what lies in each slot. A slot is a place for a card's
 * file, so the slots are the paths that are named. */
#include <inttypes.h>

#include "base/size.h"
#include "tools/common/args.h"
#include "tools/common/cards.h"
#include "tools/common/names.h"

#define SLOTS_MAX KQ_ACS_MAX

struct options {
    bool format, ignore_auth;
    const char *module, *slot;
};

static void print_slot(size_t slot, const char *path, const struct kq_card_file *file, const char *state)
{
    printf("Module #1 Slot #%zu\n", slot);
    printf(" %-16s%s\n", "medium", path);
    printf(" %-16s%s\n", "phystype", "file");
    printf(" %-16s%s\n", "state", state);
    if (file != NULL)
        kq_card_print(&file->card, " ", stdout);
}

static json_t *json_slot(size_t slot, const char *path, const struct kq_card_file *file, const char *state)
{
    json_t *object = json_object();
    json_object_set_new(object, "slot", json_integer((json_int_t)slot));
    json_object_set_new(object, "path", json_string(path));
    json_object_set_new(object, "state", json_string(state));
    if (file != NULL) {
        json_object_set_new(object, "cardSet", json_string(file->set));
        json_object_set_new(object, "card", json_integer((json_int_t)file->card.index));
        json_object_set_new(object, "worldKind", json_string(kq_name_world_kind(file->card.world_kind)));
    }
    return object;
}

static void show_slot(struct kq_tool *tool, size_t slot, const char *given, json_t *slots)
{
    KQ_AUTO_VALUE(kq_card_file) file = {.path = ""};
    char path[KQ_PATH_MAX] = "", why[KQ_CARD_WHY_SIZE] = "", state[KQ_CARD_WHY_SIZE + 16];
    dev_t device;
    kq_status status = kq_card_path(kq_slice_text(given), path, why);
    if (status == KQ_OK)
        status = kq_card_read(path, &file, why);
    if (status == KQ_OK)
        snprintf(state, sizeof state, "AdminCard #%" PRIu64, file.card.index);
    else if (path[0] != '\0' && kq_card_check_blank(path, &device, (char[KQ_CARD_WHY_SIZE]){""}) == KQ_OK)
        snprintf(state, sizeof state, "Empty (blank card)");
    else
        snprintf(state, sizeof state, "Error: %s", why);
    const struct kq_card_file *card = status == KQ_OK ? &file : NULL;
    if (tool->is_json)
        json_array_append_new(slots, json_slot(slot, path, card, state));
    else
        print_slot(slot, path, card, state);
}

static kq_status run(struct kq_tool *tool, const struct options *options, const char *const *words, size_t num_words)
{
    if (options->format || options->ignore_auth)
        return kq_tool_fail(tool, KQ_ERR_UNSUPPORTED, "Delete the file of a card that is no longer needed.",
                            "--format: no program erases administrator cards");
    if (options->module != NULL && strcmp(options->module, "1") != 0)
        return kq_tool_usage(tool, "--module=%s: there is one module, number 1", options->module);
    if (num_words == 0)
        return kq_tool_usage(tool, "cards are files: name the places to look at");
    json_t *slots = json_array();
    for (size_t i = 0; i < num_words; i++)
        show_slot(tool, i, words[i], slots);
    if (tool->is_json)
        kq_tool_print_json(slots);
    else
        json_decref(slots);
    return KQ_OK;
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    struct options options = {.format = false};
    kq_tool_init(&tool, "slotinfo", argc, argv);
    const struct kq_arg args[] = {
        {"module", 'm', &options.module, NULL, "M", "the module: 1"},
        {"format", 0, NULL, &options.format, NULL, "not offered"},
        {"ignoreauth", 0, NULL, &options.ignore_auth, NULL, "not offered"},
        {"json", 0, NULL, &tool.is_json, NULL, "print JSON"},
    };
    const struct kq_args table = {
        .synopsis = "[-m M] [--json] CARD...",
        .about = "Tells what each CARD is: an administrator card, blank, damaged, or something else.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = SLOTS_MAX,
    };
    const char *words[SLOTS_MAX];
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, run(&tool, &options, words, num_words));
}
