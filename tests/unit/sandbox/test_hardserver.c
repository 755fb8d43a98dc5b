#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/size.h"
#include "caged.h"
#include "sandbox/sandbox.h"

static char folder[] = "/tmp/kq-sandbox-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink("a");
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static kq_status enter(const struct caged_fds *fds)
{
    return kq_sandbox_enter_hardserver(fds->folder);
}

#define RAW(name, ...)                                                                                                 \
    static void name(const struct caged_fds *fds)                                                                      \
    {                                                                                                                  \
        (void)fds;                                                                                                     \
        syscall(__VA_ARGS__);                                                                                          \
    }
RAW(do_socket, SYS_socket, AF_INET, SOCK_STREAM, 0)
RAW(do_connect, SYS_connect, fds->client, NULL, 0)
RAW(do_bind, SYS_bind, fds->listening, NULL, 0)
RAW(do_fork, SYS_fork)
RAW(do_clone, SYS_clone, SIGCHLD, 0, 0, 0, 0)
RAW(do_execve, SYS_execve, "/bin/true", NULL, NULL)
RAW(do_ptrace, SYS_ptrace, 0, 0, 0, 0)
RAW(do_kill, SYS_kill, 0, 0)
RAW(do_setuid, SYS_setuid, 0)
RAW(do_chdir, SYS_chdir, "/")
RAW(do_chown, SYS_fchownat, AT_FDCWD, "a", 0, 0, 0)
RAW(do_symlink, SYS_symlink, "/etc/passwd", "b")
RAW(do_mmap_exec, SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
RAW(do_accept, SYS_accept, fds->listening, NULL, NULL)
RAW(do_accept4, SYS_accept4, fds->listening, NULL, NULL, 0)
RAW(do_socketpair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL)
RAW(do_listen, SYS_listen, fds->listening, 1)
RAW(do_recvmsg_client, SYS_recvmsg, fds->client, &(struct msghdr){0}, 0)
RAW(do_recvmsg_control, SYS_recvmsg, fds->control, &(struct msghdr){0}, 0)
RAW(do_recvmmsg_control, SYS_recvmmsg, fds->control, NULL, 0, 0, NULL)
RAW(do_sendmsg_control, SYS_sendmsg, fds->control, &(struct msghdr){0}, 0)
RAW(do_recvfrom, SYS_recvfrom, fds->control, NULL, 0, 0, NULL, NULL)
RAW(do_sendto, SYS_sendto, fds->control, "x", 1, 0, NULL, 0)
RAW(do_dup, SYS_dup, fds->control)
RAW(do_pidfd_getfd, 438 /* pidfd_getfd */, 0, 0, 0)
RAW(do_prctl, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)

#define CASE(act)                                                                                                      \
    {                                                                                                                  \
#act, act                                                                                                      \
    }
static const struct caged_case forbidden[] = {CASE(do_socket),
                                              CASE(do_connect),
                                              CASE(do_bind),
                                              CASE(do_fork),
                                              CASE(do_clone),
                                              CASE(do_execve),
                                              CASE(do_ptrace),
                                              CASE(do_kill),
                                              CASE(do_setuid),
                                              CASE(do_chdir),
                                              CASE(do_chown),
                                              CASE(do_symlink),
                                              CASE(do_prctl),
                                              CASE(do_mmap_exec),
                                              CASE(do_recvmsg_client),
                                              CASE(do_accept),
                                              CASE(do_accept4),
                                              CASE(do_socketpair),
                                              CASE(do_listen),
                                              CASE(do_recvmsg_control),
                                              CASE(do_recvmmsg_control),
                                              CASE(do_sendmsg_control),
                                              CASE(do_recvfrom),
                                              CASE(do_sendto),
                                              CASE(do_dup),
                                              CASE(do_pidfd_getfd)};

static void hardserver__each_forbidden_call__is_killed(void **state)
{
    (void)state;
    caged_expect(enter, forbidden, KQ_COUNT_OF(forbidden), CAGED_KILLED);
}

static void need(bool condition)
{
    if (!condition)
        _exit(1);
}

static void do_replace_a_file(const struct caged_fds *fds)
{
    int fd = open("a.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    need(fd >= 0 && pwrite(fd, "x", 1, 0) == 1 && fsync(fd) == 0 && ftruncate(fd, 0) == 0 && fdatasync(fd) == 0);
    need(close(fd) == 0 && rename("a.tmp", "a") == 0 && fsync(fds->folder) == 0);
}

static void do_control(const struct caged_fds *fds)
{
    char byte;
    struct pollfd polled = {fds->control, POLLIN, 0};
    need(poll(&polled, 1, 0) == 1 && read(fds->control, &byte, 1) == 1 && write(fds->control, &byte, 1) == 1);
}

static const struct caged_case permitted[] = {CASE(do_replace_a_file), CASE(do_control)};

static void hardserver__each_needed_call__works(void **state)
{
    (void)state;
    caged_expect(enter, permitted, KQ_COUNT_OF(permitted), CAGED_DONE);
}

static void do_read_elsewhere(const struct caged_fds *fds)
{
    (void)fds;
    need(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
}

static void hardserver__file_outside_its_folder__refused_where_landlock_is(void **state)
{
    (void)state;
    if (syscall(444 /* landlock_create_ruleset */, NULL, (size_t)0, 1 /* ask for the version */) < 1) {
        print_message("this kernel has no landlock\n");
        skip();
    }
    assert_int_equal(caged_run(enter, do_read_elsewhere), CAGED_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardserver__each_forbidden_call__is_killed),
        cmocka_unit_test(hardserver__each_needed_call__works),
        cmocka_unit_test(hardserver__file_outside_its_folder__refused_where_landlock_is),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
