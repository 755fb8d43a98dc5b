#ifndef KQ_TOOLS_TRANSFER_SUGGEST_H
#define KQ_TOOLS_TRANSFER_SUGGEST_H

#include "base/file.h"

/* Looks beside a file that is not there for the one most like it: the same
 * name but for case, else the longest common beginning that reaches past the
 * last hyphen before the region (BYOK-KEK-pkg-).
 *
 * out      the path to offer; "" if nothing is like it */
void kq_suggest_file(const char *path, char out[KQ_PATH_MAX]);

#endif
