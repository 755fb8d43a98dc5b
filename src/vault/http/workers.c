#include "vault/http/workers.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define STACK_SIZE ((size_t)512 * 1024)

/* The jobs of one client. It is listed as ready while it has a job that may run. */
struct lane {
    struct lane *next_ready;
    struct vault_http_job *first;
    struct vault_http_job *last;
    size_t num_waiting;
    size_t num_running;
};

struct vault_http_workers {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct lane lanes[HTTP_CLIENT_KINDS][VAULT_HTTP_LANES];
    struct lane *first_ready; /* served in turn */
    struct lane *last_ready;
    uint64_t seed;
    size_t num_waiting;
    size_t max_waiting;
    size_t max_running; /* of one lane */
    size_t num_idle;
    bool stops;
    vault_http_work *work;
    vault_http_work *drop;
    void *context;
    size_t num_threads;
    pthread_t threads[];
};

/* ---- lanes --------------------------------------------------------------------------- */

static struct lane *lane_of(struct vault_http_workers *workers, const struct vault_http_job *job)
{
    return &workers->lanes[job->client.kind][vault_http_client_lane(job->client, workers->seed)];
}

static bool may_run(const struct vault_http_workers *workers, const struct lane *lane)
{
    return lane->first != NULL && lane->num_running < workers->max_running;
}

static void add_ready(struct vault_http_workers *workers, struct lane *lane)
{
    lane->next_ready = NULL;
    if (workers->first_ready == NULL)
        workers->first_ready = lane;
    else
        workers->last_ready->next_ready = lane;
    workers->last_ready = lane;
}

static struct vault_http_job *take_from(struct vault_http_workers *workers, struct lane *lane)
{
    struct vault_http_job *job = lane->first;
    lane->first = job->next;
    lane->num_waiting--;
    lane->num_running++;
    workers->num_waiting--;
    return job;
}

/* ---- threads ------------------------------------------------------------------------- */

/* Waits for a job; NULL once the workers stop. The lock is held. */
static struct vault_http_job *take(struct vault_http_workers *workers, struct lane **out_lane)
{
    while (workers->first_ready == NULL && !workers->stops) {
        workers->num_idle++;
        pthread_cond_wait(&workers->arrived, &workers->lock);
        workers->num_idle--;
    }
    if (workers->stops)
        return NULL;
    struct lane *lane = workers->first_ready;
    workers->first_ready = lane->next_ready;
    struct vault_http_job *job = take_from(workers, lane);
    if (may_run(workers, lane))
        add_ready(workers, lane); /* behind the others */
    *out_lane = lane;
    return job;
}

/* The lock is held. */
static void give_back(struct vault_http_workers *workers, struct lane *lane)
{
    bool could_run = may_run(workers, lane);
    lane->num_running--;
    if (!could_run && may_run(workers, lane))
        add_ready(workers, lane);
}

static void *worker_main(void *argument)
{
    struct vault_http_workers *workers = argument;
    pthread_mutex_lock(&workers->lock);
    struct lane *lane = NULL;
    struct vault_http_job *job;
    while ((job = take(workers, &lane)) != NULL) {
        pthread_mutex_unlock(&workers->lock);
        workers->work(workers->context, job); /* the job is gone after this */
        pthread_mutex_lock(&workers->lock);
        give_back(workers, lane);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* Signals belong to the program's main thread. */
static kq_status start_threads(struct vault_http_workers *workers, size_t num_threads)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    if (pthread_attr_init(&attributes) != 0)
        return KQ_ERR_MEMORY;
    sigfillset(&all);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (workers->num_threads < num_threads &&
           pthread_create(&workers->threads[workers->num_threads], &attributes, worker_main, workers) == 0)
        workers->num_threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return workers->num_threads == num_threads ? KQ_OK : KQ_ERR_MEMORY;
}

kq_status vault_http_workers_new(size_t num_threads, size_t max_waiting, vault_http_work *work, vault_http_work *drop,
                                 void *context, struct vault_http_workers **out)
{
    struct vault_http_workers *workers = calloc(1, sizeof *workers + num_threads * sizeof workers->threads[0]);
    if (workers == NULL)
        return KQ_ERR_MEMORY;
    workers->max_waiting = max_waiting;
    workers->max_running = vault_http_share_of(num_threads);
    if (getrandom(&workers->seed, sizeof workers->seed, 0) != (ssize_t)sizeof workers->seed) {
        free(workers);
        return KQ_ERR_MEMORY;
    }
    workers->work = work;
    workers->drop = drop;
    workers->context = context;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->arrived, NULL);
    kq_status status = start_threads(workers, num_threads);
    if (status != KQ_OK)
        vault_http_workers_free(workers);
    else
        *out = workers;
    return status;
}

