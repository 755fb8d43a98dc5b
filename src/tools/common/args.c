#include "tools/common/args.h"

#include "base/text.h"

struct cursor {
    struct kq_tool *tool;
    const struct kq_args *table;
    int argc;
    char **argv;
    int at;
};

static void print_help(const struct kq_tool *tool, const struct kq_args *table)
{
    printf("usage: %s %s\n%s\n\n", tool->program, table->synopsis, table->about);
    for (size_t i = 0; i < table->num_args; i++) {
        const struct kq_arg *arg = &table->args[i];
        char left[64];
        snprintf(left, sizeof left, "%s%c%s --%s%s%s", arg->letter ? "-" : " ", arg->letter ? arg->letter : ' ',
                 arg->letter ? "," : " ", arg->name, arg->value == NULL ? "" : "=",
                 arg->value == NULL ? "" : arg->value);
        printf("  %-34s %s\n", left, arg->help);
    }
    printf("  %-34s %s\n  %-34s %s\n", "    --help", "this text", "    --version", "the version");
}

static const struct kq_arg *find_letter(const struct kq_args *table, char letter)
{
    for (size_t i = 0; i < table->num_args; i++) {
        if (table->args[i].letter == letter)
            return &table->args[i];
    }
    return NULL;
}

/* The option of that name, or the only one that begins so. */
static const struct kq_arg *find_name(const struct kq_args *table, struct kq_slice name, size_t *out_matches)
{
    const struct kq_arg *found = NULL;
    *out_matches = 0;
    for (size_t i = 0; i < table->num_args; i++) {
        const struct kq_arg *arg = &table->args[i];
        if (kq_slice_is_text(name, arg->name)) {
            *out_matches = 1;
            return arg;
        }
        if (name.len > 0 && strncmp(arg->name, (const char *)name.data, name.len) == 0) {
            found = arg;
            ++*out_matches;
        }
    }
    return *out_matches == 1 ? found : NULL;
}

/* Sets the option; attached is its value behind '=' or the letter, or NULL. */
static enum kq_args_result set(struct cursor *cursor, const struct kq_arg *arg, const char *attached)
{
    if (arg->flag != NULL) {
        if (attached != NULL) {
            kq_tool_usage(cursor->tool, "--%s takes no value", arg->name);
            return KQ_ARGS_WRONG;
        }
        *arg->flag = true;
        return KQ_ARGS_GO_ON;
    }
    if (attached == NULL && cursor->at + 1 >= cursor->argc) {
        kq_tool_usage(cursor->tool, "--%s needs a value (%s)", arg->name, arg->value);
        return KQ_ARGS_WRONG;
    }
    *arg->text = attached != NULL ? attached : cursor->argv[++cursor->at];
    return KQ_ARGS_GO_ON;
}

static enum kq_args_result answer_help(const struct cursor *cursor)
{
    print_help(cursor->tool, cursor->table);
    return KQ_ARGS_DONE;
}

static enum kq_args_result parse_long(struct cursor *cursor, const char *text)
{
    const char *equals = strchr(text, '=');
    struct kq_slice name = equals == NULL ? kq_slice_text(text) : kq_slice_of(text, (size_t)(equals - text));
    if (kq_slice_is_text(name, "help"))
        return answer_help(cursor);
    if (kq_slice_is_text(name, "version")) {
        kq_tool_print_version(cursor->tool);
        return KQ_ARGS_DONE;
    }
    size_t matches;
    const struct kq_arg *arg = find_name(cursor->table, name, &matches);
    if (arg == NULL) {
        kq_tool_usage(cursor->tool, "--%.*s: %s", (int)name.len, (const char *)name.data,
                      matches > 1 ? "could be more than one option" : "no such option");
        return KQ_ARGS_WRONG;
    }
    return set(cursor, arg, equals == NULL ? NULL : equals + 1);
}

static enum kq_args_result parse_letters(struct cursor *cursor, const char *text)
{
    if (strcmp(text, "?") == 0 || (strcmp(text, "h") == 0 && find_letter(cursor->table, 'h') == NULL))
        return answer_help(cursor);
    for (; *text != '\0'; text++) {
        const struct kq_arg *arg = find_letter(cursor->table, *text);
        if (arg == NULL) {
            kq_tool_usage(cursor->tool, "-%c: no such option", *text);
            return KQ_ARGS_WRONG;
        }
        if (arg->text != NULL)
            return set(cursor, arg, text[1] == '\0' ? NULL : text[1] == '=' ? text + 2 : text + 1);
        *arg->flag = true;
    }
    return KQ_ARGS_GO_ON;
}

static enum kq_args_result add_word(struct cursor *cursor, const char **words, size_t *num_words)
{
    if (*num_words == cursor->table->max_words) {
        kq_tool_usage(cursor->tool, "\"%s\": one word too many", cursor->argv[cursor->at]);
        return KQ_ARGS_WRONG;
    }
    words[(*num_words)++] = cursor->argv[cursor->at];
    return KQ_ARGS_GO_ON;
}

enum kq_args_result kq_args_parse(struct kq_tool *tool, const struct kq_args *table, int argc, char **argv,
                                  const char **words, size_t *out_num_words)
{
    struct cursor cursor = {.tool = tool, .table = table, .argc = argc, .argv = argv};
    bool only_words = false;
    *out_num_words = 0;
    for (cursor.at = 1; cursor.at < argc; cursor.at++) {
        const char *text = argv[cursor.at];
        enum kq_args_result result;
        if (only_words || text[0] != '-' || text[1] == '\0') {
            result = add_word(&cursor, words, out_num_words);
            only_words |= table->order == KQ_ARGS_STOP_EARLY;
        } else if (strcmp(text, "--") == 0) {
            only_words = true;
            continue;
        } else {
            result = text[1] == '-' ? parse_long(&cursor, text + 2) : parse_letters(&cursor, text + 1);
        }
        if (result != KQ_ARGS_GO_ON)
            return result;
    }
    return KQ_ARGS_GO_ON;
}

bool kq_args_quorum(const char *text, uint64_t most, uint64_t *out_quorum, uint64_t *out_num)
{
    const char *slash = strchr(text, '/');
    uint64_t quorum, num;
    if (slash == NULL || !kq_uint_parse(kq_slice_of(text, (size_t)(slash - text)), most, &quorum) ||
        !kq_uint_parse(kq_slice_text(slash + 1), most, &num) || quorum < 1 || quorum > num)
        return false;
    *out_quorum = quorum;
    *out_num = num;
    return true;
}
