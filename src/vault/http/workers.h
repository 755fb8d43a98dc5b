#ifndef VAULT_HTTP_WORKERS_H
#define VAULT_HTTP_WORKERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Threads that take jobs from one bounded queue, fairly: clients that wait are
 * served in turn, one job each, and one client never has more than three
 * quarters of the threads, or of the room to wait, however much it asks for.
 * So there is always a thread for somebody else, even when the jobs of the
 * first are all stuck. Clients are told apart by a hash into 1024 lanes of
 * their kind with a seed of its own; two that meet in a lane share it. */
enum vault_http_client_kind { HTTP_CLIENT_ADDRESS, HTTP_CLIENT_PROVED, HTTP_CLIENT_KINDS };
struct vault_http_client {
    enum vault_http_client_kind kind;
    uint64_t number; /* among those of its kind */
};
struct vault_http_job {
    struct vault_http_job *next;
    struct vault_http_client client;
};
/* May add its job again, for another client: from then on it is that one's. */
typedef void vault_http_work(void *context, struct vault_http_job *job);

struct vault_http_workers;

/* work  runs each job
 * drop  is called instead for jobs that still wait when the workers are freed
 * Errors: KQ_ERR_MEMORY (threads too). */
KQ_MUST_CHECK kq_status vault_http_workers_new(size_t num_threads, size_t max_waiting, vault_http_work *work,
                                               vault_http_work *drop, void *context, struct vault_http_workers **out);
/* Errors: KQ_ERR_FULL (all together, or this client). */
KQ_MUST_CHECK kq_status vault_http_workers_add(struct vault_http_workers *workers, struct vault_http_job *job);
size_t vault_http_workers_waiting(struct vault_http_workers *workers);
/* Drops what waits, lets what runs end, ends the threads; takes no more jobs. May be called twice. */
void vault_http_workers_stop(struct vault_http_workers *workers);
/* Stops first where need be. NULL is fine. */
void vault_http_workers_free(struct vault_http_workers *workers);

/* A client by its address: IPv4, or the first 64 bits of IPv6, which are one
 * subscriber's. */
struct vault_http_client vault_http_client_at(const char *peer_address);
/* Which of the lanes of its kind a client is in, among those who have this seed. */
#define VAULT_HTTP_LANES 1024u
size_t vault_http_client_lane(struct vault_http_client client, uint64_t seed);
/* What one client may have of a number of places. */
size_t vault_http_share_of(size_t number);

#endif
