#ifndef KQ_TOOLS_COMMON_CONNECT_H
#define KQ_TOOLS_COMMON_CONNECT_H

#include "tools/common/tool.h"

/* Connects tool->session to the module: the descriptor inherited from preload
 * (KEYQUAY_PRELOAD); the socket in KEYQUAY_SOCKET; hardserver.sock in
 * tool->folder. If nothing answers there, a module is started for the folder,
 * which leaves after ten idle minutes (not for KEYQUAY_SOCKET).
 * Errors: said. */
KQ_MUST_CHECK kq_status kq_tool_connect(struct kq_tool *tool);

/* A region's or the factory's module: always tool->folder, whatever the
 * owner's environment says. */
KQ_MUST_CHECK kq_status kq_tool_connect_folder(struct kq_tool *tool);

#endif
