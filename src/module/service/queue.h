#ifndef HSM_SERVICE_QUEUE_H
#define HSM_SERVICE_QUEUE_H

#include "base/cleanup.h"
#include "wire/messages.h"

/* Requests of all connections, in one queue per operation. A worker takes
 * what is waiting of one operation as a batch; nothing waits for a batch to
 * fill. Operations take turns, so a busy one does not starve the others. */
struct hsm_queue;
struct hsm_session;

#define HSM_BATCH_MAX 8u

enum hsm_request_pace { HSM_PACE_ORDINARY, HSM_PACE_SLOW };

struct hsm_request {
    struct hsm_request *next;
    struct hsm_session *session; /* a reference */
    enum hsm_request_pace pace;  /* slow ones leave a worker free for the others */
    struct kq_request message;   /* its slices point into bytes */
    size_t bytes_len;
    uint8_t bytes[];
};

KQ_MUST_CHECK kq_status hsm_queue_new(size_t num_workers, struct hsm_queue **out);
void hsm_queue_free(struct hsm_queue *queue);
KQ_AUTO_DEFINE(hsm_queue);

/* Adds a chain of requests (next) and wakes as many workers as have work. */
void hsm_queue_put(struct hsm_queue *queue, struct hsm_request *chain);

/* Waits for work. Returns the number taken, all of one operation; 0 when the
 * queue was closed. num_done: of the batch before, 0 at first. */
size_t hsm_queue_take(struct hsm_queue *queue, size_t num_done, enum hsm_request_pace pace_done,
                      struct hsm_request *out[HSM_BATCH_MAX]);

/* Waiting and running requests. */
size_t hsm_queue_len(struct hsm_queue *queue);
/* Lets workers go when nothing is left. */
void hsm_queue_close(struct hsm_queue *queue);

#endif
