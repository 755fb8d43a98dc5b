#include <seccomp.h>
#include <sys/mman.h>

#include "base/size.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"

static const struct kq_filter_row hardserver_rows[] = {
    /* the control channel, beside read and write */
    {.call = SCMP_SYS(poll)},
    {.call = SCMP_SYS(ppoll)},
    /* the two files; openat() reaches what landlock and the file modes leave */
    {.call = SCMP_SYS(openat)},
    {.call = SCMP_SYS(read)},
    {.call = SCMP_SYS(write)},
    {.call = SCMP_SYS(pwrite64)},
    {.call = SCMP_SYS(fstat)},
    {.call = SCMP_SYS(newfstatat)},
    {.call = SCMP_SYS(fchmod)},
    {.call = SCMP_SYS(ftruncate)},
    {.call = SCMP_SYS(fallocate)},
    {.call = SCMP_SYS(fsync)},
    {.call = SCMP_SYS(fdatasync)},
    {.call = SCMP_SYS(rename)},
    {.call = SCMP_SYS(renameat)},
    {.call = SCMP_SYS(renameat2)},
    {.call = SCMP_SYS(unlink)},
    {.call = SCMP_SYS(unlinkat)},
    {.call = SCMP_SYS(close)},
    /* the process itself */
    {.call = SCMP_SYS(getpid)},
    {.call = SCMP_SYS(getrandom)},
    {.call = SCMP_SYS(clock_gettime)},
    {.call = SCMP_SYS(mmap), .conditions = {{2, PROT_EXEC, 0}, {3, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
    {.call = SCMP_SYS(mprotect), .conditions = {{2, PROT_EXEC, 0}}},
    {.call = SCMP_SYS(mremap)}, /* realloc of large blocks */
    {.call = SCMP_SYS(munmap)},
    {.call = SCMP_SYS(brk)},
    {.call = SCMP_SYS(madvise)},
    {.call = SCMP_SYS(futex)},
    {.call = SCMP_SYS(rt_sigprocmask)},
    {.call = SCMP_SYS(rt_sigreturn)},
    {.call = SCMP_SYS(restart_syscall)},
    {.call = SCMP_SYS(exit)},
    {.call = SCMP_SYS(exit_group)},
};

kq_status kq_sandbox_enter_hardserver(int folder_fd)
{
    KQ_TRY(kq_landlock_enter(folder_fd, NULL, 0));
    return kq_filter_enter(hardserver_rows, KQ_COUNT_OF(hardserver_rows), -1, KQ_FILTER_KILL);
}
