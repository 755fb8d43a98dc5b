#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "vault/keyops/modules.h"

/* What `keyquay region create` left in DIR/regions/<Name>/exchange. */

static int compare_newest_first(const void *a, const void *b)
{
    uint64_t left = ((const struct vault_exchange *)a)->generation;
    uint64_t right = ((const struct vault_exchange *)b)->generation;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Keeps the newest: a full list drops its oldest. */
static void note_generation(struct vault_exchange *list, size_t *num, uint64_t generation)
{
    if (*num == VAULT_EXCHANGES_MAX) {
        qsort(list, *num, sizeof *list, compare_newest_first);
        if (list[*num - 1].generation > generation)
            return;
        --*num;
    }
    list[(*num)++] = (struct vault_exchange){.generation = generation};
}

static kq_status list_generations(const struct vault_module *module, struct vault_exchange *list, size_t *out_num)
{
    char path[KQ_PATH_MAX];
    uint64_t generation;
    *out_num = 0;
    KQ_TRY(kq_path_join(module->folder, "exchange", path));
    DIR *listing = opendir(path);
    if (listing == NULL)
        return errno == ENOENT || errno == ENOTDIR ? KQ_OK : KQ_ERR_IO;
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (kq_uint_parse(kq_slice_text(entry->d_name), UINT32_MAX, &generation) && generation > 0)
            note_generation(list, out_num, generation);
    }
    closedir(listing);
    qsort(list, *out_num, sizeof *list, compare_newest_first);
    return KQ_OK;
}

kq_status vault_module_read_exchange(const struct vault_module *module, uint64_t generation, struct kq_buffer *bytes,
                                     struct kq_exchange_file *out)
{
    char name[32], folder[KQ_PATH_MAX], path[KQ_PATH_MAX];
    snprintf(name, sizeof name, "%" PRIu64, generation);
    KQ_TRY(kq_path_join(module->folder, "exchange", folder));
    KQ_TRY(kq_path_join(folder, name, path));
    KQ_TRY(kq_file_read(path, KQ_EXCHANGE_FILE_MAX, bytes));
    KQ_TRY(kq_exchange_file_get(kq_buffer_slice(bytes), out, NULL));
    return out->generation == generation ? KQ_OK : KQ_ERR_FORMAT;
}

/* Fills in the hash and the world; a file that is damaged counts as not there. */
static bool read_facts(const struct vault_module *module, struct vault_exchange *exchange, uint8_t out_hknso[32])
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_exchange_file file;
    struct kq_place place;
    if (vault_module_read_exchange(module, exchange->generation, &bytes, &file) != KQ_OK ||
        kq_place_get(file.place, &place, NULL) != KQ_OK)
        return false;
    kq_sha256(file.public_key, exchange->kek_hash);
    memcpy(out_hknso, place.hknso.data, 32);
    return true;
}

kq_status vault_module_scan(struct vault_module *module)
{
    struct vault_exchange list[VAULT_EXCHANGES_MAX];
    uint8_t newest_hknso[32] = {0}, hknso[32];
    size_t num_listed, num = 0;
    KQ_TRY(list_generations(module, list, &num_listed));
    for (size_t i = 0; i < num_listed; i++) {
        if (!read_facts(module, &list[i], hknso))
            continue;
        if (num == 0)
            memcpy(newest_hknso, hknso, sizeof newest_hknso);
        list[num++] = list[i];
    }
    pthread_mutex_lock(&module->lock);
    module->num_exchanges = num;
    memcpy(module->exchanges, list, num * sizeof *list);
    memcpy(module->hknso, newest_hknso, sizeof module->hknso);
    pthread_mutex_unlock(&module->lock);
    return KQ_OK;
}

uint64_t vault_module_find_exchange(struct vault_module *module, struct kq_slice kek_hash)
{
    uint64_t generation = 0;
    pthread_mutex_lock(&module->lock);
    for (size_t i = 0; i < module->num_exchanges && generation == 0; i++) {
        if (kq_slice_is_equal(kek_hash, kq_slice_of(module->exchanges[i].kek_hash, 32)))
            generation = module->exchanges[i].generation;
    }
    pthread_mutex_unlock(&module->lock);
    return generation;
}

uint64_t vault_module_facts(struct vault_module *module, uint8_t out_hknso[32])
{
    pthread_mutex_lock(&module->lock);
    uint64_t generation = module->num_exchanges > 0 ? module->exchanges[0].generation : 0;
    memcpy(out_hknso, module->hknso, 32);
    pthread_mutex_unlock(&module->lock);
    return generation;
}

static bool is_here(struct vault_module *module)
{
    uint8_t hknso[32];
    return vault_module_facts(module, hknso) > 0;
}

kq_status vault_module_find(struct vault_keyops *keyops, const char *region, struct vault_module **out)
{
    for (size_t i = 0; i < keyops->num_regions; i++) {
        struct vault_module *module = &keyops->regions[i];
        if (strcmp(module->region->name, region) != 0)
            continue;
        if (!is_here(module))
            return KQ_ERR_STATE;
        *out = module;
        return KQ_OK;
    }
    return KQ_ERR_STATE;
}

kq_status vault_keyops_refresh(struct vault_keyops *keyops)
{
    for (size_t i = 0; i < keyops->num_regions; i++)
        KQ_TRY(vault_module_scan(&keyops->regions[i]));
    return KQ_OK;
}

static void describe(struct vault_module *module, struct vault_region_facts *out)
{
    out->region = module->region;
    out->generation = vault_module_facts(module, out->hknso);
    kq_region_label(module->region, out->generation, out->label);
    int len = snprintf(out->toolset_path, sizeof out->toolset_path, "%s/toolset/KeyVault-BYOK-Tools-%s.zip",
                       module->folder, module->region->name);
    if (len < 0 || (size_t)len >= sizeof out->toolset_path || !kq_file_exists(out->toolset_path))
        out->toolset_path[0] = '\0';
}

kq_status vault_keyops_region(struct vault_keyops *keyops, size_t i, struct vault_region_facts *out)
{
    for (size_t at = 0; at < keyops->num_regions; at++) {
        if (is_here(&keyops->regions[at]) && i-- == 0) {
            describe(&keyops->regions[at], out);
            return KQ_OK;
        }
    }
    return KQ_ERR_NOT_FOUND;
}

kq_status vault_keyops_find_region(struct vault_keyops *keyops, const char *name, struct vault_region_facts *out)
{
    struct vault_module *module;
    if (vault_module_find(keyops, name, &module) != KQ_OK)
        return KQ_ERR_NOT_FOUND;
    describe(module, out);
    return KQ_OK;
}
