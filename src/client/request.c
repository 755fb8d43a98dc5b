#include "client/request.h"

#include "base/text.h"
#include "wire/frame.h"

kq_status kqc_request_encode(const struct kqc_request *request, uint64_t seq, struct kq_writer *frame)
{
    const struct kq_operation *operation = kq_operation_find(request->op);
    if (operation == NULL)
        return KQ_ERR_ARGUMENT;
    KQ_AUTO_VALUE(kq_writer) params;
    kq_writer_init(&params, KQ_FRAME_MAX);
    const struct kq_nothing nothing = {0};
    kq_record_put(operation->params, request->params == NULL ? &nothing : request->params, &params);
    struct kq_request record = {
        .op = request->op, .seq = seq, .request_id = request->request_id, .authority = request->authority};
    KQ_TRY(kq_writer_finish(&params, &record.params));
    struct kq_slice whole;
    kq_writer_u32(frame, 0); /* the frame's head, filled in when the length is known */
    kq_request_put(&record, frame);
    KQ_TRY(kq_writer_finish(frame, &whole));
    kq_frame_head(whole.len - KQ_FRAME_HEAD_LEN, frame->buffer.data);
    return KQ_OK;
}

kq_status kqc_reply_read(struct kqc_reply *reply, uint64_t *out_seq, struct kq_slice *out_results)
{
    struct kq_reply answer;
    KQ_TRY(kq_reply_get(kq_buffer_slice(&reply->frame), &answer, NULL));
    if (answer.status >= KQ_STATUS_COUNT)
        return KQ_ERR_VERSION;
    if (!kq_text_copy(answer.detail, reply->detail, sizeof reply->detail))
        return KQ_ERR_FORMAT;
    reply->status = (kq_status)answer.status;
    reply->wait_ms = answer.wait_ms;
    *out_seq = answer.seq;
    *out_results = answer.results;
    return KQ_OK;
}

kq_status kqc_reply_get_results(enum kq_op op, struct kq_slice bytes, void *results, struct kqc_reply *reply)
{
    if (results == NULL)
        return KQ_OK;
    const char *field;
    kq_status status = kq_record_get(kq_operation_find(op)->results, bytes, results, &field);
    if (status != KQ_OK) {
        kqc_reply_set(reply, status, "");
        snprintf(reply->detail, sizeof reply->detail, "the module's answer is not of this protocol version (field %s)",
                 field);
    }
    return status;
}

kq_status kqc_reply_set(struct kqc_reply *reply, kq_status status, const char *detail)
{
    reply->status = status;
    reply->wait_ms = 0;
    snprintf(reply->detail, sizeof reply->detail, "%s", detail);
    return status;
}

kq_status kqc_reply_set_lost(struct kqc_reply *reply, enum kqc_repeat repeat, enum kqc_ever_sent sent)
{
    if (sent == KQC_NEVER_SENT || repeat == KQC_REPEAT_READ)
        return kqc_reply_set(reply, KQ_ERR_CONNECT, "the connection to the module was lost; nothing was done");
    if (repeat == KQC_REPEAT_BOUND)
        return kqc_reply_set(
            reply, KQ_ERR_CONNECT,
            "the module restarted and what was begun on the old connection ended with it; begin again");
    return kqc_reply_set(
        reply, KQ_ERR_OUTCOME_UNKNOWN,
        "the connection to the module was lost before its answer came; the audit log tells what happened");
}
