#include "client/mux.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"
#include "client/link.h"
#include "client/request.h"
#include "wire/frame.h"

#define IN_FLIGHT_MAX 60u /* the module leaves a connection unread at 64 */
#define UNREAD_MAX 32u    /* answers that lie in a socket's buffer, which holds some two hundred */
#define SENT_MAX 3u       /* a request that ends the module each time is not sent for ever */
#define CONNECT_PAUSE_MS 20
#define HELLO_MIN_MS 1000u

struct kqc_mux {
    pthread_mutex_t lock;   /* all below, and every link's state; never held while reading, writing or connecting */
    pthread_cond_t changed; /* the link came or went, or has room */
    pthread_condattr_t monotonic;
    char *path;
    char program[65];
    uint64_t retry_ms;
    uint64_t answer_ms;
    struct kqc_link *link; /* NULL: not connected */
    bool is_connecting;
    uint64_t next_seq;
    uint64_t generation;
    char esn[KQ_ESN_LEN + 1]; /* of the last link */
    uint64_t num_modules;     /* counts how often it was another module's */
};

/* One call under way. */
struct calling {
    enum kqc_repeat repeat;
    struct kq_slice frame;
    uint64_t needs_generation;
    uint64_t retry_until_ms; /* 0: nothing has gone wrong yet */
    unsigned num_sent;       /* times the module may have seen it */
    uint64_t module;         /* num_modules of the link where it was first sent */
    bool is_late;            /* its own answer did not come in time */
    struct kqc_waiter waiter;
};

/* ---- the lock ---- */

static void lock(struct kqc_mux *mux)
{
    pthread_mutex_lock(&mux->lock);
}

static void unlock(struct kqc_mux *mux)
{
    pthread_mutex_unlock(&mux->lock);
}

static void wait_until(struct kqc_mux *mux, pthread_cond_t *condition, uint64_t until_ms)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000};
    pthread_cond_timedwait(condition, &mux->lock, &until);
}

/* ---- connecting: by whoever comes first, the others wait ---- */

static void publish(struct kqc_mux *mux, struct kqc_link *link)
{
    if (strcmp(mux->esn, link->esn) != 0)
        mux->num_modules++;
    memcpy(mux->esn, link->esn, sizeof mux->esn);
    link->generation = ++mux->generation;
    mux->link = link;
}

static kq_status connect_now(struct kqc_mux *mux, uint64_t retry_until_ms)
{
    const struct timespec pause = {.tv_nsec = CONNECT_PAUSE_MS * 1000000};
    uint64_t hello_ms = mux->retry_ms > HELLO_MIN_MS ? mux->retry_ms : HELLO_MIN_MS;
    KQ_AUTO(kqc_link) link = NULL;
    mux->is_connecting = true;
    unlock(mux);
    kq_status status = kqc_link_open(mux->path, mux->program, hello_ms < mux->answer_ms ? hello_ms : mux->answer_ms,
                                     mux->answer_ms, &link);
    bool again = status == KQ_ERR_CONNECT && kq_clock_monotonic_ms() < retry_until_ms;
    if (again)
        nanosleep(&pause, NULL); /* within the role of the one that connects, so that nobody else hurries */
    lock(mux);
    mux->is_connecting = false;
    if (status == KQ_OK)
        publish(mux, KQ_TAKE(link));
    pthread_cond_broadcast(&mux->changed);
    return again ? KQ_OK : status;
}

static void note_trouble(const struct kqc_mux *mux, struct calling *calling)
{
    if (calling->retry_until_ms == 0)
        calling->retry_until_ms = kq_clock_monotonic_ms() + mux->retry_ms;
}

/* One step towards a link; KQ_OK says look again. */
static kq_status reconnect(struct kqc_mux *mux, struct calling *calling)
{
    note_trouble(mux, calling);
    if (!mux->is_connecting)
        return connect_now(mux, calling->retry_until_ms);
    if (kq_clock_monotonic_ms() >= calling->retry_until_ms)
        return KQ_ERR_CONNECT;
    wait_until(mux, &mux->changed, calling->retry_until_ms);
    return KQ_OK;
}

/* Another module does not remember what the first one may have done. */
static bool is_elsewhere(const struct kqc_mux *mux, const struct calling *calling)
{
    return calling->repeat == KQC_REPEAT_ACT && calling->num_sent > 0 && calling->module != mux->num_modules;
}

