#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "client/repeat.h"
#include "client/session.h"
#include "harness/fake_server.h"

/* Hangs up on the first `lose` requests, then answers OK without results. */
struct plan {
    unsigned lose;
    enum fake_act act; /* of the first answer that is given; FAKE_ANSWER after it */
    kq_status status;
    const char *detail;
    uint64_t wait_ms;
};

static enum fake_act follow(void *context, const struct kq_request *request, struct fake_reply *reply)
{
    struct plan *plan = context;
    if (plan->lose > 0) {
        plan->lose--;
        return FAKE_CLOSE;
    }
    reply->status = plan->status;
    reply->detail = plan->detail == NULL ? "" : plan->detail;
    reply->wait_ms = plan->wait_ms;
    if (request->op == KQ_OP_TRUST_LIST && plan->status == KQ_OK) {
        const struct kq_trust_list_reply results = {.entries = {.num = 0}};
        kq_trust_list_reply_put(&results, &reply->results);
    }
    enum fake_act act = plan->act;
    plan->act = FAKE_ANSWER;
    return act;
}

struct fixture {
    struct plan plan;
    struct fake_server server;
    struct kqc_session *session;
    struct kqc_reply reply;
};

static void begin(struct fixture *fixture, struct plan plan)
{
    *fixture = (struct fixture){.plan = plan};
    fake_server_start(&fixture->server, follow, &fixture->plan);
    assert_ok(kqc_session_open(fixture->server.path, "test", &fixture->session));
}

static void end(struct fixture *fixture)
{
    kqc_session_free(fixture->session);
    kqc_reply_clear(&fixture->reply);
    fake_server_stop(&fixture->server);
}

static kq_status call_read(struct fixture *fixture)
{
    const struct kq_trust_list_request params = {.list = KQ_TRUST_ROOTS};
    struct kq_trust_list_reply results;
    return kqc_call(fixture->session, KQ_OP_TRUST_LIST, &params, 0, &results, &fixture->reply);
}

static kq_status call_act(struct fixture *fixture)
{
    const struct kq_peer_set_request params = {.uid = 5, .roles = 1};
    return kqc_call(fixture->session, KQ_OP_PEER_SET, &params, 0, NULL, &fixture->reply);
}

static kq_status call_bound(struct fixture *fixture)
{
    const struct kq_handle_request params = {.handle = 9};
    return kqc_call(fixture->session, KQ_OP_KEY_UNLOAD, &params, 0, NULL, &fixture->reply);
}

static void session_open__nobody_listens__connect(void **state)
{
    (void)state;
    struct kqc_session *session = NULL;
    assert_status(kqc_session_open("/nonexistent/socket", "test", &session), KQ_ERR_CONNECT);
    assert_null(session);
}

static void session_open__path_too_long__too_large(void **state)
{
    (void)state;
    char path[200];
    struct kqc_session *session = NULL;
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_status(kqc_session_open(path, "test", &session), KQ_ERR_TOO_LARGE);
}

static void session_open__module_refuses__its_status(void **state)
{
    (void)state;
    struct plan plan = {.lose = 0};
    struct fake_server server;
    struct kqc_session *session = NULL;
    fake_server_start(&server, follow, &plan);
    server.hello_status = KQ_ERR_DENIED;
    assert_status(kqc_session_open(server.path, "test", &session), KQ_ERR_DENIED);
    assert_null(session);
    fake_server_stop(&server);
}

static void session_open__good__hello_is_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0});
    const struct kq_hello_reply *hello = kqc_session_hello(fixture.session);
    assert_true(kq_slice_is_text(hello->esn, "FAKE-0000-0001"));
    assert_int_equal(hello->uid, 7);
    assert_int_equal(kqc_session_generation(fixture.session), 1);
    end(&fixture);
}

static void call__refused__status_words_and_delay_arrive(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.status = KQ_ERR_WAIT, .detail = "card 2 must wait", .wait_ms = 4000});
    assert_status(call_act(&fixture), KQ_ERR_WAIT);
    assert_string_equal(fixture.reply.detail, "card 2 must wait");
    assert_int_equal(fixture.reply.wait_ms, 4000);
    assert_status(fixture.reply.status, KQ_ERR_WAIT);
    end(&fixture);
}

