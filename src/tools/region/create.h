#ifndef KQ_TOOLS_REGION_CREATE_H
#define KQ_TOOLS_REGION_CREATE_H

#include "tools/common/tool.h"
#include "tools/region/store.h"

/* Making regions: enrolment, world, exchange key and packages, toolset. Every
 * part that exists already is kept, so that an attempt that was interrupted
 * is finished by the same command. */
struct kq_region_plan {
    const char *data;  /* DIR */
    const char *suite; /* never a DLf1024 one */
    const char *operator_name;
    const char *vault_suffix;
    uint64_t quorum; /* 0: rehearsal cards, 1 of 1 */
    uint64_t num_cards;
    uint64_t kek_bits;
    uint64_t valid_days;   /* of the exchange key */
    const char *factory;   /* a manufacturer's folder on this machine; NULL */
    const char *enrol_out; /* write the request here and stop; NULL */
    const char *warrant;   /* what came back; NULL */
};

/* Makes one region; tool is fresh (no folder, no session). Says what it did.
 * Errors: said. */
KQ_MUST_CHECK kq_status kq_region_create(struct kq_tool *tool, const struct kq_region_plan *plan,
                                         const struct kq_region *region);

/* Makes the next generation of an existing region. The old one still imports
 * until its date.  Errors: said. */
KQ_MUST_CHECK kq_status kq_region_rollover(struct kq_tool *tool, const struct kq_region_plan *plan,
                                           const struct kq_region *region);

/* Makes the rehearsal factory DIR/factory if it is not there.  Errors: said. */
KQ_MUST_CHECK kq_status kq_region_rehearsal_factory(struct kq_tool *tool, const char *data);

#endif
