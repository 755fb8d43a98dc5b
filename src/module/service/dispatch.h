#ifndef HSM_SERVICE_DISPATCH_H
#define HSM_SERVICE_DISPATCH_H

#include "module/service/session.h"

/* Everything between a request's bytes and its handler's results: is the
 * operation known and offered here, who asks, in which state of the module,
 * under which quorum, has it happened before; and behind the handler: state,
 * audit and outcome are durable before the caller hears of it. */

/* What the caller is told; results are in the writer. */
struct hsm_verdict {
    kq_status status;
    uint64_t wait_ms;
    char detail[513];
    bool is_parked; /* nothing is answered: the module has taken the request and runs it later */
};

/* worker   the calling thread's number, different from all others at work
 * results  empty writer; holds the results on KQ_OK, meaningless otherwise */
void hsm_dispatch(struct hsm_module *module, size_t worker, struct hsm_request *request, struct kq_writer *results,
                  struct hsm_verdict *out);

#endif
