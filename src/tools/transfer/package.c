#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "tools/common/connect.h"
#include "tools/common/keyfile.h"
#include "tools/common/quorum.h"
#include "tools/transfer/remote.h"
#include "trust/acl.h"

#define SECONDS_PER_DAY 86400u
#define NAME_SIZE 192

struct packaging {
    struct kq_tool *tool;
    const struct kq_remote *remote;
    struct kq_pair pair;
    struct kq_stored_key copy;
    struct kq_buffer place;
    char package_name[NAME_SIZE];
    char receipt_name[NAME_SIZE];
};

/* The friendly name becomes part of a file name: one component, nothing hidden in it. */
static kq_status name_files(struct packaging *packaging)
{
    const char *name = packaging->remote->friendly_name;
    size_t len = strlen(name);
    if (len == 0 || len > 127 || strchr(name, '/') != NULL || strchr(name, '\\') != NULL ||
        !kq_text_is_printable(kq_slice_text(name)))
        return kq_tool_fail(packaging->tool, KQ_ERR_ARGUMENT, "Letters, digits, hyphens and spaces are fine.",
                            "-KeyFriendlyName: 1 to 127 characters without slashes");
    snprintf(packaging->package_name, NAME_SIZE, "TransferPackage-%s.byok", name);
    snprintf(packaging->receipt_name, NAME_SIZE, "TransferPackage-%s.receipt", name);
    return KQ_OK;
}

static kq_status refuse_existing(const struct packaging *packaging)
{
    const char *const names[] = {packaging->package_name, packaging->receipt_name};
    for (size_t i = 0; i < 2; i++) {
        if (kq_file_exists(names[i]) && !packaging->remote->replace)
            return kq_tool_fail(packaging->tool, KQ_ERR_EXISTS, "Choose another -KeyFriendlyName, or add -Force.",
                                "%s: exists already in this folder", names[i]);
    }
    return KQ_OK;
}

/* Both files or none: the receipt first, so that a package never lies here without it. */
static kq_status write_files(const struct packaging *packaging, const struct kq_transfer_package_reply *made)
{
    const char *path = packaging->receipt_name;
    const enum kq_file_replace replace = packaging->remote->replace ? KQ_FILE_REPLACE : KQ_FILE_NEW_ONLY;
    kq_status status = kq_file_write(path, made->receipt, 0644, replace);
    if (status == KQ_OK) {
        path = packaging->package_name;
        status = kq_file_write(path, made->package, 0644, replace);
        if (status != KQ_OK) {
            int saved = errno;
            (void)unlink(packaging->receipt_name);
            errno = saved;
        }
    }
    if (status != KQ_OK)
        return kq_tool_fail(packaging->tool, status, "Make room or give access, then run the command again.",
                            "%s: could not be written (%s)", path, strerror(errno));
    return KQ_OK;
}

static void report(const struct packaging *packaging, const struct kq_transfer_package_reply *made)
{
    uint8_t hash[32];
    char text[65];
    kq_sha256(made->package, hash);
    kq_hex_encode(kq_slice_of(hash, sizeof hash), text);
    kq_tool_note_hash(packaging->tool, "package", kq_slice_of(hash, sizeof hash));
    if (packaging->tool->is_json) {
        json_t *object = kq_pair_json(&packaging->pair);
        json_object_set_new(object, "package", json_string(packaging->package_name));
        json_object_set_new(object, "receipt", json_string(packaging->receipt_name));
        json_object_set_new(object, "packageHash", json_string(text));
        json_object_set_new(object, "result", json_string("SUCCESS"));
        kq_tool_print_json(object);
        return;
    }
    printf("Transfer package: %s\n  SHA-256: %s\nExport receipt:   %s\nResult: SUCCESS\n", packaging->package_name,
           text, packaging->receipt_name);
}

/* The end asked for in days from now; the copy's own where that is earlier by
 * less than a day: the same number of days made it a little while ago. 0: the
 * copy's. Anything later is the module's to refuse. */
static uint64_t choose_end(const struct packaging *packaging)
{
    uint64_t days = packaging->remote->valid_days;
    uint64_t end = kq_clock_unix_s() + days * SECONDS_PER_DAY;
    struct kq_key_blob blob;
    struct kq_acl_transfer copy;
    if (packaging->remote->valid_until > 0)
        return packaging->remote->valid_until;
    if (days == 0)
        return 0;
    bool is_readable =
        kq_key_blob_get(packaging->copy.file.blob, &blob, NULL) == KQ_OK && kq_acl_find_transfer(blob.acl, &copy);
    bool is_same_day = is_readable && copy.not_after < end && end - copy.not_after < SECONDS_PER_DAY;
    return is_same_day ? copy.not_after : end;
}

static kq_status make_package(struct packaging *packaging)
{
    const struct kq_remote *remote = packaging->remote;
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_transfer_package_reply made;
    const struct kq_transfer_package_request request = {
        .blob = packaging->copy.file.blob,
        .place = kq_buffer_slice(&packaging->place),
        .kek_package = kq_buffer_slice(&packaging->pair.kek_package),
        .world_package = kq_buffer_slice(&packaging->pair.world_package),
        .subscription = kq_slice_text(remote->subscription),
        .friendly_name = kq_slice_text(remote->friendly_name),
        .not_after = choose_end(packaging),
    };
    kq_status status =
        kq_tool_call(packaging->tool, KQ_OP_TRANSFER_PACKAGE, &request, packaging->copy.path, &made, &reply);
    if (status == KQ_ERR_ARGUMENT && (remote->valid_days > 0 || remote->valid_until > 0))
        fprintf(stderr, "  Leave -ValidDays and -ValidUntil out: the package then lasts as long as the copy.\n");
    KQ_TRY(status);
    KQ_TRY(write_files(packaging, &made));
    report(packaging, &made);
    return KQ_OK;
}

static kq_status run(struct packaging *packaging)
{
    struct kq_tool *tool = packaging->tool;
    const struct kq_remote *remote = packaging->remote;
    KQ_TRY(name_files(packaging));
    KQ_TRY(refuse_existing(packaging));
    KQ_TRY(kq_key_read(tool, KQ_COPY_APPLICATION, remote->ident, &packaging->copy));
    KQ_TRY(kq_pair_open(tool, remote->kek_path, remote->world_path, &packaging->pair));
    if (!tool->is_json)
        kq_pair_print(&packaging->pair, stdout);
    const struct kq_key_file *file = &packaging->copy.file;
    kq_buffer_init(&packaging->place, KQ_PLACE_MAX);
    KQ_TRY(kq_key_place(file->hknso, file->application, file->ident, &packaging->place));
    KQ_TRY(kq_tool_connect(tool));
    return make_package(packaging);
}

kq_status kq_remote_package(struct kq_tool *tool, const struct kq_remote *remote)
{
    struct packaging packaging = {.tool = tool, .remote = remote};
    kq_status status = run(&packaging);
    kq_pair_clear(&packaging.pair);
    kq_stored_key_clear(&packaging.copy);
    kq_buffer_clear(&packaging.place);
    return status;
}
