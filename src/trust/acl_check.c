#include "trust/acl.h"

static kq_status check_limit(struct kq_slice bytes)
{
    struct kq_acl_limit limit;
    KQ_TRY(kq_acl_limit_get(bytes, &limit, NULL));
    bool good = limit.kind == KQ_LIMIT_GLOBAL ? limit.id.len == 20 : limit.kind == KQ_LIMIT_TIME && limit.id.len == 0;
    return good ? KQ_OK : KQ_ERR_FORMAT;
}

static kq_status check_transfer(const struct kq_acl_action *action)
{
    struct kq_acl_transfer transfer;
    if (action->bits != 0 || action->hash.len != 0)
        return KQ_ERR_FORMAT;
    return kq_acl_transfer_get(action->detail, &transfer, NULL);
}

static kq_status check_action(struct kq_slice bytes)
{
    struct kq_acl_action action;
    KQ_TRY(kq_acl_action_get(bytes, &action, NULL));
    if (action.kind == KQ_ACTION_MAKE_TRANSFER_PACKAGE)
        return check_transfer(&action);
    bool good = false;
    if (action.kind == KQ_ACTION_OP_PERMISSIONS)
        good = (action.bits & ~(uint64_t)KQ_PERM_ALL_KNOWN) == 0 && action.hash.len == 0;
    else if (action.kind == KQ_ACTION_MAKE_BLOB)
        good = action.bits == (KQ_BLOB_ALLOW_KM_ONLY | KQ_BLOB_KMHASH_PRESENT) && action.hash.len == KQ_HASH_LEN;
    else if (action.kind == KQ_ACTION_MAKE_ARCHIVE_BLOB)
        good = action.bits == 0 && action.hash.len == KQ_HASH_LEN;
    else if (action.kind == KQ_ACTION_UNWRAP_FOR_IMPORT)
        good = (action.bits == KQ_PROFILE_KEYQUAY || action.bits == KQ_PROFILE_AZURE_BYOK) && action.hash.len == 0;
    return good && action.detail.len == 0 ? KQ_OK : KQ_ERR_FORMAT;
}

static kq_status check_group(struct kq_slice bytes)
{
    struct kq_acl_group group;
    struct kq_slice item;
    KQ_TRY(kq_acl_group_get(bytes, &group, NULL));
    if (group.certifier.len != 0 && group.certifier.len != KQ_HASH_LEN)
        return KQ_ERR_FORMAT;
    while (kq_list_next(&group.limits, &item))
        KQ_TRY(check_limit(item));
    while (kq_list_next(&group.actions, &item))
        KQ_TRY(check_action(item));
    return KQ_OK;
}

kq_status kq_acl_check(struct kq_slice bytes)
{
    struct kq_acl acl;
    struct kq_slice group;
    KQ_TRY(kq_acl_get(bytes, &acl, NULL));
    while (kq_list_next(&acl.groups, &group))
        KQ_TRY(check_group(group));
    return KQ_OK;
}
