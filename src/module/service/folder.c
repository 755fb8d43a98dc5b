#include "module/service/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/wipe.h"
#include "module/privcrypto/seal.h"

#define DEVICE_KEY_FILE_MAX 64u

void hsm_opened_clear(struct hsm_opened *opened)
{
    kq_wipe(opened->device_key, sizeof opened->device_key);
    hsm_state_free(opened->state);
    hsm_audit_recovery_clear(&opened->recovery);
}

/* Says why, for the person who starts the module. */
__attribute__((format(printf, 3, 4))) static kq_status fail(char out_why[HSM_WHY_LEN], kq_status status,
                                                            const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_why, HSM_WHY_LEN, format, arguments);
    va_end(arguments);
    return status;
}

static kq_status file_path(const char *folder, const char *name, char out[KQ_PATH_MAX], char out_why[HSM_WHY_LEN])
{
    if (kq_path_join(folder, name, out) != KQ_OK)
        return fail(out_why, KQ_ERR_TOO_LARGE, "%s: the folder's path is too long", folder);
    return KQ_OK;
}

static kq_status check_device_key_file(const char *path, char out_why[HSM_WHY_LEN])
{
    struct stat facts;
    if (lstat(path, &facts) != 0)
        return fail(out_why, errno == ENOENT ? KQ_ERR_NOT_FOUND : KQ_ERR_IO,
                    "%s: cannot be found: %s; restore it from its backup, without it the state cannot be opened", path,
                    strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return fail(out_why, KQ_ERR_DENIED, "%s: has to be a regular file, not a link or folder", path);
    if (facts.st_uid != geteuid())
        return fail(out_why, KQ_ERR_DENIED, "%s: belongs to user %u, not to the module's user %u: chown %u '%s'", path,
                    (unsigned)facts.st_uid, (unsigned)geteuid(), (unsigned)geteuid(), path);
    if ((facts.st_mode & 07777) != 0400)
        return fail(out_why, KQ_ERR_DENIED, "%s: has mode %04o, others could read or change it: chmod 0400 '%s'", path,
                    (unsigned)facts.st_mode & 07777, path);
    return KQ_OK;
}

static kq_status read_device_key(const char *folder, uint8_t out[32], char out_why[HSM_WHY_LEN])
{
    char path[KQ_PATH_MAX];
    KQ_TRY(file_path(folder, "hsm/device-key", path, out_why));
    KQ_TRY(check_device_key_file(path, out_why));
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_status status = kq_file_read(path, DEVICE_KEY_FILE_MAX, &bytes);
    const char *field = "length";
    struct kq_device_key record;
    if (status == KQ_OK)
        status = kq_device_key_get(kq_buffer_slice(&bytes), &record, &field);
    if (status != KQ_OK)
        return fail(out_why, status, "%s: is not a device key (%s): %s; restore it from its backup", path, field,
                    kq_status_text(status));
    memcpy(out, record.key.data, 32);
    return KQ_OK;
}

static kq_status read_state(const char *folder, struct hsm_opened *out, char out_why[HSM_WHY_LEN])
{
    char path[KQ_PATH_MAX];
    KQ_TRY(file_path(folder, "hsm/state", path, out_why));
    struct stat facts;
    if (lstat(path, &facts) != 0)
        return fail(out_why, errno == ENOENT ? KQ_ERR_NOT_FOUND : KQ_ERR_IO, "%s: cannot be found: %s; restore it",
                    path, strerror(errno));
    out->is_one_user = facts.st_uid == geteuid();
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_status status = kq_file_read(path, KQ_SEALED_STATE_MAX, &bytes);
    if (status == KQ_OK)
        status = hsm_state_unseal(kq_buffer_slice(&bytes), kq_slice_of(out->device_key, 32), &out->state);
    if (status == KQ_ERR_AUTH)
        return fail(out_why, status,
                    "%s: was changed, or belongs to another hsm/device-key; restore both from one backup", path);
    if (status != KQ_OK)
        return fail(out_why, status, "%s: %s; restore it", path, kq_status_text(status));
    return KQ_OK;
}

/* Reads what lies behind the length that the state knows. */
static kq_status read_tail(int fd, uint64_t offset, uint64_t len, struct kq_buffer *out)
{
    size_t left = len > HSM_AUDIT_TAIL_MAX ? HSM_AUDIT_TAIL_MAX : (size_t)len;
    kq_buffer_init(out, HSM_AUDIT_TAIL_MAX);
    while (left > 0) {
        uint8_t *room;
        KQ_TRY(kq_buffer_reserve(out, left, &room));
        ssize_t got = pread(fd, room, left, (off_t)(offset + out->len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KQ_ERR_IO;
        if (got == 0)
            return KQ_OK;
        out->len += (size_t)got;
        left -= (size_t)got;
    }
    return KQ_OK;
}

static kq_status read_log(const char *folder, struct hsm_opened *out, char out_why[HSM_WHY_LEN])
{
    char path[KQ_PATH_MAX];
    KQ_TRY(file_path(folder, "hsm/audit.log", path, out_why));
    KQ_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat facts = {0};
    if (fd < 0 && errno != ENOENT)
        return fail(out_why, KQ_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fd >= 0 && (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)))
        return fail(out_why, KQ_ERR_IO, "%s: is not a regular file", path);
    KQ_AUTO_VALUE(kq_buffer) tail = {0};
    uint64_t known = out->state->audit_log_len;
    out->log_len = (uint64_t)facts.st_size;
    if (out->log_len > known && read_tail(fd, known, out->log_len - known, &tail) != KQ_OK)
        return fail(out_why, KQ_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    return hsm_audit_recover(out->state, out->log_len, kq_buffer_slice(&tail), &out->recovery);
}

kq_status hsm_folder_open(const char *folder, struct hsm_opened *out, char out_why[HSM_WHY_LEN])
{
    out_why[0] = '\0';
    *out = (struct hsm_opened){0};
    KQ_TRY(read_device_key(folder, out->device_key, out_why));
    KQ_TRY(read_state(folder, out, out_why));
    return read_log(folder, out, out_why);
}

/* ---- a new module ---- */

static kq_status write_owned(const char *path, struct kq_slice bytes, mode_t mode, uid_t owner, gid_t group,
                             char out_why[HSM_WHY_LEN])
{
    if (kq_file_write(path, bytes, mode, KQ_FILE_REPLACE) != KQ_OK)
        return fail(out_why, KQ_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (owner != geteuid() && lchown(path, owner, group) != 0)
        return fail(out_why, KQ_ERR_IO, "%s: cannot be given to user %u: %s", path, (unsigned)owner, strerror(errno));
    return KQ_OK;
}

static kq_status make_state(const char *path, const struct hsm_folder_owners *owners, struct kq_slice device_key,
                            char out_why[HSM_WHY_LEN])
{
    KQ_AUTO(hsm_state) state = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_TRY(hsm_state_new((uint32_t)owners->administrator, &state));
    KQ_TRY(hsm_state_seal(state, device_key, &sealed));
    return write_owned(path, kq_buffer_slice(&sealed), 0640, owners->hardserver, owners->module_group, out_why);
}

static kq_status make_device_key(const char *path, const struct hsm_folder_owners *owners, struct kq_slice device_key,
                                 char out_why[HSM_WHY_LEN])
{
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, DEVICE_KEY_FILE_MAX);
    kq_device_key_put(&(struct kq_device_key){.key = device_key}, &writer);
    KQ_TRY(writer.failure);
    return write_owned(path, kq_buffer_slice(&writer.buffer), 0400, owners->module, owners->module_group, out_why);
}

static kq_status make_both(const char *new_state, const char *device_key_path, const struct hsm_folder_owners *owners,
                           char out_why[HSM_WHY_LEN])
{
    uint8_t key[32];
    hsm_random(key, sizeof key);
    struct kq_slice device_key = kq_slice_of(key, sizeof key);
    kq_status status = make_state(new_state, owners, device_key, out_why);
    if (status == KQ_OK)
        status = make_device_key(device_key_path, owners, device_key, out_why);
    kq_wipe(key, sizeof key);
    return status;
}

/* Order of appearance: hsm/state.new, hsm/device-key, hsm/state. So a state
 * without its key, or a key without any state, is never our own doing. */
kq_status hsm_folder_prepare(const char *folder, const struct hsm_folder_owners *owners, char out_why[HSM_WHY_LEN])
{
    char state[KQ_PATH_MAX], new_state[KQ_PATH_MAX], device_key[KQ_PATH_MAX];
    out_why[0] = '\0';
    KQ_TRY(file_path(folder, "hsm/state", state, out_why));
    KQ_TRY(file_path(folder, "hsm/state.new", new_state, out_why));
    KQ_TRY(file_path(folder, "hsm/device-key", device_key, out_why));
    bool has_key = kq_file_exists(device_key);
    bool has_state = kq_file_exists(state);
    if (has_key && has_state)
        return KQ_OK;
    if (has_state)
        return fail(out_why, KQ_ERR_STATE,
                    "%s: cannot be found, but %s is there: restore the key from its backup, or move both away to "
                    "begin a new module, which knows nothing of the former world",
                    device_key, state);
    if (has_key && !kq_file_exists(new_state))
        return fail(out_why, KQ_ERR_STATE,
                    "%s: cannot be found, but %s is there: restore the state from its backup, or move both away to "
                    "begin a new module, which knows nothing of the former world",
                    state, device_key);
    if (!has_key)
        KQ_TRY(make_both(new_state, device_key, owners, out_why));
    if (rename(new_state, state) != 0)
        return fail(out_why, KQ_ERR_IO, "%s: cannot be put in place: %s", state, strerror(errno));
    return KQ_OK;
}
