#include "client/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "client/channel.h"
#include "client/request.h"
#include "wire/frame.h"

#define RECONNECT_MS 5000u /* a module is back within a second; some patience beyond that */
#define RECONNECT_PAUSE_MS 20

struct kqc_session {
    struct kqc_channel channel;
    char *path; /* NULL for an adopted descriptor */
    char program[65];
    struct kqc_reply hello_reply;
    struct kq_hello_reply hello;
    uint64_t next_seq;
    uint64_t generation;
};

void kqc_reply_clear(struct kqc_reply *reply)
{
    kq_buffer_clear(&reply->frame);
    *reply = (struct kqc_reply){.status = KQ_OK};
}

static void drop_connection(struct kqc_session *session)
{
    kqc_channel_clear(&session->channel);
}

/* ---- one exchange, without retries -------------------------------------- */

static kq_status send_request(struct kqc_session *session, const struct kqc_request *request, uint64_t *out_seq,
                              enum kqc_sent *out_sent)
{
    KQ_AUTO_VALUE(kq_writer) frame;
    kq_writer_init(&frame, KQ_FRAME_MAX + KQ_FRAME_HEAD_LEN);
    struct kq_slice bytes;
    *out_sent = KQC_SENT_NOTHING;
    uint64_t seq = session->next_seq++;
    KQ_TRY(kqc_request_encode(request, seq, &frame));
    KQ_TRY(kq_writer_finish(&frame, &bytes));
    KQ_TRY(kqc_channel_send(&session->channel, bytes, out_sent));
    *out_seq = seq;
    return KQ_OK;
}

static kq_status receive_reply(struct kqc_session *session, struct kqc_reply *reply, uint64_t *out_seq,
                               struct kq_slice *out_results)
{
    KQ_TRY(kqc_channel_receive(&session->channel, &reply->frame));
    KQ_TRY(kqc_reply_read(reply, out_seq, out_results));
    reply->generation = session->generation;
    return KQ_OK;
}

/* An answer that cannot be understood leaves the stream unusable. */
static kq_status exchange(struct kqc_session *session, const struct kqc_request *request, struct kqc_reply *reply,
                          struct kq_slice *out_results, enum kqc_sent *out_sent)
{
    uint64_t seq, answered;
    kq_status status = send_request(session, request, &seq, out_sent);
    if (status == KQ_OK) {
        do
            status = receive_reply(session, reply, &answered, out_results);
        while (status == KQ_OK && answered != seq);
    }
    if (status != KQ_OK && status != KQ_ERR_ARGUMENT && status != KQ_ERR_TOO_LARGE)
        drop_connection(session);
    return status;
}

/* ---- connecting ---------------------------------------------------------- */

static kq_status say_hello(struct kqc_session *session)
{
    const struct kq_hello_request params = {.protocol = KQ_PROTOCOL_VERSION, .client = kq_slice_text(session->program)};
    const struct kqc_request hello = {.op = KQ_OP_HELLO, .params = &params};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_slice results;
    struct kq_hello_reply answer;
    enum kqc_sent sent;
    KQ_TRY(exchange(session, &hello, &reply, &results, &sent));
    KQ_TRY(reply.status);
    KQ_TRY(kq_hello_reply_get(results, &answer, NULL));
    if (session->hello.esn.len > 0 && !kq_slice_is_equal(session->hello.esn, answer.esn))
        return KQ_ERR_MISMATCH;
    kqc_reply_clear(&session->hello_reply);
    session->hello_reply = reply;
    reply = (struct kqc_reply){0};
    session->hello = answer;
    session->generation++;
    return KQ_OK;
}

static kq_status connect_once(struct kqc_session *session)
{
    KQ_TRY(kqc_channel_connect(session->path, &session->channel));
    kq_status status = say_hello(session);
    if (status != KQ_OK)
        drop_connection(session);
    return status;
}

static kq_status ensure_connected(struct kqc_session *session)
{
    if (session->channel.fd >= 0)
        return KQ_OK;
    if (session->path == NULL)
        return KQ_ERR_CONNECT;
    const struct timespec pause = {.tv_nsec = RECONNECT_PAUSE_MS * 1000000};
    uint64_t start = kq_clock_monotonic_ms();
    for (;;) {
        kq_status status = connect_once(session);
        if (status != KQ_ERR_CONNECT || kq_clock_monotonic_ms() - start > RECONNECT_MS)
            return status;
        nanosleep(&pause, NULL);
    }
}

static kq_status session_new(const char *path, const char *program, struct kqc_session **out)
{
    KQ_AUTO(kqc_session) session = calloc(1, sizeof *session);
    if (session == NULL)
        return KQ_ERR_MEMORY;
    kqc_channel_init(&session->channel, -1);
    session->next_seq = 1;
    snprintf(session->program, sizeof session->program, "%s", program);
    if (path != NULL && (session->path = strdup(path)) == NULL)
        return KQ_ERR_MEMORY;
    *out = KQ_TAKE(session);
    return KQ_OK;
}

