#include "tools/region/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static kq_status print_path(char out[KQ_PATH_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static kq_status print_path(char out[KQ_PATH_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, KQ_PATH_MAX, format, args);
    va_end(args);
    return len > 0 && len < KQ_PATH_MAX ? KQ_OK : KQ_ERR_TOO_LARGE;
}

kq_status kq_region_folder_init(struct kq_region_folder *folder, const char *data, const struct kq_region *region)
{
    folder->region = region;
    return print_path(folder->path, "%s/regions/%s", data, region->name);
}

bool kq_region_folder_exists(const struct kq_region_folder *folder)
{
    return kq_region_newest_generation(folder) > 0;
}

uint64_t kq_region_newest_generation(const struct kq_region_folder *folder)
{
    char path[KQ_PATH_MAX];
    if (print_path(path, "%s/exchange", folder->path) != KQ_OK)
        return 0;
    DIR *listing = opendir(path);
    if (listing == NULL)
        return 0;
    uint64_t newest = 0, generation;
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (kq_uint_parse(kq_slice_text(entry->d_name), 0xffffffff, &generation) && generation > newest)
            newest = generation;
    }
    closedir(listing);
    return newest;
}

kq_status kq_region_file_path(const struct kq_region_folder *folder, enum kq_region_file file, uint64_t generation,
                              char out[KQ_PATH_MAX])
{
    char label[KQ_REGION_LABEL_SIZE];
    kq_region_label(folder->region, generation, label);
    switch (file) {
    case KQ_REGION_EXCHANGE:
        return print_path(out, "%s/exchange/%llu", folder->path, (unsigned long long)generation);
    case KQ_REGION_KEK_PACKAGE:
        return print_path(out, "%s/packages/BYOK-KEK-pkg-%s", folder->path, label);
    case KQ_REGION_WORLD_PACKAGE:
        return print_path(out, "%s/packages/BYOK-SecurityWorld-pkg-%s", folder->path, label);
    }
    return KQ_ERR_ARGUMENT;
}

static kq_status make_folder(const struct kq_region_folder *folder, const char *name)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(print_path(path, "%s/%s", folder->path, name));
    return kq_folder_make(path);
}

kq_status kq_region_put_exchange(const struct kq_region_folder *folder, const struct kq_exchange_file *exchange,
                                 struct kq_slice kek_package, struct kq_slice world_package)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    struct kq_slice bytes;
    kq_writer_init(&writer, KQ_EXCHANGE_FILE_MAX);
    kq_exchange_file_put(exchange, &writer);
    KQ_TRY(kq_writer_finish(&writer, &bytes));
    KQ_TRY(make_folder(folder, "packages"));
    KQ_TRY(make_folder(folder, "exchange"));
    KQ_TRY(kq_region_file_path(folder, KQ_REGION_KEK_PACKAGE, exchange->generation, path));
    KQ_TRY(kq_file_write(path, kek_package, 0644, KQ_FILE_REPLACE));
    KQ_TRY(kq_region_file_path(folder, KQ_REGION_WORLD_PACKAGE, exchange->generation, path));
    KQ_TRY(kq_file_write(path, world_package, 0644, KQ_FILE_REPLACE));
    KQ_TRY(kq_region_file_path(folder, KQ_REGION_EXCHANGE, exchange->generation, path));
    return kq_file_write(path, bytes, 0644, KQ_FILE_NEW_ONLY);
}

kq_status kq_region_get_exchange(const struct kq_region_folder *folder, uint64_t generation, struct kq_buffer *bytes,
                                 struct kq_exchange_file *out)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_region_file_path(folder, KQ_REGION_EXCHANGE, generation, path));
    KQ_TRY(kq_file_read(path, KQ_EXCHANGE_FILE_MAX, bytes));
    return kq_exchange_file_get(kq_buffer_slice(bytes), out, NULL);
}

static bool is_name(const char *text, size_t min, size_t max)
{
    size_t len = strlen(text);
    for (const char *c = text; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-')
            return false;
    }
    return len >= min && len <= max;
}

kq_status kq_vault_key_name_check(const struct kq_vault_key_name *name, char *out_reason, size_t size)
{
    const char *why = NULL;
    if (!kq_guid_is_valid(kq_slice_text(name->subscription)))
        why = "the subscription must be a GUID (8-4-4-4-12 hex digits)";
    else if (!is_name(name->vault, 3, 24))
        why = "a vault's name has 3 to 24 letters, digits and hyphens";
    else if (!is_name(name->name, 1, 127))
        why = "a key's name has 1 to 127 letters, digits and hyphens";
    if (why == NULL)
        return KQ_OK;
    snprintf(out_reason, size, "%s", why);
    return KQ_ERR_ARGUMENT;
}

