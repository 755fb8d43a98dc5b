#include "tools/region/copy.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "trust/chain.h"

struct copying {
    struct kq_tool *tool;
    const struct kq_region_source *source;
    const struct kq_region_folder *to;
    struct kq_region_copied *copied;
};

/* One generation as it lies in a folder. */
struct generation {
    struct kq_buffer bytes, kek_package, world_package;
    struct kq_exchange_file exchange; /* borrows from bytes */
    char path[KQ_PATH_MAX];
};

static void generation_clear(struct generation *generation)
{
    kq_buffer_clear(&generation->bytes);
    kq_buffer_clear(&generation->kek_package);
    kq_buffer_clear(&generation->world_package);
}
KQ_AUTO_DEFINE_VALUE(generation);

static kq_status fail_file(struct kq_tool *tool, kq_status status, const char *path, const char *why)
{
    return kq_tool_fail(tool, status, "Copy the region's folder anew from the other module's host.", "%s: %s", path,
                        why);
}

/* ---- generations ---- */

static kq_status read_generation(struct kq_tool *tool, const struct kq_region_folder *folder, uint64_t n,
                                 struct generation *out)
{
    kq_status status = kq_region_file_path(folder, KQ_REGION_EXCHANGE, n, out->path);
    if (status == KQ_OK)
        status = kq_region_get_exchange(folder, n, &out->bytes, &out->exchange);
    if (status == KQ_OK)
        status = kq_region_file_path(folder, KQ_REGION_KEK_PACKAGE, n, out->path);
    if (status == KQ_OK)
        status = kq_file_read(out->path, KQ_PACKAGE_MAX, &out->kek_package);
    if (status == KQ_OK)
        status = kq_region_file_path(folder, KQ_REGION_WORLD_PACKAGE, n, out->path);
    if (status == KQ_OK)
        status = kq_file_read(out->path, KQ_PACKAGE_MAX, &out->world_package);
    return status == KQ_OK ? KQ_OK : fail_file(tool, status, out->path, kq_status_text(status));
}

static const char *failed_step(const struct kq_chain_report *report)
{
    for (size_t i = 0; i < report->num_steps; i++) {
        if (report->steps[i].outcome == KQ_STEP_FAILED)
            return report->steps[i].reason;
    }
    return "the packages do not verify";
}

/* A former generation is past its date some day; what it says stays true. */
static uint64_t time_of(const struct generation *generation)
{
    uint64_t now = kq_clock_unix_s(), last = generation->exchange.not_after - 1;
    return now < last ? now : last;
}

/* hknso becomes that of the packages. */
static kq_status check_generation(struct kq_tool *tool, const struct kq_region *region, uint64_t n,
                                  const struct generation *generation, uint8_t out_hknso[32])
{
    struct kq_destination destination;
    struct kq_chain_report report;
    char label[KQ_REGION_LABEL_SIZE];
    uint8_t kek_hash[32];
    kq_status status =
        kq_chain_verify_packages(kq_buffer_slice(&generation->kek_package), kq_buffer_slice(&generation->world_package),
                                 time_of(generation), &destination, &report);
    if (status != KQ_OK)
        return fail_file(tool, status, generation->path, failed_step(&report));
    kq_region_label(region, n, label);
    if (!kq_slice_is_text(destination.region.region, label) || !kq_slice_is_text(generation->exchange.region, label))
        return fail_file(tool, KQ_ERR_MISMATCH, generation->path, "region: made for another region or generation");
    kq_sha256(generation->exchange.public_key, kek_hash);
    if (!kq_slice_is_equal(kq_slice_of(kek_hash, 32), kq_slice_of(destination.kek_hash, 32)))
        return fail_file(tool, KQ_ERR_MISMATCH, generation->path, "kek_hash: made for another exchange key");
    memcpy(out_hknso, destination.hknso, 32);
    return KQ_OK;
}

static kq_status fail_world(struct kq_tool *tool, const char *path)
{
    return fail_file(tool, KQ_ERR_MISMATCH, path, "hknso: of another world than the newest packages");
}

