#ifndef KQ_TOOLS_REGION_SEVERAL_H
#define KQ_TOOLS_REGION_SEVERAL_H

#include "tools/region/create.h"

/* Makes several regions, each in a process of its own, side by side: their
 * output is collected and printed in the order asked for. Only where nobody
 * has to be asked for a card. Returns the first exit status that is not 0. */
int kq_regions_create_beside(const char *program, int argc, char **argv, bool is_json,
                             const struct kq_region_plan *plan, const struct kq_region *const *regions,
                             size_t num_regions);

#endif
