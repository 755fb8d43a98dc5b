#ifndef KQ_TOOLS_REGION_STORE_H
#define KQ_TOOLS_REGION_STORE_H

#include "base/file.h"
#include "trust/regions.h"
#include "wire/formats.h"

/* The folder of one region, DIR/regions/<Name>: an hsm folder (beside it
 * DIR/changing.lock, held by the one command that changes regions) with
 *     exchange/<n>                          exchange key of generation n (kq_exchange_file)
 *     packages/BYOK-KEK-pkg-NA-<n>, packages/BYOK-SecurityWorld-pkg-NA-<n>
 *     vault/SUBSCRIPTION/VAULT/NAME/VERSION/{key,receipt}
 *     rehearsal-cards/                      when nobody holds cards
 * A generation exists once its exchange file does; it is written last. */
struct kq_region_folder {
    const struct kq_region *region;
    char path[KQ_PATH_MAX];
};

/* Errors: KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status kq_region_folder_init(struct kq_region_folder *folder, const char *data,
                                              const struct kq_region *region);
bool kq_region_folder_exists(const struct kq_region_folder *folder);

/* The newest generation with an exchange key; 0 if there is none. */
uint64_t kq_region_newest_generation(const struct kq_region_folder *folder);

/* Path of an exchange file or package. */
enum kq_region_file { KQ_REGION_EXCHANGE, KQ_REGION_KEK_PACKAGE, KQ_REGION_WORLD_PACKAGE };
KQ_MUST_CHECK kq_status kq_region_file_path(const struct kq_region_folder *folder, enum kq_region_file file,
                                            uint64_t generation, char out[KQ_PATH_MAX]);

/* Writes both packages, then the exchange file. Errors: those of kq_file_write(). */
KQ_MUST_CHECK kq_status kq_region_put_exchange(const struct kq_region_folder *folder,
                                               const struct kq_exchange_file *exchange, struct kq_slice kek_package,
                                               struct kq_slice world_package);
/* bytes holds what *out borrows. Errors: those of kq_file_read() and KQ_ERR_FORMAT, KQ_ERR_VERSION. */
KQ_MUST_CHECK kq_status kq_region_get_exchange(const struct kq_region_folder *folder, uint64_t generation,
                                               struct kq_buffer *bytes, struct kq_exchange_file *out);

/* Where an imported key lies. */
struct kq_vault_key_name {
    const char *subscription; /* lower case */
    const char *vault;
    const char *name;
};
#define KQ_KEY_VERSION_LEN 32u

/* Checks the three names: a GUID; 3-24 letters, digits, hyphens; 1-127 letters,
 * digits, hyphens. They become folder names, so nothing else is let through.
 * out_reason: one sentence. Errors: KQ_ERR_ARGUMENT. */
KQ_MUST_CHECK kq_status kq_vault_key_name_check(const struct kq_vault_key_name *name, char *out_reason, size_t size);

/* Stores a version with its receipt; the folder appears complete or not at all. */
KQ_MUST_CHECK kq_status kq_region_put_key(const struct kq_region_folder *folder, const struct kq_vault_key_name *name,
                                          const char *version, const struct kq_vault_key_file *key,
                                          struct kq_slice receipt, char out_path[KQ_PATH_MAX]);
/* Reads a version, or the newest where version is NULL; its name goes to out_version. */
KQ_MUST_CHECK kq_status kq_region_get_key(const struct kq_region_folder *folder, const struct kq_vault_key_name *name,
                                          const char *version, struct kq_buffer *bytes, struct kq_vault_key_file *out,
                                          char out_version[KQ_KEY_VERSION_LEN + 1]);

#endif
