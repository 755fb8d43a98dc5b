#ifndef KQ_TOOLS_REGION_COPY_H
#define KQ_TOOLS_REGION_COPY_H

#include "tools/common/tool.h"
#include "tools/region/store.h"

/* What another module of the same world needs of a region's files: exchange
 * keys with their packages, imported keys with their receipts. All of it is
 * public or sealed under the world's key; cards are not among it. */
struct kq_region_source {
    struct kq_region_folder folder;
    uint64_t newest;   /* generation */
    uint8_t hknso[32]; /* of its packages */
};

/* Finds the region's files in from, an operator's folder or the region's
 * folder in it, and checks its newest packages.
 * Errors: said; KQ_ERR_NOT_FOUND, KQ_ERR_MISMATCH, those of kq_chain_verify_packages(). */
KQ_MUST_CHECK kq_status kq_region_source_open(struct kq_tool *tool, const char *from, const struct kq_region *region,
                                              struct kq_region_source *out);

struct kq_region_copied {
    uint64_t num_exchange_keys;
    uint64_t num_keys; /* versions */
};

/* Copies what to does not have yet; each file is checked to be of this region
 * and world first. Repeating it brings what came since.  Errors: said. */
KQ_MUST_CHECK kq_status kq_region_copy(struct kq_tool *tool, const struct kq_region_source *source,
                                       const struct kq_region_folder *to, struct kq_region_copied *out);

#endif
