#include "module/service/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wipe.h"
#include "module/service/flush.h"
#include "module/service/persist.h"
#include "wire/frame.h"

#define EVENTS_PER_WAIT 64
#define READ_LEN (32u * 1024)
/* A stop waits this long for requests under way. */
#define STOP_PATIENCE_MS 10000u
/* Deadlines are kept to this. */
#define SWEEP_MS 250u

struct loop {
    struct hsm_module *module;
    struct hsm_worker *worker;
    uint64_t sweep_ms;     /* when to look for overdue clients next */
    uint64_t stop_ms;      /* when STOP came, else 0 */
    uint64_t clients_told; /* how many CLIENTS were sent */
    bool has_told_some;    /* what the last one said */
    bool is_last_flush_sent;
    bool is_over;
    uint8_t scratch[READ_LEN];
};

/* ---- sessions ---- */

/* The first has come, or the last has gone. */
static void tell_clients(struct loop *loop)
{
    uint64_t num = loop->module->num_sessions;
    if ((num > 0) == loop->has_told_some)
        return;
    loop->has_told_some = num > 0;
    loop->clients_told++;
    const struct kq_control record = {.kind = KQ_CONTROL_CLIENTS, .number = num};
    if (hsm_control_send(&loop->module->control, &record) != KQ_OK)
        hsm_module_die("the hardserver is gone");
}

static void close_session(struct loop *loop, struct hsm_session *session)
{
    hsm_session_close(loop->module, session);
    tell_clients(loop);
}

/* What one reading brought, on its way to the queue. */
struct chain {
    struct hsm_request *first;
    struct hsm_request **end;
    size_t num;
};

/* HELLO is answered here, so that nothing sent behind it can overtake it. */
static void add_request(struct loop *loop, struct chain *chain, struct hsm_request *request)
{
    if (request->message.op == KQ_OP_HELLO) {
        hsm_session_started(request->session, 1);
        hsm_worker_run(loop->worker, request);
        hsm_worker_flush(loop->worker);
        return;
    }
    *chain->end = request;
    chain->end = &request->next;
    chain->num++;
}

/* Takes whole frames off in; *out_taken says how much. False: not our protocol. */
static bool take_frames(struct loop *loop, struct hsm_session *session, struct kq_slice in, struct chain *chain,
                        size_t *out_taken)
{
    *out_taken = 0;
    for (;;) {
        struct kq_slice frame;
        size_t taken;
        struct hsm_request *request;
        if (kq_frame_split(kq_slice_of(in.data + *out_taken, in.len - *out_taken), &frame, &taken) != KQ_OK)
            return false;
        if (taken == 0 || !hsm_session_may_read(session, chain->num))
            return true;
        if (hsm_request_new(session, frame, &request) != KQ_OK)
            return false;
        *out_taken += taken;
        add_request(loop, chain, request);
    }
}

static bool take_buffered(struct loop *loop, struct hsm_session *session, struct chain *chain)
{
    size_t taken;
    if (!take_frames(loop, session, kq_buffer_slice(&session->in), chain, &taken))
        return false;
    kq_buffer_consume(&session->in, taken);
    if (session->in.len == 0)
        kq_buffer_clear(&session->in);
    return hsm_session_count_input(session);
}

/* New bytes: straight from the scratch buffer if nothing waits before them. */
static bool take_bytes(struct loop *loop, struct hsm_session *session, struct kq_slice bytes, struct chain *chain)
{
    size_t taken = 0;
    if (session->in.len == 0 && !take_frames(loop, session, bytes, chain, &taken))
        return false;
    if (taken == bytes.len)
        return true;
    bool had_bytes = session->in.len > 0;
    if (kq_buffer_append(&session->in, bytes.data + taken, bytes.len - taken) != KQ_OK)
        return false;
    return had_bytes ? take_buffered(loop, session, chain) : hsm_session_count_input(session);
}

