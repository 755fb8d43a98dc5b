#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/size.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"

#define WHOLE UINT32_MAX

static const struct kq_filter_row keyvaultd_rows[] = {
    /* modules, and nobody else, are connected to */
    {.call = SCMP_SYS(socket), .conditions = {{0, WHOLE, AF_UNIX}}},
    {.call = SCMP_SYS(mmap), .conditions = {{2, PROT_EXEC, 0}}},
    {.call = SCMP_SYS(mprotect), .conditions = {{2, PROT_EXEC, 0}}},
    /* connections */
    {.call = SCMP_SYS(read)},
    {.call = SCMP_SYS(write)},
    {.call = SCMP_SYS(readv)},
    {.call = SCMP_SYS(writev)},
    {.call = SCMP_SYS(pread64)},
    {.call = SCMP_SYS(pwrite64)},
    {.call = SCMP_SYS(recvfrom)},
    {.call = SCMP_SYS(sendto)},
    {.call = SCMP_SYS(recvmsg)},
    {.call = SCMP_SYS(sendmsg)},
    {.call = SCMP_SYS(accept)},
    {.call = SCMP_SYS(accept4)},
    {.call = SCMP_SYS(connect)},
    {.call = SCMP_SYS(shutdown)},
    {.call = SCMP_SYS(getsockname)},
    {.call = SCMP_SYS(getpeername)},
    {.call = SCMP_SYS(getsockopt)},
    {.call = SCMP_SYS(setsockopt)},
    {.call = SCMP_SYS(epoll_create1)},
    {.call = SCMP_SYS(epoll_ctl)},
    {.call = SCMP_SYS(epoll_wait)},
    {.call = SCMP_SYS(epoll_pwait)},
    {.call = SCMP_SYS(poll)},
    {.call = SCMP_SYS(ppoll)},
    {.call = SCMP_SYS(select)},
    {.call = SCMP_SYS(pselect6)},
    {.call = SCMP_SYS(eventfd2)},
    /* the database and the other files below the folder */
    {.call = SCMP_SYS(openat)},
    {.call = SCMP_SYS(close)},
    {.call = SCMP_SYS(fstat)},
    {.call = SCMP_SYS(newfstatat)},
    {.call = SCMP_SYS(lseek)},
    {.call = SCMP_SYS(fcntl)},
    {.call = SCMP_SYS(fsync)},
    {.call = SCMP_SYS(fdatasync)},
    {.call = SCMP_SYS(ftruncate)},
    {.call = SCMP_SYS(fallocate)},
    {.call = SCMP_SYS(fchmod)},
    {.call = SCMP_SYS(access)},
    {.call = SCMP_SYS(faccessat)},
    {.call = SCMP_SYS(faccessat2)},
    {.call = SCMP_SYS(readlink)},
    {.call = SCMP_SYS(readlinkat)},
    {.call = SCMP_SYS(getcwd)},
    {.call = SCMP_SYS(getdents64)},
    {.call = SCMP_SYS(link)},
    {.call = SCMP_SYS(linkat)},
    {.call = SCMP_SYS(rename)},
    {.call = SCMP_SYS(renameat)},
    {.call = SCMP_SYS(renameat2)},
    {.call = SCMP_SYS(unlink)},
    {.call = SCMP_SYS(unlinkat)},
    {.call = SCMP_SYS(mremap)},
    {.call = SCMP_SYS(munmap)},
    {.call = SCMP_SYS(brk)},
    {.call = SCMP_SYS(madvise)},
    /* the process itself */
    {.call = SCMP_SYS(getpid)},
    {.call = SCMP_SYS(gettid)},
    {.call = SCMP_SYS(geteuid)},
    {.call = SCMP_SYS(getuid)},
    {.call = SCMP_SYS(getgid)},
    {.call = SCMP_SYS(getegid)},
    {.call = SCMP_SYS(uname)},
    {.call = SCMP_SYS(sysinfo)},
    {.call = SCMP_SYS(getrusage)},
    {.call = SCMP_SYS(getrandom)},
    {.call = SCMP_SYS(clock_gettime)},
    {.call = SCMP_SYS(clock_getres)},
    {.call = SCMP_SYS(clock_nanosleep)},
    {.call = SCMP_SYS(nanosleep)},
    {.call = SCMP_SYS(gettimeofday)},
    {.call = SCMP_SYS(futex)},
    {.call = SCMP_SYS(sched_yield)},
    {.call = SCMP_SYS(sched_getaffinity)},
    {.call = SCMP_SYS(set_robust_list)},
    {.call = SCMP_SYS(rseq)},
    {.call = SCMP_SYS(sigaltstack)},
    {.call = SCMP_SYS(rt_sigprocmask)},
    {.call = SCMP_SYS(rt_sigaction)},
    {.call = SCMP_SYS(rt_sigreturn)},
    {.call = SCMP_SYS(rt_sigtimedwait)},
    {.call = SCMP_SYS(restart_syscall)},
    {.call = SCMP_SYS(tgkill)},
    {.call = SCMP_SYS(exit)},
    {.call = SCMP_SYS(exit_group)},
};

kq_status kq_sandbox_enter_keyvaultd_files(int folder_fd, const int *readable, size_t num_readable)
{
    return kq_landlock_enter(folder_fd, readable, num_readable);
}

kq_status kq_sandbox_enter_keyvaultd(void)
{
    return kq_filter_enter(keyvaultd_rows, KQ_COUNT_OF(keyvaultd_rows), -1, KQ_FILTER_REFUSE);
}
