#ifndef KQ_TOOLS_COMMON_TOOL_H
#define KQ_TOOLS_COMMON_TOOL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/secret.h"
#include "client/session.h"

/* What every program of src/tools carries through a run: its name for
 * messages, its connection, what it will write to the transcript.
 *
 * Whoever meets an error says so once, with kq_tool_fail() or kq_tool_usage(),
 * and returns the status; everybody above only returns. main() ends with
 * `return kq_tool_finish(&tool, status);`. */

enum kq_exit {
    KQ_EXIT_DONE = 0,
    KQ_EXIT_FAILED = 1,
    KQ_EXIT_USAGE = 2,
    KQ_EXIT_CANCELLED = 3,
    KQ_EXIT_UNREACHABLE = 4,
};

struct kq_question; /* ask.h */

/* Answers questions in place of the terminal (rehearsals, tests). */
typedef kq_status kq_answerer(void *context, const struct kq_question *question, struct kq_secret *out);

struct kq_tool {
    const char *program; /* "new-world" */
    int argc;
    char **argv;
    struct kqc_session *session; /* NULL before kq_tool_connect() */
    char folder[KQ_PATH_MAX];    /* the hsm folder: NFAST_KMDATA, or a region's */
    char local[KQ_PATH_MAX];     /* key and world files */
    bool is_json;
    bool is_ceremony; /* appends to KEYQUAY_TRANSCRIPT at the end */
    bool has_spoken;  /* an error was printed */
    bool is_usage;    /* ... about the command line */
    char error[512];  /* what it said, for the transcript */
    json_t *hashes;   /* for the transcript, NULL if none */
    uint64_t scrypt_log2_n;
    bool weak_passphrase; /* --weak-passphrase */
    kq_answerer *answerer;
    void *answerer_context;
};

/* Starts a run. The folder comes from NFAST_KMDATA, local from NFAST_KMLOCAL. */
void kq_tool_init(struct kq_tool *tool, const char *program, int argc, char **argv);

/* Points the tool at another hsm folder (a region's, the factory's); local is
 * its "local". Call before kq_tool_connect().  Errors: said. */
KQ_MUST_CHECK kq_status kq_tool_set_folder(struct kq_tool *tool, const char *folder);

/* Says on standard error what failed and why (printf), and on a second line
 * what to do next (NULL: nothing to add). Returns status. */
kq_status kq_tool_fail(struct kq_tool *tool, kq_status status, const char *next, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Says what is wrong with the command line and where help is. Returns KQ_ERR_ARGUMENT. */
kq_status kq_tool_usage(struct kq_tool *tool, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says that the module refused: its own words, or those of the status. */
kq_status kq_tool_fail_reply(struct kq_tool *tool, kq_status status, const struct kqc_reply *reply, const char *what);

/* Why kq_file_read() gave this status for the path; call it at once (errno). */
const char *kq_tool_read_reason(kq_status status, const char *path);

/* Says that the file cannot be read, and why. Returns status. */
kq_status kq_tool_fail_read(struct kq_tool *tool, kq_status status, const char *path, const char *next);

/* Remembers a hash for the transcript. Both are copied. */
void kq_tool_note_hash(struct kq_tool *tool, const char *name, struct kq_slice hash);

void kq_tool_print_version(const struct kq_tool *tool);

/* Prints the object on standard output, one line, and releases it. */
void kq_tool_print_json(json_t *object);

/* Writes the transcript, releases everything and returns the exit status. */
int kq_tool_finish(struct kq_tool *tool, kq_status status);

#endif
