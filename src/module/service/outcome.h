#ifndef HSM_SERVICE_OUTCOME_H
#define HSM_SERVICE_OUTCOME_H

#include "module/service/module.h"

/* Acts under a request id happen once: a repeat gets the first one's results.
 * The last HSM_OUTCOMES_MAX are remembered, fewer if their results are large. */

/* What an act goes by. */
struct hsm_act {
    enum kq_op op;
    uint32_t uid;
    struct kq_slice request_id;
    uint8_t params_hash[32];
};

#define HSM_OUTCOMES_LEN_MAX (256u * 1024) /* results of all remembered acts together */

/* Marks the act as running in this worker. While another one runs under the
 * same id the request is parked instead, so that repeats occupy no worker: the
 * module has taken it, and puts it back into the queue when the other is done. */
enum hsm_outcome_entry { HSM_OUTCOME_ENTERED, HSM_OUTCOME_PARKED };
enum hsm_outcome_entry hsm_outcome_enter(struct hsm_module *module, size_t worker, struct hsm_request *request);
void hsm_outcome_leave(struct hsm_module *module, size_t worker);

/* Looks the act up. KQ_OK and *out NULL: it is new.
 * Errors: KQ_ERR_MISMATCH (the id belongs to another act). */
KQ_MUST_CHECK kq_status hsm_outcome_find(const struct hsm_state *state, const struct hsm_act *act,
                                         const struct hsm_outcome **out);

/* Remembers it in a draft, forgetting the oldest where there is no room. */
KQ_MUST_CHECK kq_status hsm_outcome_add(struct hsm_state *draft, const struct hsm_act *act, uint64_t audit_index,
                                        struct kq_slice results);

#endif
