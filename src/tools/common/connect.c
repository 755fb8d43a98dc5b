#include "tools/common/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IDLE_EXIT_SECONDS "600"
#define START_POLLS 100
#define START_POLL_MS 50

/* keyquay-hsm lies beside this program. */
static bool find_supervisor(char out[KQ_PATH_MAX])
{
    static const char name[] = "keyquay-hsm";
    ssize_t len = readlink("/proc/self/exe", out, KQ_PATH_MAX - sizeof name);
    if (len <= 0)
        return false;
    out[len] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    memcpy(slash + 1, name, sizeof name);
    return access(out, X_OK) == 0;
}

_Noreturn static void become_supervisor(const char *path, const char *folder)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
    }
    execl(path, path, "run", "--folder", folder, "--idle-exit", IDLE_EXIT_SECONDS, "--daemon", (char *)NULL);
    _exit(127);
}

/* Starts the module of the folder and waits until it answers. A refusal may
 * mean that somebody else has just started it, so connecting decides. */
static kq_status start_module(struct kq_tool *tool)
{
    char path[KQ_PATH_MAX];
    if (!find_supervisor(path))
        return kq_tool_fail(tool, KQ_ERR_CONNECT, "Install it beside this program, or set KEYQUAY_SOCKET.",
                            "keyquay-hsm, which starts the module, was not found");
    pid_t child = fork();
    if (child == 0)
        become_supervisor(path, tool->folder);
    if (child < 0)
        return kq_tool_fail(tool, KQ_ERR_CONNECT, NULL, "the module could not be started: %s", strerror(errno));
    int how;
    while (waitpid(child, &how, 0) < 0 && errno == EINTR) {
    }
    return KQ_OK;
}

static kq_status fail_connect(struct kq_tool *tool, kq_status status, const char *path)
{
    const char *next = status == KQ_ERR_DENIED    ? "The module's owner lets you in with \"keyquay hsm allow\"."
                       : status == KQ_ERR_VERSION ? "Use programs of the same release as the module."
                                                  : "\"keyquay hsm status\" tells more.";
    return kq_tool_fail(tool, status, next, "%s: the module could not be reached: %s", path, kq_status_text(status));
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
