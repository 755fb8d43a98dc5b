#include "module/service/worker.h"

#include <time.h>

#include "base/memory.h"
#include "base/wipe.h"
#include "module/arena/arena.h"
#include "module/service/dispatch.h"
#include "wire/frame.h"

/* Replies may wait this long for others of their batch. */
#define GATHER_NS 150000u
#define FRAMES_MAX (HSM_BATCH_MAX * (KQ_FRAME_MAX + KQ_FRAME_HEAD_LEN))
/* Storage beyond this is not kept from one request to the next. */
#define KEEP_LEN (16u * 1024)

/* ---- requests ---- */

kq_status hsm_request_new(struct hsm_session *session, struct kq_slice frame, struct hsm_request **out)
{
    struct hsm_request *request = kq_memory_new(sizeof *request + frame.len);
    if (request == NULL)
        return KQ_ERR_MEMORY;
    memcpy(request->bytes, frame.data, frame.len);
    request->next = NULL;
    request->bytes_len = frame.len;
    kq_status status = kq_request_get(kq_slice_of(request->bytes, frame.len), &request->message, NULL);
    if (status != KQ_OK) {
        kq_memory_free(request, sizeof *request + frame.len);
        return status;
    }
    const struct hsm_row *row = session->module->rows[request->message.op & 255];
    request->pace = row != NULL && (row->flags & HSM_ROW_SLOW) != 0 ? HSM_PACE_SLOW : HSM_PACE_ORDINARY;
    request->session = hsm_session_hold(session);
    hsm_sessions_hold(session->module, sizeof *request + frame.len);
    *out = request;
    return KQ_OK;
}

void hsm_request_free(struct hsm_request *request)
{
    hsm_sessions_release(request->session->module, sizeof *request + request->bytes_len);
    hsm_session_free(request->session);
    kq_memory_free(request, sizeof *request + request->bytes_len);
}

/* ---- replies ---- */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Empties a writer without giving its storage back. */
static void rewind_writer(struct kq_writer *writer)
{
    if (writer->buffer.capacity > KEEP_LEN)
        kq_buffer_clear(&writer->buffer);
    kq_wipe(writer->buffer.data, writer->buffer.len);
    writer->buffer.len = 0;
    writer->failure = KQ_OK;
}

static void put_reply(struct kq_writer *frames, uint64_t seq, const struct hsm_verdict *verdict,
                      const struct kq_writer *results)
{
    size_t start = frames->buffer.len;
    bool has_results = verdict->status == KQ_OK;
    kq_writer_u32(frames, 0);
    kq_reply_put(&(struct kq_reply){.seq = seq,
                                    .status = (uint64_t)verdict->status,
                                    .detail = kq_slice_text(verdict->detail),
                                    .wait_ms = verdict->wait_ms,
                                    .results = has_results ? kq_buffer_slice(&results->buffer) : KQ_SLICE_EMPTY},
                 frames);
    if (frames->failure == KQ_OK)
        kq_frame_head(frames->buffer.len - start - KQ_FRAME_HEAD_LEN, frames->buffer.data + start);
}

void hsm_worker_flush(struct hsm_worker *worker)
{
    if (worker->session == NULL)
        return;
    struct kq_slice frames = kq_buffer_slice(&worker->frames.buffer);
    if (worker->frames.failure != KQ_OK) {
        hsm_session_end(worker->session); /* no memory for a reply: the client asks again */
        frames = KQ_SLICE_EMPTY;
    }
    hsm_session_answer(worker->session, frames, worker->num_frames);
    hsm_session_free(KQ_TAKE(worker->session));
    worker->num_frames = 0;
    rewind_writer(&worker->frames);
}

void hsm_worker_run(struct hsm_worker *worker, struct hsm_request *request)
{
    struct hsm_verdict verdict;
    hsm_dispatch(worker->module, worker->number, request, &worker->results, &verdict);
    if (verdict.is_parked)
        return; /* another worker may have it by now */
    if (worker->session != request->session)
        hsm_worker_flush(worker);
    if (worker->session == NULL) {
        worker->session = hsm_session_hold(request->session);
        worker->since_ns = now_ns();
    }
    put_reply(&worker->frames, request->message.seq, &verdict, &worker->results);
    worker->num_frames++;
    rewind_writer(&worker->results);
    hsm_request_free(request);
    if (verdict.status == KQ_ERR_INTERNAL) {
        hsm_worker_flush(worker);
        hsm_module_die("a self-test or an inner check failed");
    }
    if (now_ns() - worker->since_ns > GATHER_NS)
        hsm_worker_flush(worker);
}

void hsm_worker_init(struct hsm_worker *worker, struct hsm_module *module, size_t number)
{
    *worker = (struct hsm_worker){.module = module, .number = number};
    kq_writer_init(&worker->results, KQ_FRAME_MAX);
    kq_writer_init(&worker->frames, FRAMES_MAX);
}

void hsm_worker_clear(struct hsm_worker *worker)
{
    kq_writer_clear(&worker->results);
    kq_writer_clear(&worker->frames);
}

void *hsm_worker_main(void *context)
{
    struct hsm_worker *worker = context;
    struct hsm_request *batch[HSM_BATCH_MAX];
    size_t num = 0;
    enum hsm_request_pace pace = HSM_PACE_ORDINARY;
    while ((num = hsm_queue_take(worker->module->queue, num, pace, batch)) > 0) {
        pace = batch[0]->pace;
        for (size_t i = 0; i < num; i++)
            hsm_worker_run(worker, batch[i]);
        hsm_worker_flush(worker);
        if (worker->module->is_stopping)
            hsm_module_wake(worker->module);
    }
    hsm_arena_leave();
    return NULL;
}
