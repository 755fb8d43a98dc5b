#ifndef KQ_TRUST_REGIONS_H
#define KQ_TRUST_REGIONS_H

#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

/* The regions of the published toolsets: one world and one exchange key each.
 * This is the only table of them in the project. */
struct kq_region {
    const char *name;             /* of the toolset: KeyVault-BYOK-Tools-<name>.zip */
    const char *code;             /* of the packages, without generation: NA */
    const char *variant;          /* where two regions share a code; else NULL */
    const char *const *locations; /* display names, NULL-terminated */
};

extern const struct kq_region kq_regions[];
extern const size_t kq_num_regions;

/* "NA-1": the code as packages and statements carry it. */
#define KQ_REGION_LABEL_SIZE 32
void kq_region_label(const struct kq_region *region, uint64_t generation, char out[KQ_REGION_LABEL_SIZE]);

/* "East US 2" -> "eastus2", the programmatic name of a location. */
#define KQ_LOCATION_SIZE 40
void kq_location_programmatic(const char *display_name, char out[KQ_LOCATION_SIZE]);

/* Finds a region by NA, NA-1 or UnitedStates, in any case.
 *
 * variant         NULL or "" for the default; "public" or "sovereign" where a code has two worlds
 * out_generation  may be NULL; the n of NA-n, 0 where none was stated
 * out_reason      why not, as one sentence naming the remedy; size at least 256
 * Errors          KQ_ERR_NOT_FOUND, KQ_ERR_UNSUPPORTED (a geography without a toolset, China),
 *                 KQ_ERR_ARGUMENT (variant) */
KQ_MUST_CHECK kq_status kq_region_find(const char *text, const char *variant, const struct kq_region **out,
                                       uint64_t *out_generation, char *out_reason, size_t out_reason_size);

/* Finds the region whose world serves a location given by display or
 * programmatic name; NULL if none does. */
const struct kq_region *kq_region_of_location(const char *location);

#endif
