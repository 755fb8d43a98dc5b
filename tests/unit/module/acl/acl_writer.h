#ifndef KQ_TESTS_ACL_WRITER_H
#define KQ_TESTS_ACL_WRITER_H

#include "unit.h"
#include "wire/formats.h"

/* ACLs of any shape, also of shapes that no template has. */
struct acl_writer {
    struct kq_writer groups, limits, actions;
    size_t num_groups, num_limits, num_actions;
};

static inline void acl_writer_init(struct acl_writer *acl)
{
    *acl = (struct acl_writer){.num_groups = 0};
    kq_writer_init(&acl->groups, KQ_ACL_MAX);
    kq_writer_init(&acl->limits, KQ_ACL_MAX);
    kq_writer_init(&acl->actions, KQ_ACL_MAX);
}

static inline void acl_put_item(struct kq_writer *items, size_t *num, const struct kq_record_type *type,
                                const void *record)
{
    KQ_AUTO_VALUE(kq_writer) item = {0};
    kq_writer_init(&item, KQ_ACL_MAX);
    kq_record_put(type, record, &item);
    assert_ok(item.failure);
    kq_list_put(items, kq_buffer_slice(&item.buffer));
    (*num)++;
}

static inline void acl_limit(struct acl_writer *acl, uint64_t kind, uint64_t max, uint8_t id)
{
    uint8_t bytes[20];
    memset(bytes, id, sizeof bytes);
    const struct kq_acl_limit limit = {kind, max, kq_slice_of(bytes, kind == KQ_LIMIT_GLOBAL ? sizeof bytes : 0)};
    acl_put_item(&acl->limits, &acl->num_limits, &kq_acl_limit_type, &limit);
}

static inline void acl_action(struct acl_writer *acl, uint64_t kind, uint64_t bits, struct kq_slice hash,
                              struct kq_slice detail)
{
    const struct kq_acl_action action = {kind, bits, hash, detail};
    acl_put_item(&acl->actions, &acl->num_actions, &kq_acl_action_type, &action);
}

static inline void acl_permissions(struct acl_writer *acl, uint64_t bits)
{
    acl_action(acl, KQ_ACTION_OP_PERMISSIONS, bits, KQ_SLICE_EMPTY, KQ_SLICE_EMPTY);
}

static inline void acl_end_group(struct acl_writer *acl, struct kq_slice certifier)
{
    const struct kq_acl_group group = {
        .certifier = certifier,
        .limits = {kq_buffer_slice(&acl->limits.buffer), acl->num_limits},
        .actions = {kq_buffer_slice(&acl->actions.buffer), acl->num_actions},
    };
    acl_put_item(&acl->groups, &acl->num_groups, &kq_acl_group_type, &group);
    kq_writer_clear(&acl->limits);
    kq_writer_clear(&acl->actions);
    acl->num_limits = acl->num_actions = 0;
}

/* Appends the encoded ACL and releases the writer. */
static inline void acl_finish(struct acl_writer *acl, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    const struct kq_acl record = {.groups = {kq_buffer_slice(&acl->groups.buffer), acl->num_groups}};
    kq_writer_init(&writer, KQ_ACL_MAX);
    kq_acl_put(&record, &writer);
    assert_ok(writer.failure);
    kq_buffer_clear(out);
    kq_buffer_init(out, KQ_ACL_MAX);
    assert_ok(kq_buffer_append(out, writer.buffer.data, writer.buffer.len));
    kq_writer_clear(&acl->groups);
    kq_writer_clear(&acl->limits);
    kq_writer_clear(&acl->actions);
}

#endif