static void call__read_lost__repeated_without_request_id(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 1});
    assert_ok(call_read(&fixture));
    assert_int_equal(kqc_session_generation(fixture.session), 2);
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 2);
    assert_int_equal(fixture.server.num_connections, 2);
    assert_int_equal(fixture.server.request_id_lens[0], 0);
}

static void call__act_lost__repeated_under_the_same_request_id(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 1});
    assert_ok(call_act(&fixture));
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 2);
    assert_int_equal(fixture.server.request_id_lens[0], KQ_REQUEST_ID_LEN);
    assert_memory_equal(fixture.server.request_ids[0], fixture.server.request_ids[1], KQ_REQUEST_ID_LEN);
}

static void call__two_acts__different_request_ids(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 0});
    assert_ok(call_act(&fixture));
    assert_ok(call_act(&fixture));
    end(&fixture);
    assert_memory_not_equal(fixture.server.request_ids[0], fixture.server.request_ids[1], KQ_REQUEST_ID_LEN);
}

static void call__act_lost_twice__outcome_unknown(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 2});
    assert_status(call_act(&fixture), KQ_ERR_OUTCOME_UNKNOWN);
    assert_string_not_equal(fixture.reply.detail, "");
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 2);
}

static void call__read_lost_twice__connect(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 2});
    assert_status(call_read(&fixture), KQ_ERR_CONNECT);
    assert_ok(call_read(&fixture));
    end(&fixture);
}

static void call__bound_lost__never_repeated(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 1});
    assert_status(call_bound(&fixture), KQ_ERR_CONNECT);
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 1);
}

static void call__another_module_after_reconnect__refused(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.lose = 1});
    fixture.server.esn = "FAKE-0000-0002";
    assert_status(call_act(&fixture), KQ_ERR_MISMATCH);
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 1);
}

static void call__answer_is_garbage__format(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.act = FAKE_GARBAGE});
    assert_status(call_act(&fixture), KQ_ERR_FORMAT);
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 1);
}

static void call__answer_over_the_maximum__format(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct plan){.act = FAKE_HUGE_FRAME});
    assert_status(call_act(&fixture), KQ_ERR_FORMAT);
    end(&fixture);
}

static void call__results_of_another_form__format(void **state)
{
    (void)state;
    struct fixture fixture;
    struct kq_status_reply results;
    begin(&fixture, (struct plan){.lose = 0});
    assert_status(kqc_call(fixture.session, KQ_OP_STATUS, NULL, 0, &results, &fixture.reply), KQ_ERR_FORMAT);
    end(&fixture);
}

static void call__params_outside_limits__argument_and_still_connected(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct kq_handle_request params = {.handle = 0};
    begin(&fixture, (struct plan){.lose = 0});
    assert_status(kqc_call(fixture.session, KQ_OP_KEY_UNLOAD, &params, 0, NULL, &fixture.reply), KQ_ERR_ARGUMENT);
    assert_ok(call_act(&fixture));
    assert_int_equal(kqc_session_generation(fixture.session), 1);
    end(&fixture);
}

static void submit__answers_out_of_order__named_by_seq(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t first, second, got;
    struct kq_slice results;
    const struct kq_peer_set_request params = {.uid = 5, .roles = 1};
    begin(&fixture, (struct plan){.act = FAKE_ANSWER_LATE});
    assert_ok(kqc_submit(fixture.session, KQ_OP_PEER_SET, &params, &first));
    assert_ok(kqc_submit(fixture.session, KQ_OP_PEER_SET, &params, &second));
    assert_ok(kqc_receive(fixture.session, &got, &fixture.reply, &results));
    assert_int_equal(got, second);
    assert_ok(kqc_receive(fixture.session, &got, &fixture.reply, &results));
    assert_int_equal(got, first);
    end(&fixture);
}

static void receive__connection_lost__connect(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t seq;
    struct kq_slice results;
    const struct kq_peer_set_request params = {.uid = 5, .roles = 1};
    begin(&fixture, (struct plan){.lose = 1});
    assert_ok(kqc_submit(fixture.session, KQ_OP_PEER_SET, &params, &seq));
    assert_status(kqc_receive(fixture.session, &seq, &fixture.reply, &results), KQ_ERR_CONNECT);
    assert_int_equal(kqc_session_fd(fixture.session), -1);
    end(&fixture);
}