static kq_status key_folder(const struct kq_region_folder *folder, const struct kq_vault_key_name *name,
                            char out[KQ_PATH_MAX])
{
    return print_path(out, "%s/vault/%s/%s/%s", folder->path, name->subscription, name->vault, name->name);
}

static kq_status sync_folder(const char *path)
{
    KQ_AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? KQ_OK : KQ_ERR_IO;
}

static kq_status write_version(const char *folder, struct kq_slice key, struct kq_slice receipt)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_folder_make(folder));
    KQ_TRY(kq_path_join(folder, "receipt", path));
    KQ_TRY(kq_file_write(path, receipt, 0644, KQ_FILE_REPLACE));
    KQ_TRY(kq_path_join(folder, "key", path));
    return kq_file_write(path, key, 0600, KQ_FILE_REPLACE);
}

static void remove_version(const char *folder)
{
    static const char *const names[] = {"receipt", "key"};
    char path[KQ_PATH_MAX];
    int saved = errno;
    for (size_t i = 0; i < 2; i++) {
        if (kq_path_join(folder, names[i], path) == KQ_OK)
            (void)unlink(path);
    }
    (void)rmdir(folder);
    errno = saved;
}

kq_status kq_region_put_key(const struct kq_region_folder *folder, const struct kq_vault_key_name *name,
                            const char *version, const struct kq_vault_key_file *key, struct kq_slice receipt,
                            char out_path[KQ_PATH_MAX])
{
    char parent[KQ_PATH_MAX], unfinished[KQ_PATH_MAX], final[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    struct kq_slice bytes;
    kq_writer_init(&writer, KQ_EXCHANGE_FILE_MAX);
    kq_vault_key_file_put(key, &writer);
    KQ_TRY(kq_writer_finish(&writer, &bytes));
    KQ_TRY(key_folder(folder, name, parent));
    KQ_TRY(kq_path_join(parent, version, final));
    KQ_TRY(print_path(unfinished, "%s.unfinished", final));
    kq_status status = write_version(unfinished, bytes, receipt);
    if (status == KQ_OK && rename(unfinished, final) != 0)
        status = errno == ENOTEMPTY || errno == EEXIST ? KQ_ERR_EXISTS : KQ_ERR_IO;
    if (status != KQ_OK) {
        remove_version(unfinished);
        return status;
    }
    memcpy(out_path, final, KQ_PATH_MAX);
    return sync_folder(parent);
}

static kq_status read_version(const char *parent, const char *version, struct kq_buffer *bytes,
                              struct kq_vault_key_file *out)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(print_path(path, "%s/%s/key", parent, version));
    KQ_TRY(kq_file_read(path, KQ_EXCHANGE_FILE_MAX, bytes));
    return kq_vault_key_file_get(kq_buffer_slice(bytes), out, NULL);
}

static bool is_version(const char *text)
{
    return strlen(text) == KQ_KEY_VERSION_LEN && strspn(text, "0123456789abcdef") == KQ_KEY_VERSION_LEN;
}

/* The version made last; of two in the same second, the one that sorts last. */
static kq_status find_newest(const char *parent, char out_version[KQ_KEY_VERSION_LEN + 1])
{
    DIR *listing = opendir(parent);
    if (listing == NULL)
        return KQ_ERR_NOT_FOUND;
    uint64_t newest = 0;
    bool found = false;
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        KQ_AUTO_VALUE(kq_buffer) bytes = {0};
        struct kq_vault_key_file key;
        if (!is_version(entry->d_name) || read_version(parent, entry->d_name, &bytes, &key) != KQ_OK)
            continue;
        if (!found || key.created > newest || (key.created == newest && strcmp(entry->d_name, out_version) > 0)) {
            newest = key.created;
            memcpy(out_version, entry->d_name, KQ_KEY_VERSION_LEN + 1);
        }
        found = true;
    }
    closedir(listing);
    return found ? KQ_OK : KQ_ERR_NOT_FOUND;
}

kq_status kq_region_get_key(const struct kq_region_folder *folder, const struct kq_vault_key_name *name,
                            const char *version, struct kq_buffer *bytes, struct kq_vault_key_file *out,
                            char out_version[KQ_KEY_VERSION_LEN + 1])
{
    char parent[KQ_PATH_MAX];
    KQ_TRY(key_folder(folder, name, parent));
    if (version == NULL)
        KQ_TRY(find_newest(parent, out_version));
    else if (is_version(version))
        memcpy(out_version, version, KQ_KEY_VERSION_LEN + 1);
    else
        return KQ_ERR_NOT_FOUND;
    return read_version(parent, out_version, bytes, out);
}
