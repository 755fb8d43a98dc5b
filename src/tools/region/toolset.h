#ifndef KQ_TOOLS_REGION_TOOLSET_H
#define KQ_TOOLS_REGION_TOOLSET_H

#include "base/buffer.h"
#include "trust/regions.h"

/* The zip that an owner downloads: the two packages, launchers of the two
 * programs and a README with both hashes. Names sorted, times fixed, nothing
 * compressed: the same packages give the same bytes everywhere. */
#define KQ_TOOLSET_MAX (1024u * 1024)

/* KeyVault-BYOK-Tools-<Name>.zip */
#define KQ_TOOLSET_NAME_SIZE 64
void kq_toolset_name(const struct kq_region *region, char out[KQ_TOOLSET_NAME_SIZE]);

/* What people compare. */
struct kq_toolset_facts {
    uint8_t root_hash[32];
    bool root_is_rehearsal;
    uint8_t hknso[32];
    uint8_t kek_hash[32];
    uint64_t kek_bits;
    uint64_t generation;
    uint64_t not_after;
    uint8_t sha256[32]; /* of the zip */
};

/* Makes the zip from a pair of packages, which are verified first: a toolset
 * that verifykeypackage would refuse is not made.
 *
 * now        unix seconds, for end dates
 * out_error  one sentence
 * Errors     those of kq_chain_verify_packages(), KQ_ERR_MEMORY, KQ_ERR_INTERNAL */
KQ_MUST_CHECK kq_status kq_toolset_make(const struct kq_region *region, struct kq_slice kek_package,
                                        struct kq_slice world_package, uint64_t now, struct kq_buffer *out,
                                        struct kq_toolset_facts *out_facts, char *out_error, size_t out_error_size);

#endif
