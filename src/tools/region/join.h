#ifndef KQ_TOOLS_REGION_JOIN_H
#define KQ_TOOLS_REGION_JOIN_H

#include "tools/common/tool.h"
#include "tools/region/store.h"

/* A second module joins a region's world by files: the new, enrolled module
 * asks; the region's quorum admits it; the new module accepts, and may take
 * over the region's files in the same act. */
enum kq_join_act { KQ_JOIN_REQUEST, KQ_JOIN_ADMIT, KQ_JOIN_ACCEPT };

struct kq_join_plan {
    enum kq_join_act act;
    const char *data; /* of the module that acts */
    const struct kq_region *region;
    const char *in;       /* ADMIT, ACCEPT */
    const char *out;      /* REQUEST, ADMIT */
    const char *packages; /* ACCEPT: the other module's DIR, or a copy of the region's folder in it; NULL */
};

/* An admission that was accepted already may be accepted again, to finish
 * what was interrupted or to fetch the files that came since.  Errors: said. */
KQ_MUST_CHECK kq_status kq_region_join(struct kq_tool *tool, const struct kq_join_plan *plan);

#endif