/* Finds a place on the link. */
static kq_status enter(struct kqc_mux *mux, struct calling *calling, struct kqc_link **out)
{
    uint64_t until_ms = kq_clock_monotonic_ms() + mux->answer_ms;
    for (;;) {
        struct kqc_link *link = mux->link;
        if (calling->needs_generation != 0 && (link == NULL || link->generation != calling->needs_generation))
            return KQ_ERR_NOT_FOUND;
        if (link == NULL) {
            KQ_TRY(reconnect(mux, calling));
            continue;
        }
        if (is_elsewhere(mux, calling))
            return KQ_ERR_OUTCOME_UNKNOWN;
        if (link->num_users < IN_FLIGHT_MAX) {
            if (calling->num_sent == 0)
                calling->module = mux->num_modules;
            kqc_link_join(link, &calling->waiter);
            *out = link;
            return KQ_OK;
        }
        if (kq_clock_monotonic_ms() >= until_ms)
            return KQ_ERR_WAIT;
        wait_until(mux, &mux->changed, until_ms);
    }
}

/* ---- on a link ---- */

static void lose(struct kqc_mux *mux, struct kqc_link *link)
{
    if (link->is_lost)
        return;
    kqc_link_lose(link);
    if (mux->link == link)
        mux->link = NULL;
    pthread_cond_broadcast(&mux->changed);
}

/* Reads one frame for whoever it is for. */
static void read_one(struct kqc_mux *mux, struct kqc_link *link)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_slice results = KQ_SLICE_EMPTY;
    uint64_t seq = 0;
    link->has_reader = true;
    unlock(mux);
    kq_status status = kqc_channel_receive(&link->channel, &reply.frame);
    if (status == KQ_OK)
        status = kqc_reply_read(&reply, &seq, &results);
    lock(mux);
    link->has_reader = false;
    if (status == KQ_OK)
        kqc_link_deliver(link, seq, results, &reply);
    else if (status != KQ_ERR_WAIT)
        lose(mux, link);
}

static void await(struct kqc_mux *mux, struct kqc_link *link, struct calling *calling)
{
    struct kqc_waiter *waiter = &calling->waiter;
    uint64_t until_ms = kq_clock_monotonic_ms() + mux->answer_ms;
    waiter->is_waiting = true;
    while (!waiter->is_done && !link->is_lost) {
        if (kq_clock_monotonic_ms() >= until_ms) {
            calling->is_late = true;
            lose(mux, link);
        } else if (link->has_reader) {
            wait_until(mux, &waiter->woken, until_ms);
        } else {
            read_one(mux, link);
        }
    }
}

static void send_frame(struct kqc_mux *mux, struct kqc_link *link, struct calling *calling)
{
    enum kqc_sent sent;
    unlock(mux);
    pthread_mutex_lock(&link->sending);
    kq_status status = kqc_channel_send(&link->channel, calling->frame, &sent);
    pthread_mutex_unlock(&link->sending);
    lock(mux);
    if (sent == KQC_SENT_SOME)
        calling->num_sent++;
    if (status != KQ_OK)
        lose(mux, link);
}

static void leave(struct kqc_mux *mux, struct kqc_link *link, struct kqc_waiter *waiter)
{
    kqc_link_leave(link, waiter);
    kqc_link_pass_on(link);
    pthread_cond_signal(&mux->changed);
    if (link->is_lost && link->num_users == 0)
        kqc_link_free(link);
}

/* KQ_OK: an answer came. */
static kq_status exchange(struct kqc_mux *mux, struct calling *calling)
{
    struct kqc_waiter *waiter = &calling->waiter;
    struct kqc_link *link = NULL;
    waiter->is_waiting = false;
    KQ_TRY(enter(mux, calling, &link));
    send_frame(mux, link, calling);
    await(mux, link, calling);
    leave(mux, link, waiter);
    return waiter->is_done ? KQ_OK : KQ_ERR_CONNECT;
}

/* ---- a call ---- */

static bool may_repeat(struct kqc_mux *mux, struct calling *calling)
{
    if (calling->repeat == KQC_REPEAT_BOUND || calling->repeat == KQC_REPEAT_USE)
        return false; /* even unsent: the handle inside is dead */
    note_trouble(mux, calling);
    return !calling->is_late && calling->num_sent < SENT_MAX && kq_clock_monotonic_ms() < calling->retry_until_ms;
}

static kq_status explain(kq_status status, const struct calling *calling, struct kqc_reply *reply)
{
    switch (status) {
    case KQ_ERR_NOT_FOUND:
        return kqc_reply_set(reply, status, "the handle belongs to a connection that is gone");
    case KQ_ERR_WAIT:
        return kqc_reply_set(reply, KQ_ERR_CONNECT, "too many requests wait for the module; nothing was done");
    case KQ_ERR_CONNECT:
    case KQ_ERR_OUTCOME_UNKNOWN:
        status = kqc_reply_set_lost(reply, calling->repeat, calling->num_sent > 0 ? KQC_EVER_SENT : KQC_NEVER_SENT);
        if (calling->is_late && status == KQ_ERR_CONNECT)
            kqc_reply_set(reply, status, "the module did not answer in time; nothing was done");
        return status;
    default:
        return kqc_reply_set(reply, status, "");
    }
}

