#include "client/link.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/request.h"
#include "wire/frame.h"

#define RECEIVE_MIN_MS 10u
#define RECEIVE_MAX_MS 1000u

static uint64_t receive_patience(uint64_t answer_ms)
{
    uint64_t quarter = answer_ms / 4;
    if (quarter < RECEIVE_MIN_MS)
        return RECEIVE_MIN_MS;
    return quarter < RECEIVE_MAX_MS ? quarter : RECEIVE_MAX_MS;
}

static kq_status send_hello(struct kqc_link *link, const char *program)
{
    const struct kq_hello_request params = {.protocol = KQ_PROTOCOL_VERSION, .client = kq_slice_text(program)};
    const struct kqc_request request = {.op = KQ_OP_HELLO, .params = &params};
    KQ_AUTO_VALUE(kq_writer) frame;
    struct kq_slice bytes;
    enum kqc_sent sent;
    kq_writer_init(&frame, KQ_FRAME_MAX);
    KQ_TRY(kqc_request_encode(&request, 0, &frame));
    KQ_TRY(kq_writer_finish(&frame, &bytes));
    return kqc_channel_send(&link->channel, bytes, &sent);
}

static kq_status say_hello(struct kqc_link *link, const char *program, uint64_t until_ms)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_hello_reply hello;
    struct kq_slice results;
    uint64_t seq;
    kq_status status;
    KQ_TRY(send_hello(link, program));
    do
        status = kqc_channel_receive(&link->channel, &reply.frame);
    while (status == KQ_ERR_WAIT && kq_clock_monotonic_ms() < until_ms);
    if (status == KQ_ERR_WAIT)
        return KQ_ERR_CONNECT;
    KQ_TRY(status);
    KQ_TRY(kqc_reply_read(&reply, &seq, &results));
    KQ_TRY(reply.status);
    KQ_TRY(kq_hello_reply_get(results, &hello, NULL));
    return kq_text_copy(hello.esn, link->esn, sizeof link->esn) ? KQ_OK : KQ_ERR_FORMAT;
}

static kq_status link_new(struct kqc_link **out)
{
    struct kqc_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return KQ_ERR_MEMORY;
    if (pthread_mutex_init(&link->sending, NULL) != 0) {
        free(link);
        return KQ_ERR_MEMORY;
    }
    kqc_channel_init(&link->channel, -1);
    *out = link;
    return KQ_OK;
}

kq_status kqc_link_open(const char *path, const char *program, uint64_t patience_ms, uint64_t answer_ms,
                        struct kqc_link **out)
{
    uint64_t until_ms = kq_clock_monotonic_ms() + patience_ms;
    KQ_AUTO(kqc_link) link = NULL;
    KQ_TRY(link_new(&link));
    KQ_TRY(kqc_channel_connect(path, &link->channel));
    if (kqc_channel_set_patience(&link->channel, answer_ms, receive_patience(answer_ms)) != KQ_OK)
        return KQ_ERR_CONNECT;
    KQ_TRY(say_hello(link, program, until_ms));
    *out = KQ_TAKE(link);
    return KQ_OK;
}

void kqc_link_free(struct kqc_link *link)
{
    if (link == NULL)
        return;
    kqc_channel_clear(&link->channel);
    pthread_mutex_destroy(&link->sending);
    free(link);
}

void kqc_link_join(struct kqc_link *link, struct kqc_waiter *waiter)
{
    waiter->previous = NULL;
    waiter->next = link->waiters;
    if (link->waiters != NULL)
        link->waiters->previous = waiter;
    link->waiters = waiter;
    link->num_users++;
}

static void unlink_waiter(struct kqc_link *link, struct kqc_waiter *waiter)
{
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        link->waiters = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
}

void kqc_link_leave(struct kqc_link *link, struct kqc_waiter *waiter)
{
    if (!waiter->is_done)
        unlink_waiter(link, waiter);
    link->num_users--;
}

void kqc_link_deliver(struct kqc_link *link, uint64_t seq, struct kq_slice results, struct kqc_reply *reply)
{
    for (struct kqc_waiter *waiter = link->waiters; waiter != NULL; waiter = waiter->next) {
        if (waiter->seq != seq)
            continue;
        reply->generation = link->generation;
        *waiter->reply = *reply;
        *reply = (struct kqc_reply){.status = KQ_OK};
        waiter->results = results;
        waiter->is_done = true;
        unlink_waiter(link, waiter);
        pthread_cond_signal(&waiter->woken);
        return;
    }
    if (link->num_unread > 0)
        link->num_unread--;
}

void kqc_link_pass_on(struct kqc_link *link)
{
    if (link->has_reader)
        return;
    for (struct kqc_waiter *waiter = link->waiters; waiter != NULL; waiter = waiter->next) {
        if (waiter->is_waiting) {
            pthread_cond_signal(&waiter->woken);
            return;
        }
    }
}

void kqc_link_lose(struct kqc_link *link)
{
    link->is_lost = true;
    shutdown(link->channel.fd, SHUT_RDWR);
    for (struct kqc_waiter *waiter = link->waiters; waiter != NULL; waiter = waiter->next)
        pthread_cond_signal(&waiter->woken);
}
