#ifndef HSM_SERVICE_START_H
#define HSM_SERVICE_START_H

#include "module/service/folder.h"
#include "module/service/worker.h"

/* A running module from opened files: threads, filter, first records, loop. */

/* Fills module (fresh from hsm_module_new) with what the log says. */
void hsm_start_take_log(struct hsm_module *module, const struct hsm_opened *opened);

/* Starts the workers, enters the filter, writes the start's own records and
 * serves until told to stop.
 *
 * opened   what hsm_folder_open() found; its recovery is written
 * Returns  KQ_OK after an orderly stop; KQ_ERR_MEMORY (threads), KQ_ERR_IO */
KQ_MUST_CHECK kq_status hsm_start_serve(struct hsm_module *module, struct hsm_opened *opened);

#endif
