#include "tools/common/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "tools/common/paths.h"
#include "tools/common/transcript.h"

#define SCRYPT_LOG2_N 17u

void kq_tool_init(struct kq_tool *tool, const char *program, int argc, char **argv)
{
    *tool = (struct kq_tool){.program = program, .argc = argc, .argv = argv, .scrypt_log2_n = SCRYPT_LOG2_N};
    kq_path_kmdata(tool->folder);
    kq_path_kmlocal(tool->local);
    setvbuf(stdout, NULL, _IOLBF, 0); /* in order with what goes to standard error and the terminal */
}

kq_status kq_tool_set_folder(struct kq_tool *tool, const char *folder)
{
    if (!kq_text_copy(kq_slice_text(folder), tool->folder, sizeof tool->folder) ||
        kq_path_join(folder, "local", tool->local) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, NULL, "%s: the path is too long", folder);
    return KQ_OK;
}

static void say(struct kq_tool *tool, const char *next)
{
    fprintf(stderr, "%s: %s\n", tool->program, tool->error);
    if (next != NULL)
        fprintf(stderr, "  %s\n", next);
    tool->has_spoken = true;
}

kq_status kq_tool_fail(struct kq_tool *tool, kq_status status, const char *next, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(tool->error, sizeof tool->error, format, values);
    va_end(values);
    say(tool, next);
    tool->is_usage = false;
    return status;
}

kq_status kq_tool_usage(struct kq_tool *tool, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(tool->error, sizeof tool->error, format, values);
    va_end(values);
    char next[128];
    snprintf(next, sizeof next, "\"%s --help\" shows what it takes.", tool->program);
    say(tool, next);
    tool->is_usage = true;
    return KQ_ERR_ARGUMENT;
}

const char *kq_tool_read_reason(kq_status status, const char *path)
{
    struct stat facts;
    switch (status) {
    case KQ_ERR_NOT_FOUND:
        return "no such file";
    case KQ_ERR_TOO_LARGE:
        return "too large to be what is wanted here";
    case KQ_ERR_IO:
        return strerror(errno);
    case KQ_ERR_FORMAT:
        return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode) ? "a folder, not a file" : "not a regular file";
    default:
        return kq_status_text(status);
    }
}

kq_status kq_tool_fail_read(struct kq_tool *tool, kq_status status, const char *path, const char *next)
{
    const char *reason = kq_tool_read_reason(status, path);
    if (status == KQ_ERR_IO && errno == EACCES)
        next = "Run it as the user that the file belongs to.";
    return kq_tool_fail(tool, status, next, "%s: %s", path, reason);
}

static const char *next_step(kq_status status)
{
    switch (status) {
    case KQ_ERR_CONNECT:
        return "Is the module running? \"keyquay hsm status\" tells, \"keyquay hsm start\" starts it.";
    case KQ_ERR_OUTCOME_UNKNOWN:
        return "\"keyquay audit verify\" shows what the module recorded; look before repeating.";
    case KQ_ERR_QUORUM:
        return "Run the command again and present the cards when asked.";
    case KQ_ERR_DENIED:
        return "The key's ACL (aclprint) or your user's role decides; nothing was changed.";
    case KQ_ERR_UNTRUSTED:
        return "KeyTransferRemote -ModifyAcls asks for what is not trusted yet; so does \"keyquay root|world trust\".";
    case KQ_ERR_STATE:
        return "\"enquiry\" shows the module's state, \"new-world\" makes or loads a world.";
    default:
        return NULL;
    }
}

kq_status kq_tool_fail_reply(struct kq_tool *tool, kq_status status, const struct kqc_reply *reply, const char *what)
{
    const char *next = next_step(status);
    if (reply->detail[0] != '\0')
        return kq_tool_fail(tool, status, next, "%s: %s", what, reply->detail);
    return kq_tool_fail(tool, status, next, "%s: %s", what, kq_status_text(status));
}

void kq_tool_note_hash(struct kq_tool *tool, const char *name, struct kq_slice hash)
{
    char text[129];
    if (hash.len == 0 || hash.len > 64)
        return;
    kq_hex_encode(hash, text);
    if (tool->hashes == NULL)
        tool->hashes = json_object();
    json_object_set_new(tool->hashes, name, json_string(text));
}

void kq_tool_print_version(const struct kq_tool *tool)
{
    printf("%s (Keyquay) %s\n", tool->program, KQ_VERSION);
}

void kq_tool_print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

static int exit_of(const struct kq_tool *tool, kq_status status)
{
    if (status == KQ_OK)
        return KQ_EXIT_DONE;
    if (tool->is_usage)
        return KQ_EXIT_USAGE;
    if (status == KQ_ERR_CANCELLED)
        return KQ_EXIT_CANCELLED;
    return status == KQ_ERR_CONNECT ? KQ_EXIT_UNREACHABLE : KQ_EXIT_FAILED;
}

int kq_tool_finish(struct kq_tool *tool, kq_status status)
{
    if (status == KQ_OK && fflush(stdout) != 0)
        status = kq_tool_fail(tool, KQ_ERR_IO, NULL, "standard output: could not be written");
    if (status != KQ_OK && !tool->has_spoken)
        kq_tool_fail(tool, status, NULL, "%s", kq_status_text(status));
    if (tool->is_ceremony && !tool->is_usage)
        kq_transcript_append(tool, status);
    kqc_session_free(KQ_TAKE(tool->session));
    json_decref(tool->hashes);
    tool->hashes = NULL;
    return exit_of(tool, status);
}
