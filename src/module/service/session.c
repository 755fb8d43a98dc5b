#include "module/service/session.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

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
    pthread_mutex_destroy(&session->ceremony);
    pthread_mutex_destroy(&session->lock);
    kq_memory_free(session, sizeof *session);
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
    bool may_go_on =
        session->is_stalled && session->out.len == 0 && session->num_running <= HSM_SESSION_RUNNING_MAX / 2;
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
    bool may = session->num_running + num_read < HSM_SESSION_RUNNING_MAX && session->out.len == 0;
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
    if (!session->is_dead && kq_buffer_append(&session->out, frames.data, frames.len) != KQ_OK)
        session->is_dead = true; /* a reply that cannot be given ends the connection */
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
