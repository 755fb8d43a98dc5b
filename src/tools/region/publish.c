#include "tools/region/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"

kq_status kq_region_toolset(struct kq_tool *tool, const struct kq_region_folder *folder, uint64_t generation,
                            struct kq_buffer *out, struct kq_toolset_facts *out_facts)
{
    KQ_AUTO_VALUE(kq_buffer) kek_package = {0};
    KQ_AUTO_VALUE(kq_buffer) world_package = {0};
    char path[KQ_PATH_MAX], why[256];
    KQ_TRY(kq_region_file_path(folder, KQ_REGION_KEK_PACKAGE, generation, path));
    kq_status status = kq_file_read(path, KQ_PACKAGE_MAX, &kek_package);
    if (status == KQ_OK) {
        KQ_TRY(kq_region_file_path(folder, KQ_REGION_WORLD_PACKAGE, generation, path));
        status = kq_file_read(path, KQ_PACKAGE_MAX, &world_package);
    }
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "`keyquay region list` shows what there is.", "%s: %s", path,
                            kq_status_text(status));
    kq_buffer_init(out, KQ_TOOLSET_MAX);
    status = kq_toolset_make(folder->region, kq_buffer_slice(&kek_package), kq_buffer_slice(&world_package),
                             kq_clock_unix_s(), out, out_facts, why, sizeof why);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "`keyquay region rollover` makes new packages.", "%s: %s", folder->path, why);
    return KQ_OK;
}

json_t *kq_toolset_json(const struct kq_region *region, const struct kq_toolset_facts *facts)
{
    char label[KQ_REGION_LABEL_SIZE], zip[KQ_TOOLSET_NAME_SIZE], until[KQ_TIME_TEXT_SIZE];
    char root[65], world[65], kek[65], sha256[65];
    kq_region_label(region, facts->generation, label);
    kq_toolset_name(region, zip);
    kq_time_text(facts->not_after, until);
    kq_hex_encode(kq_slice_of(facts->root_hash, 32), root);
    kq_hex_encode(kq_slice_of(facts->hknso, 32), world);
    kq_hex_encode(kq_slice_of(facts->kek_hash, 32), kek);
    kq_hex_encode(kq_slice_of(facts->sha256, 32), sha256);
    return json_pack("{s:s, s:s, s:I, s:s, s:b, s:s, s:s, s:I, s:s, s:s, s:s}", "code", label, "name", region->name,
                     "generation", (json_int_t)facts->generation, "rootHash", root, "rehearsal",
                     (int)facts->root_is_rehearsal, "world", world, "exchangeKey", kek, "exchangeKeyBits",
                     (json_int_t)facts->kek_bits, "notAfter", until, "toolset", zip, "toolsetSha256", sha256);
}

static void print_facts(const struct kq_region_folder *folder, const struct kq_toolset_facts *facts)
{
    char label[KQ_REGION_LABEL_SIZE], zip[KQ_TOOLSET_NAME_SIZE], until[KQ_TIME_TEXT_SIZE];
    char root[KQ_HASH_TEXT_SIZE], world[KQ_HASH_TEXT_SIZE], sha256[65];
    kq_region_label(folder->region, facts->generation, label);
    kq_toolset_name(folder->region, zip);
    kq_time_text(facts->not_after, until);
    kq_hash_text(kq_slice_of(facts->root_hash, 32), root);
    kq_hash_text(kq_slice_of(facts->hknso, 32), world);
    kq_hex_encode(kq_slice_of(facts->sha256, 32), sha256);
    for (char *c = sha256; *c != '\0'; c++) {
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
    }
    printf("Region %s (%s)\n", folder->region->name, label);
    printf("  root hash:     %s%s\n", root, facts->root_is_rehearsal ? " (rehearsal)" : "");
    printf("  world hash:    %s\n", world);
    printf("  exchange key:  RSA %llu, until %s\n", (unsigned long long)facts->kek_bits, until);
    printf("  packages:      BYOK-KEK-pkg-%s, BYOK-SecurityWorld-pkg-%s\n", label, label);
    printf("  toolset:       %s\n  SHA-256:       %s\n", zip, sha256);
    printf("  data:          %s\n", folder->path);
}

kq_status kq_region_show(struct kq_tool *tool, const struct kq_region_folder *folder, uint64_t generation)
{
    KQ_AUTO_VALUE(kq_buffer) toolset = {0};
    struct kq_toolset_facts facts;
    KQ_TRY(kq_region_toolset(tool, folder, generation, &toolset, &facts));
    kq_tool_note_hash(tool, "root", kq_slice_of(facts.root_hash, 32));
    kq_tool_note_hash(tool, "world", kq_slice_of(facts.hknso, 32));
    kq_tool_note_hash(tool, "toolset", kq_slice_of(facts.sha256, 32));
    if (tool->is_json)
        kq_tool_print_json(kq_toolset_json(folder->region, &facts));
    else
        print_facts(folder, &facts);
    return KQ_OK;
}

/* ---- for the vault to serve ---- */