/* Where both have a generation, it has to be the same exchange key. */
static kq_status compare_generation(const struct copying *copying, uint64_t n, const struct generation *from)
{
    KQ_AUTO_VALUE(generation) here = {.path = ""};
    KQ_TRY(read_generation(copying->tool, copying->to, n, &here));
    if (kq_slice_is_equal(from->exchange.public_key, here.exchange.public_key))
        return KQ_OK;
    return kq_tool_fail(copying->tool, KQ_ERR_EXISTS,
                        "Let one module roll over, and copy from there to the others before the next rollover.",
                        "%s: generation %llu is another exchange key there than here", from->path,
                        (unsigned long long)n);
}

static kq_status copy_generation(const struct copying *copying, uint64_t n)
{
    KQ_AUTO_VALUE(generation) from = {.path = ""};
    uint8_t hknso[32];
    char here[KQ_PATH_MAX];
    KQ_TRY(kq_region_file_path(&copying->source->folder, KQ_REGION_EXCHANGE, n, from.path));
    if (!kq_file_exists(from.path))
        return KQ_OK;
    KQ_TRY(read_generation(copying->tool, &copying->source->folder, n, &from));
    KQ_TRY(check_generation(copying->tool, copying->to->region, n, &from, hknso));
    if (!kq_slice_is_equal(kq_slice_of(hknso, 32), kq_slice_of(copying->source->hknso, 32)))
        return fail_world(copying->tool, from.path);
    KQ_TRY(kq_region_file_path(copying->to, KQ_REGION_EXCHANGE, n, here));
    if (kq_file_exists(here))
        return compare_generation(copying, n, &from);
    if (kq_region_put_exchange(copying->to, &from.exchange, kq_buffer_slice(&from.kek_package),
                               kq_buffer_slice(&from.world_package)) != KQ_OK)
        return kq_tool_fail(copying->tool, KQ_ERR_IO, "Make room or give access, then run the same command again.",
                            "%s: could not be written (%s)", here, strerror(errno));
    copying->copied->num_exchange_keys++;
    return KQ_OK;
}

/* ---- imported keys ---- */

static kq_status check_key(const struct copying *copying, const struct kq_vault_key_name *name, const char *version,
                           const char *path, const struct kq_vault_key_file *file)
{
    struct kq_place place;
    if (kq_place_get(file->place, &place, NULL) != KQ_OK || place.kind != KQ_PLACE_VAULT ||
        !kq_slice_is_text(place.subscription, name->subscription) || !kq_slice_is_text(place.vault, name->vault) ||
        !kq_slice_is_text(place.key_name, name->name) || !kq_slice_is_text(place.key_version, version))
        return fail_file(copying->tool, KQ_ERR_MISMATCH, path, "place: not where the key lies");
    if (!kq_slice_is_equal(place.hknso, kq_slice_of(copying->source->hknso, 32)))
        return fail_world(copying->tool, path);
    return KQ_OK;
}

static kq_status copy_version(const struct copying *copying, const struct kq_vault_key_name *name, const char *folder,
                              const char *version)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kq_buffer) receipt = {0};
    struct kq_vault_key_file file;
    char found[KQ_KEY_VERSION_LEN + 1], path[KQ_PATH_MAX], stored_at[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(folder, "receipt", path));
    kq_status status = kq_region_get_key(&copying->source->folder, name, version, &bytes, &file, found);
    if (status == KQ_OK)
        status = kq_file_read(path, kq_receipt_file_type.max_len, &receipt);
    if (status != KQ_OK)
        return fail_file(copying->tool, status, folder, kq_status_text(status));
    KQ_TRY(check_key(copying, name, version, folder, &file));
    status = kq_region_put_key(copying->to, name, version, &file, kq_buffer_slice(&receipt), stored_at);
    if (status == KQ_OK)
        copying->copied->num_keys++;
    if (status == KQ_OK || status == KQ_ERR_EXISTS)
        return KQ_OK;
    return kq_tool_fail(copying->tool, status, "Make room or give access, then run the same command again.",
                        "%s: key %s could not be written (%s)", copying->to->path, name->name, strerror(errno));
}

/* A folder that is not there is an empty one. */
static kq_status open_listing(const struct copying *copying, const char *path, DIR **out)
{
    *out = opendir(path);
    return *out != NULL || errno == ENOENT ? KQ_OK : fail_file(copying->tool, KQ_ERR_IO, path, strerror(errno));
}

