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
#include "client/session.h"
#include "tools/hsm/children.h"
#include "tools/hsm/supervise.h"

#define LISTEN_BACKLOG 256
/* How long to wait for another supervisor that is just starting or leaving. */
#define TURN_PATIENCE_MS 20000u
#define TURN_STEP_MS 20u
#define LOG_SHOWN_MAX (16 * 1024)
/* In the background: first descriptor after standard input, output and error. */
#define KEPT_FROM 3

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
    /* Three users: the hardserver may make files here but, the folder being
     * sticky, touch only its own, not the device key, the lock or the log. */
    bool is_shared = chown(path, geteuid(), options->hardserver_gid) == 0 && chmod(path, 01771) == 0 &&
                     chmod(options->folder, 0711) == 0;
    return is_shared ? KQ_OK : KQ_ERR_IO;
}

/* Into the file whose lock says that a supervisor lives; emptied at the end,
 * never removed, so that the lock always means the same file. */
static kq_status write_pid(int pid_fd)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(pid_fd, 0) != 0 || pwrite(pid_fd, text, (size_t)len, 0) != len)
        return KQ_ERR_IO;
    return KQ_OK;
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

/* Waits for the module's answer, not just for the socket. */
static bool is_answering(const char *folder)
{
    struct sockaddr_un address;
    KQ_AUTO(kqc_session) session = NULL;
    if (socket_address(folder, &address) != KQ_OK)
        return false;
    kq_status status = kqc_session_open(address.sun_path, program, &session);
    return status == KQ_OK || status == KQ_ERR_DENIED;
}

/* ---- one supervisor per folder ---- */

enum turn { TURN_OURS, TURN_TAKEN, TURN_FAILED };

/* The supervisor's own lock goes with it; the other one is the hardserver's
 * too, and lasts until nobody is left who could write. */
struct locks {
    int pid_fd;
    int lock_fd;
};

/* One try: KQ_ERR_WAIT, and which file, if somebody holds a lock. */
static kq_status try_locks(const struct kq_run_options *options, struct locks *locks)
{
    char path[KQ_PATH_MAX];
    if (locks->pid_fd < 0) {
        KQ_TRY(kq_path_join(options->folder, "hsm/supervisor.pid", path));
        KQ_TRY(kq_file_lock(path, &locks->pid_fd));
    }
    KQ_TRY(kq_path_join(options->folder, "hsm/lock", path));
    return kq_file_lock(path, &locks->lock_fd);
}

/* Waits for another one that is leaving; is content with one that answers. */
static enum turn take_turn(const struct kq_run_options *options, struct locks *out)
{
    *out = (struct locks){-1, -1};
    for (unsigned waited_ms = 0; waited_ms < TURN_PATIENCE_MS; waited_ms += TURN_STEP_MS) {
        kq_status status = try_locks(options, out);
        bool has_answered = status == KQ_ERR_WAIT && out->pid_fd < 0 && is_answering(options->folder);
        if (has_answered)
            status = try_locks(options, out); /* is it still there after its module answered? */
        if (status == KQ_OK)
            return TURN_OURS;
        if (status != KQ_ERR_WAIT)
            return TURN_FAILED;
        if (has_answered && out->pid_fd < 0)
            return TURN_TAKEN;
        nanosleep(&(struct timespec){.tv_nsec = (long)TURN_STEP_MS * 1000 * 1000}, NULL);
    }
    errno = EBUSY;
    return TURN_FAILED;
}

static int supervise(const struct kq_run_options *options, const struct locks *locks, int started_fd)
{
    int listen_fd;
    struct sockaddr_un address;
    if (socket_address(options->folder, &address) != KQ_OK)
        return fail(options->folder, "is too long a path for a socket (at most 91 bytes): choose a shorter one");
    if (kq_children_prepare(options) != KQ_OK)
        return EXIT_FAILURE; /* the module has said why */
    if (write_pid(locks->pid_fd) != KQ_OK || open_listener(options, &listen_fd) != KQ_OK)
        return fail(options->folder, strerror(errno));
    kq_status status = kq_supervise(options, listen_fd, locks->lock_fd, started_fd);
    unlink(address.sun_path);
    close(listen_fd);
    if (ftruncate(locks->pid_fd, 0) != 0)
        return fail(options->folder, strerror(errno));
    return status == KQ_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- in the background ---- */

static int open_log(const char *folder)
{
    char path[KQ_PATH_MAX];
    if (kq_path_join(folder, "hsm/log", path) != KQ_OK)
        return -1;
    KQ_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return -1;
    if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1 || facts.st_uid != geteuid()) {
        errno = EPERM; /* somebody else has put it there */
        return -1;
    }
    int log_fd = fd;
    fd = -1;
    return log_fd;
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

static void leave_terminal(int log_fd, struct locks *locks, int *started_fd)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setsid();
    if (chdir("/") != 0 || dup2(nothing, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        _exit(EXIT_FAILURE);
    /* Nothing of our starter's may live on in us: keep 0 to 2, locks and pipe. */
    int *const kept[] = {&locks->pid_fd, &locks->lock_fd, started_fd};
    const int num_kept = (int)(sizeof kept / sizeof kept[0]);
    for (int i = 0; i < num_kept; i++)
        *kept[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, KEPT_FROM + num_kept);
    for (int i = 0; i < num_kept; i++)
        *kept[i] = dup3(*kept[i], KEPT_FROM + i, O_CLOEXEC);
    syscall(SYS_close_range, KEPT_FROM + (unsigned)num_kept, ~0u, 0);
}

static int run_in_background(const struct kq_run_options *options, struct locks *locks)
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
        leave_terminal(log_fd, locks, &started[1]);
        _exit(supervise(options, locks, started[1]));
    }
    close(locks->pid_fd);
    close(locks->lock_fd);
    close(started[1]);
    if (has_started(started[0]))
        return EXIT_SUCCESS;
    show_log_from(log_fd, log_start);
    return fail(options->folder, "the module did not start");
}

int kq_run(const struct kq_run_options *options)
{
    struct locks locks;
    if (make_folders(options) != KQ_OK)
        return fail(options->folder, strerror(errno));
    switch (take_turn(options, &locks)) {
    case TURN_OURS:
        break;
    case TURN_TAKEN:
        return options->is_daemon ? EXIT_SUCCESS : fail(options->folder, "a module is running there already");
    case TURN_FAILED:
        return fail(options->folder, strerror(errno));
    }
    return options->is_daemon ? run_in_background(options, &locks) : supervise(options, &locks, -1);
}
