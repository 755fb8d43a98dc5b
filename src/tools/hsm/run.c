#include "tools/hsm/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/hsm/children.h"
#include "tools/hsm/supervise.h"

#define LISTEN_BACKLOG 256
/* How long to wait for another supervisor that is just starting or leaving. */
#define TURN_PATIENCE_MS 20000u
#define TURN_STEP_MS 20u
#define LOG_SHOWN_MAX (16 * 1024)

static const char program[] = "keyquay-hsm";

static int fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program, path, what);
    return EXIT_FAILURE;
}

/* ---- the folder ---- */

static kq_status make_folders(const struct kq_run_options *options)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_folder_make(options->folder));
    KQ_TRY(kq_path_join(options->folder, "local", path));
    KQ_TRY(kq_folder_make(path));
    KQ_TRY(kq_path_join(options->folder, "hsm", path));
    KQ_TRY(kq_folder_make(path));
    if (options->hardserver_uid == geteuid() && options->module_uid == geteuid())
        return KQ_OK;
    /* Three users: the hardserver writes here, the module reads its key. */
    if (chown(path, options->hardserver_uid, (gid_t)-1) != 0 || chmod(path, 0711) != 0 ||
        chmod(options->folder, 0711) != 0)
        return KQ_ERR_IO;
    return KQ_OK;
}

static kq_status write_pid(const char *folder)
{
    char path[KQ_PATH_MAX], text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    KQ_TRY(kq_path_join(folder, "hsm/supervisor.pid", path));
    return kq_file_write(path, kq_slice_of(text, (size_t)len), 0644, KQ_FILE_REPLACE);
}

static void remove_file(const char *folder, const char *name)
{
    char path[KQ_PATH_MAX];
    if (kq_path_join(folder, name, path) == KQ_OK)
        unlink(path);
}

/* ---- the socket ---- */

static kq_status socket_address(const char *folder, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    int len = snprintf(out->sun_path, sizeof out->sun_path, "%s/hardserver.sock", folder);
    return len > 0 && len < (int)sizeof out->sun_path ? KQ_OK : KQ_ERR_TOO_LARGE;
}

/* The supervisor keeps the listening socket, so that while a module starts
 * again clients wait instead of being refused. */
static kq_status open_listener(const struct kq_run_options *options, int *out_fd)
{
    struct sockaddr_un address;
    KQ_TRY(socket_address(options->folder, &address));
    KQ_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return KQ_ERR_IO;
    unlink(address.sun_path); /* of a former life: the lock is ours */
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(address.sun_path, (mode_t)options->socket_mode) != 0 || listen(fd, LISTEN_BACKLOG) != 0)
        return KQ_ERR_IO;
    *out_fd = fd;
    fd = -1;
    return KQ_OK;
}

static bool is_answering(const char *folder)
{
    struct sockaddr_un address;
    if (socket_address(folder, &address) != KQ_OK)
        return false;
    KQ_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

/* ---- one supervisor per folder ---- */

enum turn { TURN_OURS, TURN_TAKEN, TURN_FAILED };

/* Waits for another one that is leaving; is content with one that answers. */
static enum turn take_turn(const struct kq_run_options *options, int *out_lock_fd)
{
    char path[KQ_PATH_MAX];
    if (kq_path_join(options->folder, "hsm/lock", path) != KQ_OK)
        return TURN_FAILED;
    for (unsigned waited_ms = 0; waited_ms < TURN_PATIENCE_MS; waited_ms += TURN_STEP_MS) {
        kq_status status = kq_file_lock(path, out_lock_fd);
        if (status == KQ_OK)
            return TURN_OURS;
        if (status != KQ_ERR_WAIT)
            return TURN_FAILED;
        if (is_answering(options->folder))
            return TURN_TAKEN;
        nanosleep(&(struct timespec){.tv_nsec = (long)TURN_STEP_MS * 1000 * 1000}, NULL);
    }
    errno = EBUSY;
    return TURN_FAILED;
}

static int supervise(const struct kq_run_options *options, int lock_fd, int started_fd)
{
    int listen_fd;
    struct sockaddr_un address;
    if (socket_address(options->folder, &address) != KQ_OK)
        return fail(options->folder, "is too long a path for a socket (at most 91 bytes): choose a shorter one");
    if (kq_children_prepare(options) != KQ_OK)
        return EXIT_FAILURE; /* the module has said why */
    if (write_pid(options->folder) != KQ_OK || open_listener(options, &listen_fd) != KQ_OK)
        return fail(options->folder, strerror(errno));
    kq_status status = kq_supervise(options, listen_fd, lock_fd, started_fd);
    remove_file(options->folder, "hardserver.sock");
    remove_file(options->folder, "hsm/supervisor.pid");
    close(listen_fd);
    return status == KQ_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- in the background ---- */

static int open_log(const char *folder)
{
    char path[KQ_PATH_MAX];
    if (kq_path_join(folder, "hsm/log", path) != KQ_OK)
        return -1;
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

static void show_log_from(int log_fd, off_t start)
{
    char text[LOG_SHOWN_MAX];
    ssize_t len = pread(log_fd, text, sizeof text, start);
    if (len > 0)
        fwrite(text, 1, (size_t)len, stderr);
}

static bool has_started(int started_fd)
{
    char byte;
    ssize_t got;
    do
        got = read(started_fd, &byte, 1);
    while (got < 0 && errno == EINTR);
    return got == 1;
}

static void leave_terminal(int log_fd, int *lock_fd, int *started_fd)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setsid();
    if (chdir("/") != 0 || dup2(nothing, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        _exit(EXIT_FAILURE);
    /* Nothing of our starter's may live on in us: keep 0 to 2, lock and pipe. */
    int lock = fcntl(*lock_fd, F_DUPFD_CLOEXEC, 64);
    int started = fcntl(*started_fd, F_DUPFD_CLOEXEC, 64);
    if (lock < 0 || started < 0 || dup2(lock, 3) != 3 || dup2(started, 4) != 4)
        _exit(EXIT_FAILURE);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    fcntl(4, F_SETFD, FD_CLOEXEC);
    syscall(SYS_close_range, 5u, ~0u, 0);
    *lock_fd = 3;
    *started_fd = 4;
}

static int run_in_background(const struct kq_run_options *options, int lock_fd)
{
    int started[2];
    KQ_AUTO_FD log_fd = open_log(options->folder);
    if (log_fd < 0 || pipe2(started, O_CLOEXEC) != 0)
        return fail(options->folder, strerror(errno));
    off_t log_start = lseek(log_fd, 0, SEEK_END);
    pid_t child = fork();
    if (child < 0)
        return fail(options->folder, strerror(errno));
    if (child == 0) {
        leave_terminal(log_fd, &lock_fd, &started[1]);
        _exit(supervise(options, lock_fd, started[1]));
    }
    close(lock_fd);
    close(started[1]);
    if (has_started(started[0]))
        return EXIT_SUCCESS;
    show_log_from(log_fd, log_start);
    return fail(options->folder, "the module did not start");
}

int kq_run(const struct kq_run_options *options)
{
    int lock_fd;
    if (make_folders(options) != KQ_OK)
        return fail(options->folder, strerror(errno));
    switch (take_turn(options, &lock_fd)) {
    case TURN_OURS:
        break;
    case TURN_TAKEN:
        return options->is_daemon ? EXIT_SUCCESS : fail(options->folder, "a module is running there already");
    case TURN_FAILED:
        return fail(options->folder, strerror(errno));
    }
    return options->is_daemon ? run_in_background(options, lock_fd) : supervise(options, lock_fd, -1);
}
