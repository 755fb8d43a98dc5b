#ifndef KQ_HARDSERVER_RELAY_H
#define KQ_HARDSERVER_RELAY_H

#include "hardserver/store.h"
#include "wire/control.h"

/* What the hardserver does all day: writes what the module hands it, and
 * notices when nobody needs the two. It never waits for the module, so that
 * the module may wait for it. */
struct kq_relay {
    int control_fd; /* non-blocking */
    int ready_fd;   /* -1 once the module has answered */
    int signal_fd;
    struct kq_store store;
    uint64_t idle_exit_s; /* 0: never */

    struct kq_buffer in;
    struct kq_buffer out;
    uint64_t num_clients;   /* as the module said last; right about none or some */
    uint64_t clients_heard; /* how often it said so */
    uint64_t idle_since_ms;
    bool is_ready;
    bool is_asking; /* whether the module stops, since nobody is there */
    bool is_stopping;
};

/* Fills in what the caller does not: buffers, counters. */
void kq_relay_init(struct kq_relay *relay);
void kq_relay_clear(struct kq_relay *relay);
KQ_AUTO_DEFINE_VALUE(kq_relay);

/* Runs until the module is gone.
 *
 * out_why  on failure a sentence; static storage
 * Returns  KQ_OK after a stop that was asked for (a signal, idleness)
 * Errors   KQ_ERR_CONNECT (the module ended by itself), KQ_ERR_FORMAT (it talks nonsense),
 *          KQ_ERR_INTERNAL (the disk failed) */
KQ_MUST_CHECK kq_status kq_relay_run(struct kq_relay *relay, const char **out_why);

#endif
