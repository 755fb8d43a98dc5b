#include "module/world/statement.h"

#include "wire/formats.h"

kq_status hsm_encode(const struct kq_record_type *type, const void *record, struct kq_buffer *out)
{
    struct kq_writer writer;
    kq_writer_init(&writer, type->max_len);
    kq_record_put(type, record, &writer);
    struct kq_slice encoded;
    kq_status status = kq_writer_finish(&writer, &encoded);
    if (status != KQ_OK)
        kq_writer_clear(&writer);
    *out = writer.buffer;
    return status;
}

kq_status hsm_sign_record(const struct hsm_key *key, const struct kq_record_type *type, const void *record,
                          struct kq_buffer *out)
{
    kq_buffer_init(out, kq_signed_type.max_len);
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    KQ_TRY(hsm_encode(type, record, &body));
    return hsm_key_sign_statement(key, kq_buffer_slice(&body), out);
}

kq_status hsm_sign_receipt(const struct hsm_state *state, const struct kq_record_type *type, const void *record,
                           struct kq_buffer *out)
{
    kq_buffer_init(out, kq_receipt_file_type.max_len);
    KQ_AUTO_VALUE(kq_buffer) statement = {0};
    KQ_TRY(hsm_sign_record(state->module_key, type, record, &statement));
    const struct kq_receipt_file file = {
        .statement = kq_buffer_slice(&statement),
        .signer_public = hsm_key_public(state->module_key),
        .warrant = kq_buffer_slice(&state->warrant),
        .root = kq_buffer_slice(&state->root),
    };
    return hsm_encode(&kq_receipt_file_type, &file, out);
}
