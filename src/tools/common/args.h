#ifndef KQ_TOOLS_COMMON_ARGS_H
#define KQ_TOOLS_COMMON_ARGS_H

#include "tools/common/tool.h"

/* Command lines of the GNU kind: --name=VALUE, --name VALUE, -n VALUE,
 * -nVALUE; long names may be shortened to a unique prefix; "--" ends options.
 * Every program takes --help (-h, -?) and --version without listing them. */
struct kq_arg {
    const char *name;
    char letter;       /* 0: long name only */
    const char **text; /* takes a value */
    bool *flag;        /* or is a switch; exactly one of the two is set */
    const char *value; /* what help calls the value: "K/N" */
    const char *help;  /* one line */
};

enum kq_args_order {
    KQ_ARGS_MIXED,     /* options and words in any order */
    KQ_ARGS_STOP_EARLY /* the first word ends the options (preload's program) */
};

struct kq_args {
    const char *synopsis; /* "[OPTION...] APPLICATION [PROPERTY=VALUE...]" */
    const char *about;    /* a sentence or two for --help */
    const struct kq_arg *args;
    size_t num_args;
    size_t max_words; /* words that are no options */
    enum kq_args_order order;
};

enum kq_args_result { KQ_ARGS_GO_ON, KQ_ARGS_DONE, KQ_ARGS_WRONG };

/* Reads argv[1..].
 *
 * words      room for max_words; borrowed from argv
 * Returns    KQ_ARGS_DONE after --help or --version was answered;
 *            KQ_ARGS_WRONG after the mistake was said (kq_tool_usage) */
enum kq_args_result kq_args_parse(struct kq_tool *tool, const struct kq_args *table, int argc, char **argv,
                                  const char **words, size_t *out_num_words);

/* Reads "K/N" with 1 <= K <= N <= most; false otherwise. */
bool kq_args_quorum(const char *text, uint64_t most, uint64_t *out_quorum, uint64_t *out_num);

#endif