static void submit(struct loop *loop, struct hsm_session *session, const struct chain *chain)
{
    if (chain->num == 0)
        return;
    hsm_session_started(session, chain->num);
    hsm_queue_put(loop->module->queue, chain->first);
}

static void read_session(struct loop *loop, struct hsm_session *session)
{
    size_t room = session->in.max - session->in.len;
    ssize_t got = read(session->fd, loop->scratch, room < READ_LEN ? room : READ_LEN);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        hsm_session_end(session);
        return;
    }
    struct chain chain = {.end = &chain.first};
    bool is_sound = take_bytes(loop, session, kq_slice_of(loop->scratch, (size_t)got), &chain);
    kq_wipe(loop->scratch, (size_t)got);
    submit(loop, session, &chain);
    if (!is_sound)
        hsm_session_end(session);
}

static void session_event(struct loop *loop, struct hsm_session *session, uint32_t events)
{
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        close_session(loop, session);
        return;
    }
    if ((events & EPOLLOUT) != 0)
        hsm_session_flush(session);
    if ((events & EPOLLIN) != 0 && loop->stop_ms != 0)
        hsm_session_end(session);
    else if ((events & EPOLLIN) != 0)
        read_session(loop, session);
}

/* Sessions that finished, or that may go on reading what they had sent. */
static void attend_sessions(struct loop *loop)
{
    struct hsm_session *session = hsm_session_take_attention(loop->module);
    while (session != NULL) {
        struct hsm_session *next = session->next_attention;
        if (hsm_session_attend(session)) {
            close_session(loop, session);
        } else if (!session->is_closed) {
            struct chain chain = {.end = &chain.first};
            bool is_sound = take_buffered(loop, session, &chain);
            submit(loop, session, &chain);
            if (!is_sound)
                hsm_session_end(session);
        }
        hsm_session_free(session);
        session = next;
    }
}

/* ---- deadlines ---- */

/* Ends the sessions whose clients keep the module waiting. */
static void end_overdue(struct loop *loop)
{
    struct hsm_module *module = loop->module;
    uint64_t now_ms = kq_clock_monotonic_ms();
    if (!atomic_load(&module->has_deadlines) || now_ms < loop->sweep_ms)
        return;
    loop->sweep_ms = now_ms + SWEEP_MS;
    atomic_store(&module->has_deadlines, false); /* before looking, so that none is lost */
    bool has_deadlines = false;
    struct hsm_session *next;
    for (struct hsm_session *session = module->sessions; session != NULL; session = next) {
        bool has_deadline;
        next = session->next; /* the list is the loop's to change */
        if (hsm_session_is_overdue(session, now_ms, &has_deadline))
            close_session(loop, session);
        else
            has_deadlines = has_deadlines || has_deadline;
    }
    if (has_deadlines)
        atomic_store(&module->has_deadlines, true);
}

static int sweep_timeout_ms(const struct loop *loop)
{
    if (!atomic_load(&loop->module->has_deadlines))
        return -1;
    uint64_t now_ms = kq_clock_monotonic_ms();
    return now_ms >= loop->sweep_ms ? 0 : (int)(loop->sweep_ms - now_ms);
}

/* ---- new clients ---- */

static bool may_accept(const struct loop *loop)
{
    return loop->stop_ms == 0 && loop->module->num_sessions < loop->module->config.max_sessions &&
           !hsm_sessions_are_full(loop->module);
}

static void accept_client(struct loop *loop)
{
    struct hsm_session *session;
    int fd = may_accept(loop) ? hsm_listener_accept(&loop->module->listener) : -1;
    /* no memory for it: the client sees its connection end */
    if (fd >= 0 && hsm_session_open(loop->module, fd, &session) == KQ_OK)
        tell_clients(loop);
}

/* ---- control channel ---- */

static void persist_done(struct loop *loop, const struct kq_control *record)
{
    kq_status status = (kq_status)record->number;
    if (!hsm_flush_done(loop->module, record->seq, status))
        hsm_persist_done(loop->module, record->seq, status);
    else if (loop->is_last_flush_sent)
        loop->is_over = true;
}