static kq_status exchange_with_repeat(struct kqc_mux *mux, struct calling *calling)
{
    kq_status status;
    lock(mux);
    do
        status = exchange(mux, calling);
    while (status == KQ_ERR_CONNECT && may_repeat(mux, calling));
    unlock(mux);
    return status;
}

static uint64_t take_seq(struct kqc_mux *mux)
{
    return __atomic_fetch_add(&mux->next_seq, 1, __ATOMIC_RELAXED);
}

kq_status kqc_mux_call(struct kqc_mux *mux, enum kq_op op, const void *params, uint64_t needs_generation, void *results,
                       struct kqc_reply *reply)
{
    uint8_t request_id[KQ_REQUEST_ID_LEN];
    struct kqc_request request = {.op = op, .params = params};
    struct calling calling = {.repeat = kqc_repeat_of(op), .needs_generation = needs_generation};
    KQ_AUTO_VALUE(kq_writer) frame;
    kq_writer_init(&frame, KQ_FRAME_MAX + KQ_FRAME_HEAD_LEN);
    kqc_reply_clear(reply);
    if (calling.repeat == KQC_REPEAT_ACT) {
        KQ_TRY(kq_random(request_id, sizeof request_id));
        request.request_id = kq_slice_of(request_id, sizeof request_id);
    }
    calling.waiter.seq = take_seq(mux);
    calling.waiter.reply = reply;
    KQ_TRY(kqc_request_encode(&request, calling.waiter.seq, &frame));
    KQ_TRY(kq_writer_finish(&frame, &calling.frame));
    if (pthread_cond_init(&calling.waiter.woken, &mux->monotonic) != 0)
        return KQ_ERR_MEMORY;
    kq_status status = exchange_with_repeat(mux, &calling);
    pthread_cond_destroy(&calling.waiter.woken);
    if (status != KQ_OK)
        return explain(status, &calling, reply);
    KQ_TRY(reply->status);
    return kqc_reply_get_results(op, calling.waiter.results, results, reply);
}

void kqc_mux_post(struct kqc_mux *mux, enum kq_op op, const void *params, uint64_t needs_generation)
{
    const struct kqc_request request = {.op = op, .params = params};
    KQ_AUTO_VALUE(kqc_reply) reply = {0}; /* it may come while we still send */
    struct calling calling = {.needs_generation = needs_generation, .waiter = {.seq = take_seq(mux), .reply = &reply}};
    struct kqc_link *link;
    KQ_AUTO_VALUE(kq_writer) frame;
    kq_writer_init(&frame, KQ_FRAME_MAX + KQ_FRAME_HEAD_LEN);
    if (kqc_request_encode(&request, calling.waiter.seq, &frame) != KQ_OK ||
        kq_writer_finish(&frame, &calling.frame) != KQ_OK ||
        pthread_cond_init(&calling.waiter.woken, &mux->monotonic) != 0)
        return;
    lock(mux);
    if (enter(mux, &calling, &link) == KQ_OK) {
        send_frame(mux, link, &calling);
        if (link->num_unread >= UNREAD_MAX)
            await(mux, link, &calling); /* reads the others on the way */
        if (!calling.waiter.is_done)
            link->num_unread++;
        leave(mux, link, &calling.waiter);
    }
    unlock(mux);
    pthread_cond_destroy(&calling.waiter.woken);
}

uint64_t kqc_mux_generation(struct kqc_mux *mux)
{
    lock(mux);
    uint64_t generation = mux->generation;
    unlock(mux);
    return generation;
}

/* ---- life ---- */

static bool init_locks(struct kqc_mux *mux)
{
    if (pthread_condattr_init(&mux->monotonic) != 0)
        return false;
    return pthread_condattr_setclock(&mux->monotonic, CLOCK_MONOTONIC) == 0 &&
           pthread_mutex_init(&mux->lock, NULL) == 0 && pthread_cond_init(&mux->changed, &mux->monotonic) == 0;
}

kq_status kqc_mux_open(const struct kqc_mux_options *options, struct kqc_mux **out)
{
    struct kqc_mux *mux = calloc(1, sizeof *mux);
    if (mux == NULL)
        return KQ_ERR_MEMORY;
    mux->path = strdup(options->path);
    if (mux->path == NULL || !init_locks(mux)) {
        free(mux->path);
        free(mux);
        return KQ_ERR_MEMORY;
    }
    snprintf(mux->program, sizeof mux->program, "%s", options->program);
    mux->retry_ms = options->retry_ms;
    mux->answer_ms = options->answer_ms;
    mux->next_seq = 1;
    *out = mux;
    return KQ_OK;
}

void kqc_mux_free(struct kqc_mux *mux)
{
    if (mux == NULL)
        return;
    kqc_link_free(mux->link);
    pthread_cond_destroy(&mux->changed);
    pthread_mutex_destroy(&mux->lock);
    pthread_condattr_destroy(&mux->monotonic);
    free(mux->path);
    free(mux);
}
