#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static kq_status read_exactly_to_end(int fd, size_t max, struct kq_buffer *out)
{
    for (;;) {
        uint8_t *room;
        size_t want = max - out->len < 65536 ? max - out->len + 1 : 65536;
        KQ_TRY(kq_buffer_reserve(out, want, &room));
        ssize_t got = read(fd, room, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KQ_ERR_IO;
        if (got == 0)
            return KQ_OK;
        out->len += (size_t)got;
        if (out->len > max)
            return KQ_ERR_TOO_LARGE;
    }
}

kq_status kq_file_read(const char *path, size_t max, struct kq_buffer *out)
{
    kq_buffer_init(out, max + 1); /* one more, to notice a file that grows */
    KQ_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? KQ_ERR_NOT_FOUND : KQ_ERR_IO;
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return KQ_ERR_IO;
    if (!S_ISREG(facts.st_mode))
        return KQ_ERR_FORMAT;
    if (facts.st_size < 0 || (uint64_t)facts.st_size > max)
        return KQ_ERR_TOO_LARGE;
    kq_status status = read_exactly_to_end(fd, max, out);
    if (status != KQ_OK)
        kq_buffer_clear(out);
    return status;
}

static kq_status write_all(int fd, struct kq_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.data, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return KQ_ERR_IO;
        bytes = kq_slice_of(bytes.data + put, bytes.len - (size_t)put);
    }
    return KQ_OK;
}

static kq_status sync_parent(const char *path)
{
    char folder[KQ_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (len >= sizeof folder)
        return KQ_ERR_TOO_LARGE;
    memcpy(folder, slash == NULL ? "." : path, len);
    folder[len] = '\0';
    KQ_AUTO_FD fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? KQ_OK : KQ_ERR_IO;
}

static kq_status fill_temporary(const char *path, struct kq_slice bytes, mode_t mode)
{
    KQ_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return KQ_ERR_IO;
    if (fchmod(fd, mode) != 0)
        return KQ_ERR_IO;
    KQ_TRY(write_all(fd, bytes));
    return fsync(fd) == 0 ? KQ_OK : KQ_ERR_IO;
}

static kq_status put_in_place(const char *temporary, const char *path, enum kq_file_replace replace)
{
    if (replace == KQ_FILE_REPLACE)
        return rename(temporary, path) == 0 ? KQ_OK : KQ_ERR_IO;
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return KQ_OK;
    return errno == EEXIST ? KQ_ERR_EXISTS : KQ_ERR_IO;
}

kq_status kq_file_write(const char *path, struct kq_slice bytes, mode_t mode, enum kq_file_replace replace)
{
    char temporary[KQ_PATH_MAX + 32];
    int len = snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof temporary)
        return KQ_ERR_TOO_LARGE;
    unlink(temporary); /* ours of an earlier life, if any */
    kq_status status = fill_temporary(temporary, bytes, mode);
    if (status == KQ_OK)
        status = put_in_place(temporary, path, replace);
    if (status != KQ_OK) {
        int why = errno;
        unlink(temporary);
        errno = why;
        return status;
    }
    return sync_parent(path);
}

kq_status kq_folder_make(const char *path)
{
    char partial[KQ_PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof partial)
        return KQ_ERR_TOO_LARGE;
    memcpy(partial, path, len + 1);
    for (char *at = partial + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(partial, 0700) != 0 && errno != EEXIST)
            return KQ_ERR_IO;
        *at = '/';
    }
    if (mkdir(partial, 0700) == 0)
        return KQ_OK;
    struct stat facts;
    bool is_folder = errno == EEXIST && stat(partial, &facts) == 0 && S_ISDIR(facts.st_mode);
    return is_folder ? KQ_OK : KQ_ERR_IO;
}

bool kq_file_exists(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0;
}

kq_status kq_file_lock(const char *path, int *out_fd)
{
    KQ_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return KQ_ERR_IO;
    if (!S_ISREG(facts.st_mode) || facts.st_nlink > 1) {
        errno = EINVAL;
        return KQ_ERR_IO;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? KQ_ERR_WAIT : KQ_ERR_IO;
    *out_fd = fd;
    fd = -1;
    return KQ_OK;
}

kq_status kq_path_join(const char *folder, const char *name, char out[KQ_PATH_MAX])
{
    int len = snprintf(out, KQ_PATH_MAX, "%s/%s", folder, name);
    return len >= 0 && len < KQ_PATH_MAX ? KQ_OK : KQ_ERR_TOO_LARGE;
}
