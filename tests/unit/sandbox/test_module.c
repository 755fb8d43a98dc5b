#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "base/size.h"
#include "caged.h"
#include "sandbox/sandbox.h"

static kq_status enter(const struct caged_fds *fds)
{
    return kq_sandbox_enter_module(fds->listening);
}

/* ---- what it must not do ---- */

#define RAW(name, ...)                                                                                                 \
    static void name(const struct caged_fds *fds)                                                                      \
    {                                                                                                                  \
        (void)fds;                                                                                                     \
        syscall(__VA_ARGS__);                                                                                          \
    }

RAW(do_openat, SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY)
RAW(do_open, SYS_open, "/etc/passwd", O_RDONLY)
RAW(do_creat, SYS_openat, AT_FDCWD, "/tmp/caged", O_WRONLY | O_CREAT, 0600)
RAW(do_openat2, 437 /* openat2 */, AT_FDCWD, "/etc/passwd", NULL, 0)
RAW(do_socket_inet, SYS_socket, AF_INET, SOCK_STREAM, 0)
RAW(do_socket_unix, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
RAW(do_socketpair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL)
RAW(do_connect, SYS_connect, fds->client, NULL, 0)
RAW(do_bind, SYS_bind, fds->listening, NULL, 0)
RAW(do_listen, SYS_listen, fds->listening, 1)
RAW(do_accept, SYS_accept, fds->listening, NULL, NULL)
RAW(do_accept4_elsewhere, SYS_accept4, fds->other_listening, NULL, NULL, 0)
RAW(do_accept4_control, SYS_accept4, fds->control, NULL, NULL, 0)
RAW(do_sendto, SYS_sendto, fds->client, "x", 1, 0, NULL, 0)
RAW(do_recvfrom, SYS_recvfrom, fds->client, NULL, 0, 0, NULL, NULL)
RAW(do_fork, SYS_fork)
RAW(do_vfork, SYS_vfork)
RAW(do_clone, SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)
RAW(do_clone3, 435 /* clone3 */, NULL, 0)
RAW(do_execve, SYS_execve, "/bin/true", NULL, NULL)
RAW(do_execveat, SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0)
RAW(do_ptrace, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)
RAW(do_process_vm_readv, SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)
RAW(do_kill, SYS_kill, 0, 0)
RAW(do_unlink, SYS_unlink, "/tmp/caged")
RAW(do_rename, SYS_rename, "/tmp/caged", "/tmp/caged2")
RAW(do_stat, SYS_newfstatat, AT_FDCWD, "/etc/passwd", NULL, 0)
RAW(do_getdents, SYS_getdents64, fds->folder, NULL, 0)
RAW(do_chdir, SYS_chdir, "/")
RAW(do_chmod, SYS_chmod, "/tmp/caged", 0777)
RAW(do_setuid, SYS_setuid, 0)
RAW(do_prctl, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
RAW(do_ioctl, SYS_ioctl, fds->client, 0, 0)
RAW(do_fcntl, SYS_fcntl, fds->client, F_GETFL)
RAW(do_dup, SYS_dup, fds->client)
RAW(do_pipe, SYS_pipe2, NULL, 0)
RAW(do_memfd, SYS_memfd_create, "x", 0)
RAW(do_io_uring, 425 /* io_uring_setup */, 1, NULL)
RAW(do_bpf, SYS_bpf, 0, NULL, 0)
RAW(do_userfaultfd, SYS_userfaultfd, 0)
RAW(do_mremap, SYS_mremap, NULL, 0, 0, 0)
RAW(do_munlockall, SYS_munlockall)
RAW(do_writev, SYS_writev, fds->client, NULL, 0)
RAW(do_mmap_exec, SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
RAW(do_mmap_file, SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, fds->folder, 0)
RAW(do_mprotect_exec, SYS_mprotect, NULL, 0, PROT_READ | PROT_EXEC)
RAW(do_pkey_mprotect, SYS_pkey_mprotect, NULL, 0, PROT_EXEC, 0)
RAW(do_recvmsg_client, SYS_recvmsg, fds->client, &(struct msghdr){0}, 0)
RAW(do_sendmsg_client, SYS_sendmsg, fds->client, &(struct msghdr){0}, 0)
RAW(do_recvmsg_control, SYS_recvmsg, fds->control, &(struct msghdr){0}, 0)
RAW(do_sendmsg_control, SYS_sendmsg, fds->control, &(struct msghdr){0}, 0)
RAW(do_recvmmsg_control, SYS_recvmmsg, fds->control, NULL, 0, 0, NULL)
RAW(do_pidfd_getfd, 438 /* pidfd_getfd */, 0, 0, 0)

#define CASE(act)                                                                                                      \
    {                                                                                                                  \
#act, act                                                                                                      \
    }
static const struct caged_case forbidden[] = {
    CASE(do_openat),
    CASE(do_open),
    CASE(do_creat),
    CASE(do_openat2),
    CASE(do_socket_inet),
    CASE(do_socket_unix),
    CASE(do_socketpair),
    CASE(do_connect),
    CASE(do_bind),
    CASE(do_listen),
    CASE(do_accept),
    CASE(do_accept4_elsewhere),
    CASE(do_accept4_control),
    CASE(do_sendto),
    CASE(do_recvfrom),
    CASE(do_fork),
    CASE(do_vfork),
    CASE(do_clone),
    CASE(do_clone3),
    CASE(do_execve),
    CASE(do_execveat),
    CASE(do_ptrace),
    CASE(do_process_vm_readv),
    CASE(do_kill),
    CASE(do_unlink),
    CASE(do_rename),
    CASE(do_stat),
    CASE(do_getdents),
    CASE(do_chdir),
    CASE(do_chmod),
    CASE(do_setuid),
    CASE(do_prctl),
    CASE(do_ioctl),
    CASE(do_fcntl),
    CASE(do_dup),
    CASE(do_pipe),
    CASE(do_memfd),
    CASE(do_io_uring),
    CASE(do_bpf),
    CASE(do_userfaultfd),
    CASE(do_mremap),
    CASE(do_munlockall),
    CASE(do_writev),
    CASE(do_mmap_exec),
    CASE(do_mmap_file),
    CASE(do_mprotect_exec),
    CASE(do_pkey_mprotect),
    CASE(do_recvmsg_client),
    CASE(do_sendmsg_client),
    CASE(do_recvmsg_control),
    CASE(do_sendmsg_control),
    CASE(do_recvmmsg_control),
    CASE(do_pidfd_getfd),
};

static void module__each_forbidden_call__is_killed(void **state)
{
    (void)state;
    caged_expect(enter, forbidden, KQ_COUNT_OF(forbidden), CAGED_KILLED);
}

/* ---- what it needs ---- */

static void need(bool condition)
{
    if (!condition)
        _exit(1);
}

static void do_read_client(const struct caged_fds *fds)
{
    char byte;
    need(read(fds->client, &byte, 1) == 1 && write(fds->client, &byte, 1) == 1);
}

static void do_control(const struct caged_fds *fds)
{
    char byte;
    need(read(fds->control, &byte, 1) == 1 && write(fds->control, &byte, 1) == 1);
}

static void do_accept_a_client(const struct caged_fds *fds)
{
    int fd = accept4(fds->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    char byte;
    need(fd >= 0 && read(fd, &byte, 1) == -1 && errno == EAGAIN);
    need(accept4(fds->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) == -1 && errno == EAGAIN);
}

static void do_peer(const struct caged_fds *fds)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    need(getsockopt(fds->client, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof peer);
}

static void do_shutdown_and_close(const struct caged_fds *fds)
{
    need(shutdown(fds->client, SHUT_RDWR) == 0 && close(fds->client) == 0);
}

static void do_memory(const struct caged_fds *fds)
{
    (void)fds;
    void *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(page != MAP_FAILED && mprotect(page, 4096, PROT_READ) == 0 && madvise(page, 8192, MADV_DONTNEED) == 0 &&
         munmap(page, 8192) == 0);
    need(syscall(SYS_brk, 0) != -1);
}

static void do_random_and_time(const struct caged_fds *fds)
{
    (void)fds;
    uint8_t bytes[16];
    struct timespec now;
    need(getrandom(bytes, sizeof bytes, 0) == sizeof bytes && syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0 &&
         syscall(SYS_getpid) > 0);
}

static void do_signals(const struct caged_fds *fds)
{
    (void)fds;
    sigset_t set;
    sigemptyset(&set);
    need(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static const struct caged_case permitted[] = {
    CASE(do_read_client),        CASE(do_control), CASE(do_accept_a_client), CASE(do_peer),
    CASE(do_shutdown_and_close), CASE(do_memory),  CASE(do_random_and_time), CASE(do_signals)};

static void module__each_needed_call__works(void **state)
{
    (void)state;
    caged_expect(enter, permitted, KQ_COUNT_OF(permitted), CAGED_DONE);
}

/* A descriptor that a client sends along is not taken in by read(). */
static void module__descriptor_smuggled_by_a_client__is_dropped(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } extra = {0};
    struct iovec part = {"x", 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = extra.bytes, .msg_controllen = sizeof extra.bytes};
    extra.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&extra.head), &pair[0], sizeof(int));
    assert_int_equal(sendmsg(pair[0], &message, 0), 1);
    int next = dup(0);
    close(next);
    char byte;
    assert_int_equal(read(pair[1], &byte, 1), 1);
    int after = dup(0);
    assert_int_equal(after, next); /* the lowest free number is still free */
    close(after);
    close(pair[0]);
    close(pair[1]);
}

/* ---- threads that were there before ---- */

/* A thread has run its start-up code (set_robust_list, rseq) before the filter
 * comes, as in hsm-module. */
static pthread_barrier_t started, caged, seen;

static void *wait_and_end(void *context)
{
    pthread_barrier_wait(&started);
    pthread_barrier_wait(&caged);
    if (context != NULL)
        syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    pthread_barrier_wait(&seen);
    return NULL;
}

static int thread_outcome(void *context)
{
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        pthread_barrier_init(&started, NULL, 2);
        pthread_barrier_init(&caged, NULL, 2);
        pthread_barrier_init(&seen, NULL, 2);
        pthread_create(&thread, NULL, wait_and_end, context);
        pthread_barrier_wait(&started);
        struct caged_fds fds = {.listening = 0};
        if (enter(&fds) != KQ_OK)
            _exit(CAGED_NOT_ENTERED);
        pthread_barrier_wait(&caged);
        pthread_barrier_wait(&seen);
        pthread_join(thread, NULL);
        _exit(0);
    }
    int result = 0;
    waitpid(child, &result, 0);
    return WIFSIGNALED(result) ? WTERMSIG(result) : WEXITSTATUS(result);
}

static void module__thread_from_before__is_caged_and_may_end(void **state)
{
    (void)state;
    assert_int_equal(thread_outcome(NULL), 0);
    assert_int_equal(thread_outcome(&caged), SIGSYS);
}

UNIT_MAIN(cmocka_unit_test(module__each_forbidden_call__is_killed), cmocka_unit_test(module__each_needed_call__works),
          cmocka_unit_test(module__descriptor_smuggled_by_a_client__is_dropped),
          cmocka_unit_test(module__thread_from_before__is_caged_and_may_end))
