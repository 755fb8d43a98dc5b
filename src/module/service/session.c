#include "module/service/session.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "module/cards/quorum.h"
#include "module/world/create.h"
#include "wire/frame.h"

#define OUT_MAX (HSM_SESSION_RUNNING_MAX * (KQ_FRAME_MAX + KQ_FRAME_HEAD_LEN))

/* ---- life ---- */

static void link_session(struct hsm_module *module, struct hsm_session *session)
{
    session->next = module->sessions;
    if (session->next != NULL)
        session->next->previous = session;
    module->sessions = session;
    module->num_sessions++;
}

static void unlink_session(struct hsm_module *module, struct hsm_session *session)
{
    if (session->previous != NULL)
        session->previous->next = session->next;
    else
        module->sessions = session->next;
    if (session->next != NULL)
        session->next->previous = session->previous;
    module->num_sessions--;
}

static kq_status read_peer(struct hsm_session *session)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(session->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof peer)
        return KQ_ERR_IO;
    session->uid = (uint32_t)peer.uid;
    return KQ_OK;
}

static kq_status session_new(struct hsm_module *module, int fd, struct hsm_session **out)
{
    struct hsm_session *session = kq_memory_new(sizeof *session);
    if (session == NULL) {
        close(fd);
        return KQ_ERR_MEMORY;
    }
    memset(session, 0, sizeof *session);
    session->module = module;
    session->fd = fd;
    session->opened_ms = kq_clock_monotonic_ms();
    atomic_init(&session->num_holders, 1);
    pthread_mutex_init(&session->ceremony, NULL);
    pthread_mutex_init(&session->lock, NULL);
    kq_buffer_init(&session->in, HSM_SESSION_IN_STRANGER);
    kq_buffer_init(&session->out, OUT_MAX);
    kq_status status = hsm_handles_new(&session->handles);
    if (status == KQ_OK)
        status = read_peer(session);
    if (status != KQ_OK) {
        hsm_session_free(session);
        return status;
    }
    *out = session;
    return KQ_OK;
}

