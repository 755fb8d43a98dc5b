#include "module/service/outcome.h"

#include "base/size.h"

static bool is_running(const struct hsm_module *module, struct kq_slice request_id)
{
    for (size_t i = 0; i < KQ_COUNT_OF(module->running); i++) {
        const struct hsm_running *running = &module->running[i];
        if (running->is_active && memcmp(running->request_id, request_id.data, KQ_REQUEST_ID_LEN) == 0)
            return true;
    }
    return false;
}

enum hsm_outcome_entry hsm_outcome_enter(struct hsm_module *module, size_t worker, struct hsm_request *request)
{
    struct kq_slice request_id = request->message.request_id;
    enum hsm_outcome_entry entry = HSM_OUTCOME_ENTERED;
    pthread_mutex_lock(&module->running_lock);
    if (is_running(module, request_id)) {
        entry = HSM_OUTCOME_PARKED;
        request->next = module->parked;
        module->parked = request;
    } else {
        module->running[worker].is_active = true;
        memcpy(module->running[worker].request_id, request_id.data, KQ_REQUEST_ID_LEN);
    }
    pthread_mutex_unlock(&module->running_lock);
    return entry;
}

/* Takes what was parked under an id off the list, as a chain in order of arrival. */
static struct hsm_request *take_parked(struct hsm_module *module, const uint8_t request_id[KQ_REQUEST_ID_LEN])
{
    struct hsm_request *chain = NULL;
    struct hsm_request **at = &module->parked;
    while (*at != NULL) {
        struct hsm_request *request = *at;
        if (memcmp(request->message.request_id.data, request_id, KQ_REQUEST_ID_LEN) != 0) {
            at = &request->next;
            continue;
        }
        *at = request->next;
        request->next = chain;
        chain = request;
    }
    return chain;
}

void hsm_outcome_leave(struct hsm_module *module, size_t worker)
{
    struct hsm_running *own = &module->running[worker];
    pthread_mutex_lock(&module->running_lock);
    own->is_active = false;
    struct hsm_request *chain = take_parked(module, own->request_id);
    pthread_mutex_unlock(&module->running_lock);
    if (chain != NULL)
        hsm_queue_put(module->queue, chain);
}

kq_status hsm_outcome_find(const struct hsm_state *state, const struct hsm_act *act, const struct hsm_outcome **out)
{
    *out = NULL;
    for (size_t i = 0; i < state->num_outcomes; i++) {
        const struct hsm_outcome *outcome = &state->outcomes[i];
        if (memcmp(outcome->request_id, act->request_id.data, KQ_REQUEST_ID_LEN) != 0)
            continue;
        if (outcome->op != (uint32_t)act->op || outcome->uid != act->uid ||
            memcmp(outcome->params_hash, act->params_hash, 32) != 0)
            return KQ_ERR_MISMATCH;
        *out = outcome;
        return KQ_OK;
    }
    return KQ_OK;
}

static void forget_oldest(struct hsm_state *draft)
{
    kq_buffer_clear(&draft->outcomes[0].results);
    draft->num_outcomes--;
    memmove(draft->outcomes, draft->outcomes + 1, draft->num_outcomes * sizeof draft->outcomes[0]);
    draft->outcomes[draft->num_outcomes] = (struct hsm_outcome){0};
}

static size_t results_len(const struct hsm_state *draft)
{
    size_t len = 0;
    for (size_t i = 0; i < draft->num_outcomes; i++)
        len += draft->outcomes[i].results.len;
    return len;
}

kq_status hsm_outcome_add(struct hsm_state *draft, const struct hsm_act *act, uint64_t audit_index,
                          struct kq_slice results)
{
    while (draft->num_outcomes == HSM_OUTCOMES_MAX ||
           (draft->num_outcomes > 0 && results_len(draft) + results.len > HSM_OUTCOMES_LEN_MAX))
        forget_oldest(draft);
    struct hsm_outcome *outcome = &draft->outcomes[draft->num_outcomes];
    *outcome = (struct hsm_outcome){.op = (uint32_t)act->op, .uid = act->uid, .audit_index = audit_index};
    memcpy(outcome->request_id, act->request_id.data, sizeof outcome->request_id);
    memcpy(outcome->params_hash, act->params_hash, sizeof outcome->params_hash);
    kq_buffer_init(&outcome->results, KQ_FRAME_MAX);
    KQ_TRY(kq_buffer_append(&outcome->results, results.data, results.len));
    draft->num_outcomes++;
    return KQ_OK;
}
