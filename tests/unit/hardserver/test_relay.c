#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "hardserver/relay.h"

/* A relay in a thread; the test is its module, its clients and its supervisor. */

static char folder[64];
static struct kq_relay relay;
static pthread_t thread;
static kq_status relay_status;
static int module;     /* the module's end of the control channel */
static int ready;      /* the supervisor's end */
static int signals[2]; /* stands in for a signalfd: what is written looks like a signal */
static struct kq_buffer in;
static size_t taken; /* of in: the record heard last */
static struct sockaddr_un address;

static void *run(void *context)
{
    const char *why = NULL;
    relay_status = kq_relay_run(context, &why);
    return NULL;
}

static int begin_with(uint64_t idle_exit_s, uint64_t max_connections)
{
    int control[2], readiness[2];
    memcpy(folder, "/tmp/kq-relay-XXXXXX", sizeof "/tmp/kq-relay-XXXXXX");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, control) != 0 ||
        pipe(readiness) != 0 || pipe(signals) != 0)
        return -1;
    address = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "hardserver.sock"};
    relay = (struct kq_relay){.control_fd = control[0],
                              .listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0),
                              .ready_fd = readiness[1],
                              .signal_fd = signals[0],
                              .max_connections = max_connections,
                              .idle_exit_s = idle_exit_s};
    kq_relay_init(&relay);
    kq_buffer_init(&in, 1 << 20);
    taken = 0;
    module = control[1];
    ready = readiness[0];
    if (bind(relay.listen_fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(relay.listen_fd, 8) != 0 ||
        kq_store_open(&relay.store) != KQ_OK)
        return -1;
    return pthread_create(&thread, NULL, run, &relay);
}

static int begin(void **state)
{
    (void)state;
    return begin_with(0, 2);
}

static int end(void **state)
{
    (void)state;
    if (module >= 0)
        close(module);
    pthread_join(thread, NULL);
    close(relay.control_fd);
    close(relay.listen_fd);
    if (relay.ready_fd >= 0)
        close(relay.ready_fd);
    close(ready);
    close(signals[0]);
    close(signals[1]);
    kq_relay_clear(&relay);
    kq_buffer_clear(&in);
    unlink("hardserver.sock");
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

/* The next record and the descriptor that came with it (-1: none); false after a while without. */
static bool hear(struct kq_control *out, int *out_fd, int timeout_ms)
{
    kq_buffer_consume(&in, taken);
    taken = 0;
    *out_fd = -1;
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
        union {
            struct cmsghdr head;
            char bytes[CMSG_SPACE(sizeof(int))];
        } extra;
        uint8_t bytes[4096];
        struct iovec part = {bytes, sizeof bytes};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = extra.bytes, .msg_controllen = sizeof extra.bytes};
        ssize_t got = recvmsg(module, &message, 0);
        if (got <= 0)
            return false;
        if (message.msg_controllen > 0)
            memcpy(out_fd, CMSG_DATA(&extra.head), sizeof *out_fd);
        assert_ok(kq_buffer_append(&in, bytes, (size_t)got));
    }
}

static int connect_client(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int expect_client(void)
{
    struct kq_control record;
    int fd;
    assert_true(hear(&record, &fd, 5000));
    assert_int_equal(record.kind, KQ_CONTROL_NEW_CLIENT);
    assert_true(fd >= 0);
    return fd;
}

static void expect_silence(void)
{
    struct kq_control record;
    int fd;
    assert_false(hear(&record, &fd, 100));
}

static void client__before_the_module_is_ready__waits(void **state)
{
    (void)state;
    int client = connect_client();
    expect_silence();
    tell(&(struct kq_control){.kind = KQ_CONTROL_READY});
    int passed = expect_client();
    char byte;
    assert_int_equal(read(ready, &byte, 1), 1);
    assert_int_equal(write(client, "x", 1), 1); /* it is the same connection */
    struct pollfd polled = {passed, POLLIN, 0};
    assert_int_equal(poll(&polled, 1, 1000), 1);
    assert_int_equal(read(passed, &byte, 1), 1);
    struct ucred peer;
    socklen_t len = sizeof peer;
    assert_int_equal(getsockopt(passed, SOL_SOCKET, SO_PEERCRED, &peer, &len), 0);
    assert_int_equal(peer.uid, getuid());
    close(client);
    close(passed);
}

static void client__beyond_the_maximum__waits_for_another_to_go(void **state)
{
    (void)state;
    int clients[3], passed[3];
    tell(&(struct kq_control){.kind = KQ_CONTROL_READY});
    for (size_t i = 0; i < 3; i++)
        clients[i] = connect_client();
    passed[0] = expect_client();
    passed[1] = expect_client();
    expect_silence();
    tell(&(struct kq_control){.kind = KQ_CONTROL_CLIENT_GONE, .number = 1});
    passed[2] = expect_client();
    for (size_t i = 0; i < 3; i++) {
        close(clients[i]);
        close(passed[i]);
    }
}

static void persist__large_state__written_and_answered(void **state)
{
    (void)state;
    static uint8_t large[1000 * 1000];
    struct kq_control record;
    int fd;
    tell(&(struct kq_control){
        .kind = KQ_CONTROL_PERSIST, .seq = 7, .state = kq_slice_of(large, sizeof large), .log = kq_slice_text("log")});
    assert_true(hear(&record, &fd, 5000));
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
    int fd;
    struct signalfd_siginfo signal = {.ssi_signo = SIGTERM};
    tell(&(struct kq_control){.kind = KQ_CONTROL_READY});
    assert_int_equal(write(signals[1], &signal, sizeof signal), (ssize_t)sizeof signal);
    assert_true(hear(&record, &fd, 5000));
    assert_int_equal(record.kind, KQ_CONTROL_STOP);
    tell(&(struct kq_control){.kind = KQ_CONTROL_PERSIST, .seq = 1, .log = kq_slice_text("last words")});
    assert_true(hear(&record, &fd, 5000));
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
    return begin_with(1, 2);
}

static void idle__long_enough__stops(void **state)
{
    (void)state;
    struct kq_control record;
    int fd;
    tell(&(struct kq_control){.kind = KQ_CONTROL_READY});
    int client = connect_client();
    int passed = expect_client();
    assert_false(hear(&record, &fd, 1500)); /* somebody is there */
    close(client);
    close(passed);
    tell(&(struct kq_control){.kind = KQ_CONTROL_CLIENT_GONE, .number = 1});
    assert_true(hear(&record, &fd, 3000));
    assert_int_equal(record.kind, KQ_CONTROL_STOP);
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
        TEST(client__before_the_module_is_ready__waits),
        TEST(client__beyond_the_maximum__waits_for_another_to_go),
        TEST(persist__large_state__written_and_answered),
        TEST(signal__while_serving__module_told_and_orderly_end),
        cmocka_unit_test_setup_teardown(idle__long_enough__stops, begin_idle, end),
        TEST(module__gone_by_itself__an_error),
        TEST(module__talks_nonsense__an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
