#include "module/acl/acl.h"

#include "base/clock.h"
#include "base/size.h"
#include "module/acl/counter.h"

/* Why the groups that hold the right did not allow it; the highest is told. */
enum refusal { REFUSED_RIGHT, REFUSED_CERTIFIER, REFUSED_TIME, REFUSED_SPENT };

static const char *const refusal_texts[] = {
    [REFUSED_RIGHT] = "the key's ACL does not allow it",
    [REFUSED_CERTIFIER] =
        "the key's ACL allows it only under a quorum of the world's cards, presented for this very act",
    [REFUSED_TIME] = "the time limit since the key was loaded is over; load the key again",
    [REFUSED_SPENT] = "the key's use limit is spent",
};

static const char *permission_name(uint32_t permission)
{
    static const char *const names[] = {
        "DuplicateHandle", "UseAsCertificate", "ExportAsPlain", "GetAppData", "SetAppData",
        "ReduceACL",       "ExpandACL",        "Encrypt",       "Decrypt",    "Verify",
        "UseAsBlobKey",    "UseAsKM",          "Sign",          "GetACL",     "UseAsLoaderKey",
    };
    for (size_t i = 0; i < KQ_COUNT_OF(names); i++) {
        if (permission == 1u << i)
            return names[i];
    }
    return "an unknown right";
}

static const char *action_name(enum kq_acl_action_kind kind)
{
    switch (kind) {
    case KQ_ACTION_OP_PERMISSIONS:
        return "OpPermissions";
    case KQ_ACTION_MAKE_BLOB:
        return "MakeBlob";
    case KQ_ACTION_MAKE_ARCHIVE_BLOB:
        return "MakeArchiveBlob";
    case KQ_ACTION_MAKE_TRANSFER_PACKAGE:
        return "MakeTransferPackage";
    case KQ_ACTION_UNWRAP_FOR_IMPORT:
        return "UnwrapForImport";
    }
    return "an unknown act";
}

/* ---- actions ------------------------------------------------------------------ */

static bool transfer_is_allowed(const struct kq_acl_transfer *asked, struct kq_slice detail, uint64_t now)
{
    struct kq_acl_transfer allowed;
    return asked != NULL && kq_acl_transfer_get(detail, &allowed, NULL) == KQ_OK && asked->profile == allowed.profile &&
           asked->payload_template == allowed.payload_template &&
           kq_slice_is_equal(asked->kek_hash, allowed.kek_hash) &&
           kq_slice_is_equal(asked->target_hknso, allowed.target_hknso) && asked->not_after <= allowed.not_after &&
           now <= allowed.not_after;
}

/* A hash that is not there allows nothing. */
static bool hash_is(struct kq_slice allowed, struct kq_slice asked)
{
    return allowed.len == KQ_HASH_LEN && kq_slice_is_equal(allowed, asked);
}

static bool action_answers(const struct kq_acl_action *action, const struct hsm_acl_question *question, uint64_t now)
{
    const uint64_t blob_flags = KQ_BLOB_ALLOW_KM_ONLY | KQ_BLOB_KMHASH_PRESENT;
    if (action->kind != (uint64_t)question->kind)
        return false;
    switch (question->kind) {
    case KQ_ACTION_OP_PERMISSIONS:
        return question->bits != 0 && (action->bits & question->bits) == question->bits;
    case KQ_ACTION_MAKE_BLOB:
        return action->bits == blob_flags && hash_is(action->hash, question->hash);
    case KQ_ACTION_MAKE_ARCHIVE_BLOB:
        return hash_is(action->hash, question->hash);
    case KQ_ACTION_UNWRAP_FOR_IMPORT:
        return question->bits != 0 && action->bits == question->bits;
    case KQ_ACTION_MAKE_TRANSFER_PACKAGE:
        return transfer_is_allowed(question->transfer, action->detail, now);
    }
    return false;
}

static bool group_holds(const struct kq_acl_group *group, const struct hsm_acl_question *question, uint64_t now)
{
    struct kq_list actions = group->actions;
    struct kq_slice item;
    struct kq_acl_action action;
    while (kq_list_next(&actions, &item)) {
        if (kq_acl_action_get(item, &action, NULL) == KQ_OK && action_answers(&action, question, now))
            return true;
    }
    return false;
}

