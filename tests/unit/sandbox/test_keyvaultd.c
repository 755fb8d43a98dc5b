#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
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
    KQ_TRY(kq_sandbox_enter_keyvaultd_files(fds->folder, NULL, 0));
    return kq_sandbox_enter_keyvaultd();
}

static void need(bool condition)
{
    if (!condition)
        _exit(1);
}

/* An act that must meet EPERM. */
#define REFUSED(name, ...)                                                                                             \
    static void name(const struct caged_fds *fds)                                                                      \
    {                                                                                                                  \
        (void)fds;                                                                                                     \
        errno = 0;                                                                                                     \
        need(syscall(__VA_ARGS__) == -1 && errno == EPERM);                                                            \
    }
REFUSED(do_socket_inet, SYS_socket, AF_INET, SOCK_STREAM, 0)
REFUSED(do_socket_inet6, SYS_socket, AF_INET6, SOCK_STREAM, 0)
REFUSED(do_socket_netlink, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
REFUSED(do_bind, SYS_bind, fds->listening, NULL, 0)
REFUSED(do_listen, SYS_listen, fds->listening, 1)
REFUSED(do_fork, SYS_fork)
REFUSED(do_clone, SYS_clone, SIGCHLD, 0, 0, 0, 0)
REFUSED(do_execve, SYS_execve, "/bin/true", NULL, NULL)
REFUSED(do_execveat, SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0)
REFUSED(do_ptrace, SYS_ptrace, 0, 0, 0, 0)
REFUSED(do_read_memory, SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0)
REFUSED(do_pidfd_open, 434 /* pidfd_open */, 1, 0)
REFUSED(do_pidfd_getfd, 438 /* pidfd_getfd */, 0, 0, 0)
REFUSED(do_kill, SYS_kill, 1, 0)
REFUSED(do_setuid, SYS_setuid, 0)
REFUSED(do_chdir, SYS_chdir, "/")
REFUSED(do_chroot, SYS_chroot, "/")
REFUSED(do_mount, SYS_mount, "a", "b", "c", 0, NULL)
REFUSED(do_chown, SYS_fchownat, AT_FDCWD, "a", 0, 0, 0)
REFUSED(do_symlink, SYS_symlink, "/etc/passwd", "b")
REFUSED(do_prctl, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
REFUSED(do_mmap_exec, SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
REFUSED(do_bpf, SYS_bpf, 0, NULL, 0)
REFUSED(do_ioctl, SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x")

#define CASE(act)                                                                                                      \
    {                                                                                                                  \
#act, act                                                                                                      \
    }
static const struct caged_case forbidden[] = {
    CASE(do_socket_inet), CASE(do_socket_inet6), CASE(do_socket_netlink),
    CASE(do_bind),        CASE(do_listen),       CASE(do_fork),
    CASE(do_clone),       CASE(do_execve),       CASE(do_execveat),
    CASE(do_ptrace),      CASE(do_read_memory),  CASE(do_pidfd_open),
    CASE(do_pidfd_getfd), CASE(do_kill),         CASE(do_setuid),
    CASE(do_chdir),       CASE(do_chroot),       CASE(do_mount),
    CASE(do_chown),       CASE(do_symlink),      CASE(do_prctl),
    CASE(do_mmap_exec),   CASE(do_bpf),          CASE(do_ioctl),
};

static void keyvaultd__each_forbidden_call__is_refused(void **state)
{
    (void)state;
    caged_expect(enter, forbidden, KQ_COUNT_OF(forbidden), CAGED_DONE);
}

static void do_replace_a_file(const struct caged_fds *fds)
{
    int fd = open("a.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    need(fd >= 0 && pwrite(fd, "x", 1, 0) == 1 && fsync(fd) == 0 && close(fd) == 0);
    need(rename("a.tmp", "a") == 0 && fsync(fds->folder) == 0);
}

static void do_accept_and_answer(const struct caged_fds *fds)
{
    int fd = accept4(fds->listening, NULL, NULL, SOCK_CLOEXEC);
    need(fd >= 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1 && close(fd) == 0);
}

static void do_connect_to_a_module(const struct caged_fds *fds)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(fd >= 0 && getsockname(fds->other_listening, (struct sockaddr *)&address, &len) == 0);
    need(connect(fd, (struct sockaddr *)&address, len) == 0);
}

static const struct caged_case permitted[] = {CASE(do_replace_a_file), CASE(do_accept_and_answer),
                                              CASE(do_connect_to_a_module)};

static void keyvaultd__each_needed_call__works(void **state)
{
    (void)state;
    caged_expect(enter, permitted, KQ_COUNT_OF(permitted), CAGED_DONE);
}

static void do_read_elsewhere(const struct caged_fds *fds)
{
    (void)fds;
    need(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
}

static void keyvaultd__file_outside_its_folder__refused_where_landlock_is(void **state)
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
        cmocka_unit_test(keyvaultd__each_forbidden_call__is_refused),
        cmocka_unit_test(keyvaultd__each_needed_call__works),
        cmocka_unit_test(keyvaultd__file_outside_its_folder__refused_where_landlock_is),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
