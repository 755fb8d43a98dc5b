#ifndef KQ_TOOLS_REGION_IMPORT_H
#define KQ_TOOLS_REGION_IMPORT_H

#include "tools/common/tool.h"
#include "tools/region/store.h"

/* The receiving end of a transfer, by file. */
struct kq_import_plan {
    const char *data;
    const struct kq_region *region; /* NULL: the region of DIR whose exchange key the package names */
    const char *file;
    struct kq_vault_key_name name;
    bool require_attested;
};

/* Imports a transfer package into the region's module and keeps the key with
 * its receipt.  Errors: said. */
KQ_MUST_CHECK kq_status kq_region_import(struct kq_tool *tool, const struct kq_import_plan *plan);

/* Finds the region and generation of DIR with this exchange key.
 * Errors: KQ_ERR_NOT_FOUND. */
KQ_MUST_CHECK kq_status kq_region_find_exchange(const char *data, struct kq_slice kek_hash,
                                                struct kq_region_folder *out_folder, uint64_t *out_generation);

#endif
