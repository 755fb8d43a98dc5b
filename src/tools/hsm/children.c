#include "tools/hsm/children.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/hsm/start.h"
#include "wire/control.h"

#define ARGUMENTS_MAX 20
#define NUMBER_TEXT_SIZE 24
/* Descriptors wait up here until they get their numbers. */
#define PARKED_FROM 16
#define FILES_WANTED 4096

struct program {
    const char *name;
    const char *arguments[ARGUMENTS_MAX];
    size_t num_arguments;
    uid_t uid;
    gid_t gid;
    gid_t second_gid;                         /* same as gid: none */
    int fds[KQ_READY_FD - KQ_CONTROL_FD + 1]; /* for 3, 4, ...; -1: none */
    int death_signal;                         /* when the supervisor is gone; 0: none */
};

static void add(struct program *program, const char *argument)
{
    program->arguments[program->num_arguments++] = argument;
}

static void add_number(struct program *program, const char *option, uint64_t value, char text[NUMBER_TEXT_SIZE])
{
    snprintf(text, NUMBER_TEXT_SIZE, "%llu", (unsigned long long)value);
    add(program, option);
    add(program, text);
}

/* ---- in the child ---- */

static bool place_descriptors(const struct program *program)
{
    size_t num = sizeof program->fds / sizeof program->fds[0];
    int parked[sizeof program->fds / sizeof program->fds[0]];
    for (size_t i = 0; i < num; i++) {
        parked[i] = program->fds[i] < 0 ? -1 : fcntl(program->fds[i], F_DUPFD_CLOEXEC, PARKED_FROM);
        if (program->fds[i] >= 0 && parked[i] < 0)
            return false;
    }
    for (size_t i = 0; i < num; i++) {
        int target = KQ_CONTROL_FD + (int)i;
        if (parked[i] < 0)
            close(target);
        else if (dup2(parked[i], target) != target)
            return false;
    }
    return syscall(SYS_close_range, KQ_READY_FD + 1, ~0u, 0) == 0;
}

