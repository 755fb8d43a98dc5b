#ifndef KQ_TESTS_CAGED_H
#define KQ_TESTS_CAGED_H

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit.h"

/* Runs one act in a child that has entered a profile. */
struct caged_fds {
    int control;         /* a socket pair's end, with one byte waiting in it */
    int client;          /* another one, likewise */
    int listening;       /* a client waits there */
    int other_listening; /* there as well */
    int folder;
};

typedef void caged_act(const struct caged_fds *fds);
typedef kq_status caged_enter(const struct caged_fds *fds);

enum { CAGED_DONE = 0, CAGED_NOT_ENTERED = 100, CAGED_KILLED = 1000 };

/* A listening socket with one client in its queue; the client's end stays open. */
static inline int caged_listen(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof address.sun_family; /* the kernel chooses an abstract name */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || client < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 8) != 0)
        return -1;
    len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        connect(client, (struct sockaddr *)&address, len) != 0)
        return -1;
    return fd;
}

/* CAGED_DONE, CAGED_KILLED (by the filter), or another end. */
static inline int caged_run(caged_enter *enter, caged_act *act)
{
    int control[2], client[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, control) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, client) != 0 ||
        write(control[1], "c", 1) != 1 || write(client[1], "c", 1) != 1)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        struct caged_fds fds = {control[0], client[0], caged_listen(), caged_listen(), open(".", O_RDONLY)};
        prctl(PR_SET_DUMPABLE, 0);
        if (enter(&fds) != KQ_OK)
            _exit(CAGED_NOT_ENTERED);
        act(&fds);
        _exit(CAGED_DONE);
    }
    int result = 0;
    waitpid(child, &result, 0);
    for (size_t i = 0; i < 2; i++) {
        close(control[i]);
        close(client[i]);
    }
    if (WIFSIGNALED(result))
        return WTERMSIG(result) == SIGSYS ? CAGED_KILLED : -WTERMSIG(result);
    return WEXITSTATUS(result);
}

struct caged_case {
    const char *name;
    caged_act *act;
};

static inline void caged_expect(caged_enter *enter, const struct caged_case *cases, size_t num, int expected)
{
    int num_wrong = 0;
    for (size_t i = 0; i < num; i++) {
        int end = caged_run(enter, cases[i].act);
        if (end == expected)
            continue;
        print_error("%s: ended with %d, expected %d\n", cases[i].name, end, expected);
        num_wrong++;
    }
    assert_int_equal(num_wrong, 0);
}

#endif
