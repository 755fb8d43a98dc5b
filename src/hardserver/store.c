#include "hardserver/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_FILE "state"
#define STATE_TEMPORARY "state.tmp"
#define LOG_FILE "audit.log"
/* Room kept ahead of the log, so that a full disk is noticed before the state
 * is replaced. */
#define LOG_AHEAD (64 * 1024)

kq_status kq_store_open(struct kq_store *store)
{
    *store = (struct kq_store){-1, -1};
    int folder_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return KQ_ERR_IO;
    int log_fd = open(LOG_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (log_fd < 0 || fsync(folder_fd) != 0) {
        int why = errno;
        close(folder_fd);
        if (log_fd >= 0)
            close(log_fd);
        errno = why;
        return KQ_ERR_IO;
    }
    *store = (struct kq_store){folder_fd, log_fd};
    return KQ_OK;
}

void kq_store_clear(struct kq_store *store)
{
    if (store->folder_fd >= 0)
        close(store->folder_fd);
    if (store->log_fd >= 0)
        close(store->log_fd);
    *store = (struct kq_store){-1, -1};
}

static kq_status write_all(int fd, struct kq_slice bytes, off_t offset)
{
    while (bytes.len > 0) {
        ssize_t put = pwrite(fd, bytes.data, bytes.len, offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return KQ_ERR_IO;
        offset += put;
        bytes = kq_slice_of(bytes.data + put, bytes.len - (size_t)put);
    }
    return KQ_OK;
}

static kq_status reserve_log(struct kq_store *store, off_t offset, size_t len)
{
    if (fallocate(store->log_fd, FALLOC_FL_KEEP_SIZE, offset, (off_t)len + LOG_AHEAD) == 0)
        return KQ_OK;
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? KQ_ERR_IO : KQ_OK; /* others: cannot reserve here */
}

static kq_status fill_temporary(struct kq_slice state)
{
    KQ_AUTO_FD fd = open(STATE_TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return KQ_ERR_IO;
    KQ_TRY(write_all(fd, state, 0));
    return fsync(fd) == 0 ? KQ_OK : KQ_ERR_INTERNAL;
}

static kq_status replace_state(struct kq_store *store, struct kq_slice state)
{
    kq_status status = fill_temporary(state);
    if (status == KQ_OK && rename(STATE_TEMPORARY, STATE_FILE) != 0)
        status = KQ_ERR_IO;
    if (status != KQ_OK) {
        int why = errno;
        unlink(STATE_TEMPORARY);
        errno = why;
        return status;
    }
    return fsync(store->folder_fd) == 0 ? KQ_OK : KQ_ERR_INTERNAL;
}

static kq_status append_log(struct kq_store *store, off_t offset, struct kq_slice log)
{
    struct stat facts;
    if (fstat(store->log_fd, &facts) != 0)
        return KQ_ERR_INTERNAL;
    if (facts.st_size > offset && ftruncate(store->log_fd, offset) != 0)
        return KQ_ERR_INTERNAL;
    KQ_TRY(write_all(store->log_fd, log, offset));
    return fdatasync(store->log_fd) == 0 ? KQ_OK : KQ_ERR_INTERNAL;
}

kq_status kq_store_persist(struct kq_store *store, struct kq_slice state, uint64_t log_offset, struct kq_slice log)
{
    off_t offset = (off_t)log_offset;
    KQ_TRY(reserve_log(store, offset, log.len));
    if (state.len > 0)
        KQ_TRY(replace_state(store, state));
    kq_status status = append_log(store, offset, log);
    return status == KQ_ERR_IO && state.len > 0 ? KQ_ERR_INTERNAL : status;
}
