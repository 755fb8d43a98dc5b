#include "vault/http/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#define STACK_SIZE ((size_t)512 * 1024)

struct vault_http_workers {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct vault_http_job *first;
    struct vault_http_job *last;
    size_t num_waiting;
    size_t max_waiting;
    size_t num_idle;
    bool stops;
    vault_http_work *work;
    vault_http_work *drop;
    void *context;
    size_t num_threads;
    pthread_t threads[];
};

/* Waits for a job; NULL once the workers stop. The lock is held. */
static struct vault_http_job *take(struct vault_http_workers *workers)
{
    while (workers->first == NULL && !workers->stops) {
        workers->num_idle++;
        pthread_cond_wait(&workers->arrived, &workers->lock);
        workers->num_idle--;
    }
    if (workers->stops)
        return NULL;
    struct vault_http_job *job = workers->first;
    workers->first = job->next;
    workers->num_waiting--;
    return job;
}

static void *worker_main(void *argument)
{
    struct vault_http_workers *workers = argument;
    pthread_mutex_lock(&workers->lock);
    struct vault_http_job *job;
    while ((job = take(workers)) != NULL) {
        pthread_mutex_unlock(&workers->lock);
        workers->work(workers->context, job);
        pthread_mutex_lock(&workers->lock);
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

kq_status vault_http_workers_add(struct vault_http_workers *workers, struct vault_http_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&workers->lock);
    bool fits = workers->num_waiting < workers->max_waiting && !workers->stops;
    bool wakes = fits && workers->num_idle > 0;
    if (fits) {
        if (workers->first == NULL)
            workers->first = job;
        else
            workers->last->next = job;
        workers->last = job;
        workers->num_waiting++;
    }
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

void vault_http_workers_stop(struct vault_http_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->stops = true;
    struct vault_http_job *job = workers->first;
    workers->first = NULL;
    workers->num_waiting = 0;
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
