#ifndef KQ_TOOLS_COMMON_PACKAGE_FILE_H
#define KQ_TOOLS_COMMON_PACKAGE_FILE_H

#include "tools/common/tool.h"
#include "trust/chain.h"

/* Reads a transfer package and takes its header apart; nothing is judged.
 *
 * out_package  initialised here; the caller clears it
 * out_facts    borrows from *out_package
 * Errors       said, naming file and field */
KQ_MUST_CHECK kq_status kq_package_read(struct kq_tool *tool, const char *path, struct kq_buffer *out_package,
                                        struct kq_transfer_facts *out_facts);

#endif
