#include "trust/acl.h"

#include "base/size.h"
#include "trust/template.h"

#define ITEMS_MAX KQ_ACL_MAX
#define BLOB_FLAGS ((uint64_t)(KQ_BLOB_ALLOW_KM_ONLY | KQ_BLOB_KMHASH_PRESENT))
#define COUNTER_ID_LEN 20u

/* An ACL while it is written: groups, and the limits and actions of the group at hand. */
struct draft {
    struct kq_writer groups;
    size_t num_groups;
    struct kq_writer limits;
    size_t num_limits;
    struct kq_writer actions;
    size_t num_actions;
};

static void draft_clear(struct draft *draft)
{
    kq_writer_clear(&draft->groups);
    kq_writer_clear(&draft->limits);
    kq_writer_clear(&draft->actions);
}
KQ_AUTO_DEFINE_VALUE(draft);

static void draft_init(struct draft *draft)
{
    *draft = (struct draft){.num_groups = 0};
    kq_writer_init(&draft->groups, ITEMS_MAX);
    kq_writer_init(&draft->limits, ITEMS_MAX);
    kq_writer_init(&draft->actions, ITEMS_MAX);
}

/* Encodes one record as an item of a list. */
static void put_item(struct kq_writer *items, size_t *num_items, const struct kq_record_type *type, const void *record)
{
    KQ_AUTO_VALUE(kq_writer) item = {.failure = KQ_OK};
    kq_writer_init(&item, type->max_len);
    kq_record_put(type, record, &item);
    struct kq_slice bytes;
    kq_status status = kq_writer_finish(&item, &bytes);
    if (status != KQ_OK && items->failure == KQ_OK)
        items->failure = status;
    kq_list_put(items, bytes);
    (*num_items)++;
}

static void put_action(struct draft *draft, struct kq_acl_action action)
{
    put_item(&draft->actions, &draft->num_actions, &kq_acl_action_type, &action);
}

static void put_permissions(struct draft *draft, uint64_t permissions)
{
    put_action(draft, (struct kq_acl_action){.kind = KQ_ACTION_OP_PERMISSIONS, .bits = permissions});
}

static void put_make_blob(struct draft *draft, struct kq_slice hkm)
{
    put_action(draft, (struct kq_acl_action){.kind = KQ_ACTION_MAKE_BLOB, .bits = BLOB_FLAGS, .hash = hkm});
}

static kq_status end_group(struct draft *draft, struct kq_slice certifier)
{
    struct kq_acl_group group = {
        .certifier = certifier, .limits = {.num = draft->num_limits}, .actions = {.num = draft->num_actions}};
    KQ_TRY(kq_writer_finish(&draft->limits, &group.limits.items));
    KQ_TRY(kq_writer_finish(&draft->actions, &group.actions.items));
    put_item(&draft->groups, &draft->num_groups, &kq_acl_group_type, &group);
    kq_writer_clear(&draft->limits);
    kq_writer_clear(&draft->actions);
    draft->num_limits = 0;
    draft->num_actions = 0;
    return KQ_OK;
}

static kq_status finish(struct draft *draft, struct kq_buffer *out)
{
    struct kq_acl acl = {.groups = {.num = draft->num_groups}};
    KQ_TRY(kq_writer_finish(&draft->groups, &acl.groups.items));
    KQ_AUTO_VALUE(kq_writer) writer = {.failure = KQ_OK};
    kq_writer_init(&writer, KQ_ACL_MAX);
    kq_acl_put(&acl, &writer);
    struct kq_slice bytes;
    KQ_TRY(kq_writer_finish(&writer, &bytes));
    return kq_buffer_append(out, bytes.data, bytes.len);
}

kq_status kq_acl_exchange_key(enum kq_profile profile, struct kq_slice hkm, struct kq_buffer *out)
{
    bool known = profile == KQ_PROFILE_KEYQUAY || profile == KQ_PROFILE_AZURE_BYOK;
    if (!known || hkm.len != KQ_HASH_LEN)
        return KQ_ERR_ARGUMENT;
    KQ_AUTO_VALUE(draft) draft = {.num_groups = 0};
    draft_init(&draft);
    put_permissions(&draft, KQ_PERM_GET_ACL);
    KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    put_action(&draft, (struct kq_acl_action){.kind = KQ_ACTION_UNWRAP_FOR_IMPORT, .bits = (uint64_t)profile});
    KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    put_make_blob(&draft, hkm);
    KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    return finish(&draft, out);
}

