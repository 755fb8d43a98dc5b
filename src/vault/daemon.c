#include "vault/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_WORDS 2048

/* What the child said before it gave up. */
static void print_last_words(int log_fd, off_t from)
{
    char text[LAST_WORDS + 1];
    ssize_t len = pread(log_fd, text, LAST_WORDS, from);
    if (len > 0)
        fprintf(stderr, "%.*s", (int)len, text);
}

_Noreturn static void wait_for_child(pid_t child, int ready_fd, int log_fd, off_t log_start)
{
    char byte;
    ssize_t len;
    while ((len = read(ready_fd, &byte, 1)) < 0 && errno == EINTR)
        continue;
    if (len == 1)
        _exit(EXIT_SUCCESS);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    print_last_words(log_fd, log_start);
    _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE);
}

static kq_status move_streams(int log_fd)
{
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool all_moved = null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 && dup2(log_fd, STDOUT_FILENO) >= 0 &&
                     dup2(log_fd, STDERR_FILENO) >= 0;
    if (null_fd >= 0)
        close(null_fd);
    return all_moved ? KQ_OK : KQ_ERR_IO;
}

kq_status vault_daemon_start(const char *data, int *out_ready_fd)
{
    char path[KQ_PATH_MAX];
    int ends[2];
    KQ_TRY(kq_path_join(data, "vault/keyvaultd.log", path));
    int log_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log_fd < 0)
        return KQ_ERR_IO;
    off_t log_start = lseek(log_fd, 0, SEEK_END);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return KQ_ERR_IO;
    pid_t child = fork();
    if (child < 0)
        return KQ_ERR_IO;
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0], log_fd, log_start);
    }
    close(ends[0]);
    *out_ready_fd = ends[1];
    if (setsid() < 0 || chdir("/") != 0)
        return KQ_ERR_IO;
    return move_streams(log_fd);
}

kq_status vault_daemon_lock(const char *data, int *out_fd)
{
    char path[KQ_PATH_MAX], text[32];
    KQ_TRY(kq_path_join(data, "vault/keyvaultd.pid", path));
    KQ_TRY(kq_file_lock(path, out_fd));
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(*out_fd, 0) != 0 || pwrite(*out_fd, text, (size_t)len, 0) != len)
        return KQ_ERR_IO;
    return KQ_OK;
}
