#ifndef KQ_SANDBOX_LANDLOCK_H
#define KQ_SANDBOX_LANDLOCK_H

#include <stddef.h>

#include "base/status.h"

/* Confines the calling thread, and what it starts, to regular files below one
 * folder: read, write, create, remove, rename; and to reading what lies at or
 * below each of readable (num_readable may be 0). A kernel without landlock
 * is fine (KQ_OK, nothing changes).  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_landlock_enter(int folder_fd, const int *readable, size_t num_readable);

#endif
