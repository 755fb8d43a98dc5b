#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/mux.h"
#include "harness/fake_server.h"

/* Hangs up on the first `lose` requests, keeps the first `hold` answers back
 * until one more request came, and lets `silent` requests wait for ever. Signs
 * by repeating the digest. */
struct plan {
    unsigned lose;
    unsigned hold;
    unsigned silent;
    enum fake_act act;
    const char *next_esn; /* of the connection after the first hang-up */
    struct fake_server *server;
};

static enum fake_act follow(void *context, const struct kq_request *request, struct fake_reply *reply)
{
    struct plan *plan = context;
    if (plan->lose > 0) {
        plan->lose--;
        if (plan->next_esn != NULL)
            plan->server->esn = plan->next_esn;
        return FAKE_CLOSE;
    }
    if (request->op == KQ_OP_SIGN) {
        struct kq_sign_request sign;
        if (kq_sign_request_get(request->params, &sign, NULL) != KQ_OK)
            abort();
        const struct kq_bytes_reply bytes = {.bytes = sign.digest};
        kq_bytes_reply_put(&bytes, &reply->results);
    } else if (request->op == KQ_OP_TRUST_LIST) {
        const struct kq_trust_list_reply results = {.entries = {.num = 0}};
        kq_trust_list_reply_put(&results, &reply->results);
    }
    if (plan->silent > 0) {
        plan->silent--;
        return FAKE_ANSWER_LATE;
    }
    if (plan->hold > 0) {
        plan->hold--;
        return FAKE_ANSWER_LATE;
    }
    enum fake_act act = plan->act;
    plan->act = FAKE_ANSWER;
    return act;
}

struct fixture {
    struct plan plan;
    struct fake_server server;
    struct kqc_mux *mux;
    struct kqc_reply reply;
};

static void begin(struct fixture *fixture, struct plan plan, uint64_t answer_ms)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->plan = plan;
    fake_server_start(&fixture->server, follow, &fixture->plan);
    fixture->plan.server = &fixture->server;
    const struct kqc_mux_options options = {
        .path = fixture->server.path, .program = "test", .retry_ms = 3000, .answer_ms = answer_ms};
    assert_ok(kqc_mux_open(&options, &fixture->mux));
}

static void end(struct fixture *fixture)
{
    kqc_mux_free(fixture->mux);
    kqc_reply_clear(&fixture->reply);
    fake_server_stop(&fixture->server);
}

static kq_status call_read(struct fixture *fixture)
{
    const struct kq_trust_list_request params = {.list = KQ_TRUST_ROOTS};
    struct kq_trust_list_reply results;
    return kqc_mux_call(fixture->mux, KQ_OP_TRUST_LIST, &params, 0, &results, &fixture->reply);
}

static kq_status call_act(struct fixture *fixture)
{
    const struct kq_peer_set_request params = {.uid = 5, .roles = 1};
    return kqc_mux_call(fixture->mux, KQ_OP_PEER_SET, &params, 0, NULL, &fixture->reply);
}

static kq_status call_use(struct fixture *fixture, uint64_t needs_generation)
{
    const struct kq_sign_request params = {.handle = 9, .mechanism = KQ_MECH_ECDSA};
    struct kq_bytes_reply results;
    return kqc_mux_call(fixture->mux, KQ_OP_SIGN, &params, needs_generation, &results, &fixture->reply);
}

static void post(struct kqc_mux *mux, uint64_t needs_generation)
{
    const struct kq_handle_request params = {.handle = 9};
    kqc_mux_post(mux, KQ_OP_KEY_UNLOAD, &params, needs_generation);
}

static void call__nobody_there__connect_after_retry_ms(void **state)
{
    (void)state;
    struct kqc_mux *mux = NULL;
    struct kqc_reply reply = {0};
    const struct kqc_mux_options options = {
        .path = "/nonexistent/socket", .program = "test", .retry_ms = 100, .answer_ms = 1000};
    assert_ok(kqc_mux_open(&options, &mux));
    assert_int_equal(kqc_mux_generation(mux), 0);
    uint64_t start = kq_clock_monotonic_ms();
    assert_status(kqc_mux_call(mux, KQ_OP_WORLD_JOIN_REQUEST, NULL, 0, NULL, &reply), KQ_ERR_CONNECT);
    uint64_t took = kq_clock_monotonic_ms() - start;
    assert_in_range(took, 100, 1000);
    assert_string_not_equal(reply.detail, "");
    kqc_reply_clear(&reply);
    kqc_mux_free(mux);
}

