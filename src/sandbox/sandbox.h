#ifndef KQ_SANDBOX_SANDBOX_H
#define KQ_SANDBOX_SANDBOX_H

#include <stddef.h>

#include "base/status.h"

/* What each program gives up before it reads its first byte from outside.
 * A profile is a table of the system calls that remain; any other one, or one
 * with other arguments, kills the process. It covers all threads at once and
 * cannot be left. Errors: KQ_ERR_IO; the caller must not go on then. */

/* hsm-module: no network, no file system, no new process or thread. New
 * descriptors come from accepting on listen_fd alone; sockets are read with
 * read(), which drops descriptors that a client smuggles in. */
KQ_MUST_CHECK kq_status kq_sandbox_enter_module(int listen_fd);

/* hardserver: files below folder_fd; no socket can be made, accepted,
 * connected or received, and no new process. Restricted to the folder by
 * landlock where the kernel has it. */
KQ_MUST_CHECK kq_status kq_sandbox_enter_hardserver(int folder_fd);

/* keyvaultd, in two steps because its threads are started between them: files
 * below folder_fd, and reading of the named files or folders (landlock, before
 * the first thread); then the filter for all threads: connections that come in,
 * connections to modules (unix sockets), no other socket, no new process or
 * thread, no tracing, no new executable memory. What is not in the table is
 * refused, the process goes on. */
KQ_MUST_CHECK kq_status kq_sandbox_enter_keyvaultd_files(int folder_fd, const int *readable, size_t num_readable);
KQ_MUST_CHECK kq_status kq_sandbox_enter_keyvaultd(void);

#endif