kq_status kq_acl_transfer_copy(const struct kq_acl_transfer *transfer, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_writer) detail = {.failure = KQ_OK};
    kq_writer_init(&detail, kq_acl_transfer_type.max_len);
    kq_acl_transfer_put(transfer, &detail);
    struct kq_acl_action action = {.kind = KQ_ACTION_MAKE_TRANSFER_PACKAGE};
    KQ_TRY(kq_writer_finish(&detail, &action.detail));
    KQ_AUTO_VALUE(draft) draft = {.num_groups = 0};
    draft_init(&draft);
    put_permissions(&draft, KQ_PERM_GET_ACL);
    KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    put_action(&draft, action);
    KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    return finish(&draft, out);
}

/* The private or secret side's uses of a key type; 0 for types that are no customer's keys. */
static uint64_t uses_of(enum kq_key_type type)
{
    switch (type) {
    case KQ_KEY_RSA:
        return KQ_PERM_SIGN | KQ_PERM_DECRYPT;
    case KQ_KEY_EC_P256:
    case KQ_KEY_EC_P384:
    case KQ_KEY_EC_P521:
    case KQ_KEY_EC_SECP256K1:
        return KQ_PERM_SIGN;
    case KQ_KEY_AES:
        return KQ_PERM_ENCRYPT | KQ_PERM_DECRYPT;
    case KQ_KEY_DSA:
        break;
    }
    return 0;
}

kq_status kq_acl_imported_key(enum kq_key_type type, struct kq_slice hkm, struct kq_buffer *out)
{
    uint64_t uses = uses_of(type);
    if (uses == 0 || type == KQ_KEY_AES || hkm.len != KQ_HASH_LEN)
        return KQ_ERR_ARGUMENT;
    KQ_AUTO_VALUE(draft) draft = {.num_groups = 0};
    draft_init(&draft);
    put_permissions(&draft, uses | KQ_PERM_GET_ACL);
    KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    put_make_blob(&draft, hkm);
    KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    return finish(&draft, out);
}

static void put_limit(struct draft *draft, enum kq_acl_limit_kind kind, uint64_t max, struct kq_slice id)
{
    struct kq_acl_limit limit = {.kind = (uint64_t)kind, .max = max, .id = id};
    put_item(&draft->limits, &draft->num_limits, &kq_acl_limit_type, &limit);
}

static kq_status put_use_groups(struct draft *draft, const struct kq_acl_owner_request *request)
{
    uint64_t looks = KQ_PERM_DUPLICATE_HANDLE | KQ_PERM_GET_ACL;
    uint64_t uses = uses_of(request->type);
    if (request->use_limit == 0 && request->time_limit_s == 0) {
        put_permissions(draft, looks | uses);
        return end_group(draft, KQ_SLICE_EMPTY);
    }
    put_permissions(draft, looks);
    KQ_TRY(end_group(draft, KQ_SLICE_EMPTY));
    if (request->use_limit > 0)
        put_limit(draft, KQ_LIMIT_GLOBAL, request->use_limit, request->counter_id);
    if (request->time_limit_s > 0)
        put_limit(draft, KQ_LIMIT_TIME, request->time_limit_s, KQ_SLICE_EMPTY);
    put_permissions(draft, uses);
    return end_group(draft, KQ_SLICE_EMPTY);
}

kq_status kq_acl_owner_key(const struct kq_acl_owner_request *request, struct kq_buffer *out)
{
    bool hashes_fit = request->hkm.len == KQ_HASH_LEN && request->hknso.len == KQ_HASH_LEN &&
                      (request->hkre.len == 0 || request->hkre.len == KQ_HASH_LEN);
    bool counter_fits = request->use_limit == 0 || request->counter_id.len == COUNTER_ID_LEN;
    if (uses_of(request->type) == 0 || !hashes_fit || !counter_fits)
        return KQ_ERR_ARGUMENT;
    KQ_AUTO_VALUE(draft) draft = {.num_groups = 0};
    draft_init(&draft);
    KQ_TRY(put_use_groups(&draft, request));
    put_make_blob(&draft, request->hkm);
    KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    put_permissions(&draft, KQ_PERM_REDUCE_ACL | KQ_PERM_EXPAND_ACL);
    put_make_blob(&draft, request->hkm);
    KQ_TRY(end_group(&draft, request->hknso));
    if (request->hkre.len > 0) {
        put_action(&draft, (struct kq_acl_action){.kind = KQ_ACTION_MAKE_ARCHIVE_BLOB, .hash = request->hkre});
        KQ_TRY(end_group(&draft, KQ_SLICE_EMPTY));
    }
    return finish(&draft, out);
}
