#ifndef KQ_SANDBOX_LANDLOCK_H
#define KQ_SANDBOX_LANDLOCK_H

#include "base/status.h"

/* Confines the calling thread, and what it starts, to regular files below one
 * folder: read, write, create, remove, rename. A kernel without landlock is
 * fine (KQ_OK, nothing changes).  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_landlock_enter(int folder_fd);

#endif