static void call__module_refuses__its_status(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 1000);
    fixture.server.hello_status = KQ_ERR_DENIED;
    assert_status(call_read(&fixture), KQ_ERR_DENIED);
    end(&fixture);
}

static void call__good__answer_and_generation(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 1000);
    assert_ok(call_read(&fixture));
    assert_int_equal(fixture.reply.generation, 1);
    assert_int_equal(kqc_mux_generation(fixture.mux), 1);
    assert_ok(call_act(&fixture));
    end(&fixture);
    assert_int_equal(fixture.server.num_connections, 1);
    assert_int_equal(fixture.server.request_id_lens[0], 0);
    assert_int_equal(fixture.server.request_id_lens[1], KQ_REQUEST_ID_LEN);
}

static void call__read_lost__repeated(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 2}, 1000);
    assert_ok(call_read(&fixture));
    assert_int_equal(kqc_mux_generation(fixture.mux), 3);
    end(&fixture);
}

static void call__act_lost__repeated_under_the_same_request_id(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 1}, 1000);
    assert_ok(call_act(&fixture));
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 2);
    assert_memory_equal(fixture.server.request_ids[0], fixture.server.request_ids[1], KQ_REQUEST_ID_LEN);
}

static void call__act_ends_the_module_each_time__outcome_unknown(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 100}, 1000);
    assert_status(call_act(&fixture), KQ_ERR_OUTCOME_UNKNOWN);
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 3);
}

static void call__act_lost_and_another_module_answers__outcome_unknown(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 1, .next_esn = "FAKE-0000-0002"}, 1000);
    assert_status(call_act(&fixture), KQ_ERR_OUTCOME_UNKNOWN);
    assert_ok(call_act(&fixture)); /* a new act is the new module's */
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 2);
}

static void call__use_lost__never_repeated(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 1}, 1000);
    assert_status(call_use(&fixture, 0), KQ_ERR_OUTCOME_UNKNOWN);
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 1);
}

static void call__handle_of_another_generation__not_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 1000);
    assert_status(call_use(&fixture, 1), KQ_ERR_NOT_FOUND);
    assert_ok(call_read(&fixture));
    assert_ok(call_use(&fixture, 1));
    assert_status(call_use(&fixture, 2), KQ_ERR_NOT_FOUND);
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 2);
}

static void call__no_answer_in_time__connection_given_up(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.silent = 1}, 100);
    uint64_t start = kq_clock_monotonic_ms();
    assert_status(call_act(&fixture), KQ_ERR_OUTCOME_UNKNOWN);
    assert_in_range(kq_clock_monotonic_ms() - start, 100, 900);
    assert_ok(call_act(&fixture));
    assert_int_equal(kqc_mux_generation(fixture.mux), 2);
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 2);
}

static void call__garbage_once__repeated_on_a_new_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.act = FAKE_GARBAGE}, 1000);
    assert_ok(call_read(&fixture));
    fixture.plan.act = FAKE_HUGE_FRAME;
    assert_ok(call_read(&fixture));
    assert_int_equal(kqc_mux_generation(fixture.mux), 3);
    end(&fixture);
}

static void call__params_outside_limits__argument_and_still_connected(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct kq_handle_request params = {.handle = 0};
    begin(&fixture, (struct plan){.lose = 0}, 1000);
    assert_ok(call_act(&fixture));
    assert_status(kqc_mux_call(fixture.mux, KQ_OP_KEY_UNLOAD, &params, 0, NULL, &fixture.reply), KQ_ERR_ARGUMENT);
    assert_ok(call_act(&fixture));
    end(&fixture);
    assert_int_equal(fixture.server.num_connections, 1);
}

static void call__server_appears_late__waited_for(void **state)
{
    (void)state;
    char path[80];
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 1000);
    kqc_mux_free(fixture.mux);
    snprintf(path, sizeof path, "%s/late", fixture.server.folder);
    const struct kqc_mux_options options = {.path = path, .program = "test", .retry_ms = 100, .answer_ms = 1000};
    assert_ok(kqc_mux_open(&options, &fixture.mux));
    assert_status(call_read(&fixture), KQ_ERR_CONNECT);
    assert_int_equal(symlink(fixture.server.path, path), 0);
    assert_ok(call_read(&fixture));
    unlink(path);
    end(&fixture);
}

