#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "hardserver/relay.h"

/* A relay in a thread; the test is its module and its supervisor. */

static char folder[64];
static struct kq_relay relay;
static pthread_t thread;
static kq_status relay_status;
static int module;     /* the module's end of the control channel */
static int ready;      /* the supervisor's end */
static int signals[2]; /* stands in for a signalfd: what is written looks like a signal */
static struct kq_buffer in;
static size_t taken; /* of in: the record heard last */

static void *run(void *context)
{
    const char *why = NULL;
    relay_status = kq_relay_run(context, &why);
    return NULL;
}

static int begin_with(uint64_t idle_exit_s)
{
    int control[2], readiness[2];
    memcpy(folder, "/tmp/kq-relay-XXXXXX", sizeof "/tmp/kq-relay-XXXXXX");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, control) != 0 ||
        pipe(readiness) != 0 || pipe(signals) != 0)
        return -1;
    relay = (struct kq_relay){
        .control_fd = control[0], .ready_fd = readiness[1], .signal_fd = signals[0], .idle_exit_s = idle_exit_s};
    kq_relay_init(&relay);
    kq_buffer_init(&in, 1 << 20);
    taken = 0;
    module = control[1];
    ready = readiness[0];
    if (fcntl(relay.control_fd, F_SETFL, O_NONBLOCK) != 0 || kq_store_open(&relay.store) != KQ_OK)
        return -1;
    return pthread_create(&thread, NULL, run, &relay);
}

static int begin(void **state)
{
    (void)state;
    return begin_with(0);
}

static int end(void **state)
{
    (void)state;
    if (module >= 0)
        close(module);
    pthread_join(thread, NULL);
    close(relay.control_fd);
    if (relay.ready_fd >= 0)
        close(relay.ready_fd);
    close(ready);
    close(signals[0]);
    close(signals[1]);
    kq_relay_clear(&relay);
    kq_buffer_clear(&in);
    unlink("state");
    unlink("audit.log");
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void tell(const struct kq_control *record)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, 1 << 21);
    assert_ok(kq_control_append(record, &writer));
    for (size_t at = 0; at < writer.buffer.len;) {
        ssize_t put = write(module, writer.buffer.data + at, writer.buffer.len - at);
        assert_true(put > 0);
        at += (size_t)put;
    }
}

/* The next record; false after a while without. */
static bool hear(struct kq_control *out, int timeout_ms)
{
    kq_buffer_consume(&in, taken);
    taken = 0;
    for (;;) {
        struct kq_slice frame;
        assert_ok(kq_control_split(kq_buffer_slice(&in), &frame, &taken));
        if (taken > 0) {
            assert_ok(kq_control_get(frame, out, NULL));
            return true;
        }
        struct pollfd polled = {module, POLLIN, 0};
        if (poll(&polled, 1, timeout_ms) != 1)
            return false;
        uint8_t bytes[4096];
        ssize_t got = read(module, bytes, sizeof bytes);
        if (got <= 0)
            return false;
        assert_ok(kq_buffer_append(&in, bytes, (size_t)got));
    }
}

static void expect_silence(int for_ms)
{
    struct kq_control record;
    assert_false(hear(&record, for_ms));
}

static void module__ready__supervisor_told(void **state)
{
    (void)state;
    char byte;
    tell(&(struct kq_control){.kind = KQ_CONTROL_READY});
    assert_int_equal(read(ready, &byte, 1), 1);
    assert_int_equal(read(ready, &byte, 1), 0); /* once, and closed */
}

static void persist__large_state__written_and_answered(void **state)
{
    (void)state;
    static uint8_t large[1000 * 1000];
    struct kq_control record;
    tell(&(struct kq_control){
        .kind = KQ_CONTROL_PERSIST, .seq = 7, .state = kq_slice_of(large, sizeof large), .log = kq_slice_text("log")});
    assert_true(hear(&record, 5000));
    assert_int_equal(record.kind, KQ_CONTROL_PERSIST_DONE);
    assert_int_equal(record.seq, 7);
    assert_int_equal(record.number, KQ_OK);
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read("state", sizeof large, &bytes));
    assert_int_equal(bytes.len, sizeof large);
}

