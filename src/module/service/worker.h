#ifndef HSM_SERVICE_WORKER_H
#define HSM_SERVICE_WORKER_H

#include "module/arena/thread.h"
#include "module/service/session.h"

/* A thread that runs requests. Replies go straight to their socket; those of
 * a batch for one session share a write as long as none waits long for it. */
struct hsm_worker {
    struct hsm_module *module;
    size_t number; /* 0 is the loop itself */
    struct hsm_thread thread;
    struct kq_writer results;    /* storage kept from request to request */
    struct kq_writer frames;     /* replies not yet written */
    struct hsm_session *session; /* whose they are */
    size_t num_frames;
    uint64_t since_ns;
};

void hsm_worker_init(struct hsm_worker *worker, struct hsm_module *module, size_t number);
/* Frees its storage; the thread has ended. */
void hsm_worker_clear(struct hsm_worker *worker);

/* The thread's main function; context is the worker. Ends when the queue is closed. */
hsm_thread_main hsm_worker_main;

/* Runs one request, answers it and releases it, unless the module parks it for later. */
void hsm_worker_run(struct hsm_worker *worker, struct hsm_request *request);
/* Writes what has gathered. */
void hsm_worker_flush(struct hsm_worker *worker);

/* Copies a request frame; holds the session.
 * Errors: KQ_ERR_FORMAT, KQ_ERR_TOO_LARGE (not a request), KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_request_new(struct hsm_session *session, struct kq_slice frame, struct hsm_request **out);
/* Wipes and frees it, lets go of the session. */
void hsm_request_free(struct hsm_request *request);

#endif
