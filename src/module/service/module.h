#ifndef HSM_SERVICE_MODULE_H
#define HSM_SERVICE_MODULE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "module/audit/window.h"
#include "module/service/call.h"
#include "module/service/control.h"
#include "module/service/listener.h"
#include "module/service/queue.h"
#include "module/service/snapshot.h"

/* Everything a running module is. Made once by main.c; one thread runs the
 * loop (loop.h), the others are workers (worker.h). What a lock guards stands
 * behind it; nothing waits for a lock that is listed above one it holds:
 * session's ceremony, running, gate, snapshot, session. */

#define HSM_WORKERS_MAX 256u
#define HSM_SESSIONS_MAX 1024u
#define HSM_DEVICE_KEY_LEN 32u
/* How long a client may stay without saying hello, and leave answers unread. */
#define HSM_HELLO_PATIENCE_MS 10000u
#define HSM_READING_PATIENCE_MS 30000u
/* Requests, unread input and unread answers of all sessions together. Beyond
 * it nobody new is taken in, a session gets one request done at a time, and one
 * that would hold more than its share of HSM_SESSION_SHARE_LEN ends. */
#define HSM_SESSIONS_LEN_MAX (16u * 1024 * 1024)
#define HSM_SESSION_SHARE_LEN (16u * 1024)

struct hsm_config {
    const char *folder; /* the hsm folder */
    size_t num_workers;
    size_t max_sessions;     /* at most HSM_SESSIONS_MAX */
    size_t max_sessions_len; /* as below, 0: as named above */
    uint64_t hello_patience_ms;
    uint64_t reading_patience_ms;
    const char *key_protection; /* static storage, as all texts here */
    const char *rollback_protection;
    const char *version;
};

/* Where a flush of waiting uses stands; the loop's own. */
struct hsm_flush {
    struct kq_buffer frames; /* sent, or to be sent again */
    struct hsm_audit_tree tree;
    struct hsm_state *state; /* a checkpoint goes along, else NULL */
    struct kq_buffer sealed; /* of it */
    uint64_t seq;            /* of the PERSIST under way, 0: none */
    bool is_waiting;         /* for the gate */
    uint64_t retry_ms;       /* after a failure: when to try again, else 0 */
    struct hsm_audit_folded folded[HSM_AUDIT_WINDOW_MAX];
};

struct hsm_running {
    bool is_active;
    uint8_t request_id[KQ_REQUEST_ID_LEN];
};

struct hsm_module {
    struct hsm_config config;
    uint8_t device_key[HSM_DEVICE_KEY_LEN];
    const struct hsm_row *rows[256];
    bool is_ceremony[256]; /* rows of cards/ and world/: one at a time in a session */
    struct hsm_control control;
    struct hsm_listener listener;
    struct hsm_queue *queue;
    struct hsm_audit_window *window;
    int epoll_fd;
    int wake_fd;  /* an eventfd: the loop has something to look at */
    uint32_t uid; /* of this process */
    uint64_t started_ms;

    pthread_mutex_t running_lock;
    struct hsm_running running[HSM_WORKERS_MAX];
    struct hsm_request *parked; /* repeats of acts that are running (next) */

    pthread_mutex_t gate_lock;
    pthread_cond_t gate_changed;
    bool is_gate_taken; /* somebody changes state or log */
    bool is_flush_due;  /* the loop comes next */
    uint64_t persist_seq;
    uint64_t done_seq;
    kq_status done_status;
    /* the holder of the gate only: */
    struct hsm_audit_tree tree; /* as acknowledged */
    uint64_t log_len;
    uint64_t checkpoint_len; /* log_len when the state was sealed last */

    pthread_mutex_t snapshot_lock;
    struct hsm_snapshot *current;

    atomic_size_t sessions_len; /* what counts towards HSM_SESSIONS_LEN_MAX */
    atomic_bool has_deadlines;  /* some session ends unless its client does something */
    atomic_bool is_stopping;    /* workers wake the loop when they run dry */
    atomic_bool is_log_failing; /* the last flush failed: nothing is accepted that would need one */
    struct hsm_flush flush;

    pthread_mutex_t sessions_lock;
    struct hsm_session *sessions;  /* all of them */
    struct hsm_session *attention; /* those the loop should look at */
    size_t num_sessions;
};

/* A module around a recovered state; takes *state on KQ_OK. config is copied.
 * Errors: KQ_ERR_MEMORY, KQ_ERR_IO. */
KQ_MUST_CHECK kq_status hsm_module_new(const struct hsm_config *config, struct hsm_state **state, int control_fd,
                                       int listen_fd, struct hsm_module **out);
/* For tests; a running module ends with its process. */
void hsm_module_free(struct hsm_module *module);
KQ_AUTO_DEFINE(hsm_module);

/* The published state, held for the caller. */
struct hsm_snapshot *hsm_module_snapshot(struct hsm_module *module);
/* Replaces it; takes *state. */
KQ_MUST_CHECK kq_status hsm_module_publish(struct hsm_module *module, struct hsm_state **state);

/* Wakes the loop. */
void hsm_module_wake(struct hsm_module *module);

/* Says why on standard error and ends the process at once. */
_Noreturn void hsm_module_die(const char *why);

#endif