/* Names of unfinished versions have a dot, and are passed over. */
static bool next_name(DIR *listing, size_t min, size_t max, const char **out)
{
    if (listing == NULL)
        return false;
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        size_t len = strlen(entry->d_name);
        *out = entry->d_name;
        if (len >= min && len <= max && strchr(entry->d_name, '.') == NULL)
            return true;
    }
    return false;
}

static void close_listing(DIR **listing)
{
    if (*listing != NULL)
        (void)closedir(*listing);
}
#define AUTO_LISTING __attribute__((cleanup(close_listing))) DIR *

static kq_status copy_key(const struct copying *copying, const struct kq_vault_key_name *name, const char *folder)
{
    AUTO_LISTING versions = NULL;
    const char *version;
    char path[KQ_PATH_MAX];
    KQ_TRY(open_listing(copying, folder, &versions));
    while (next_name(versions, KQ_KEY_VERSION_LEN, KQ_KEY_VERSION_LEN, &version)) {
        KQ_TRY(kq_path_join(folder, version, path));
        KQ_TRY(copy_version(copying, name, path, version));
    }
    return KQ_OK;
}

static kq_status copy_vault(const struct copying *copying, const char *subscription, const char *vault,
                            const char *folder)
{
    AUTO_LISTING names = NULL;
    struct kq_vault_key_name name = {.subscription = subscription, .vault = vault};
    char path[KQ_PATH_MAX], why[256];
    KQ_TRY(open_listing(copying, folder, &names));
    while (next_name(names, 1, 127, &name.name)) {
        KQ_TRY(kq_path_join(folder, name.name, path));
        if (kq_vault_key_name_check(&name, why, sizeof why) != KQ_OK)
            return fail_file(copying->tool, KQ_ERR_FORMAT, path, why);
        KQ_TRY(copy_key(copying, &name, path));
    }
    return KQ_OK;
}

static kq_status copy_subscription(const struct copying *copying, const char *subscription, const char *folder)
{
    AUTO_LISTING vaults = NULL;
    const char *vault;
    char path[KQ_PATH_MAX];
    KQ_TRY(open_listing(copying, folder, &vaults));
    while (next_name(vaults, 3, 24, &vault)) {
        KQ_TRY(kq_path_join(folder, vault, path));
        KQ_TRY(copy_vault(copying, subscription, vault, path));
    }
    return KQ_OK;
}

static kq_status copy_keys(const struct copying *copying)
{
    char root[KQ_PATH_MAX], path[KQ_PATH_MAX];
    const char *subscription;
    AUTO_LISTING subscriptions = NULL;
    KQ_TRY(kq_path_join(copying->source->folder.path, "vault", root));
    KQ_TRY(open_listing(copying, root, &subscriptions));
    while (next_name(subscriptions, 36, 36, &subscription)) {
        KQ_TRY(kq_path_join(root, subscription, path));
        KQ_TRY(copy_subscription(copying, subscription, path));
    }
    return KQ_OK;
}

/* ---- the whole ---- */

kq_status kq_region_source_open(struct kq_tool *tool, const char *from, const struct kq_region *region,
                                struct kq_region_source *out)
{
    KQ_AUTO_VALUE(generation) newest = {.path = ""};
    *out = (struct kq_region_source){.folder = {.region = region}};
    if (kq_region_folder_init(&out->folder, from, region) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, "Choose a shorter folder.", "%s: the path is too long", from);
    if (!kq_region_folder_exists(&out->folder))
        snprintf(out->folder.path, sizeof out->folder.path, "%s", from);
    out->newest = kq_region_newest_generation(&out->folder);
    if (out->newest == 0)
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND,
                            "Name the operator's folder of the other module, or a copy of the region's folder in it.",
                            "%s: has no exchange key of region %s", from, region->name);
    KQ_TRY(read_generation(tool, &out->folder, out->newest, &newest));
    return check_generation(tool, region, out->newest, &newest, out->hknso);
}

kq_status kq_region_copy(struct kq_tool *tool, const struct kq_region_source *source, const struct kq_region_folder *to,
                         struct kq_region_copied *out)
{
    *out = (struct kq_region_copied){0};
    const struct copying copying = {.tool = tool, .source = source, .to = to, .copied = out};
    for (uint64_t n = 1; n <= source->newest; n++)
        KQ_TRY(copy_generation(&copying, n));
    return copy_keys(&copying);
}