static void begin_stop(struct loop *loop)
{
    loop->stop_ms = kq_clock_monotonic_ms();
    atomic_store(&loop->module->is_stopping, true);
}

static kq_status control_event(struct loop *loop)
{
    KQ_TRY(hsm_control_read(&loop->module->control));
    for (;;) {
        struct kq_control record;
        kq_status status = hsm_control_next(&loop->module->control, &record);
        if (status == KQ_ERR_WAIT)
            return KQ_OK;
        KQ_TRY(status);
        switch (record.kind) {
        case KQ_CONTROL_STOP_IF_IDLE:
            if (loop->module->num_sessions == 0 && record.seq == loop->clients_told)
                begin_stop(loop);
            break;
        case KQ_CONTROL_PERSIST_DONE:
            persist_done(loop, &record);
            break;
        case KQ_CONTROL_STOP:
            begin_stop(loop);
            break;
        default:
            return KQ_ERR_FORMAT;
        }
    }
}

/* ---- the loop ---- */

static void drain_wake(struct hsm_module *module)
{
    uint64_t count;
    ssize_t got = read(module->wake_fd, &count, sizeof count);
    (void)got; /* nothing there is fine */
}

/* After a STOP: once nothing runs, the last records go out. */
static void try_to_stop(struct loop *loop)
{
    if (loop->stop_ms == 0 || loop->is_last_flush_sent)
        return;
    if (hsm_queue_len(loop->module->queue) == 0)
        loop->is_last_flush_sent = hsm_flush_run_last(loop->module);
    if (kq_clock_monotonic_ms() > loop->stop_ms + STOP_PATIENCE_MS)
        loop->is_over = true;
}

static int earlier(int a_ms, int b_ms)
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static int timeout_ms(struct loop *loop)
{
    int timeout = earlier(hsm_flush_timeout_ms(loop->module), hsm_listener_timeout_ms(&loop->module->listener));
    timeout = earlier(timeout, sweep_timeout_ms(loop));
    return loop->stop_ms != 0 ? earlier(timeout, 50) : timeout;
}

static kq_status handle_events(struct loop *loop, const struct epoll_event *events, int num)
{
    struct hsm_module *module = loop->module;
    for (int i = 0; i < num; i++) {
        if (events[i].data.ptr == &module->control)
            KQ_TRY(control_event(loop));
        else if (events[i].data.ptr == &module->listener)
            accept_client(loop);
        else if (events[i].data.ptr == &module->wake_fd)
            drain_wake(module);
        else
            session_event(loop, events[i].data.ptr, events[i].events);
    }
    return KQ_OK;
}

static kq_status watch(struct hsm_module *module)
{
    struct epoll_event control = {.events = EPOLLIN, .data.ptr = &module->control};
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = &module->wake_fd};
    if (epoll_ctl(module->epoll_fd, EPOLL_CTL_ADD, module->control.fd, &control) != 0 ||
        epoll_ctl(module->epoll_fd, EPOLL_CTL_ADD, module->wake_fd, &wake) != 0)
        return KQ_ERR_IO;
    return KQ_OK;
}

kq_status hsm_loop_run(struct hsm_worker *worker)
{
    struct loop loop = {.module = worker->module, .worker = worker};
    struct epoll_event events[EVENTS_PER_WAIT];
    KQ_TRY(watch(loop.module));
    while (!loop.is_over) {
        KQ_TRY(hsm_listener_update(&loop.module->listener, loop.module->epoll_fd, may_accept(&loop)));
        int num = epoll_wait(loop.module->epoll_fd, events, EVENTS_PER_WAIT, timeout_ms(&loop));
        if (num < 0 && errno != EINTR)
            return KQ_ERR_IO;
        KQ_TRY(handle_events(&loop, events, num < 0 ? 0 : num));
        attend_sessions(&loop);
        end_overdue(&loop);
        hsm_flush_run(loop.module);
        try_to_stop(&loop);
    }
    return KQ_OK;
}
