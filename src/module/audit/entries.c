#include "module/audit/entries.h"

#include "module/audit/tree.h"
#include "pubcrypto/hash.h"
#include "wire/frame.h"

static kq_status put_entry(enum kq_audit_entry_kind kind, struct kq_slice content, struct kq_buffer *frames)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, kq_audit_entry_type.max_len);
    kq_audit_entry_put(&(struct kq_audit_entry){.kind = (uint64_t)kind, .content = content}, &writer);
    KQ_TRY(writer.failure);
    uint8_t head[KQ_FRAME_HEAD_LEN];
    kq_frame_head(writer.buffer.len, head);
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(frames, sizeof head + writer.buffer.len, &room));
    memcpy(room, head, sizeof head);
    memcpy(room + sizeof head, writer.buffer.data, writer.buffer.len);
    frames->len += sizeof head + writer.buffer.len;
    return KQ_OK;
}

kq_status hsm_audit_put_record(struct hsm_audit_tree *tree, struct kq_audit_record *record, struct kq_buffer *frames)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, kq_audit_record_type.max_len);
    record->index = tree->num_records;
    kq_audit_record_put(record, &writer);
    KQ_TRY(writer.failure);
    KQ_TRY(put_entry(KQ_AUDIT_ENTRY_RECORD, kq_buffer_slice(&writer.buffer), frames));
    hsm_audit_tree_add(tree, kq_buffer_slice(&writer.buffer));
    return KQ_OK;
}

kq_status hsm_audit_sign_head(const struct hsm_audit_tree *tree, const char *esn, const struct hsm_key *module_key,
                              uint64_t now, struct kq_buffer *out)
{
    uint8_t root[32];
    hsm_audit_tree_root(tree, root);
    KQ_AUTO_VALUE(kq_writer) body;
    kq_writer_init(&body, 256);
    kq_audit_head_put(&(struct kq_audit_head){.esn = kq_slice_text(esn),
                                              .num_records = tree->num_records,
                                              .root = kq_slice_of(root, sizeof root),
                                              .time = now},
                      &body);
    KQ_TRY(body.failure);
    return hsm_key_sign_statement(module_key, kq_buffer_slice(&body.buffer), out);
}

kq_status hsm_audit_put_head(const struct hsm_audit_tree *tree, const char *esn, const struct hsm_key *module_key,
                             uint64_t now, struct kq_buffer *frames)
{
    KQ_AUTO_VALUE(kq_buffer) head;
    kq_buffer_init(&head, KQ_SIGNED_MAX);
    KQ_TRY(hsm_audit_sign_head(tree, esn, module_key, now, &head));
    return put_entry(KQ_AUDIT_ENTRY_HEAD, kq_buffer_slice(&head), frames);
}

kq_status hsm_audit_put_signer(const struct hsm_key *module_key, struct kq_buffer *frames)
{
    return put_entry(KQ_AUDIT_ENTRY_SIGNER, hsm_key_public(module_key), frames);
}
