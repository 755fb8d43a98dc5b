#include "trust/acl.h"

static bool find_in_group(struct kq_slice encoded_group, struct kq_acl_transfer *out)
{
    struct kq_acl_group group;
    if (kq_acl_group_get(encoded_group, &group, NULL) != KQ_OK)
        return false;
    struct kq_slice item;
    while (kq_list_next(&group.actions, &item)) {
        struct kq_acl_action action;
        if (kq_acl_action_get(item, &action, NULL) == KQ_OK && action.kind == KQ_ACTION_MAKE_TRANSFER_PACKAGE &&
            kq_acl_transfer_get(action.detail, out, NULL) == KQ_OK)
            return true;
    }
    return false;
}

bool kq_acl_find_transfer(struct kq_slice acl, struct kq_acl_transfer *out)
{
    struct kq_acl decoded;
    if (kq_acl_get(acl, &decoded, NULL) != KQ_OK)
        return false;
    struct kq_slice group;
    while (kq_list_next(&decoded.groups, &group)) {
        if (find_in_group(group, out))
            return true;
    }
    return false;
}