/* ---- certifier and limits ------------------------------------------------------- */

static bool certifier_is_satisfied(const struct hsm_call *call, struct kq_slice certifier)
{
    if (certifier.len == 0)
        return true;
    return call->has_quorum && call->state->world.kind != 0 &&
           kq_slice_is_equal(certifier, kq_slice_of(call->state->world.hknso, KQ_HASH_LEN));
}

/* Whether uses are counted where the question is answered. */
enum counting { COUNTED, NOT_COUNTED };

/* Reads a group's limits: TIME ones are checked, GLOBAL ones gathered. */
static kq_status check_limits(const struct hsm_loaded *key, const struct kq_acl_group *group, enum counting counting,
                              struct hsm_counter_uses *uses, enum refusal *refusal)
{
    uint64_t age_ms = kq_clock_monotonic_ms() - key->loaded_monotonic_ms;
    struct kq_list limits = group->limits;
    struct kq_slice item;
    struct kq_acl_limit limit;
    *uses = (struct hsm_counter_uses){.num = 0};
    while (kq_list_next(&limits, &item)) {
        *refusal = REFUSED_RIGHT;
        if (kq_acl_limit_get(item, &limit, NULL) != KQ_OK)
            return KQ_ERR_DENIED;
        if (limit.kind == KQ_LIMIT_TIME) {
            *refusal = REFUSED_TIME;
            if (age_ms >= limit.max * 1000)
                return KQ_ERR_DENIED;
        } else if (limit.kind != KQ_LIMIT_GLOBAL || counting == NOT_COUNTED || !hsm_counter_want(uses, &limit)) {
            return KQ_ERR_DENIED;
        }
    }
    return KQ_OK;
}

/* Asks one group; counts the use when it allows it. */
static kq_status ask_group(struct hsm_call *call, const struct hsm_loaded *key, const struct kq_acl_group *group,
                           enum counting counting, enum refusal *refusal)
{
    struct hsm_counter_uses uses;
    *refusal = REFUSED_CERTIFIER;
    if (!certifier_is_satisfied(call, group->certifier))
        return KQ_ERR_DENIED;
    KQ_TRY(check_limits(key, group, counting, &uses, refusal));
    *refusal = REFUSED_SPENT;
    return uses.num == 0 ? KQ_OK : hsm_counter_take(call, &uses);
}

/* ---- questions -------------------------------------------------------------------- */

static kq_status ask(struct hsm_call *call, const struct hsm_loaded *key, const struct hsm_acl_question *question,
                     enum counting counting, const char *name)
{
    enum refusal worst = REFUSED_RIGHT;
    struct kq_acl acl;
    struct kq_acl_group group;
    struct kq_slice item;
    if (kq_acl_get(kq_buffer_slice(&key->acl), &acl, NULL) != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_DENIED, "%s: the key's ACL is damaged", name);
    while (kq_list_next(&acl.groups, &item)) {
        enum refusal refusal;
        if (kq_acl_group_get(item, &group, NULL) != KQ_OK || !group_holds(&group, question, call->now))
            continue;
        kq_status status = ask_group(call, key, &group, counting, &refusal);
        if (status != KQ_ERR_DENIED)
            return status; /* allowed, or the use could not be counted */
        if (refusal > worst)
            worst = refusal;
    }
    return hsm_call_fail(call, KQ_ERR_DENIED, "%s: %s", name, refusal_texts[worst]);
}

kq_status hsm_acl_use(struct hsm_call *call, const struct hsm_loaded *key, uint32_t permission)
{
    const struct hsm_acl_question question = {.kind = KQ_ACTION_OP_PERMISSIONS, .bits = permission};
    return ask(call, key, &question, COUNTED, permission_name(permission));
}

kq_status hsm_acl_ask(struct hsm_call *call, const struct hsm_loaded *key, const struct hsm_acl_question *question)
{
    return ask(call, key, question, NOT_COUNTED, action_name(question->kind));
}
