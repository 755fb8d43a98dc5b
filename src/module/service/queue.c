#include "module/service/queue.h"

#include <pthread.h>

#include "base/memory.h"

#define NUM_OPS 256u

struct lane {
    struct hsm_request *first;
    struct hsm_request *last;
    size_t num;
};

struct hsm_queue {
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    size_t num_workers;
    size_t num_idle;
    size_t num_waiting;
    size_t num_running;
    size_t num_slow_running;
    bool is_closed;
    /* Operations with work, in turn. Each stands here at most once. */
    uint8_t turns[NUM_OPS];
    size_t first_turn;
    size_t num_turns;
    struct lane lanes[NUM_OPS];
};

kq_status hsm_queue_new(size_t num_workers, struct hsm_queue **out)
{
    struct hsm_queue *queue = kq_memory_new(sizeof *queue);
    if (queue == NULL)
        return KQ_ERR_MEMORY;
    memset(queue, 0, sizeof *queue);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->has_work, NULL);
    queue->num_workers = num_workers;
    *out = queue;
    return KQ_OK;
}

void hsm_queue_free(struct hsm_queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->has_work);
    pthread_mutex_destroy(&queue->lock);
    kq_memory_free(queue, sizeof *queue);
}

static void push_turn(struct hsm_queue *queue, uint8_t op)
{
    queue->turns[(queue->first_turn + queue->num_turns) % NUM_OPS] = op;
    queue->num_turns++;
}

static uint8_t pop_turn(struct hsm_queue *queue)
{
    uint8_t op = queue->turns[queue->first_turn];
    queue->first_turn = (queue->first_turn + 1) % NUM_OPS;
    queue->num_turns--;
    return op;
}

static void add(struct hsm_queue *queue, struct hsm_request *request)
{
    uint8_t op = (uint8_t)request->message.op;
    struct lane *lane = &queue->lanes[op];
    request->next = NULL;
    if (lane->first == NULL)
        lane->first = request;
    else
        lane->last->next = request;
    lane->last = request;
    if (lane->num++ == 0)
        push_turn(queue, op);
    queue->num_waiting++;
}

void hsm_queue_put(struct hsm_queue *queue, struct hsm_request *chain)
{
    pthread_mutex_lock(&queue->lock);
    size_t num_added = 0;
    while (chain != NULL) {
        struct hsm_request *next = chain->next;
        add(queue, chain);
        num_added++;
        chain = next;
    }
    size_t num_to_wake = num_added < queue->num_idle ? num_added : queue->num_idle;
    pthread_mutex_unlock(&queue->lock);
    for (size_t i = 0; i < num_to_wake; i++)
        pthread_cond_signal(&queue->has_work);
}

/* One worker stays free of slow work, if there are two. */
static bool may_run_slow(const struct hsm_queue *queue)
{
    size_t limit = queue->num_workers > 1 ? queue->num_workers - 1 : 1;
    return queue->num_slow_running < limit;
}

/* The next operation whose turn it is, or NULL. */
static struct lane *next_lane(struct hsm_queue *queue, uint8_t *out_op)
{
    for (size_t i = queue->num_turns; i > 0; i--) {
        uint8_t op = pop_turn(queue);
        struct lane *lane = &queue->lanes[op];
        if (lane->first->pace == HSM_PACE_ORDINARY || may_run_slow(queue)) {
            *out_op = op;
            return lane;
        }
        push_turn(queue, op);
    }
    return NULL;
}

/* A fair share: a batch does not leave other workers without work. */
static size_t share_of(const struct hsm_queue *queue, const struct lane *lane)
{
    if (lane->first->pace == HSM_PACE_SLOW)
        return 1;
    size_t num_sharing = queue->num_idle + 1;
    size_t share = (lane->num + num_sharing - 1) / num_sharing;
    return share < HSM_BATCH_MAX ? share : HSM_BATCH_MAX;
}

static size_t take(struct hsm_queue *queue, struct hsm_request *out[HSM_BATCH_MAX])
{
    uint8_t op;
    struct lane *lane = next_lane(queue, &op);
    if (lane == NULL)
        return 0;
    size_t num = share_of(queue, lane);
    if (lane->first->pace == HSM_PACE_SLOW)
        queue->num_slow_running++;
    for (size_t i = 0; i < num; i++) {
        out[i] = lane->first;
        lane->first = lane->first->next;
    }
    lane->num -= num;
    if (lane->num > 0)
        push_turn(queue, op);
    queue->num_waiting -= num;
    queue->num_running += num;
    return num;
}

size_t hsm_queue_take(struct hsm_queue *queue, size_t num_done, enum hsm_request_pace pace_done,
                      struct hsm_request *out[HSM_BATCH_MAX])
{
    pthread_mutex_lock(&queue->lock);
    queue->num_running -= num_done;
    if (num_done > 0 && pace_done == HSM_PACE_SLOW)
        queue->num_slow_running--;
    size_t num;
    while ((num = take(queue, out)) == 0 && !queue->is_closed) {
        queue->num_idle++;
        pthread_cond_wait(&queue->has_work, &queue->lock);
        queue->num_idle--;
    }
    pthread_mutex_unlock(&queue->lock);
    return num;
}

size_t hsm_queue_len(struct hsm_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t len = queue->num_waiting + queue->num_running;
    pthread_mutex_unlock(&queue->lock);
    return len;
}

void hsm_queue_close(struct hsm_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_closed = true;
    pthread_cond_broadcast(&queue->has_work);
    pthread_mutex_unlock(&queue->lock);
}