static void post__connected__sent_and_its_answer_dropped(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 1000);
    assert_ok(call_read(&fixture));
    post(fixture.mux, 1);
    assert_ok(call_use(&fixture, 1));
    end(&fixture);
    assert_int_equal(fixture.server.num_connections, 1);
    assert_int_equal(fixture.server.num_requests, 3);
}

/* More than both sockets' buffers hold: somebody has to read. */
static void post__thousands_and_nobody_calls__connection_lives(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 1000);
    assert_ok(call_read(&fixture));
    for (unsigned i = 0; i < 3000; i++)
        post(fixture.mux, 1);
    assert_ok(call_use(&fixture, 1));
    end(&fixture);
    assert_int_equal(fixture.server.num_connections, 1);
    assert_int_equal(fixture.server.num_requests, 3002);
}

static void post__connection_gone_or_never_there__not_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 1000);
    post(fixture.mux, 1);
    assert_ok(call_read(&fixture));
    post(fixture.mux, 2);
    end(&fixture);
    assert_int_equal(fixture.server.num_connections, 1);
    assert_int_equal(fixture.server.num_requests, 1);
}

/* ---- many threads ---- */

#define THREADS 80 /* more than may be in flight */

struct worker {
    pthread_t thread;
    struct fixture *fixture;
    unsigned number;
    unsigned rounds;
    enum kq_op op;
    bool posts; /* before each call */
    unsigned num_good, num_lost, num_wrong;
};

/* Each signature must be the one of the digest that this very call sent. */
static kq_status sign_once(struct worker *worker, unsigned round, struct kqc_reply *reply)
{
    uint8_t digest[32] = {(uint8_t)worker->number, (uint8_t)round};
    const struct kq_sign_request params = {
        .handle = 9, .mechanism = KQ_MECH_ECDSA, .digest = kq_slice_of(digest, sizeof digest)};
    struct kq_bytes_reply results;
    kq_status status = kqc_mux_call(worker->fixture->mux, KQ_OP_SIGN, &params, 0, &results, reply);
    if (status == KQ_OK && !kq_slice_is_equal(results.bytes, params.digest))
        worker->num_wrong++;
    return status;
}

static kq_status act_once(struct worker *worker, struct kqc_reply *reply)
{
    const struct kq_peer_set_request params = {.uid = 5, .roles = 1};
    return kqc_mux_call(worker->fixture->mux, KQ_OP_PEER_SET, &params, 0, NULL, reply);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    for (unsigned round = 0; round < worker->rounds; round++) {
        if (worker->posts)
            post(worker->fixture->mux, 1);
        kq_status status = worker->op == KQ_OP_SIGN ? sign_once(worker, round, &reply) : act_once(worker, &reply);
        if (status == KQ_OK)
            worker->num_good++;
        else if (status == KQ_ERR_OUTCOME_UNKNOWN || status == KQ_ERR_CONNECT)
            worker->num_lost++;
        else
            worker->num_wrong++;
    }
    return NULL;
}

struct tally {
    unsigned num_good, num_lost, num_wrong;
};

static struct tally run_like(const struct worker *like, unsigned num_threads)
{
    struct worker workers[THREADS];
    struct tally tally = {0};
    for (unsigned i = 0; i < num_threads; i++) {
        workers[i] = *like;
        workers[i].number = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < num_threads; i++) {
        pthread_join(workers[i].thread, NULL);
        tally.num_good += workers[i].num_good;
        tally.num_lost += workers[i].num_lost;
        tally.num_wrong += workers[i].num_wrong;
    }
    return tally;
}

static struct tally run(struct fixture *fixture, unsigned num_threads, unsigned rounds, enum kq_op op)
{
    return run_like(&(const struct worker){.fixture = fixture, .rounds = rounds, .op = op}, num_threads);
}

