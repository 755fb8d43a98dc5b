#ifndef VAULT_DAEMON_H
#define VAULT_DAEMON_H

#include "base/file.h"

/* Going to the background and telling when ready; one service for each folder. */

/* Forks. In the child returns KQ_OK with the descriptor for the ready byte,
 * its standard streams on DIR/vault/keyvaultd.log. The parent never returns: it
 * exits 0 when the child is ready, else with the child's exit status after
 * printing the last line of the log.  Errors: KQ_ERR_IO (errno). */
KQ_MUST_CHECK kq_status vault_daemon_start(const char *data, int *out_ready_fd);

/* Takes DIR/vault/keyvaultd.pid, locked as long as the process lives.
 * Errors: KQ_ERR_WAIT (another one serves this folder), KQ_ERR_IO. */
KQ_MUST_CHECK kq_status vault_daemon_lock(const char *data, int *out_fd);

#endif
