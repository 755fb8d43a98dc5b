#ifndef HSM_SERVICE_SESSION_H
#define HSM_SERVICE_SESSION_H

#include <stdatomic.h>

#include "module/service/module.h"

/* One connection: who it is, what it has loaded, what goes in and out. The
 * loop reads, workers write; it lives until both the loop and the last
 * request under way have let go of it. */
struct hsm_session {
    struct hsm_module *module;
    struct hsm_session *next, *previous; /* in module->sessions */
    struct hsm_session *next_attention;
    atomic_uint num_holders;
    int fd;
    uint32_t uid;
    atomic_bool has_said_hello;
    struct hsm_handles *handles;

    pthread_mutex_t ceremony; /* held by requests that touch the two below */
    struct hsm_quorum *quorum;
    struct hsm_creation *creation;

    /* the loop's own */
    struct kq_buffer in; /* grows to a whole frame only for who said hello and has a role */
    size_t in_counted;   /* of it, in module->sessions_len */
    uint64_t opened_ms;

    pthread_mutex_t lock; /* guards what follows */
    struct kq_buffer out; /* replies the socket had no room for */
    size_t out_counted;   /* of it, in module->sessions_len */
    uint64_t unread_ms;   /* since when there have been some, 0: there are none */
    size_t num_running;   /* requests read and not answered */
    uint32_t interest;    /* as epoll knows it */
    bool is_stalled;      /* not read for now: too much under way */
    bool is_ending;       /* nothing more will be read */
    bool is_dead;         /* nothing more can be written */
    bool is_closed;       /* the loop has let go */
    bool has_attention;   /* stands in module->attention */
};

#define HSM_SESSION_RUNNING_MAX 64u
/* Bytes kept for somebody who has not said hello: room for a hello. */
#define HSM_SESSION_IN_STRANGER 512u

/* Adopts a connected socket and watches it. Closes fd on failure.
 * Errors: KQ_ERR_MEMORY, KQ_ERR_IO. */
KQ_MUST_CHECK kq_status hsm_session_open(struct hsm_module *module, int fd, struct hsm_session **out);
/* The loop lets go: no more reading; what is under way ends unseen. */
void hsm_session_close(struct hsm_module *module, struct hsm_session *session);

struct hsm_session *hsm_session_hold(struct hsm_session *session);
void hsm_session_free(struct hsm_session *session); /* one holder less */

/* May more requests be read now? Otherwise notes that the session stalled. */
bool hsm_session_may_read(struct hsm_session *session, size_t num_read);
/* num requests were read and are under way. */
void hsm_session_started(struct hsm_session *session, size_t num);
/* Writes reply frames and counts num requests as answered. */
void hsm_session_answer(struct hsm_session *session, struct kq_slice frames, size_t num);
/* The socket has room again; the client will send no more. */
void hsm_session_flush(struct hsm_session *session);
void hsm_session_end(struct hsm_session *session);

/* The loop changed what it keeps of the session's input. False: the session
 * holds more than its share while all together hold too much, and has to end. */
bool hsm_session_count_input(struct hsm_session *session);
/* True when the client has said no hello in time, or left answers unread too
 * long; then nothing more is read or written. *out_has_deadline: it may come to that. */
bool hsm_session_is_overdue(struct hsm_session *session, uint64_t now_ms, bool *out_has_deadline);
/* True while all sessions together hold as much as they may. */
bool hsm_sessions_are_full(struct hsm_module *module);
/* Bytes of a request begin and end to count. */
void hsm_sessions_hold(struct hsm_module *module, size_t len);
void hsm_sessions_release(struct hsm_module *module, size_t len);

/* Takes the list of sessions that the loop should look at. */
struct hsm_session *hsm_session_take_attention(struct hsm_module *module);
/* True if the session has nothing left to do. Clears its place in the list. */
bool hsm_session_attend(struct hsm_session *session);

#endif
