#include "module/cards/attempts.h"

struct attempt {
    const uint8_t *set_id;
    uint32_t index;
    uint64_t now;
    uint64_t wait_s; /* out: not 0 when refused */
};

uint64_t hsm_attempts_delay_s(uint32_t failures)
{
    if (failures < HSM_FREE_FAILURES)
        return 0;
    uint32_t doublings = failures - HSM_FREE_FAILURES;
    return doublings < 6 ? (uint64_t)1 << doublings : HSM_DELAY_MAX_S;
}

static struct hsm_card_attempts *find(struct hsm_state *state, const uint8_t *set_id, uint32_t index)
{
    for (size_t i = 0; i < state->num_attempts; i++) {
        struct hsm_card_attempts *entry = &state->attempts[i];
        if (entry->index == index && memcmp(entry->card_set, set_id, sizeof entry->card_set) == 0) /* public */
            return entry;
    }
    return NULL;
}

/* The entry to give up when the table is full: the oldest one of a foreign
 * set. The loaded world's cards fill at most half of the table, so inventing
 * foreign sets makes nobody forget a count of theirs. */
static struct hsm_card_attempts *oldest_foreign(struct hsm_state *state)
{
    struct hsm_card_attempts *oldest = NULL;
    for (size_t i = 0; i < state->num_attempts; i++) {
        struct hsm_card_attempts *entry = &state->attempts[i];
        bool is_foreign = memcmp(entry->card_set, state->world.card_set, sizeof entry->card_set) != 0; /* public */
        if (is_foreign && (oldest == NULL || entry->last_s < oldest->last_s))
            oldest = entry;
    }
    return oldest != NULL ? oldest : &state->attempts[0];
}

static struct hsm_card_attempts *make_entry(struct hsm_state *state, const uint8_t *set_id, uint32_t index)
{
    struct hsm_card_attempts *entry =
        state->num_attempts < HSM_ATTEMPTS_MAX ? &state->attempts[state->num_attempts++] : oldest_foreign(state);
    *entry = (struct hsm_card_attempts){.index = index};
    memcpy(entry->card_set, set_id, sizeof entry->card_set);
    return entry;
}

static kq_status record_attempt(struct hsm_state *draft, void *context)
{
    struct attempt *attempt = context;
    struct hsm_card_attempts *entry = find(draft, attempt->set_id, attempt->index);
    if (entry == NULL)
        entry = make_entry(draft, attempt->set_id, attempt->index);
    uint64_t delay = hsm_attempts_delay_s(entry->failures);
    if (attempt->now < entry->last_s) {
        /* The clock went back: the delay starts anew, so that it neither vanishes nor lasts until the old time. */
        entry->last_s = attempt->now;
        attempt->wait_s = delay;
        if (delay > 0)
            return KQ_OK;
    }
    uint64_t passed = attempt->now - entry->last_s;
    if (passed < delay) {
        attempt->wait_s = delay - passed;
        return KQ_ERR_WAIT;
    }
    if (entry->failures < UINT32_MAX)
        entry->failures++;
    entry->last_s = attempt->now;
    return KQ_OK;
}

kq_status hsm_attempts_record(struct hsm_call *call, const uint8_t set_id[HSM_CARD_SET_ID_LEN], uint32_t index)
{
    struct attempt attempt = {.set_id = set_id, .index = index, .now = call->now};
    kq_status status = hsm_call_change_state(call, record_attempt, &attempt);
    if (attempt.wait_s == 0)
        return status;
    call->wait_ms = attempt.wait_s * 1000;
    return hsm_call_fail(call, KQ_ERR_WAIT, "card %u: too many failed attempts; try again in %llu seconds", index,
                         (unsigned long long)attempt.wait_s);
}

static kq_status clear_attempts(struct hsm_state *draft, void *context)
{
    const struct attempt *attempt = context;
    struct hsm_card_attempts *entry = find(draft, attempt->set_id, attempt->index);
    if (entry != NULL)
        *entry = draft->attempts[--draft->num_attempts];
    return KQ_OK;
}

kq_status hsm_attempts_clear(struct hsm_call *call, const uint8_t set_id[HSM_CARD_SET_ID_LEN], uint32_t index)
{
    struct attempt attempt = {.set_id = set_id, .index = index};
    return hsm_call_change_state(call, clear_attempts, &attempt);
}
