#include "tools/common/transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static json_t *line_of(const struct kq_tool *tool, kq_status status)
{
    char when[KQ_TIME_TEXT_SIZE];
    kq_time_text(kq_clock_unix_s(), when);
    json_t *command = json_array();
    json_array_append_new(command, json_string(tool->program));
    for (int i = 1; i < tool->argc; i++)
        json_array_append_new(command, json_string(tool->argv[i]));
    json_t *line = json_object();
    json_object_set_new(line, "time", json_string(when));
    json_object_set_new(line, "command", command);
    if (tool->hashes != NULL)
        json_object_set(line, "hashes", tool->hashes);
    json_object_set_new(line, "outcome", json_string(status == KQ_OK ? "done" : tool->error));
    return line;
}

void kq_transcript_append(struct kq_tool *tool, kq_status status)
{
    const char *path = getenv("KEYQUAY_TRANSCRIPT");
    if (path == NULL || path[0] == '\0')
        return;
    json_t *line = line_of(tool, status);
    char *text = json_dumps(line, JSON_PRESERVE_ORDER);
    json_decref(line);
    KQ_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool written = fd >= 0 && text != NULL && dprintf(fd, "%s\n", text) > 0;
    free(text);
    if (!written)
        fprintf(stderr, "%s: transcript %s: not written: %s\n", tool->program, path, strerror(errno));
}
