#include "tools/hsm/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tools/hsm/children.h"

#define BACK_OFF_FIRST_MS 50u
#define BACK_OFF_MAX_MS 5000u
/* ... but no longer than this after a life in which it answered. */
#define BACK_OFF_ANSWERED_MS 200u
/* A life this long ends a row of failures. */
#define GOOD_LIFE_MS 10000u
/* After one child has gone the other is given this long. */
#define PATIENCE_MS 2000u
#define STOP_PATIENCE_MS 15000u

enum module_exit { MODULE_STOPPED = 0, MODULE_REFUSED = 1, MODULE_USAGE = 2 };

struct supervisor {
    const struct kq_run_options *options;
    int listen_fd;
    int lock_fd;
    int started_fd;
    int signal_fd;
    struct kq_children children;
    bool is_stopping;    /* told to */
    bool has_stopped;    /* the hardserver ended in an orderly way */
    bool has_refused;    /* the module will not start however often we try */
    bool has_answered;   /* in this life */
    uint64_t kill_at_ms; /* 0: nobody is to be killed */
};

static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return -1;
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tell_started(struct supervisor *supervisor)
{
    if (supervisor->started_fd < 0)
        return;
    ssize_t put = write(supervisor->started_fd, "R", 1);
    (void)put; /* whoever waited has gone */
    close(supervisor->started_fd);
    supervisor->started_fd = -1;
}

static void stop_children(struct supervisor *supervisor, uint64_t patience_ms)
{
    if (supervisor->children.hardserver != 0)
        kill(supervisor->children.hardserver, SIGTERM);
    if (supervisor->kill_at_ms == 0)
        supervisor->kill_at_ms = kq_clock_monotonic_ms() + patience_ms;
}

static void kill_children(const struct supervisor *supervisor)
{
    if (supervisor->children.hardserver != 0)
        kill(supervisor->children.hardserver, SIGKILL);
    if (supervisor->children.module != 0)
        kill(supervisor->children.module, SIGKILL);
}

static bool is_alive(const struct supervisor *supervisor)
{
    return supervisor->children.hardserver != 0 || supervisor->children.module != 0;
}

static void say_end(const char *name, int result)
{
    if (WIFSIGNALED(result))
        fprintf(stderr, "keyquay-hsm: %s was ended by signal %d\n", name, WTERMSIG(result));
    else if (WEXITSTATUS(result) != 0)
        fprintf(stderr, "keyquay-hsm: %s ended with status %d\n", name, WEXITSTATUS(result));
}

static void child_ended(struct supervisor *supervisor, pid_t pid, int result)
{
    if (pid == supervisor->children.hardserver) {
        supervisor->children.hardserver = 0;
        supervisor->has_stopped = WIFEXITED(result) && WEXITSTATUS(result) == 0;
        say_end("hardserver", result);
    } else if (pid == supervisor->children.module) {
        supervisor->children.module = 0;
        supervisor->has_refused =
            WIFEXITED(result) && (WEXITSTATUS(result) == MODULE_REFUSED || WEXITSTATUS(result) == MODULE_USAGE);
        say_end("hsm-module", result);
    }
    if (supervisor->kill_at_ms == 0)
        supervisor->kill_at_ms = kq_clock_monotonic_ms() + PATIENCE_MS;
}

static void read_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo signal;
    while (read(supervisor->signal_fd, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        if (signal.ssi_signo == SIGCHLD)
            continue;
        supervisor->is_stopping = true;
        stop_children(supervisor, STOP_PATIENCE_MS);
    }
    int result;
    pid_t pid;
    while ((pid = waitpid(-1, &result, WNOHANG)) > 0)
        child_ended(supervisor, pid, result);
}

static void read_ready(struct supervisor *supervisor)
{
    char byte;
    if (read(supervisor->children.ready_fd, &byte, 1) == 1) {
        supervisor->has_answered = true;
        tell_started(supervisor);
    }
    close(supervisor->children.ready_fd);
    supervisor->children.ready_fd = -1;
}

