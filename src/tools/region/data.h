#ifndef KQ_TOOLS_REGION_DATA_H
#define KQ_TOOLS_REGION_DATA_H

#include "tools/common/tool.h"

/* An operator's folder, DIR of every command of the receiving side. */

/* /var/lib/keyquay for root, else $XDG_STATE_HOME/keyquay ($HOME/.local/state/keyquay). */
void kq_data_default(char out[KQ_PATH_MAX]);

/* Makes DIR if needed and takes its lock: one command at a time changes what
 * an operator's folder has, and the second is told so instead of meeting the
 * first one's half-made region. *out_fd holds the lock.  Errors: said. */
KQ_MUST_CHECK kq_status kq_data_hold(struct kq_tool *tool, const char *data, int *out_fd);

#endif
