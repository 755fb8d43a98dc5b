#include "tools/common/connect.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tools/hsm/start.h"

#define IDLE_EXIT_SECONDS 600u
#define START_POLLS 100
#define START_POLL_MS 50

/* Starts the module of the folder. Another tool may be doing the same this
 * moment, so connecting decides whether there is a module. */
static kq_status start_module(struct kq_tool *tool)
{
    const struct kq_hsm_options options = {.idle_exit_s = IDLE_EXIT_SECONDS};
    kq_status status = kq_hsm_start(tool->folder, &options);
    if (status == KQ_ERR_NOT_FOUND)
        return kq_tool_fail(tool, KQ_ERR_CONNECT, "Install it beside this program, or set KEYQUAY_SOCKET.",
                            "keyquay-hsm, which starts the module, was not found");
    if (status == KQ_ERR_IO)
        return kq_tool_fail(tool, KQ_ERR_CONNECT, NULL, "the module could not be started: %s", kq_status_text(status));
    return KQ_OK;
}

static kq_status fail_connect(struct kq_tool *tool, kq_status status, const char *path)
{
    if (status == KQ_ERR_TOO_LARGE)
        return kq_tool_fail(tool, KQ_ERR_CONNECT, "Choose a shorter folder (NFAST_KMDATA), or set KEYQUAY_SOCKET.",
                            "%s: too long for a socket's path, which has 107 characters at most", path);
    char look[KQ_PATH_MAX + 48];
    snprintf(look, sizeof look, "\"keyquay hsm status --folder %s\" tells more.", tool->folder);
    bool is_barred = status == KQ_ERR_CONNECT && access(path, W_OK) != 0 && errno == EACCES;
    const char *next = status == KQ_ERR_DENIED || is_barred
                           ? "The module's owner lets you in with \"keyquay hsm allow\"."
                       : status == KQ_ERR_VERSION ? "Use programs of the same release as the module."
                                                  : look;
    return kq_tool_fail(tool, status, next, "%s: the module could not be reached: %s", path,
                        is_barred                  ? "your user may not connect there"
                        : status == KQ_ERR_CONNECT ? "nothing answers there"
                                                   : kq_status_text(status));
}

static kq_status connect_with_patience(struct kq_tool *tool, const char *path)
{
    const struct timespec pause = {.tv_nsec = START_POLL_MS * 1000000};
    kq_status status = KQ_ERR_CONNECT;
    for (int i = 0; i < START_POLLS && status == KQ_ERR_CONNECT; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        status = kqc_session_open(path, tool->program, &tool->session);
    }
    return status;
}

kq_status kq_tool_connect_folder(struct kq_tool *tool)
{
    char path[KQ_PATH_MAX];
    if (tool->folder[0] == '\0' || kq_path_join(tool->folder, "hardserver.sock", path) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, "Set NFAST_KMDATA.", "no usable host data folder");
    kq_status status = kqc_session_open(path, tool->program, &tool->session);
    if (status == KQ_ERR_CONNECT) {
        KQ_TRY(start_module(tool));
        status = connect_with_patience(tool, path);
    }
    return status == KQ_OK ? KQ_OK : fail_connect(tool, status, path);
}

static kq_status adopt(struct kq_tool *tool, int fd)
{
    kq_status status = kqc_session_adopt(fd, tool->program, &tool->session);
    return status == KQ_OK ? KQ_OK : fail_connect(tool, status, "the session inherited from preload");
}

kq_status kq_tool_connect(struct kq_tool *tool)
{
    int fd;
    const char *path = getenv("KEYQUAY_SOCKET");
    if (kqc_session_find_inherited(&fd))
        return adopt(tool, fd);
    if (path == NULL || path[0] == '\0')
        return kq_tool_connect_folder(tool);
    kq_status status = kqc_session_open(path, tool->program, &tool->session);
    return status == KQ_OK ? KQ_OK : fail_connect(tool, status, path);
}
