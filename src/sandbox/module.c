#include <seccomp.h>
#include <sys/mman.h>

#include "base/size.h"
#include "sandbox/filter.h"
#include "sandbox/sandbox.h"

#define DESCRIPTOR UINT32_MAX /* descriptors are 32 bits wide */

/* Measured; tests/unit/sandbox forces each. No call left can take in a
 * descriptor but accept4 (docs/decisions/0017-the-module-accepts.md). */
static const struct kq_filter_row module_rows[] = {
    {.call = SCMP_SYS(read)},
    {.call = SCMP_SYS(write)},
    {.call = SCMP_SYS(accept4), .conditions = {{0, DESCRIPTOR, KQ_FILTER_LISTEN_FD}}},
    {.call = SCMP_SYS(close)},
    {.call = SCMP_SYS(epoll_wait)},
    {.call = SCMP_SYS(epoll_pwait)}, /* what epoll_wait() calls where there is no other */
    {.call = SCMP_SYS(epoll_ctl)},
    {.call = SCMP_SYS(getsockopt)}, /* SO_PEERCRED */
    {.call = SCMP_SYS(shutdown)},
    {.call = SCMP_SYS(futex)},
    {.call = SCMP_SYS(getpid)},    /* OpenSSL, before each random number */
    {.call = SCMP_SYS(getrandom)}, /* at a reseed */
    {.call = SCMP_SYS(clock_gettime)},
    {.call = SCMP_SYS(mmap), .conditions = {{2, PROT_EXEC, 0}, {3, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
    {.call = SCMP_SYS(mprotect), .conditions = {{2, PROT_EXEC, 0}}},
    {.call = SCMP_SYS(munmap)},
    {.call = SCMP_SYS(brk)},
    {.call = SCMP_SYS(madvise)},
    {.call = SCMP_SYS(rt_sigprocmask)},
    {.call = SCMP_SYS(rt_sigreturn)},
    {.call = SCMP_SYS(restart_syscall)},
    {.call = SCMP_SYS(exit)},
    {.call = SCMP_SYS(exit_group)},
};

kq_status kq_sandbox_enter_module(int listen_fd)
{
    return kq_filter_enter(module_rows, KQ_COUNT_OF(module_rows), listen_fd, KQ_FILTER_KILL);
}