static void call__many_threads__each_gets_its_own_answer(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 10000);
    struct tally tally = run(&fixture, THREADS, 50, KQ_OP_SIGN);
    end(&fixture);
    assert_int_equal(tally.num_good, THREADS * 50);
    assert_int_equal(fixture.server.num_connections, 1);
}

static void post__many_threads_between_calls__each_call_gets_its_own_answer(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0}, 10000);
    assert_ok(call_read(&fixture));
    const struct worker like = {.fixture = &fixture, .rounds = 50, .op = KQ_OP_SIGN, .posts = true};
    struct tally tally = run_like(&like, THREADS);
    end(&fixture);
    assert_int_equal(tally.num_good, THREADS * 50);
    assert_int_equal(fixture.server.num_connections, 1);
    assert_int_equal(fixture.server.num_requests, 2 * THREADS * 50 + 1);
}

static void call__answers_out_of_order__each_gets_its_own(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.hold = 39}, 10000);
    struct tally tally = run(&fixture, 40, 1, KQ_OP_SIGN);
    end(&fixture);
    assert_int_equal(tally.num_good, 40);
}

static void call__never_more_than_sixty_in_flight__others_wait(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.silent = 60}, 400);
    struct tally tally = run(&fixture, 64, 1, KQ_OP_PEER_SET);
    end(&fixture);
    /* sixty wait for an answer that never comes; the four behind them are served on the next connection */
    assert_int_equal(tally.num_wrong, 0);
    assert_int_equal(fixture.server.num_connections, 2);
    assert_true(tally.num_good >= 4);
    assert_true(tally.num_lost >= 1);
}

static void call__connection_lost_under_load__acts_unseen_uses_told(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.hold = 20}, 10000);
    fixture.plan.lose = 1;
    struct tally tally = run(&fixture, 40, 20, KQ_OP_PEER_SET);
    assert_int_equal(tally.num_good, 40 * 20);
    end(&fixture);

    begin(&fixture, (struct plan){.lose = 1}, 10000);
    tally = run(&fixture, 40, 20, KQ_OP_SIGN);
    assert_int_equal(tally.num_wrong, 0);
    assert_int_equal(tally.num_good + tally.num_lost, 40 * 20);
    assert_in_range(tally.num_lost, 1, 60);
    end(&fixture);
}

static void call__one_is_late__the_others_are_repeated(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.silent = 10}, 300);
    struct tally tally = run(&fixture, 10, 1, KQ_OP_PEER_SET);
    end(&fixture);
    assert_int_equal(tally.num_wrong, 0);
    assert_int_equal(tally.num_good + tally.num_lost, 10);
    assert_true(tally.num_lost >= 1);
}

UNIT_MAIN(cmocka_unit_test(call__nobody_there__connect_after_retry_ms),
          cmocka_unit_test(call__module_refuses__its_status), cmocka_unit_test(call__good__answer_and_generation),
          cmocka_unit_test(call__read_lost__repeated),
          cmocka_unit_test(call__act_lost__repeated_under_the_same_request_id),
          cmocka_unit_test(post__connected__sent_and_its_answer_dropped),
          cmocka_unit_test(post__thousands_and_nobody_calls__connection_lives),
          cmocka_unit_test(post__connection_gone_or_never_there__not_sent),
          cmocka_unit_test(post__many_threads_between_calls__each_call_gets_its_own_answer),
          cmocka_unit_test(call__act_ends_the_module_each_time__outcome_unknown),
          cmocka_unit_test(call__act_lost_and_another_module_answers__outcome_unknown),
          cmocka_unit_test(call__use_lost__never_repeated),
          cmocka_unit_test(call__handle_of_another_generation__not_sent),
          cmocka_unit_test(call__no_answer_in_time__connection_given_up),
          cmocka_unit_test(call__garbage_once__repeated_on_a_new_connection),
          cmocka_unit_test(call__params_outside_limits__argument_and_still_connected),
          cmocka_unit_test(call__server_appears_late__waited_for),
          cmocka_unit_test(call__many_threads__each_gets_its_own_answer),
          cmocka_unit_test(call__answers_out_of_order__each_gets_its_own),
          cmocka_unit_test(call__never_more_than_sixty_in_flight__others_wait),
          cmocka_unit_test(call__connection_lost_under_load__acts_unseen_uses_told),
          cmocka_unit_test(call__one_is_late__the_others_are_repeated))