static void append(struct vault_http_workers *workers, struct lane *lane, struct vault_http_job *job)
{
    bool could_run = may_run(workers, lane);
    if (lane->first == NULL)
        lane->first = job;
    else
        lane->last->next = job;
    lane->last = job;
    lane->num_waiting++;
    workers->num_waiting++;
    if (!could_run && may_run(workers, lane))
        add_ready(workers, lane);
}

kq_status vault_http_workers_add(struct vault_http_workers *workers, struct vault_http_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&workers->lock);
    struct lane *lane = lane_of(workers, job);
    bool fits = workers->num_waiting < workers->max_waiting &&
                lane->num_waiting < vault_http_share_of(workers->max_waiting) && !workers->stops;
    if (fits)
        append(workers, lane, job);
    bool wakes = fits && workers->first_ready != NULL && workers->num_idle > 0;
    pthread_mutex_unlock(&workers->lock);
    if (wakes)
        pthread_cond_signal(&workers->arrived);
    return fits ? KQ_OK : KQ_ERR_FULL;
}

size_t vault_http_workers_waiting(struct vault_http_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    size_t num = workers->num_waiting;
    pthread_mutex_unlock(&workers->lock);
    return num;
}

/* All that waits, as one list. The lock is held. */
static struct vault_http_job *take_all(struct vault_http_workers *workers)
{
    struct vault_http_job *all = NULL;
    for (size_t i = 0; i < HTTP_CLIENT_KINDS * VAULT_HTTP_LANES; i++) {
        struct lane *lane = &workers->lanes[i / VAULT_HTTP_LANES][i % VAULT_HTTP_LANES];
        if (lane->first == NULL)
            continue;
        lane->last->next = all;
        all = lane->first;
        lane->first = NULL;
        lane->num_waiting = 0;
    }
    workers->first_ready = NULL;
    workers->num_waiting = 0;
    return all;
}

void vault_http_workers_stop(struct vault_http_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->stops = true;
    struct vault_http_job *job = take_all(workers);
    pthread_mutex_unlock(&workers->lock);
    pthread_cond_broadcast(&workers->arrived);
    while (job != NULL) {
        struct vault_http_job *next = job->next;
        workers->drop(workers->context, job);
        job = next;
    }
    for (size_t i = 0; i < workers->num_threads; i++)
        pthread_join(workers->threads[i], NULL);
    workers->num_threads = 0;
}

void vault_http_workers_free(struct vault_http_workers *workers)
{
    if (workers == NULL)
        return;
    vault_http_workers_stop(workers);
    pthread_cond_destroy(&workers->arrived);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}

/* ---- clients --------------------------------------------------------------------------- */

struct vault_http_client vault_http_client_at(const char *peer_address)
{
    uint8_t bytes[16] = {0};
    struct vault_http_client client = {HTTP_CLIENT_ADDRESS, 0};
    size_t from = 0, len = 8;
    if (inet_pton(AF_INET, peer_address, bytes) == 1)
        len = 4;
    else if (inet_pton(AF_INET6, peer_address, bytes) != 1)
        return client;
    else if (memcmp(bytes, (uint8_t[12]){[10] = 0xff, [11] = 0xff}, 12) == 0) { /* IPv4 in IPv6 */
        from = 12;
        len = 4;
    }
    for (size_t i = 0; i < len; i++)
        client.number = client.number << 8 | bytes[from + i];
    if (len == 8)
        client.number |= UINT64_C(1) << 63;
    return client;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 32) * UINT64_C(0xd6e8feb86659fd93);
    value = (value ^ value >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return value ^ value >> 32;
}

size_t vault_http_client_lane(struct vault_http_client client, uint64_t seed)
{
    return mix(client.number ^ seed) % VAULT_HTTP_LANES;
}

size_t vault_http_share_of(size_t number)
{
    return number - number / 4;
}
