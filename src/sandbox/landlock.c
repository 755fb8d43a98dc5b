#include "sandbox/landlock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Numbers and structs of the kernel's interface, version 1 and up
 * (linux/landlock.h): our build machines' headers may be older than the
 * kernels we run on, and the C library has no wrappers. */
enum { CALL_CREATE_RULESET = 444, CALL_ADD_RULE = 445, CALL_RESTRICT_SELF = 446 };
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum access_right {
    ACCESS_EXECUTE = 1 << 0,
    ACCESS_WRITE_FILE = 1 << 1,
    ACCESS_READ_FILE = 1 << 2,
    ACCESS_READ_DIR = 1 << 3,
    ACCESS_REMOVE_FILE = 1 << 5,
    ACCESS_MAKE_REG = 1 << 8,
    ACCESS_ALL_VERSION_1 = (1 << 13) - 1,
    ACCESS_REFER = 1 << 13,    /* version 2 */
    ACCESS_TRUNCATE = 1 << 14, /* version 3 */
};

struct ruleset {
    uint64_t handled_access_fs;
};

struct path_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

static uint64_t known_rights(long version)
{
    return (uint64_t)(ACCESS_ALL_VERSION_1 | (version >= 2 ? ACCESS_REFER : 0) | (version >= 3 ? ACCESS_TRUNCATE : 0));
}

static bool allow(int ruleset_fd, int parent_fd, uint64_t rights)
{
    struct path_beneath beneath = {.allowed_access = rights, .parent_fd = parent_fd};
    return syscall(CALL_ADD_RULE, ruleset_fd, RULE_PATH_BENEATH, &beneath, 0) == 0;
}

/* What may be asked for a file that is no folder is less. */
static uint64_t reading_rights(int fd)
{
    struct stat facts;
    bool is_folder = fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode);
    return ACCESS_READ_FILE | (is_folder ? ACCESS_READ_DIR : 0);
}

kq_status kq_landlock_enter(int folder_fd, const int *readable, size_t num_readable)
{
    long version = syscall(CALL_CREATE_RULESET, NULL, (size_t)0, CREATE_RULESET_VERSION);
    if (version < 1)
        return errno == ENOSYS || errno == EOPNOTSUPP ? KQ_OK : KQ_ERR_IO;
    struct ruleset ruleset = {known_rights(version)};
    KQ_AUTO_FD fd = (int)syscall(CALL_CREATE_RULESET, &ruleset, sizeof ruleset, 0);
    if (fd < 0)
        return KQ_ERR_IO;
    uint64_t working = (ACCESS_WRITE_FILE | ACCESS_READ_FILE | ACCESS_READ_DIR | ACCESS_REMOVE_FILE | ACCESS_MAKE_REG |
                        ACCESS_TRUNCATE) &
                       ruleset.handled_access_fs;
    if (!allow(fd, folder_fd, working))
        return KQ_ERR_IO;
    for (size_t i = 0; i < num_readable; i++) {
        if (!allow(fd, readable[i], reading_rights(readable[i])))
            return KQ_ERR_IO;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(CALL_RESTRICT_SELF, fd, 0) != 0)
        return KQ_ERR_IO;
    return KQ_OK;
}
