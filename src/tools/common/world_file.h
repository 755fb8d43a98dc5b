#ifndef KQ_TOOLS_COMMON_WORLD_FILE_H
#define KQ_TOOLS_COMMON_WORLD_FILE_H

#include "tools/common/tool.h"

/* What a world file says; borrows from its bytes. */
struct kq_world_facts {
    struct kq_world_file file;
    struct kq_world_binding binding;
    uint8_t hknso[32];
    uint8_t hkre[32]; /* meaningful with binding.recovery_public */
};

/* Reads a world file and verifies the binding under the KNSO it names.
 * out_field  may be NULL; the offending field on failure
 * Errors     KQ_ERR_FORMAT, KQ_ERR_VERSION, KQ_ERR_TOO_LARGE, KQ_ERR_SIGNATURE */
KQ_MUST_CHECK kq_status kq_world_facts_get(struct kq_slice world_file, struct kq_world_facts *out,
                                           const char **out_field);

/* Reads tool->local/world and checks it.  Errors: said, naming file and field. */
KQ_MUST_CHECK kq_status kq_world_read(struct kq_tool *tool, struct kq_buffer *out_bytes, struct kq_world_facts *out);

/* Puts a world file into tool->local. A folder that holds another world's
 * file is renamed local<nn> first (nn from 01) and told on standard output.
 * Errors: said; the module has the world then, and any later command that
 * finds tool->local without a world file writes it. */
KQ_MUST_CHECK kq_status kq_world_store(struct kq_tool *tool, struct kq_slice world_file, const uint8_t hknso[32]);

/* Asks the module for its state. With an owner's world loaded and no file
 * local/world, that file is written (a former command was interrupted). */
KQ_MUST_CHECK kq_status kq_tool_status(struct kq_tool *tool, struct kq_status_reply *out, struct kqc_reply *reply);

/* The same, and demands a loaded world.  Errors: said; KQ_ERR_STATE without one. */
KQ_MUST_CHECK kq_status kq_tool_world(struct kq_tool *tool, struct kq_status_reply *out_status,
                                      struct kq_world_facts *out, struct kqc_reply *reply);

#endif
