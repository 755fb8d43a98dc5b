#include "module/world/rows.h"

kq_status hsm_world_forget_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_world_forget_request *request = params;
    const struct hsm_world *world = &call->state->world;
    if (!kq_slice_is_equal(request->hknso, kq_slice_of(world->hknso, sizeof world->hknso)))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "hknso: names another world than the loaded one");
    memcpy(call->audit_subject, world->hknso, sizeof world->hknso);
    call->has_audit_subject = true;
    hsm_state_forget_world(call->draft);
    kq_record_put(&kq_nothing_type, &(struct kq_nothing){0}, results);
    return KQ_OK;
}
