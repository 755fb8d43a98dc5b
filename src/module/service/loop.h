#ifndef HSM_SERVICE_LOOP_H
#define HSM_SERVICE_LOOP_H

#include "module/service/worker.h"

/* The module's own thread: control channel, sockets, the flush of uses. It
 * never waits for a worker or for the disk. worker is number 0 and answers
 * HELLO. Returns KQ_OK after a STOP: what ran has ended, the log is complete.
 * Errors: KQ_ERR_IO (the hardserver is gone), KQ_ERR_FORMAT (it talks nonsense). */
KQ_MUST_CHECK kq_status hsm_loop_run(struct hsm_worker *worker);

#endif
