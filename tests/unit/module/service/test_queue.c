#include "unit.h"

#include <pthread.h>

#include "base/memory.h"
#include "module/service/queue.h"

static struct hsm_request *request_of(uint64_t op, uint64_t seq, enum hsm_request_pace pace)
{
    struct hsm_request *request = kq_memory_new(sizeof *request);
    *request = (struct hsm_request){.pace = pace, .message = {.op = op, .seq = seq}};
    return request;
}

static void put(struct hsm_queue *queue, uint64_t op, uint64_t seq, enum hsm_request_pace pace)
{
    hsm_queue_put(queue, request_of(op, seq, pace));
}

static void release(struct hsm_request *batch[HSM_BATCH_MAX], size_t num)
{
    for (size_t i = 0; i < num; i++)
        kq_memory_free(batch[i], sizeof *batch[i]);
}

static void take__one_operation_waiting__batch_in_order(void **state)
{
    (void)state;
    KQ_AUTO(hsm_queue) queue = NULL;
    struct hsm_request *batch[HSM_BATCH_MAX];
    assert_ok(hsm_queue_new(1, &queue));
    for (uint64_t i = 0; i < 10; i++)
        put(queue, 46, i, HSM_PACE_ORDINARY);
    assert_int_equal(hsm_queue_take(queue, 0, HSM_PACE_ORDINARY, batch), HSM_BATCH_MAX);
    for (size_t i = 0; i < HSM_BATCH_MAX; i++)
        assert_int_equal(batch[i]->message.seq, i);
    release(batch, HSM_BATCH_MAX);
    assert_int_equal(hsm_queue_len(queue), 10);
    assert_int_equal(hsm_queue_take(queue, HSM_BATCH_MAX, HSM_PACE_ORDINARY, batch), 2);
    assert_int_equal(hsm_queue_len(queue), 2);
    release(batch, 2);
}

static void take__two_operations__never_mixed_and_in_turn(void **state)
{
    (void)state;
    KQ_AUTO(hsm_queue) queue = NULL;
    struct hsm_request *batch[HSM_BATCH_MAX];
    assert_ok(hsm_queue_new(1, &queue));
    for (uint64_t i = 0; i < 20; i++)
        put(queue, 46, i, HSM_PACE_ORDINARY);
    put(queue, 48, 100, HSM_PACE_ORDINARY);
    size_t num = hsm_queue_take(queue, 0, HSM_PACE_ORDINARY, batch);
    assert_int_equal(num, HSM_BATCH_MAX);
    release(batch, num);
    assert_int_equal(hsm_queue_take(queue, num, HSM_PACE_ORDINARY, batch), 1);
    assert_int_equal(batch[0]->message.op, 48);
    release(batch, 1);
    num = 1;
    for (size_t left = 12; left > 0; left -= num) {
        num = hsm_queue_take(queue, num, HSM_PACE_ORDINARY, batch);
        assert_int_equal(batch[0]->message.op, 46);
        release(batch, num);
    }
}

static void take__slow_requests__one_each_and_a_worker_stays_free(void **state)
{
    (void)state;
    KQ_AUTO(hsm_queue) queue = NULL;
    struct hsm_request *batch[HSM_BATCH_MAX];
    assert_ok(hsm_queue_new(2, &queue));
    put(queue, 40, 1, HSM_PACE_SLOW);
    put(queue, 40, 2, HSM_PACE_SLOW);
    put(queue, 46, 3, HSM_PACE_ORDINARY);
    assert_int_equal(hsm_queue_take(queue, 0, HSM_PACE_ORDINARY, batch), 1); /* first worker */
    assert_int_equal(batch[0]->message.seq, 1);
    release(batch, 1);
    assert_int_equal(hsm_queue_take(queue, 0, HSM_PACE_ORDINARY, batch), 1); /* second: not the slow one */
    assert_int_equal(batch[0]->message.seq, 3);
    release(batch, 1);
    assert_int_equal(hsm_queue_take(queue, 1, HSM_PACE_SLOW, batch), 1); /* the first again */
    assert_int_equal(batch[0]->message.seq, 2);
    release(batch, 1);
}

static void take__closed_and_empty__zero(void **state)
{
    (void)state;
    KQ_AUTO(hsm_queue) queue = NULL;
    struct hsm_request *batch[HSM_BATCH_MAX];
    assert_ok(hsm_queue_new(1, &queue));
    put(queue, 46, 1, HSM_PACE_ORDINARY);
    hsm_queue_close(queue);
    assert_int_equal(hsm_queue_take(queue, 0, HSM_PACE_ORDINARY, batch), 1);
    release(batch, 1);
    assert_int_equal(hsm_queue_take(queue, 1, HSM_PACE_ORDINARY, batch), 0);
}

#define NUM_CONSUMERS 3
#define NUM_REQUESTS 20000

struct flow {
    struct hsm_queue *queue;
    uint8_t seen[NUM_REQUESTS];
};

static void *consume(void *context)
{
    struct flow *flow = context;
    struct hsm_request *batch[HSM_BATCH_MAX];
    size_t num = 0;
    enum hsm_request_pace pace = HSM_PACE_ORDINARY;
    while ((num = hsm_queue_take(flow->queue, num, pace, batch)) > 0) {
        pace = batch[0]->pace;
        for (size_t i = 0; i < num; i++)
            __atomic_add_fetch(&flow->seen[batch[i]->message.seq], 1, __ATOMIC_SEQ_CST);
        release(batch, num);
    }
    return NULL;
}

static void put_and_take__several_threads__each_request_once(void **state)
{
    (void)state;
    static struct flow flow;
    assert_ok(hsm_queue_new(NUM_CONSUMERS, &flow.queue));
    pthread_t threads[NUM_CONSUMERS];
    for (size_t i = 0; i < NUM_CONSUMERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, consume, &flow), 0);
    for (uint64_t i = 0; i < NUM_REQUESTS; i++)
        put(flow.queue, 40 + i % 5, i, i % 5 == 0 ? HSM_PACE_SLOW : HSM_PACE_ORDINARY);
    hsm_queue_close(flow.queue);
    for (size_t i = 0; i < NUM_CONSUMERS; i++)
        pthread_join(threads[i], NULL);
    /* A worker that finds only slow work it may not take leaves a closed queue; the others finish it. */
    for (size_t i = 0; i < NUM_REQUESTS; i++)
        assert_int_equal(flow.seen[i], 1);
    hsm_queue_free(flow.queue);
}

UNIT_MAIN(cmocka_unit_test(take__one_operation_waiting__batch_in_order),
          cmocka_unit_test(take__two_operations__never_mixed_and_in_turn),
          cmocka_unit_test(take__slow_requests__one_each_and_a_worker_stays_free),
          cmocka_unit_test(take__closed_and_empty__zero),
          cmocka_unit_test(put_and_take__several_threads__each_request_once))