static void raise_limit(int which, rlim_t wanted)
{
    struct rlimit limit;
    if (getrlimit(which, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(which, &limit); /* as far as it goes */
}

static bool become(const struct program *program)
{
    uid_t uid = program->uid;
    gid_t gid = program->gid;
    if (uid == geteuid())
        return true;
    return setgroups(program->second_gid == gid ? 0 : 1, &program->second_gid) == 0 && setresgid(gid, gid, gid) == 0 &&
           setresuid(uid, uid, uid) == 0;
}

static void run_program(struct program *program)
{
    char path[KQ_PROGRAM_PATH_MAX];
    sigset_t none;
    sigemptyset(&none);
    raise_limit(RLIMIT_NOFILE, FILES_WANTED);
    raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (kq_hsm_program(program->name, path) != KQ_OK) {
        fprintf(stderr, "keyquay-hsm: %s does not lie beside keyquay-hsm\n", program->name);
        _exit(127);
    }
    if (!place_descriptors(program) || !become(program) ||
        (program->death_signal != 0 && prctl(PR_SET_PDEATHSIG, program->death_signal) != 0) ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0) {
        fprintf(stderr, "keyquay-hsm: %s cannot be set up: %s\n", program->name, strerror(errno));
        _exit(126);
    }
    /* Whoever started us may have set anything: the children get nothing of it. */
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
    execve(path, (char *const *)(uintptr_t)program->arguments, (char *const *)(uintptr_t)environment);
    fprintf(stderr, "keyquay-hsm: %s: %s\n", path, strerror(errno));
    _exit(127);
}

/* ---- in the supervisor ---- */

static kq_status start(struct program *program, pid_t *out_pid)
{
    pid_t supervisor = getpid();
    pid_t child = fork();
    if (child < 0)
        return KQ_ERR_IO;
    if (child == 0) {
        if (program->death_signal != 0 && getppid() != supervisor)
            _exit(126); /* it died before we could ask to be told */
        run_program(program);
    }
    *out_pid = child;
    return KQ_OK;
}

kq_status kq_children_prepare(const struct kq_run_options *options)
{
    char module[NUMBER_TEXT_SIZE], module_group[NUMBER_TEXT_SIZE];
    char hardserver[NUMBER_TEXT_SIZE], administrator[NUMBER_TEXT_SIZE];
    struct program program = {
        .name = "hsm-module", .uid = geteuid(), .gid = getegid(), .second_gid = getegid(), .fds = {-1, -1, -1, -1}};
    add(&program, "hsm-module");
    add(&program, "--prepare");
    add(&program, "--folder");
    add(&program, options->folder);
    add_number(&program, "--module-uid", options->module_uid, module);
    add_number(&program, "--module-gid", options->module_gid, module_group);
    add_number(&program, "--hardserver-uid", options->hardserver_uid, hardserver);
    add_number(&program, "--administrator-uid", getuid(), administrator);
    if (options->allow_unlocked)
        add(&program, "--allow-unlocked");
    pid_t pid;
    int result;
    KQ_TRY(start(&program, &pid));
    while (waitpid(pid, &result, 0) < 0) {
        if (errno != EINTR)
            return KQ_ERR_IO;
    }
    return WIFEXITED(result) && WEXITSTATUS(result) == 0 ? KQ_OK : KQ_ERR_STATE;
}

static kq_status start_module(const struct kq_run_options *options, int control_fd, int listen_fd, pid_t *out_pid)
{
    char workers[NUMBER_TEXT_SIZE], memory[NUMBER_TEXT_SIZE];
    struct program program = {.name = "hsm-module",
                              .uid = options->module_uid,
                              .gid = options->module_gid,
                              .second_gid = options->module_gid,
                              .fds = {control_fd, listen_fd, -1, -1}};
    add(&program, "hsm-module");
    add(&program, "--folder");
    add(&program, options->folder);
    if (options->num_workers > 0)
        add_number(&program, "--workers", options->num_workers, workers);
    if (options->memory_mib > 0)
        add_number(&program, "--memory", options->memory_mib, memory);
    if (options->allow_unlocked)
        add(&program, "--allow-unlocked");
    return start(&program, out_pid);
}

static kq_status start_hardserver(const struct kq_run_options *options, int control_fd, int lock_fd, int ready_fd,
                                  pid_t *out_pid)
{
    char idle[NUMBER_TEXT_SIZE];
    /* Its files get the module's group, which reads them; the folder has its own. */
    struct program program = {.name = "hardserver",
                              .uid = options->hardserver_uid,
                              .gid = options->module_gid,
                              .second_gid = options->hardserver_gid,
                              .fds = {control_fd, -1, lock_fd, ready_fd},
                              .death_signal = SIGTERM};
    add(&program, "hardserver");
    add(&program, "--folder");
    add(&program, options->folder);
    if (options->idle_exit_s > 0)
        add_number(&program, "--idle-exit", options->idle_exit_s, idle);
    return start(&program, out_pid);
}

static kq_status start_both(const struct kq_run_options *options, const int control[2], int listen_fd, int lock_fd,
                            int ready_fd, struct kq_children *out)
{
    KQ_TRY(start_hardserver(options, control[0], lock_fd, ready_fd, &out->hardserver));
    /* The module needs no word from us: it ends when the hardserver does. */
    return start_module(options, control[1], listen_fd, &out->module);
}

kq_status kq_children_start(const struct kq_run_options *options, int listen_fd, int lock_fd, struct kq_children *out)
{
    int control[2], ready[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0)
        return KQ_ERR_IO;
    if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0) {
        close(control[0]);
        close(control[1]);
        return KQ_ERR_IO;
    }
    *out = (struct kq_children){.ready_fd = ready[0]};
    kq_status status = start_both(options, control, listen_fd, lock_fd, ready[1], out);
    close(control[0]);
    close(control[1]);
    close(ready[1]);
    if (status != KQ_OK)
        close(ready[0]); /* a hardserver alone ends by itself: nobody holds the other end */
    return status;
}