static int timeout_ms(const struct supervisor *supervisor)
{
    if (supervisor->kill_at_ms == 0)
        return -1;
    uint64_t now = kq_clock_monotonic_ms();
    return supervisor->kill_at_ms <= now ? 0 : (int)(supervisor->kill_at_ms - now);
}

/* One life of both children, until both have ended. */
static void watch_children(struct supervisor *supervisor)
{
    while (is_alive(supervisor)) {
        struct pollfd polls[] = {{supervisor->signal_fd, POLLIN, 0}, {supervisor->children.ready_fd, POLLIN, 0}};
        if (poll(polls, 2, timeout_ms(supervisor)) < 0 && errno != EINTR)
            kill_children(supervisor);
        if (polls[1].revents != 0)
            read_ready(supervisor);
        if (timeout_ms(supervisor) == 0)
            kill_children(supervisor);
        read_signals(supervisor);
    }
    if (supervisor->children.ready_fd >= 0)
        close(supervisor->children.ready_fd);
    supervisor->children.ready_fd = -1;
}

static kq_status live_once(struct supervisor *supervisor)
{
    supervisor->kill_at_ms = 0;
    supervisor->has_stopped = supervisor->has_refused = supervisor->has_answered = false;
    KQ_TRY(kq_children_start(supervisor->options, supervisor->listen_fd, supervisor->lock_fd, &supervisor->children));
    watch_children(supervisor);
    return KQ_OK;
}

/* Somebody who connected while we were leaving. */
static bool has_waiting_client(const struct supervisor *supervisor)
{
    struct pollfd listening = {supervisor->listen_fd, POLLIN, 0};
    return poll(&listening, 1, 0) == 1;
}

/* Sleeps, but not through a signal to stop. */
static void back_off(struct supervisor *supervisor, uint64_t wait_ms)
{
    struct pollfd signals = {supervisor->signal_fd, POLLIN, 0};
    if (poll(&signals, 1, (int)wait_ms) == 1)
        read_signals(supervisor);
}

static kq_status supervise(struct supervisor *supervisor)
{
    uint64_t wait_ms = BACK_OFF_FIRST_MS;
    for (;;) {
        uint64_t born_ms = kq_clock_monotonic_ms();
        KQ_TRY(live_once(supervisor));
        if (supervisor->is_stopping)
            return KQ_OK;
        if (supervisor->has_stopped && !has_waiting_client(supervisor))
            return KQ_OK;
        if (supervisor->has_refused || (supervisor->started_fd >= 0 && !supervisor->has_answered))
            return KQ_ERR_STATE;
        if (kq_clock_monotonic_ms() - born_ms > GOOD_LIFE_MS)
            wait_ms = BACK_OFF_FIRST_MS;
        if (!supervisor->has_stopped)
            back_off(supervisor, wait_ms);
        if (supervisor->is_stopping)
            return KQ_OK;
        uint64_t max_ms = supervisor->has_answered ? BACK_OFF_ANSWERED_MS : BACK_OFF_MAX_MS;
        wait_ms = wait_ms * 2 < max_ms ? wait_ms * 2 : max_ms;
    }
}

kq_status kq_supervise(const struct kq_run_options *options, int listen_fd, int lock_fd, int started_fd)
{
    struct supervisor supervisor = {.options = options,
                                    .listen_fd = listen_fd,
                                    .lock_fd = lock_fd,
                                    .started_fd = started_fd,
                                    .signal_fd = open_signals(),
                                    .children = {.ready_fd = -1}};
    if (supervisor.signal_fd < 0)
        return KQ_ERR_IO;
    kq_status status = supervise(&supervisor);
    close(supervisor.signal_fd);
    if (supervisor.started_fd >= 0)
        close(supervisor.started_fd);
    return status;
}
