#include "vault/api/keys.h"

#include <strings.h>

#include "base/text.h"
#include "vault/api/bundle.h"
#include "vault/api/rotation.h"

/* Rotation on demand, and the policy for rotation by itself. */

#define ACTIONS_MAX 2u
#define EXPIRY_MIN_DAYS 28u
#define ROTATE_MIN_DAYS 7u
#define DAY_S 86400u

enum vault_problem vault_rotate_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    char why[VAULT_WHY_SIZE] = "";
    VAULT_TRY(vault_find_key(call, call->names[0], NULL, &view));
    kq_status status = vault_rotate(call->service, &call->vault, &view.key, &view.version, call->now, why);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "rotate key", why);
    return vault_reply(call, 200, vault_bundle(call, &view.key, &view.version));
}

/* ---- policies in ------------------------------------------------------------------------ */

struct policy {
    bool has_expiry;
    const char *expiry_text;
    struct vault_duration expiry;
    unsigned num_rotate, num_notify;
    json_t *actions; /* normalised, owned */
};

static uint64_t days_of(const struct vault_call *call, struct vault_duration duration)
{
    return (vault_duration_after(call->now, duration) - call->now) / DAY_S;
}

static enum vault_problem read_expiry(struct vault_call *call, struct policy *policy)
{
    const json_t *attributes = NULL;
    if (!vault_json_object(call->body, "attributes", &attributes) ||
        (attributes != NULL && !vault_json_string(attributes, "expiryTime", &policy->expiry_text)))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "The property 'attributes' must be an object with the string "
                          "'expiryTime'.");
    if (policy->expiry_text == NULL || policy->expiry_text[0] == '\0')
        return VAULT_OK;
    policy->has_expiry = vault_duration_parse(policy->expiry_text, &policy->expiry);
    if (!policy->has_expiry || days_of(call, policy->expiry) < EXPIRY_MIN_DAYS)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "expiryTime must be an ISO 8601 duration of days, months or years, P28D at least.");
    return VAULT_OK;
}

/* Counted from either end of a version's life, the other end is as far away at least. */
static bool leaves_room(const struct vault_call *call, const struct policy *policy, struct vault_duration trigger)
{
    uint64_t days = days_of(call, trigger);
    return days >= ROTATE_MIN_DAYS && (!policy->has_expiry || days + ROTATE_MIN_DAYS <= days_of(call, policy->expiry));
}

static enum vault_problem check_trigger(struct vault_call *call, struct policy *policy, bool is_rotate,
                                        const char *after, const char *before)
{
    struct vault_duration duration = {0};
    const char *text = after != NULL ? after : before;
    if ((after == NULL) == (before == NULL) || !vault_duration_parse(text, &duration))
        return vault_fail(
            call, VAULT_BAD_PARAMETER,
            "A trigger is one of timeAfterCreate and timeBeforeExpiry, an ISO 8601 duration such as P90D.");
    if (is_rotate && !leaves_room(call, policy, duration))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "Rotation happens P7D after creation at the earliest, and P7D before expiry at the latest.");
    if (before != NULL && is_rotate && !policy->has_expiry)
        return vault_fail(call, VAULT_BAD_PARAMETER, "timeBeforeExpiry needs an expiryTime in 'attributes'.");
    if (policy->has_expiry && days_of(call, duration) >= days_of(call, policy->expiry))
        return vault_fail(call, VAULT_BAD_PARAMETER, "A trigger must be shorter than expiryTime.");
    return VAULT_OK;
}

static enum vault_problem read_action(struct vault_call *call, struct policy *policy, const json_t *item)
{
    const json_t *trigger = NULL, *action = NULL;
    const char *type = NULL, *after = NULL, *before = NULL;
    bool is_readable = json_is_object(item) && vault_json_object(item, "trigger", &trigger) && trigger != NULL &&
                       vault_json_object(item, "action", &action) && action != NULL &&
                       vault_json_string(action, "type", &type) && type != NULL &&
                       vault_json_string(trigger, "timeAfterCreate", &after) &&
                       vault_json_string(trigger, "timeBeforeExpiry", &before);
    bool is_rotate = is_readable && strcasecmp(type, "Rotate") == 0;
    if (!is_readable || (!is_rotate && strcasecmp(type, "Notify") != 0))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "Each of 'lifetimeActions' has a 'trigger' and an 'action' with the type Rotate or Notify.");
    VAULT_TRY(check_trigger(call, policy, is_rotate, after, before));
    policy->num_rotate += is_rotate ? 1 : 0;
    policy->num_notify += is_rotate ? 0 : 1;
    json_t *normal = json_pack("{s:{s:s}, s:{s:s}}", "trigger", after != NULL ? "timeAfterCreate" : "timeBeforeExpiry",
                               after != NULL ? after : before, "action", "type", is_rotate ? "Rotate" : "Notify");
    if (normal == NULL || json_array_append_new(policy->actions, normal) != 0)
        return vault_fail(call, VAULT_INTERNAL, "out of memory");
    return VAULT_OK;
}