struct one_connection {
    struct fake_server server;
    int fd;
};

static void *serve_one_connection(void *argument)
{
    struct one_connection *connection = argument;
    fake_server_serve(&connection->server, connection->fd);
    return NULL;
}

static void adopted__act_lost__outcome_unknown_without_reconnecting(void **state)
{
    (void)state;
    int ends[2];
    pthread_t thread;
    struct plan plan = {.lose = 1};
    struct one_connection connection = {
        .server = {.handler = follow, .context = &plan, .esn = "FAKE-0000-0001", .listener = -1}};
    struct fixture fixture = {.session = NULL};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    connection.fd = ends[1];
    assert_int_equal(pthread_create(&thread, NULL, serve_one_connection, &connection), 0);
    assert_ok(kqc_session_adopt(ends[0], "test", &fixture.session));
    assert_status(call_act(&fixture), KQ_ERR_OUTCOME_UNKNOWN);
    assert_status(call_act(&fixture), KQ_ERR_CONNECT);
    kqc_session_free(fixture.session);
    kqc_reply_clear(&fixture.reply);
    pthread_join(thread, NULL);
    assert_int_equal(connection.server.num_requests, 1);
}

static void find_inherited__not_set_or_no_descriptor__false(void **state)
{
    (void)state;
    int fd;
    unsetenv("KEYQUAY_PRELOAD");
    assert_false(kqc_session_find_inherited(&fd));
    setenv("KEYQUAY_PRELOAD", "seven", 1);
    assert_false(kqc_session_find_inherited(&fd));
    setenv("KEYQUAY_PRELOAD", "987654", 1);
    assert_false(kqc_session_find_inherited(&fd));
    setenv("KEYQUAY_PRELOAD", "0", 1);
    assert_true(kqc_session_find_inherited(&fd));
    assert_int_equal(fd, 0);
    unsetenv("KEYQUAY_PRELOAD");
}

static void repeat_of__uses_and_handles__never_acts(void **state)
{
    (void)state;
    assert_int_equal(kqc_repeat_of(KQ_OP_SIGN), KQC_REPEAT_USE);
    assert_int_equal(kqc_repeat_of(KQ_OP_DECRYPT), KQC_REPEAT_USE);
    assert_int_equal(kqc_repeat_of(KQ_OP_AUTH_CARD), KQC_REPEAT_BOUND);
    assert_int_equal(kqc_repeat_of(KQ_OP_KEY_GENERATE), KQC_REPEAT_ACT);
    assert_int_equal(kqc_repeat_of(KQ_OP_WORLD_CREATE_COMMIT), KQC_REPEAT_ACT);
    assert_int_equal(kqc_repeat_of(KQ_OP_TRANSFER_PACKAGE), KQC_REPEAT_ACT);
}

UNIT_MAIN(
    cmocka_unit_test(session_open__nobody_listens__connect), cmocka_unit_test(session_open__path_too_long__too_large),
    cmocka_unit_test(session_open__module_refuses__its_status), cmocka_unit_test(session_open__good__hello_is_kept),
    cmocka_unit_test(call__refused__status_words_and_delay_arrive),
    cmocka_unit_test(call__read_lost__repeated_without_request_id),
    cmocka_unit_test(call__act_lost__repeated_under_the_same_request_id),
    cmocka_unit_test(call__two_acts__different_request_ids), cmocka_unit_test(call__act_lost_twice__outcome_unknown),
    cmocka_unit_test(call__read_lost_twice__connect), cmocka_unit_test(call__bound_lost__never_repeated),
    cmocka_unit_test(call__another_module_after_reconnect__refused), cmocka_unit_test(call__answer_is_garbage__format),
    cmocka_unit_test(call__answer_over_the_maximum__format), cmocka_unit_test(call__results_of_another_form__format),
    cmocka_unit_test(call__params_outside_limits__argument_and_still_connected),
    cmocka_unit_test(submit__answers_out_of_order__named_by_seq), cmocka_unit_test(receive__connection_lost__connect),
    cmocka_unit_test(adopted__act_lost__outcome_unknown_without_reconnecting),
    cmocka_unit_test(find_inherited__not_set_or_no_descriptor__false),
    cmocka_unit_test(repeat_of__uses_and_handles__never_acts))
