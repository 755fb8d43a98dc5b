#ifndef KQ_TOOLS_REGION_PUBLISH_H
#define KQ_TOOLS_REGION_PUBLISH_H

#include "tools/common/tool.h"
#include "tools/region/store.h"
#include "tools/region/toolset.h"

/* What a region shows the world: its toolset and the hashes to compare. */

/* Makes the toolset of one generation from the packages in the folder.
 * Errors: said. */
KQ_MUST_CHECK kq_status kq_region_toolset(struct kq_tool *tool, const struct kq_region_folder *folder,
                                          uint64_t generation, struct kq_buffer *out,
                                          struct kq_toolset_facts *out_facts);

/* Prints the facts of one generation, or an object of them with --json, and
 * notes the hashes for the transcript.  Errors: said. */
KQ_MUST_CHECK kq_status kq_region_show(struct kq_tool *tool, const struct kq_region_folder *folder,
                                       uint64_t generation);

/* Writes the toolset of one generation and its facts where the vault serves
 * them from: FOLDER/toolset/KeyVault-BYOK-Tools-<Name>.zip and facts.json,
 * each complete or not at all, readable by everybody.  Errors: said. */
KQ_MUST_CHECK kq_status kq_region_publish(struct kq_tool *tool, const struct kq_region_folder *folder,
                                          uint64_t generation);

/* The facts as an object that the caller owns. */
json_t *kq_toolset_json(const struct kq_region *region, const struct kq_toolset_facts *facts);

/* region list: every region of the table, and what DIR has of it: with --json
 * hashes, toolset and socket too, under the names that endpoints use. A region
 * whose packages no longer verify is listed without them.  Errors: said. */
KQ_MUST_CHECK kq_status kq_region_list(struct kq_tool *tool, const char *data);

#endif
