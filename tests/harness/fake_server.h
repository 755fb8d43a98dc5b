#ifndef KQ_TESTS_FAKE_SERVER_H
#define KQ_TESTS_FAKE_SERVER_H

#include <pthread.h>

#include "wire/messages.h"

/* A module of words only: a thread that accepts connections one after another
 * and answers requests as the test's handler says. HELLO it answers itself. */

enum fake_act {
    FAKE_ANSWER,      /* with the status, detail and results set */
    FAKE_CLOSE,       /* hang up without an answer */
    FAKE_ANSWER_LATE, /* keep the answer back until another one was sent */
    FAKE_GARBAGE,     /* a frame that is no reply */
    FAKE_HUGE_FRAME,  /* the head of a frame over the maximum */
};

struct fake_reply {
    kq_status status;
    const char *detail;
    uint64_t wait_ms;
    struct kq_writer results; /* of the operation's results record */
};

typedef enum fake_act fake_handler(void *context, const struct kq_request *request, struct fake_reply *reply);

#define FAKE_REQUESTS_MAX 64

struct fake_server {
    char folder[64];
    char path[96];
    int listener;
    pthread_t thread;
    fake_handler *handler;
    void *context;
    kq_status hello_status;
    const char *esn;
    /* what was seen, HELLO not counted; read it after fake_server_stop() */
    unsigned num_connections;
    unsigned num_requests; /* only the first FAKE_REQUESTS_MAX are written down */
    enum kq_op ops[FAKE_REQUESTS_MAX];
    uint8_t request_ids[FAKE_REQUESTS_MAX][KQ_REQUEST_ID_LEN];
    size_t request_id_lens[FAKE_REQUESTS_MAX];
};

void fake_server_start(struct fake_server *server, fake_handler *handler, void *context);
/* Ends the thread; connections are closed first by the client's session going away. */
void fake_server_stop(struct fake_server *server);

/* Serves one connected descriptor until it closes, in the calling thread. */
void fake_server_serve(struct fake_server *server, int fd);

#endif
