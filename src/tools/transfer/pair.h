#ifndef KQ_TOOLS_TRANSFER_PAIR_H
#define KQ_TOOLS_TRANSFER_PAIR_H

#include "tools/common/tool.h"
#include "trust/chain.h"

/* The two packages of a destination, read and checked by the same rules as in
 * the module, so that a person sees early and by name what the module would
 * refuse. The module believes none of it and checks again. */
struct kq_pair {
    struct kq_buffer kek_package;
    struct kq_buffer world_package;
    struct kq_destination destination; /* borrows from the buffers */
    struct kq_chain_report report;
};

/* Reads both files and walks the checks, printing each step unless the tool
 * prints JSON.  Errors: said. */
KQ_MUST_CHECK kq_status kq_pair_open(struct kq_tool *tool, const char *kek_path, const char *world_path,
                                     struct kq_pair *out);
void kq_pair_clear(struct kq_pair *pair);
KQ_AUTO_DEFINE_VALUE(kq_pair);

/* Region, root, world and end date, one line each. */
void kq_pair_print(const struct kq_pair *pair, FILE *out);
/* The same facts; the caller owns the object. */
json_t *kq_pair_json(const struct kq_pair *pair);

#endif
