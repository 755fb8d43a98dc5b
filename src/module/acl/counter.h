#ifndef HSM_ACL_COUNTER_H
#define HSM_ACL_COUNTER_H

#include "module/service/call.h"

/* Use counters of GLOBAL limits, kept in the state by their 20-byte names. */

#define HSM_COUNTER_USES_MAX 4u /* limits of one group */

/* Uses to be taken together: all of them or none. */
struct hsm_counter_uses {
    struct {
        uint8_t id[20];
        uint64_t max;
    } wanted[HSM_COUNTER_USES_MAX];
    size_t num;
};

/* Adds a GLOBAL limit; false if its name is malformed or there are too many. */
bool hsm_counter_want(struct hsm_counter_uses *uses, const struct kq_acl_limit *limit);

/* Counts one use of each, durably, before it returns KQ_OK.
 * Errors: KQ_ERR_DENIED (one is spent or unknown; nothing is counted), those of hsm_call_change_state(). */
KQ_MUST_CHECK kq_status hsm_counter_take(struct hsm_call *call, const struct hsm_counter_uses *uses);

#endif
