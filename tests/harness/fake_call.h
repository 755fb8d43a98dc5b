#ifndef KQ_TESTS_HARNESS_FAKE_CALL_H
#define KQ_TESTS_HARNESS_FAKE_CALL_H

#include "module/service/call.h"

/* A module without sockets, threads and files: what service/ does for one
 * call at a time, done in the test's own process, so that handlers are tested
 * as the dispatcher calls them. It stands in for service/call.h and for the
 * clock; everything else is the real thing. One module is one session. */

struct fake_module {
    const struct hsm_row *const *tables; /* NULL-terminated: rows that may be called */
    struct hsm_state *state;             /* owned, published; a replaced one is freed at once */
    struct hsm_quorum *quorum;
    struct hsm_creation *creation;
    struct hsm_handles *handles;
    unsigned num_changes;   /* durable changes from inside handlers */
    kq_status change_fails; /* not KQ_OK: what the next of them returns */
    uint64_t authority;     /* goes with the next call, then 0 */
    uint64_t audit_index;
    /* of the last call */
    kq_status status;
    char detail[513];
    uint64_t wait_ms;
    struct kq_buffer results; /* what the results struct borrows from */
};

/* A fresh module whose peer has all roles. Ends the program on failure. */
void fake_module_init(struct fake_module *module, const struct hsm_row *const *tables);
void fake_module_clear(struct fake_module *module);
KQ_AUTO_DEFINE_VALUE(fake_module);
/* The session ends and a new one begins: what was pending is gone. */
void fake_module_reconnect(struct fake_module *module);

/* One request as the dispatcher handles it: the row's world mask and quorum,
 * a draft for rows that have one, params encoded and decoded again.
 *
 * params   of the operation's params struct; NULL for kq_nothing
 * results  of its results struct, filled on KQ_OK; may be NULL */
kq_status fake_module_call(struct fake_module *module, enum kq_op op, const void *params, void *results);
/* As the dispatcher hashes them for a quorum: SHA-256 of the encoded params. */
void fake_params_hash(enum kq_op op, const void *params, uint8_t out[32]);

/* A bare call for functions below the handlers; end() publishes the draft or drops it. */
void fake_call_begin(struct fake_module *module, struct hsm_call *call, enum kq_op op);
void fake_call_end(struct fake_module *module, struct hsm_call *call, kq_status status);

/* The clock of everything in the program; starts at FAKE_NOW and stands still. */
#define FAKE_NOW UINT64_C(1800000000)
void fake_clock_set(uint64_t unix_s);
void fake_clock_advance(uint64_t seconds); /* both clocks */

#endif