kq_status hsm_session_open(struct hsm_module *module, int fd, struct hsm_session **out)
{
    struct hsm_session *session;
    KQ_TRY(session_new(module, fd, &session));
    session->interest = EPOLLIN;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
    if (epoll_ctl(module->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        hsm_session_free(session);
        return KQ_ERR_IO;
    }
    pthread_mutex_lock(&module->sessions_lock);
    link_session(module, session);
    pthread_mutex_unlock(&module->sessions_lock);
    atomic_store(&module->has_deadlines, true);
    *out = session;
    return KQ_OK;
}

void hsm_session_close(struct hsm_module *module, struct hsm_session *session)
{
    pthread_mutex_lock(&session->lock);
    session->is_closed = true;
    epoll_ctl(module->epoll_fd, EPOLL_CTL_DEL, session->fd, NULL);
    pthread_mutex_unlock(&session->lock);
    pthread_mutex_lock(&module->sessions_lock);
    unlink_session(module, session);
    pthread_mutex_unlock(&module->sessions_lock);
    hsm_session_free(session);
}

struct hsm_session *hsm_session_hold(struct hsm_session *session)
{
    atomic_fetch_add_explicit(&session->num_holders, 1, memory_order_relaxed);
    return session;
}

void hsm_session_free(struct hsm_session *session)
{
    if (atomic_fetch_sub(&session->num_holders, 1) != 1)
        return;
    close(session->fd);
    hsm_handles_free(session->handles);
    hsm_quorum_free(session->quorum);
    hsm_creation_free(session->creation);
    kq_buffer_clear(&session->in);
    kq_buffer_clear(&session->out);
    hsm_sessions_release(session->module, session->in_counted + session->out_counted);
    pthread_mutex_destroy(&session->ceremony);
    pthread_mutex_destroy(&session->lock);
    kq_memory_free(session, sizeof *session);
}

/* ---- what sessions hold ---- */

bool hsm_sessions_are_full(struct hsm_module *module)
{
    return atomic_load(&module->sessions_len) >= module->config.max_sessions_len;
}

void hsm_sessions_hold(struct hsm_module *module, size_t len)
{
    atomic_fetch_add(&module->sessions_len, len);
}

void hsm_sessions_release(struct hsm_module *module, size_t len)
{
    size_t max = module->config.max_sessions_len;
    size_t before = atomic_fetch_sub(&module->sessions_len, len);
    if (before >= max && before - len < max)
        hsm_module_wake(module); /* whoever waits to be taken in */
}

static void count(struct hsm_session *session, size_t *counted, size_t len)
{
    if (len > *counted)
        hsm_sessions_hold(session->module, len - *counted);
    else if (len < *counted)
        hsm_sessions_release(session->module, *counted - len);
    *counted = len;
}

bool hsm_session_count_input(struct hsm_session *session)
{
    bool grows = session->in.len > session->in_counted;
    count(session, &session->in_counted, session->in.len);
    return !grows || session->in.len <= HSM_SESSION_SHARE_LEN || !hsm_sessions_are_full(session->module);
}

/* With the lock held, after out changed: counts it, and starts or stops the client's clock. */
static void count_output(struct hsm_session *session)
{
    bool has_unread = session->out.len > 0 && !session->is_dead;
    count(session, &session->out_counted, session->out.len);
    if (has_unread == (session->unread_ms != 0))
        return;
    session->unread_ms = has_unread ? kq_clock_monotonic_ms() : 0;
    if (has_unread && !atomic_exchange(&session->module->has_deadlines, true))
        hsm_module_wake(session->module);
}

bool hsm_session_is_overdue(struct hsm_session *session, uint64_t now_ms, bool *out_has_deadline)
{
    const struct hsm_config *config = &session->module->config;
    bool is_stranger = !atomic_load(&session->has_said_hello);
    pthread_mutex_lock(&session->lock);
    bool has_unread = session->unread_ms != 0;
    bool is_overdue = (is_stranger && now_ms >= session->opened_ms + config->hello_patience_ms) ||
                      (has_unread && now_ms >= session->unread_ms + config->reading_patience_ms);
    if (is_overdue) {
        session->is_dead = true;
        shutdown(session->fd, SHUT_RDWR); /* now, and not when its last request is done */
    }
    pthread_mutex_unlock(&session->lock);
    *out_has_deadline = is_stranger || has_unread;
    return is_overdue;
}

/* ---- the loop's attention ---- */

static void ask_attention(struct hsm_session *session)
{
    struct hsm_module *module = session->module;
    if (session->has_attention || session->is_closed)
        return;
    session->has_attention = true;
    hsm_session_hold(session);
    pthread_mutex_lock(&module->sessions_lock);
    session->next_attention = module->attention;
    module->attention = session;
    pthread_mutex_unlock(&module->sessions_lock);
    hsm_module_wake(module);
}

struct hsm_session *hsm_session_take_attention(struct hsm_module *module)
{
    pthread_mutex_lock(&module->sessions_lock);
    struct hsm_session *first = module->attention;
    module->attention = NULL;
    pthread_mutex_unlock(&module->sessions_lock);
    return first;
}

static bool is_finished(const struct hsm_session *session)
{
    return session->is_dead || (session->is_ending && session->num_running == 0 && session->out.len == 0);
}

/* With the lock held: tells epoll what the session waits for now, and the
 * loop if there is something only it can do. */
static void update(struct hsm_session *session)
{
    bool is_readable = !session->is_ending && !session->is_stalled && !session->is_dead;
    uint32_t interest = (is_readable ? EPOLLIN : 0u) | (session->out.len > 0 && !session->is_dead ? EPOLLOUT : 0u);
    if (interest != session->interest && !session->is_closed) {
        struct epoll_event event = {.events = interest, .data.ptr = session};
        epoll_ctl(session->module->epoll_fd, EPOLL_CTL_MOD, session->fd, &event);
        session->interest = interest;
    }
    size_t low = hsm_sessions_are_full(session->module) ? 0 : HSM_SESSION_RUNNING_MAX / 2;
    bool may_go_on = session->is_stalled && session->out.len == 0 && session->num_running <= low;
    if (may_go_on || is_finished(session))
        ask_attention(session);
}

bool hsm_session_attend(struct hsm_session *session)
{
    pthread_mutex_lock(&session->lock);
    session->has_attention = false;
    session->is_stalled = false;
    bool is_done = is_finished(session) && !session->is_closed;
    if (!is_done)
        update(session);
    pthread_mutex_unlock(&session->lock);
    return is_done;
}

/* ---- in and out ---- */

bool hsm_session_may_read(struct hsm_session *session, size_t num_read)
{
    pthread_mutex_lock(&session->lock);
    size_t num = session->num_running + num_read;
    size_t max = hsm_sessions_are_full(session->module) ? 1 : HSM_SESSION_RUNNING_MAX;
    bool may = num < max && session->out.len == 0;
    session->is_stalled = !may;
    update(session);
    pthread_mutex_unlock(&session->lock);
    return may;
}

void hsm_session_started(struct hsm_session *session, size_t num)
{
    pthread_mutex_lock(&session->lock);
    session->num_running += num;
    pthread_mutex_unlock(&session->lock);
}

/* Writes what the socket takes; returns what is left. */
static struct kq_slice write_some(struct hsm_session *session, struct kq_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(session->fd, bytes.data, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EAGAIN)
            return bytes;
        if (put <= 0) {
            session->is_dead = true;
            return KQ_SLICE_EMPTY;
        }
        bytes = kq_slice_of(bytes.data + put, bytes.len - (size_t)put);
    }
    return bytes;
}

void hsm_session_answer(struct hsm_session *session, struct kq_slice frames, size_t num)
{
    pthread_mutex_lock(&session->lock);
    session->num_running -= num;
    if (session->out.len == 0 && !session->is_dead)
        frames = write_some(session, frames);
    bool is_too_much = session->out.len + frames.len > HSM_SESSION_SHARE_LEN && hsm_sessions_are_full(session->module);
    if (!session->is_dead && (is_too_much || kq_buffer_append(&session->out, frames.data, frames.len) != KQ_OK))
        session->is_dead = true; /* a reply that cannot be given ends the connection */
    count_output(session);
    update(session);
    pthread_mutex_unlock(&session->lock);
}

void hsm_session_flush(struct hsm_session *session)
{
    pthread_mutex_lock(&session->lock);
    struct kq_slice left = write_some(session, kq_buffer_slice(&session->out));
    kq_buffer_consume(&session->out, session->out.len - left.len);
    if (session->out.len == 0)
        kq_buffer_clear(&session->out);
    count_output(session);
    update(session);
    pthread_mutex_unlock(&session->lock);
}

void hsm_session_end(struct hsm_session *session)
{
    pthread_mutex_lock(&session->lock);
    session->is_ending = true;
    update(session);
    pthread_mutex_unlock(&session->lock);
}
