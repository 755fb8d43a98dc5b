#ifndef KQ_TESTS_GOLDEN_RECORDS_H
#define KQ_TESTS_GOLDEN_RECORDS_H

#include "unit.h"
#include "wire/messages.h"

/* Records as they really occur: an ACL of an owner's key, a place, the header
 * of a transfer, an audit record, a request to sign. */

static inline struct kq_slice golden_hash(uint8_t which)
{
    static uint8_t hashes[16][32];
    assert_true(which < 16);
    memset(hashes[which], 0x11 * which, 32);
    return kq_slice_of(hashes[which], 32);
}

static inline void golden_put_item(const struct kq_record_type *type, const void *record, struct kq_writer *items)
{
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, 4096);
    kq_record_put(type, record, &writer);
    struct kq_slice encoded;
    assert_ok(kq_writer_finish(&writer, &encoded));
    kq_list_put(items, encoded);
}

static inline void golden_acl(struct kq_writer *out)
{
    KQ_AUTO_VALUE(kq_writer) limits = {0};
    KQ_AUTO_VALUE(kq_writer) actions = {0};
    KQ_AUTO_VALUE(kq_writer) groups = {0};
    kq_writer_init(&limits, 4096);
    kq_writer_init(&actions, 4096);
    kq_writer_init(&groups, 4096);
    struct kq_acl_limit limit = {.kind = KQ_LIMIT_TIME, .max = 3600};
    golden_put_item(&kq_acl_limit_type, &limit, &limits);
    struct kq_acl_action sign = {.kind = KQ_ACTION_OP_PERMISSIONS, .bits = KQ_PERM_SIGN | KQ_PERM_GET_ACL};
    struct kq_acl_action blob = {.kind = KQ_ACTION_MAKE_BLOB, .bits = KQ_BLOB_ALLOW_KM_ONLY, .hash = golden_hash(2)};
    golden_put_item(&kq_acl_action_type, &sign, &actions);
    golden_put_item(&kq_acl_action_type, &blob, &actions);
    struct kq_acl_group group = {.certifier = golden_hash(1), .limits = {.num = 1}, .actions = {.num = 2}};
    assert_ok(kq_writer_finish(&limits, &group.limits.items));
    assert_ok(kq_writer_finish(&actions, &group.actions.items));
    golden_put_item(&kq_acl_group_type, &group, &groups);
    struct kq_acl acl = {.groups = {.num = 1}};
    assert_ok(kq_writer_finish(&groups, &acl.groups.items));
    kq_acl_put(&acl, out);
}

static inline void golden_place(struct kq_writer *out)
{
    struct kq_place place = {.kind = KQ_PLACE_VAULT,
                             .hknso = golden_hash(3),
                             .subscription = kq_slice_text("00000000-1111-2222-3333-444444444444"),
                             .vault = kq_slice_text("contoso"),
                             .key_name = kq_slice_text("first-key"),
                             .key_version = kq_slice_text("0123456789abcdef0123456789abcdef")};
    kq_place_put(&place, out);
}

static inline void golden_transfer_header(struct kq_writer *out)
{
    struct kq_transfer_header header = {.profile = KQ_PROFILE_KEYQUAY,
                                        .package_id = kq_slice_text("sixteen bytes id"),
                                        .not_after = 1803000000,
                                        .kek_hash = golden_hash(4),
                                        .kek_keygen_hash = golden_hash(5),
                                        .target_hknso = golden_hash(6),
                                        .subscription = kq_slice_text("00000000-1111-2222-3333-444444444444"),
                                        .friendly_name = kq_slice_text("ContosoFirstHSMKey"),
                                        .payload_template = 1,
                                        .key_type = KQ_KEY_RSA,
                                        .bits = 2048,
                                        .source_origin = KQ_ORIGIN_GENERATED,
                                        .source_hknso = golden_hash(7),
                                        .source_suite = kq_slice_text("ECp521mAES"),
                                        .source_esn = kq_slice_text("ABCD-0123-4567"),
                                        .source_signing_hash = golden_hash(8),
                                        .public_hash = golden_hash(9),
                                        .public_key = kq_slice_text("a public key in its DER form")};
    kq_transfer_header_put(&header, out);
}

static inline void golden_audit_record(struct kq_writer *out)
{
    struct kq_audit_record record = {.index = 41,
                                     .time = 1795297443,
                                     .class_ = KQ_AUDIT_EXPORT,
                                     .event = kq_slice_text("transfer_package"),
                                     .peer_uid = 1000,
                                     .subject = golden_hash(10),
                                     .count = 1};
    kq_audit_record_put(&record, out);
}

static inline void golden_sign_request(struct kq_writer *out)
{
    KQ_AUTO_VALUE(kq_writer) params = {0};
    kq_writer_init(&params, 4096);
    struct kq_sign_request sign = {
        .handle = UINT64_C(0x0123456789abcdef), .mechanism = KQ_MECH_RSA_PKCS1_SHA256, .digest = golden_hash(11)};
    kq_sign_request_put(&sign, &params);
    struct kq_request request = {.op = KQ_OP_SIGN, .seq = 7};
    assert_ok(kq_writer_finish(&params, &request.params));
    kq_request_put(&request, out);
}

static const struct {
    const char *name;
    void (*put)(struct kq_writer *out);
} golden_examples[] = {
    {"example/acl", golden_acl},
    {"example/place", golden_place},
    {"example/transfer-header", golden_transfer_header},
    {"example/audit-record", golden_audit_record},
    {"example/sign-request", golden_sign_request},
};

#endif