static kq_status write_published(struct kq_tool *tool, const char *folder, const char *name, struct kq_slice bytes)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(folder, name, path));
    if (kq_file_write(path, bytes, 0644, KQ_FILE_REPLACE) == KQ_OK)
        return KQ_OK;
    return kq_tool_fail(tool, KQ_ERR_IO, "Make room or give access, then run the same command again.",
                        "%s: could not be written (%s)", path, strerror(errno));
}

/* The facts go last: whoever reads them finds the zip that they speak of. */
kq_status kq_region_publish(struct kq_tool *tool, const struct kq_region_folder *folder, uint64_t generation)
{
    KQ_AUTO_VALUE(kq_buffer) toolset = {0};
    struct kq_toolset_facts facts;
    char path[KQ_PATH_MAX], zip[KQ_TOOLSET_NAME_SIZE];
    KQ_TRY(kq_region_toolset(tool, folder, generation, &toolset, &facts));
    KQ_TRY(kq_path_join(folder->path, "toolset", path));
    if (kq_folder_make(path) != KQ_OK || chmod(path, 0755) != 0)
        return kq_tool_fail(tool, KQ_ERR_IO, NULL, "%s: cannot be made (%s)", path, strerror(errno));
    kq_toolset_name(folder->region, zip);
    KQ_TRY(write_published(tool, path, zip, kq_buffer_slice(&toolset)));
    json_t *object = kq_toolset_json(folder->region, &facts);
    char *text = json_dumps(object, JSON_INDENT(2));
    kq_status status = text == NULL ? KQ_ERR_MEMORY : write_published(tool, path, "facts.json", kq_slice_text(text));
    json_decref(object);
    free(text);
    return status;
}

/* ---- region list ---- */

static json_t *locations_json(const struct kq_region *region)
{
    json_t *list = json_array();
    for (const char *const *location = region->locations; *location != NULL; location++) {
        char name[KQ_LOCATION_SIZE];
        kq_location_programmatic(*location, name);
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "displayName", *location));
    }
    return list;
}

/* What DIR has of a region, or null where it has nothing.  Errors: said. */
static kq_status offered_json(struct kq_tool *tool, const struct kq_region_folder *folder, uint64_t generation,
                              json_t **out)
{
    KQ_AUTO_VALUE(kq_buffer) toolset = {0};
    struct kq_toolset_facts facts;
    char socket[KQ_PATH_MAX];
    *out = NULL;
    if (generation == 0)
        return KQ_OK;
    KQ_TRY(kq_region_toolset(tool, folder, generation, &toolset, &facts));
    KQ_TRY(kq_path_join(folder->path, "hardserver.sock", socket));
    *out = kq_toolset_json(folder->region, &facts);
    json_object_set_new(*out, "data", json_string(folder->path));
    json_object_set_new(*out, "socket", json_string(socket));
    return KQ_OK;
}

static kq_status add_region_json(struct kq_tool *tool, const struct kq_region_folder *folder, uint64_t generation,
                                 json_t *list)
{
    const struct kq_region *region = folder->region;
    char label[KQ_REGION_LABEL_SIZE];
    json_t *entry;
    kq_status status = offered_json(tool, folder, generation, &entry);
    kq_region_label(region, generation > 0 ? generation : 1, label);
    if (entry == NULL)
        entry = json_pack("{s:s, s:s, s:I}", "code", label, "name", region->name, "generation", (json_int_t)generation);
    if (region->variant != NULL)
        json_object_set_new(entry, "variant", json_string(region->variant));
    json_object_set_new(entry, "locations", locations_json(region));
    json_array_append_new(list, entry);
    return status;
}

static void print_region(const struct kq_region *region, uint64_t generation)
{
    char label[KQ_REGION_LABEL_SIZE], state[32] = "-";
    kq_region_label(region, 1, label);
    if (generation > 0)
        snprintf(state, sizeof state, "generation %llu", (unsigned long long)generation);
    printf("%-10s %-16s %-14s ", label, region->name, state);
    for (const char *const *location = region->locations; *location != NULL; location++)
        printf("%s%s", location == region->locations ? "" : ", ", *location);
    printf("%s%s%s\n", region->variant != NULL ? " (--variant " : "", region->variant != NULL ? region->variant : "",
           region->variant != NULL ? ")" : "");
}

kq_status kq_region_list(struct kq_tool *tool, const char *data)
{
    json_t *list = json_array();
    kq_status worst = KQ_OK;
    for (size_t i = 0; i < kq_num_regions; i++) {
        struct kq_region_folder folder;
        kq_status status = kq_region_folder_init(&folder, data, &kq_regions[i]);
        uint64_t generation = status == KQ_OK ? kq_region_newest_generation(&folder) : 0;
        if (tool->is_json && status == KQ_OK)
            status = add_region_json(tool, &folder, generation, list);
        else
            print_region(&kq_regions[i], generation);
        if (status != KQ_OK)
            worst = status;
    }
    if (tool->is_json)
        kq_tool_print_json(list);
    else
        json_decref(list);
    return worst;
}