static enum vault_problem read_actions(struct vault_call *call, struct policy *policy)
{
    const json_t *list = NULL, *item;
    size_t i;
    if (!vault_json_array(call->body, "lifetimeActions", &list) || json_array_size(list) > ACTIONS_MAX)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'lifetimeActions' must be an array of at most two.");
    json_array_foreach((json_t *)list, i, item) VAULT_TRY(read_action(call, policy, item));
    if (policy->num_rotate > 1 || policy->num_notify > 1)
        return vault_fail(call, VAULT_BAD_PARAMETER, "A policy has one Rotate and one Notify action at most.");
    return VAULT_OK;
}

/* ---- policies kept and shown ---------------------------------------------------------------- */

static uint64_t created_before(const struct vault_key *key, uint64_t now)
{
    json_t *value = NULL;
    const json_t *attributes = NULL;
    int64_t created = (int64_t)now;
    char error[160];
    if (key->rotation_policy == NULL ||
        vault_json_parse(kq_slice_text(key->rotation_policy), &value, error, sizeof error) != KQ_OK)
        return now;
    if (vault_json_object(value, "attributes", &attributes) && attributes != NULL &&
        !vault_json_integer(attributes, "created", &created))
        created = (int64_t)now;
    vault_json_free(value);
    return (uint64_t)created;
}

static json_t *policy_value(struct vault_call *call, const struct vault_key *key, const struct policy *policy)
{
    json_t *attributes = json_pack("{s:I, s:I}", "created", (json_int_t)created_before(key, call->now), "updated",
                                   (json_int_t)call->now);
    if (attributes != NULL && policy->has_expiry &&
        json_object_set_new(attributes, "expiryTime", json_string(policy->expiry_text)) != 0) {
        json_decref(attributes);
        return NULL;
    }
    return json_pack("{s:O, s:o}", "lifetimeActions", policy->actions, "attributes", attributes);
}

static enum vault_problem keep_policy(struct vault_call *call, struct vault_key *key, const json_t *value)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, 4096);
    kq_status status = value == NULL ? KQ_ERR_MEMORY : vault_json_write(value, &text);
    char *copy = status == KQ_OK ? kq_text_new(kq_buffer_slice(&text)) : NULL;
    if (copy == NULL)
        return vault_fail_status(call, status == KQ_OK ? KQ_ERR_MEMORY : status, "rotation policy", NULL);
    free(key->rotation_policy);
    key->rotation_policy = copy;
    return VAULT_OK;
}

static enum vault_problem reply_policy(struct vault_call *call, const struct vault_key *key, json_t *value)
{
    json_t *id = json_sprintf("%s/keys/%s/rotationpolicy", call->base_url, key->name);
    if (value == NULL || json_object_set_new(value, "id", id) != 0) {
        json_decref(value);
        value = NULL;
    }
    return vault_reply(call, 200, value);
}

static enum vault_problem store_policy(struct vault_call *call, struct vault_key_view *view,
                                       const struct policy *policy)
{
    json_t *value = policy_value(call, &view->key, policy);
    enum vault_problem problem = keep_policy(call, &view->key, value);
    if (problem == VAULT_OK)
        problem = vault_audit_act(call, "vault.key.rotationpolicy", view, "");
    if (problem == VAULT_OK) {
        vault_rotation_plan(&view->key, &view->version);
        kq_status status = vault_store_update_key(call->service->store, &view->key);
        if (status != KQ_OK)
            problem = vault_fail_status(call, status, "storing the rotation policy", NULL);
    }
    if (problem != VAULT_OK) {
        json_decref(value);
        return problem;
    }
    return reply_policy(call, &view->key, value);
}

enum vault_problem vault_put_rotation_policy(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    VAULT_TRY(vault_take_turn(call, call->vault.name, call->names[0], &turn));
    VAULT_TRY(vault_find_key(call, call->names[0], NULL, &view));
    struct policy policy = {.actions = json_array()};
    enum vault_problem problem = read_expiry(call, &policy);
    if (problem == VAULT_OK)
        problem = read_actions(call, &policy);
    if (problem == VAULT_OK)
        problem = store_policy(call, &view, &policy);
    json_decref(policy.actions);
    return problem;
}

/* A key without a policy shows the one that the real service starts with: a notice, and no rotation. */
static json_t *default_policy(void)
{
    return json_pack("{s:[{s:{s:s}, s:{s:s}}], s:{}}", "lifetimeActions", "trigger", "timeBeforeExpiry", "P30D",
                     "action", "type", "Notify", "attributes");
}

enum vault_problem vault_get_rotation_policy(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    json_t *value = NULL;
    char error[160];
    VAULT_TRY(vault_find_key(call, call->names[0], NULL, &view));
    if (view.key.rotation_policy == NULL)
        return reply_policy(call, &view.key, default_policy());
    kq_status status = vault_json_parse(kq_slice_text(view.key.rotation_policy), &value, error, sizeof error);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "the stored rotation policy", NULL);
    return reply_policy(call, &view.key, value);
}
