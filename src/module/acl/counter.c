#include "module/acl/counter.h"

#include "module/acl/acl.h"

#define COUNTER_ID_LEN 20u

static const struct hsm_use_counter *find(const struct hsm_state *state, const uint8_t id[COUNTER_ID_LEN])
{
    for (size_t i = 0; i < state->num_counters; i++) {
        if (memcmp(state->counters[i].id, id, COUNTER_ID_LEN) == 0)
            return &state->counters[i];
    }
    return NULL;
}

/* In the row's own draft where there is one, else in a change of its own. */
static kq_status change(struct hsm_call *call, hsm_state_edit *edit, void *context)
{
    return call->draft != NULL ? edit(call->draft, context) : hsm_call_change_state(call, edit, context);
}

/* ---- taking uses ------------------------------------------------------------------ */

bool hsm_counter_want(struct hsm_counter_uses *uses, const struct kq_acl_limit *limit)
{
    if (limit->id.len != COUNTER_ID_LEN || uses->num >= HSM_COUNTER_USES_MAX)
        return false;
    memcpy(uses->wanted[uses->num].id, limit->id.data, COUNTER_ID_LEN);
    uses->wanted[uses->num].max = limit->max;
    uses->num++;
    return true;
}

static bool has_room(const struct hsm_state *state, const struct hsm_counter_uses *uses)
{
    for (size_t i = 0; i < uses->num; i++) {
        const struct hsm_use_counter *counter = find(state, uses->wanted[i].id);
        if (counter == NULL || counter->used >= uses->wanted[i].max)
            return false;
    }
    return true;
}

static kq_status take_edit(struct hsm_state *draft, void *context)
{
    const struct hsm_counter_uses *uses = context;
    for (size_t i = 0; i < uses->num; i++) {
        const struct hsm_use_counter *counter = find(draft, uses->wanted[i].id);
        if (counter == NULL || counter->used >= uses->wanted[i].max)
            return KQ_ERR_DENIED;
        draft->counters[counter - draft->counters].used++;
    }
    return KQ_OK;
}

kq_status hsm_counter_take(struct hsm_call *call, const struct hsm_counter_uses *uses)
{
    struct hsm_counter_uses copy = *uses;
    /* spares a spent key the clone and, in a draft, half a change */
    if (!has_room(call->draft != NULL ? call->draft : call->state, uses))
        return KQ_ERR_DENIED;
    return change(call, take_edit, &copy);
}

/* ---- the GLOBAL limits of an ACL --------------------------------------------------- */

/* Walks them in ACL order. */
struct walk {
    struct kq_list groups;
    struct kq_list limits;
};

static void walk_start(struct walk *walk, struct kq_slice acl)
{
    struct kq_acl decoded;
    *walk = (struct walk){.groups = {.num = 0}};
    if (kq_acl_get(acl, &decoded, NULL) == KQ_OK)
        walk->groups = decoded.groups;
}

static bool walk_next(struct walk *walk, struct kq_acl_limit *out)
{
    struct kq_slice item;
    for (;;) {
        while (kq_list_next(&walk->limits, &item)) {
            if (kq_acl_limit_get(item, out, NULL) == KQ_OK && out->kind == KQ_LIMIT_GLOBAL)
                return true;
        }
        struct kq_acl_group group;
        if (!kq_list_next(&walk->groups, &item))
            return false;
        if (kq_acl_group_get(item, &group, NULL) == KQ_OK)
            walk->limits = group.limits;
    }
}

bool hsm_acl_is_counted(struct kq_slice acl)
{
    struct walk walk;
    struct kq_acl_limit limit;
    walk_start(&walk, acl);
    return walk_next(&walk, &limit);
}

static kq_status register_edit(struct hsm_state *draft, void *context)
{
    const struct kq_slice *acl = context;
    struct walk walk;
    struct kq_acl_limit limit;
    walk_start(&walk, *acl);
    while (walk_next(&walk, &limit)) {
        if (limit.id.len != COUNTER_ID_LEN)
            return KQ_ERR_ARGUMENT;
        if (find(draft, limit.id.data) != NULL)
            continue;
        if (draft->num_counters >= HSM_COUNTERS_MAX)
            return KQ_ERR_TOO_LARGE;
        struct hsm_use_counter *counter = &draft->counters[draft->num_counters++];
        memcpy(counter->id, limit.id.data, COUNTER_ID_LEN);
        counter->used = 0;
    }
    return KQ_OK;
}

kq_status hsm_acl_register(struct hsm_call *call, struct kq_slice acl)
{
    if (!hsm_acl_is_counted(acl))
        return KQ_OK;
    return change(call, register_edit, &acl);
}

void hsm_acl_uses_left(const struct hsm_state *state, struct kq_slice acl, struct kq_writer *items, size_t *out_num)
{
    struct walk walk;
    struct kq_acl_limit limit;
    *out_num = 0;
    walk_start(&walk, acl);
    while (walk_next(&walk, &limit)) {
        const struct hsm_use_counter *counter = limit.id.len == COUNTER_ID_LEN ? find(state, limit.id.data) : NULL;
        uint64_t left = counter == NULL || counter->used >= limit.max ? 0 : limit.max - counter->used;
        uint8_t bytes[8];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(left >> (8 * (7 - i)));
        kq_list_put(items, kq_slice_of(bytes, sizeof bytes));
        (*out_num)++;
    }
}
