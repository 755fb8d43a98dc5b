#include "tools/hsm/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define NUMBER_TEXT_SIZE 24
#define ARGUMENTS_MAX 18
/* The supervisor's own lock, and the one that is also the hardserver's. */
#define SUPERVISOR_FILE "hsm/supervisor.pid"
#define WRITER_FILE "hsm/lock"

kq_status kq_hsm_program(const char *name, char out[KQ_PROGRAM_PATH_MAX])
{
    char own[KQ_PROGRAM_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    if (len <= 0)
        return KQ_ERR_NOT_FOUND;
    own[len] = '\0';
    char *slash = strrchr(own, '/');
    if (slash == NULL)
        return KQ_ERR_NOT_FOUND;
    *slash = '\0';
    int size = snprintf(out, KQ_PROGRAM_PATH_MAX, "%s/%s", own, name);
    return size > 0 && size < KQ_PROGRAM_PATH_MAX && access(out, X_OK) == 0 ? KQ_OK : KQ_ERR_NOT_FOUND;
}

static kq_status wait_for(pid_t child)
{
    int result;
    while (waitpid(child, &result, 0) < 0) {
        if (errno != EINTR)
            return KQ_ERR_IO;
    }
    return WIFEXITED(result) && WEXITSTATUS(result) == 0 ? KQ_OK : KQ_ERR_CONNECT;
}

/* The command line, with the options that differ from the defaults. */
static void fill_arguments(const struct kq_hsm_options *options, const char *program, const char *folder,
                           char idle[NUMBER_TEXT_SIZE], char workers[NUMBER_TEXT_SIZE], const char *out[ARGUMENTS_MAX])
{
    size_t num = 0;
    out[num++] = program;
    out[num++] = "run";
    out[num++] = "--daemon";
    out[num++] = "--folder";
    out[num++] = folder;
    if (options->idle_exit_s > 0) {
        snprintf(idle, NUMBER_TEXT_SIZE, "%llu", (unsigned long long)options->idle_exit_s);
        out[num++] = "--idle-exit";
        out[num++] = idle;
    }
    if (options->num_workers > 0) {
        snprintf(workers, NUMBER_TEXT_SIZE, "%llu", (unsigned long long)options->num_workers);
        out[num++] = "--workers";
        out[num++] = workers;
    }
    if (options->allow_unlocked)
        out[num++] = "--allow-unlocked";
    if (options->module_user != NULL) {
        out[num++] = "--module-user";
        out[num++] = options->module_user;
    }
    if (options->hardserver_user != NULL) {
        out[num++] = "--hardserver-user";
        out[num++] = options->hardserver_user;
    }
    if (options->is_shared) {
        out[num++] = "--socket-mode";
        out[num++] = "0666";
    }
    out[num] = NULL;
}

kq_status kq_hsm_start(const char *folder, const struct kq_hsm_options *options)
{
    char program[KQ_PROGRAM_PATH_MAX], idle[NUMBER_TEXT_SIZE], workers[NUMBER_TEXT_SIZE];
    const char *arguments[ARGUMENTS_MAX];
    KQ_TRY(kq_hsm_program("keyquay-hsm", program));
    fill_arguments(options, program, folder, idle, workers, arguments);
    pid_t child = fork();
    if (child < 0)
        return KQ_ERR_IO;
    if (child == 0) {
        execv(program, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    return wait_for(child);
}

static kq_status read_pid(const char *folder, pid_t *out)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    struct stat facts;
    KQ_TRY(kq_path_join(folder, SUPERVISOR_FILE, path));
    if (lstat(path, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_uid != geteuid())
        return KQ_ERR_IO; /* not for us to believe: we would end the process it names */
    KQ_TRY(kq_file_read(path, 32, &text));
    struct kq_slice digits = kq_buffer_slice(&text);
    if (digits.len > 0 && digits.data[digits.len - 1] == '\n')
        digits.len--;
    uint64_t pid;
    if (!kq_uint_parse(digits, INT32_MAX, &pid) || pid == 0)
        return KQ_ERR_FORMAT;
    *out = (pid_t)pid;
    return KQ_OK;
}

/* KQ_OK: somebody holds it. */
static kq_status check_lock(const char *folder, const char *name)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(folder, name, path));
    KQ_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? KQ_ERR_NOT_FOUND : KQ_ERR_IO;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        return KQ_ERR_NOT_FOUND;
    return errno == EWOULDBLOCK ? KQ_OK : KQ_ERR_IO;
}

kq_status kq_hsm_find(const char *folder, pid_t *out_pid)
{
    *out_pid = 0;
    KQ_TRY(check_lock(folder, SUPERVISOR_FILE));
    kq_ignore(read_pid(folder, out_pid), "written a moment after the lock is taken");
    return KQ_OK;
}

kq_status kq_hsm_stop(const char *folder, unsigned timeout_s)
{
    pid_t pid;
    KQ_TRY(kq_hsm_find(folder, &pid));
    if (pid == 0)
        return KQ_ERR_WAIT;
    if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
        return KQ_ERR_IO;
    for (unsigned waited_ms = 0; waited_ms < timeout_s * 1000; waited_ms += 10) {
        if (check_lock(folder, SUPERVISOR_FILE) == KQ_ERR_NOT_FOUND &&
            check_lock(folder, WRITER_FILE) == KQ_ERR_NOT_FOUND)
            return KQ_OK;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    return KQ_ERR_WAIT;
}