static void signal__while_serving__module_told_and_orderly_end(void **state)
{
    (void)state;
    struct kq_control record;
    struct signalfd_siginfo signal = {.ssi_signo = SIGTERM};
    tell(&(struct kq_control){.kind = KQ_CONTROL_READY});
    assert_int_equal(write(signals[1], &signal, sizeof signal), (ssize_t)sizeof signal);
    assert_true(hear(&record, 5000));
    assert_int_equal(record.kind, KQ_CONTROL_STOP);
    tell(&(struct kq_control){.kind = KQ_CONTROL_PERSIST, .seq = 1, .log = kq_slice_text("last words")});
    assert_true(hear(&record, 5000));
    assert_int_equal(record.kind, KQ_CONTROL_PERSIST_DONE);
    close(module);
    module = -1;
    pthread_join(thread, NULL);
    assert_ok(relay_status);
    pthread_create(&thread, NULL, run, &relay); /* for the teardown: ends at once */
}

static int begin_idle(void **state)
{
    (void)state;
    return begin_with(1);
}

static void expect_question(uint64_t clients_heard)
{
    struct kq_control record;
    assert_true(hear(&record, 3000));
    assert_int_equal(record.kind, KQ_CONTROL_STOP_IF_IDLE);
    assert_int_equal(record.seq, clients_heard);
}

static void idle__long_enough__module_asked_once(void **state)
{
    (void)state;
    tell(&(struct kq_control){.kind = KQ_CONTROL_READY});
    tell(&(struct kq_control){.kind = KQ_CONTROL_CLIENTS, .number = 1});
    expect_silence(1500); /* somebody is there */
    tell(&(struct kq_control){.kind = KQ_CONTROL_CLIENTS, .number = 0});
    expect_question(2);
    expect_silence(1200);
    close(module); /* it agreed */
    module = -1;
    pthread_join(thread, NULL);
    assert_ok(relay_status);
    pthread_create(&thread, NULL, run, &relay); /* for the teardown: ends at once */
}

static void idle__client_came_meanwhile__asked_again_later(void **state)
{
    (void)state;
    tell(&(struct kq_control){.kind = KQ_CONTROL_READY});
    expect_question(0);
    tell(&(struct kq_control){.kind = KQ_CONTROL_CLIENTS, .number = 1});
    expect_silence(1200);
    tell(&(struct kq_control){.kind = KQ_CONTROL_CLIENTS, .number = 0});
    expect_question(2);
}

static void module__gone_by_itself__an_error(void **state)
{
    (void)state;
    close(module);
    module = -1;
    pthread_join(thread, NULL);
    assert_status(relay_status, KQ_ERR_CONNECT);
    pthread_create(&thread, NULL, run, &relay);
}

static void module__talks_nonsense__an_error(void **state)
{
    (void)state;
    assert_int_equal(write(module, "\0\0\0\x02??", 6), 6);
    pthread_join(thread, NULL);
    assert_status(relay_status, KQ_ERR_FORMAT);
    close(module);
    module = -1;
    relay.in.len = 0;
    pthread_create(&thread, NULL, run, &relay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(module__ready__supervisor_told),
        TEST(persist__large_state__written_and_answered),
        TEST(signal__while_serving__module_told_and_orderly_end),
        cmocka_unit_test_setup_teardown(idle__long_enough__module_asked_once, begin_idle, end),
        cmocka_unit_test_setup_teardown(idle__client_came_meanwhile__asked_again_later, begin_idle, end),
        TEST(module__gone_by_itself__an_error),
        TEST(module__talks_nonsense__an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
