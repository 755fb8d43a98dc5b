#include "vault/http/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define TICK_MIN_MS 10u
#define TICK_MAX_MS 250u
#define PHASE_BITS 2
#define PHASE_MASK 3u
#define LINGER_NUM 64u
#define LINGER_MS 2000u
#define LINGER_BYTES ((size_t)16 << 20) /* the largest max-body: who sends that much may read the 413 */

struct lingering {
    int fd;
    uint64_t until_ms;
    size_t num_bytes;
};

struct vault_http_watch {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* the first connection came, or the end */
    struct vault_http_watched *first;
    struct lingering lingering[LINGER_NUM];
    size_t num_lingering;
    uint64_t idle_ms;
    uint64_t request_ms;
    uint64_t tick_ms;
    bool stops;
    pthread_t thread;
};

void vault_http_watched_enter(struct vault_http_watched *watched, enum vault_http_phase phase)
{
    atomic_store_explicit(&watched->phase, kq_clock_monotonic_ms() << PHASE_BITS | (uint64_t)phase,
                          memory_order_relaxed);
}

enum vault_http_phase vault_http_watched_phase(const struct vault_http_watched *watched)
{
    return (enum vault_http_phase)(atomic_load_explicit(&watched->phase, memory_order_relaxed) & PHASE_MASK);
}

static void check(const struct vault_http_watch *watch, struct vault_http_watched *watched, uint64_t now_ms)
{
    uint64_t packed = atomic_load_explicit(&watched->phase, memory_order_relaxed);
    enum vault_http_phase phase = (enum vault_http_phase)(packed & PHASE_MASK);
    uint64_t since_ms = packed >> PHASE_BITS;
    uint64_t limit_ms = phase == HTTP_IDLE ? watch->idle_ms : watch->request_ms;
    if (phase == HTTP_BUSY || now_ms < since_ms || now_ms - since_ms < limit_ms)
        return;
    if (atomic_exchange(&watched->is_expired, true))
        return;
    /* Wakes the I/O thread, which finds the end of the input and closes. */
    shutdown(watched->fd, SHUT_RD);
}

/* Throws away what still comes in; true when there is no reason to go on. */
static bool drain(struct lingering *one, uint64_t now_ms)
{
    uint8_t rest[8192];
    ssize_t num;
    while ((num = recv(one->fd, rest, sizeof rest, MSG_DONTWAIT)) > 0 && one->num_bytes < LINGER_BYTES)
        one->num_bytes += (size_t)num;
    return num >= 0 || errno != EAGAIN || now_ms >= one->until_ms;
}

/* The lock, which those who accept need, is left while bytes come: others only add at the end. */
static void drain_all(struct vault_http_watch *watch, uint64_t now_ms)
{
    for (size_t i = 0; i < watch->num_lingering;) {
        struct lingering one = watch->lingering[i];
        pthread_mutex_unlock(&watch->lock);
        bool is_over = drain(&one, now_ms);
        if (is_over)
            close(one.fd);
        pthread_mutex_lock(&watch->lock);
        if (is_over)
            watch->lingering[i] = watch->lingering[--watch->num_lingering];
        else
            watch->lingering[i++] = one;
    }
}

void vault_http_watch_linger(struct vault_http_watch *watch, int fd)
{
    struct lingering one = {.until_ms = kq_clock_monotonic_ms() + LINGER_MS};
    pthread_mutex_lock(&watch->lock);
    one.fd = watch->num_lingering < LINGER_NUM ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (one.fd >= 0) {
        shutdown(one.fd, SHUT_WR);
        watch->lingering[watch->num_lingering++] = one;
    }
    pthread_mutex_unlock(&watch->lock);
    if (one.fd >= 0)
        pthread_cond_signal(&watch->changed);
}

/* Sleeps one tick, or until there is somebody to watch. The lock is held. */
static void wait_for_tick(struct vault_http_watch *watch)
{
    struct timespec until;
    if (watch->first == NULL && watch->num_lingering == 0) {
        pthread_cond_wait(&watch->changed, &watch->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)watch->tick_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
}

static void *watch_main(void *argument)
{
    struct vault_http_watch *watch = argument;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stops) {
        wait_for_tick(watch);
        uint64_t now_ms = kq_clock_monotonic_ms();
        for (struct vault_http_watched *at = watch->first; at != NULL; at = at->next)
            check(watch, at, now_ms);
        drain_all(watch, now_ms);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static bool start_thread(struct vault_http_watch *watch)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&watch->thread, NULL, watch_main, watch) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

kq_status vault_http_watch_new(uint64_t idle_ms, uint64_t request_ms, struct vault_http_watch **out)
{
    struct vault_http_watch *watch = calloc(1, sizeof *watch);
    pthread_condattr_t monotonic;
    if (watch == NULL)
        return KQ_ERR_MEMORY;
    watch->idle_ms = idle_ms;
    watch->request_ms = request_ms;
    watch->tick_ms = (idle_ms < request_ms ? idle_ms : request_ms) / 8;
    if (watch->tick_ms < TICK_MIN_MS)
        watch->tick_ms = TICK_MIN_MS;
    if (watch->tick_ms > TICK_MAX_MS)
        watch->tick_ms = TICK_MAX_MS;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!start_thread(watch)) {
        free(watch);
        return KQ_ERR_MEMORY;
    }
    *out = watch;
    return KQ_OK;
}

void vault_http_watch_free(struct vault_http_watch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stops = true;
    pthread_mutex_unlock(&watch->lock);
    pthread_cond_signal(&watch->changed);
    pthread_join(watch->thread, NULL);
    for (size_t i = 0; i < watch->num_lingering; i++)
        close(watch->lingering[i].fd);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

void vault_http_watch_add(struct vault_http_watch *watch, struct vault_http_watched *watched)
{
    pthread_mutex_lock(&watch->lock);
    bool is_first = watch->first == NULL;
    watched->previous = NULL;
    watched->next = watch->first;
    if (watched->next != NULL)
        watched->next->previous = watched;
    watch->first = watched;
    pthread_mutex_unlock(&watch->lock);
    if (is_first)
        pthread_cond_signal(&watch->changed);
}

void vault_http_watch_remove(struct vault_http_watch *watch, struct vault_http_watched *watched)
{
    pthread_mutex_lock(&watch->lock);
    if (watched->next != NULL)
        watched->next->previous = watched->previous;
    if (watched->previous != NULL)
        watched->previous->next = watched->next;
    else
        watch->first = watched->next;
    pthread_mutex_unlock(&watch->lock);
}