kq_status kqc_session_open(const char *path, const char *program, struct kqc_session **out)
{
    KQ_AUTO(kqc_session) session = NULL;
    KQ_TRY(session_new(path, program, &session));
    KQ_TRY(connect_once(session));
    *out = KQ_TAKE(session);
    return KQ_OK;
}

kq_status kqc_session_adopt(int fd, const char *program, struct kqc_session **out)
{
    KQ_AUTO(kqc_session) session = NULL;
    KQ_TRY(session_new(NULL, program, &session));
    KQ_AUTO_FD duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0)
        return KQ_ERR_CONNECT;
    session->channel.fd = duplicate;
    duplicate = -1;
    KQ_TRY(say_hello(session));
    close(fd);
    *out = KQ_TAKE(session);
    return KQ_OK;
}

bool kqc_session_find_inherited(int *out_fd)
{
    uint64_t number;
    const char *text = getenv("KEYQUAY_PRELOAD");
    if (text == NULL || !kq_uint_parse(kq_slice_text(text), INT32_MAX, &number))
        return false;
    if (fcntl((int)number, F_GETFD) < 0)
        return false;
    *out_fd = (int)number;
    return true;
}

void kqc_session_free(struct kqc_session *session)
{
    if (session == NULL)
        return;
    kqc_channel_clear(&session->channel);
    kqc_reply_clear(&session->hello_reply);
    free(session->path);
    free(session);
}

int kqc_session_fd(const struct kqc_session *session)
{
    return session->channel.fd;
}

uint64_t kqc_session_generation(const struct kqc_session *session)
{
    return session->generation;
}

const struct kq_hello_reply *kqc_session_hello(const struct kqc_session *session)
{
    return &session->hello;
}

/* ---- calls ---------------------------------------------------------------- */

static bool may_repeat(const struct kqc_session *session, enum kqc_repeat repeat, enum kqc_sent sent)
{
    if (session->path == NULL)
        return false;
    if (repeat == KQC_REPEAT_BOUND || repeat == KQC_REPEAT_USE)
        return false; /* even unsent: the handle or authority inside is dead */
    return repeat == KQC_REPEAT_READ || repeat == KQC_REPEAT_ACT || sent == KQC_SENT_NOTHING;
}

static kq_status exchange_with_repeat(struct kqc_session *session, const struct kqc_request *request,
                                      struct kqc_reply *reply, struct kq_slice *out_results)
{
    enum kqc_repeat repeat = kqc_repeat_of(request->op);
    enum kqc_sent sent = KQC_SENT_NOTHING;
    bool ever_sent = false;
    for (int attempt = 0; attempt < 2; attempt++) {
        kq_status status = ensure_connected(session);
        if (status == KQ_OK)
            status = exchange(session, request, reply, out_results, &sent);
        ever_sent |= sent == KQC_SENT_SOME;
        if (status == KQ_OK)
            return reply->status;
        if (status != KQ_ERR_CONNECT)
            return kqc_reply_set(reply, status, "");
        if (!may_repeat(session, repeat, sent))
            break;
    }
    return kqc_reply_set_lost(reply, repeat, ever_sent ? KQC_EVER_SENT : KQC_NEVER_SENT);
}

kq_status kqc_call(struct kqc_session *session, enum kq_op op, const void *params, uint64_t authority, void *results,
                   struct kqc_reply *reply)
{
    uint8_t request_id[KQ_REQUEST_ID_LEN];
    struct kqc_request request = {.op = op, .params = params, .authority = authority};
    kqc_reply_clear(reply);
    if (kqc_repeat_of(op) == KQC_REPEAT_ACT) {
        KQ_TRY(kq_random(request_id, sizeof request_id));
        request.request_id = kq_slice_of(request_id, sizeof request_id);
    }
    struct kq_slice bytes = KQ_SLICE_EMPTY;
    KQ_TRY(exchange_with_repeat(session, &request, reply, &bytes));
    return kqc_reply_get_results(op, bytes, results, reply);
}

kq_status kqc_submit(struct kqc_session *session, enum kq_op op, const void *params, uint64_t *out_seq)
{
    uint8_t request_id[KQ_REQUEST_ID_LEN];
    struct kqc_request request = {.op = op, .params = params};
    if (kqc_repeat_of(op) == KQC_REPEAT_ACT) {
        KQ_TRY(kq_random(request_id, sizeof request_id));
        request.request_id = kq_slice_of(request_id, sizeof request_id);
    }
    enum kqc_sent sent;
    KQ_TRY(ensure_connected(session));
    kq_status status = send_request(session, &request, out_seq, &sent);
    if (status == KQ_ERR_CONNECT)
        drop_connection(session);
    return status;
}

kq_status kqc_receive(struct kqc_session *session, uint64_t *out_seq, struct kqc_reply *reply,
                      struct kq_slice *out_results)
{
    if (session->channel.fd < 0)
        return KQ_ERR_CONNECT;
    kq_status status = receive_reply(session, reply, out_seq, out_results);
    if (status != KQ_OK)
        drop_connection(session);
    return status;
}
