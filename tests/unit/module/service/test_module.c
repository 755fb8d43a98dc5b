#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "module/audit/recover.h"
#include "module/service/loop.h"
#include "module/service/persist.h"
#include "module/service/start.h"
#include "trust/chain.h"
#include "wire/frame.h"

/* A whole module in this process, without the filter; the test is its
 * hardserver and its clients. */

#define NUM_WORKERS 3
#define MAX_SESSIONS 6

struct bed {
    struct hsm_module *module;
    struct hsm_worker workers[NUM_WORKERS + 1]; /* number 0 is the loop's */
    pthread_t loop;
    pthread_t threads[NUM_WORKERS];
    kq_status loop_status;
    int control; /* the hardserver's end */
    struct kq_buffer from_module;
    kq_status persist_answer; /* what the next PERSISTs get */
    unsigned num_states;      /* PERSISTs with a state */
    unsigned num_persists;
    struct kq_buffer log;       /* as it would be on the disk */
    unsigned num_told;          /* CLIENTS, */
    uint64_t num_clients;       /* and what the last said */
    struct sockaddr_un address; /* of the module */
    socklen_t address_len;
    bool is_quiet; /* the hardserver answers nothing */
};

static struct bed bed;
static struct hsm_state *first_state;

static void *run_loop(void *context)
{
    struct bed *own = context;
    own->loop_status = hsm_loop_run(&own->workers[0]);
    return NULL;
}

/* ---- the hardserver ---- */

static void send_control(const struct kq_control *record)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, 4096);
    assert_ok(kq_control_append(record, &writer));
    assert_int_equal(write(bed.control, writer.buffer.data, writer.buffer.len), (ssize_t)writer.buffer.len);
}

static void persist(const struct kq_control *record)
{
    bed.num_persists++;
    if (bed.persist_answer == KQ_OK) {
        bed.num_states += record->state.len > 0 ? 1 : 0;
        assert_true(record->log_offset <= bed.log.len);
        bed.log.len = (size_t)record->log_offset;
        assert_ok(kq_buffer_append(&bed.log, record->log.data, record->log.len));
    }
    if (!bed.is_quiet)
        send_control(&(struct kq_control){
            .kind = KQ_CONTROL_PERSIST_DONE, .seq = record->seq, .number = (uint64_t)bed.persist_answer});
}

static void take_control(void)
{
    struct kq_slice frame;
    size_t taken;
    for (;;) {
        assert_ok(kq_control_split(kq_buffer_slice(&bed.from_module), &frame, &taken));
        if (taken == 0)
            return;
        struct kq_control record;
        assert_ok(kq_control_get(frame, &record, NULL));
        if (record.kind == KQ_CONTROL_PERSIST)
            persist(&record);
        else if (record.kind == KQ_CONTROL_CLIENTS) {
            bed.num_told++;
            bed.num_clients = record.number;
        }
        kq_buffer_consume(&bed.from_module, taken);
    }
}

/* Plays the hardserver until fd has something to read; false after a while without. */
static bool serve_until(int fd, int timeout_ms)
{
    uint64_t end = kq_clock_monotonic_ms() + (uint64_t)timeout_ms;
    for (;;) {
        uint64_t now = kq_clock_monotonic_ms();
        struct pollfd polls[] = {{bed.control, POLLIN, 0}, {fd, POLLIN, 0}};
        if (now >= end || poll(polls, 2, (int)(end - now)) <= 0)
            return false;
        if (polls[0].revents != 0) {
            uint8_t *room;
            assert_ok(kq_buffer_reserve(&bed.from_module, 65536, &room));
            ssize_t got = read(bed.control, room, 65536);
            assert_true(got > 0);
            bed.from_module.len += (size_t)got;
            take_control();
        }
        if (polls[1].revents != 0)
            return true;
    }
}

/* ---- a client ---- */

struct client {
    int fd;
    struct kq_buffer in;
    uint64_t seq;
    uint64_t authority; /* goes with each request */
};

static void client_open(struct client *client)
{
    *client = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    kq_buffer_init(&client->in, 1 << 20);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&bed.address, bed.address_len), 0);
}

static void client_close(struct client *client)
{
    close(client->fd);
    kq_buffer_clear(&client->in);
}

/* Takes in what has come; false if the connection has ended. */
static bool client_read(struct client *client)
{
    uint8_t *room;
    assert_ok(kq_buffer_reserve(&client->in, 65536, &room));
    assert_true(serve_until(client->fd, 5000));
    ssize_t got = read(client->fd, room, 65536);
    client->in.len += got > 0 ? (size_t)got : 0;
    return got > 0;
}

static uint64_t client_send(struct client *client, enum kq_op op, const void *params, struct kq_slice request_id)
{
    KQ_AUTO_VALUE(kq_writer) encoded;
    KQ_AUTO_VALUE(kq_writer) frame;
    kq_writer_init(&encoded, KQ_FRAME_MAX);
    kq_writer_init(&frame, KQ_FRAME_MAX);
    const struct kq_operation *operation = kq_operation_find(op);
    kq_record_put(operation != NULL ? operation->params : &kq_nothing_type, params, &encoded);
    kq_writer_u32(&frame, 0);
    kq_request_put(&(struct kq_request){.op = op,
                                        .seq = ++client->seq,
                                        .request_id = request_id,
                                        .authority = client->authority,
                                        .params = kq_buffer_slice(&encoded.buffer)},
                   &frame);
    assert_ok(frame.failure);
    kq_frame_head(frame.buffer.len - KQ_FRAME_HEAD_LEN, frame.buffer.data);
    while (write(client->fd, frame.buffer.data, frame.buffer.len) < 0)
        client_read(client); /* the module reads on when we do */
    return client->seq;
}

/* The next reply; its slices are valid until the next call. False: the connection has ended. */
static bool client_receive(struct client *client, struct kq_reply *out)
{
    static struct kq_buffer last;
    kq_buffer_clear(&last);
    kq_buffer_init(&last, KQ_FRAME_MAX);
    for (;;) {
        struct kq_slice frame;
        size_t taken;
        assert_ok(kq_frame_split(kq_buffer_slice(&client->in), &frame, &taken));
        if (taken > 0) {
            assert_ok(kq_buffer_append(&last, frame.data, frame.len));
            kq_buffer_consume(&client->in, taken);
            assert_ok(kq_reply_get(kq_buffer_slice(&last), out, NULL));
            return true;
        }
        if (!client_read(client)) {
            kq_buffer_clear(&last);
            return false;
        }
    }
}

static kq_status client_call(struct client *client, enum kq_op op, const void *params, struct kq_slice request_id)
{
    struct kq_reply reply;
    uint64_t seq = client_send(client, op, params, request_id);
    assert_true(client_receive(client, &reply));
    assert_int_equal(reply.seq, seq);
    return (kq_status)reply.status;
}

static const struct kq_hello_request hello = {.protocol = KQ_PROTOCOL_VERSION};

static void client_begin(struct client *client)
{
    client_open(client);
    assert_ok(client_call(client, KQ_OP_HELLO, &hello, KQ_SLICE_EMPTY));
}

/* ---- set-up ---- */

static int open_listener(void)
{
    bed.address = (struct sockaddr_un){.sun_family = AF_UNIX};
    bed.address_len = sizeof bed.address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* the kernel chooses an abstract name */
    if (fd < 0 || bind(fd, (struct sockaddr *)&bed.address, sizeof bed.address.sun_family) != 0 ||
        listen(fd, 64) != 0 || getsockname(fd, (struct sockaddr *)&bed.address, &bed.address_len) != 0)
        return -1;
    return fd;
}

static int begin_with(const struct hsm_config *bounds)
{
    const struct hsm_config config = {.folder = "/nowhere",
                                      .num_workers = NUM_WORKERS,
                                      .max_sessions = MAX_SESSIONS,
                                      .max_sessions_len = bounds->max_sessions_len,
                                      .hello_patience_ms = bounds->hello_patience_ms,
                                      .reading_patience_ms = bounds->reading_patience_ms,
                                      .key_protection = "device key file",
                                      .rollback_protection = "none",
                                      .version = "test"};
    int pair[2];
    struct hsm_state *state = NULL;
    bed = (struct bed){0};
    kq_buffer_init(&bed.from_module, 1 << 22);
    kq_buffer_init(&bed.log, 1 << 22);
    int listener = open_listener();
    if (listener < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
        hsm_state_clone(first_state, &state) != KQ_OK ||
        hsm_module_new(&config, &state, pair[0], listener, &bed.module) != KQ_OK)
        return -1;
    bed.control = pair[1];
    for (size_t i = 0; i <= NUM_WORKERS; i++)
        hsm_worker_init(&bed.workers[i], bed.module, i);
    pthread_create(&bed.loop, NULL, run_loop, &bed);
    for (size_t i = 0; i < NUM_WORKERS; i++)
        pthread_create(&bed.threads[i], NULL, hsm_worker_main, &bed.workers[i + 1]);
    return 0;
}

static int begin_closed(void **unused)
{
    (void)unused;
    return begin_with(&(struct hsm_config){0});
}

static int begin(void **unused)
{
    if (begin_closed(unused) != 0)
        return -1;
    hsm_listener_open(bed.module);
    return 0;
}

#define PATIENCE_MS 400u

static int begin_impatient(void **unused)
{
    (void)unused;
    if (begin_with(&(struct hsm_config){.hello_patience_ms = PATIENCE_MS, .reading_patience_ms = PATIENCE_MS}) != 0)
        return -1;
    hsm_listener_open(bed.module);
    return 0;
}

#define SMALL_BUDGET (24u * 1024)

static int begin_small(void **unused)
{
    (void)unused;
    if (begin_with(&(struct hsm_config){.max_sessions_len = SMALL_BUDGET}) != 0)
        return -1;
    hsm_listener_open(bed.module);
    return 0;
}

static void stop_module(void)
{
    bed.is_quiet = false;
    bed.persist_answer = KQ_OK;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_STOP});
    while (pthread_tryjoin_np(bed.loop, NULL) != 0)
        serve_until(-1, 5);
}

static int end(void **unused)
{
    (void)unused;
    stop_module();
    hsm_queue_close(bed.module->queue);
    for (size_t i = 0; i < NUM_WORKERS; i++)
        pthread_join(bed.threads[i], NULL);
    for (size_t i = 0; i <= NUM_WORKERS; i++)
        hsm_worker_clear(&bed.workers[i]);
    close(bed.module->control.fd);
    close(bed.module->listener.fd);
    hsm_module_free(bed.module);
    close(bed.control);
    kq_buffer_clear(&bed.from_module);
    kq_buffer_clear(&bed.log);
    return bed.loop_status == KQ_OK ? 0 : -1;
}

static int make_state(void **unused)
{
    (void)unused;
    signal(SIGPIPE, SIG_IGN); /* as hsm-module does */
    return hsm_state_new((uint32_t)geteuid(), &first_state) == KQ_OK ? 0 : -1;
}

static int free_state(void **unused)
{
    (void)unused;
    hsm_state_free(first_state);
    return 0;
}

static const uint8_t id_bytes[] = "0123456789abcdefghijklmnopqrstuvwxyz";
static struct kq_slice id(size_t number)
{
    return kq_slice_of(id_bytes + number, KQ_REQUEST_ID_LEN);
}

static size_t num_peers(void)
{
    struct hsm_snapshot *snapshot = hsm_module_snapshot(bed.module);
    size_t num = hsm_snapshot_state(snapshot)->num_peers;
    hsm_snapshot_free(snapshot);
    return num;
}

static uint64_t num_records(void)
{
    hsm_gate_enter(bed.module);
    uint64_t num = bed.module->tree.num_records;
    hsm_gate_leave(bed.module);
    return num;
}

/* ---- tests ---- */

static void rows__every_operation__has_exactly_one(void **unused)
{
    (void)unused;
    const struct hsm_row *const parts[] = {hsm_service_rows, hsm_quorum_rows,   hsm_world_rows,
                                           hsm_key_rows,     hsm_transfer_rows, hsm_enrol_rows};
    for (size_t k = 0; k < kq_num_operations; k++) {
        unsigned num = 0;
        for (size_t i = 0; i < KQ_COUNT_OF(parts); i++) {
            for (const struct hsm_row *row = parts[i]; row->handler != NULL; row++)
                num += row->op == kq_operations[k].op && row->roles != 0 && row->worlds != 0 ? 1 : 0;
        }
        assert_int_equal(num, 1);
    }
}

static void call__before_hello__refused(void **unused)
{
    (void)unused;
    struct client client;
    client_open(&client);
    assert_status(client_call(&client, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY), KQ_ERR_STATE);
    assert_ok(client_call(&client, KQ_OP_HELLO, &hello, KQ_SLICE_EMPTY));
    assert_ok(client_call(&client, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY));
    client_close(&client);
}

static void hello__other_protocol__refused(void **unused)
{
    (void)unused;
    struct client client;
    client_open(&client);
    assert_status(client_call(&client, KQ_OP_HELLO, &(struct kq_hello_request){.protocol = 9}, KQ_SLICE_EMPTY),
                  KQ_ERR_VERSION);
    client_close(&client);
}

static void hello__sent_with_others_in_one_write__comes_first(void **unused)
{
    (void)unused;
    struct client client;
    client_open(&client);
    client_send(&client, KQ_OP_HELLO, &hello, KQ_SLICE_EMPTY);
    client_send(&client, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY);
    struct kq_reply reply;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(client_receive(&client, &reply));
        assert_ok((kq_status)reply.status);
    }
    client_close(&client);
}

/* Any user of the machine may get as far as this. */
static void stream__large_frame_before_hello__ended(void **unused)
{
    (void)unused;
    static const uint8_t bytes[HSM_SESSION_IN_STRANGER + 1] = {0, 1, 0, 0};
    struct client client;
    struct kq_reply reply;
    client_open(&client);
    assert_int_equal(write(client.fd, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    assert_false(client_receive(&client, &reply));
    client_close(&client);
    client_begin(&client);
    assert_int_equal(write(client.fd, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    assert_false(serve_until(client.fd, 100)); /* more may come */
    client_close(&client);
}

static void call__unknown_operation__says_so(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    assert_status(client_call(&client, (enum kq_op)200, NULL, KQ_SLICE_EMPTY), KQ_ERR_UNSUPPORTED);
    client_close(&client);
}

static void call__without_the_role__refused(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    /* another administrator first, then take our own role away */
    const struct kq_peer_set_request other = {.uid = 4242, .roles = KQ_ROLE_ADMIN};
    const struct kq_peer_set_request own = {.uid = geteuid(), .roles = KQ_ROLE_USE};
    assert_ok(client_call(&client, KQ_OP_PEER_SET, &other, id(0)));
    assert_ok(client_call(&client, KQ_OP_PEER_SET, &own, id(1)));
    assert_status(client_call(&client, KQ_OP_PEER_SET, &other, id(2)), KQ_ERR_DENIED);
    assert_ok(client_call(&client, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY));
    client_close(&client);
}

static void call__not_offered_without_a_world__refused(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    static const uint8_t key[32];
    const struct kq_card_check_request check = {.card = kq_slice_text("no card"),
                                                .card_key = kq_slice_of(key, sizeof key)};
    assert_status(client_call(&client, KQ_OP_CARD_CHECK, &check, KQ_SLICE_EMPTY), KQ_ERR_STATE);
    client_close(&client);
}

static void peer_set__last_administrator__stays(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_peer_set_request own = {.uid = geteuid(), .roles = 0};
    assert_status(client_call(&client, KQ_OP_PEER_SET, &own, id(0)), KQ_ERR_ARGUMENT);
    assert_int_equal(num_peers(), 1);
    client_close(&client);
}

static void act__without_a_request_id__refused(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_peer_set_request request = {.uid = 4242, .roles = 1};
    assert_status(client_call(&client, KQ_OP_PEER_SET, &request, KQ_SLICE_EMPTY), KQ_ERR_ARGUMENT);
    assert_status(client_call(&client, KQ_OP_PEER_SET, &request, kq_slice_of("short", 5)), KQ_ERR_ARGUMENT);
    assert_int_equal(num_peers(), 1);
    client_close(&client);
}

static void audit_append__word_of_the_module__refused(void **unused)
{
    (void)unused;
    static const char *const own[] = {"clean-stop", "module-start", "world_forget", "trust_change", "sign"};
    struct client client;
    client_begin(&client);
    for (size_t i = 0; i < KQ_COUNT_OF(own); i++) {
        const struct kq_audit_append_request request = {.event = kq_slice_text(own[i])};
        assert_status(client_call(&client, KQ_OP_AUDIT_APPEND, &request, id(i)), KQ_ERR_ARGUMENT);
    }
    assert_int_equal(bed.num_states, 0);
    client_close(&client);
}

static void act__repeated__done_once(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_audit_append_request request = {.event = kq_slice_text("vault-create")};
    const struct kq_audit_append_request other = {.event = kq_slice_text("vault-delete")};
    assert_ok(client_call(&client, KQ_OP_AUDIT_APPEND, &request, id(0)));
    unsigned num_states = bed.num_states;
    assert_int_equal(num_states, 1);
    assert_ok(client_call(&client, KQ_OP_AUDIT_APPEND, &request, id(0)));
    assert_int_equal(bed.num_states, num_states); /* answered from memory */
    assert_status(client_call(&client, KQ_OP_AUDIT_APPEND, &other, id(0)), KQ_ERR_MISMATCH);
    assert_int_equal(num_records(), 1);
    client_close(&client);
}

static void act__repeated_while_the_first_runs__done_once(void **unused)
{
    (void)unused;
    struct client one, two;
    client_begin(&one);
    client_begin(&two);
    const struct kq_audit_append_request request = {.event = kq_slice_text("vault-create")};
    bed.is_quiet = true;
    client_send(&one, KQ_OP_AUDIT_APPEND, &request, id(0));
    client_send(&two, KQ_OP_AUDIT_APPEND, &request, id(0));
    assert_false(serve_until(two.fd, 100)); /* both wait for the disk */
    assert_int_equal(bed.num_persists, 1);
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1});
    struct kq_reply reply;
    assert_true(client_receive(&one, &reply));
    assert_ok((kq_status)reply.status);
    assert_true(client_receive(&two, &reply));
    assert_ok((kq_status)reply.status);
    assert_int_equal(bed.num_persists, 1);
    client_close(&one);
    client_close(&two);
}

static void act__disk_full__error_and_nothing_changed(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_peer_set_request request = {.uid = 4242, .roles = 1};
    bed.persist_answer = KQ_ERR_IO;
    assert_status(client_call(&client, KQ_OP_PEER_SET, &request, id(0)), KQ_ERR_IO);
    assert_int_equal(num_peers(), 1);
    assert_int_equal(num_records(), 0);
    bed.persist_answer = KQ_OK;
    for (unsigned i = 0; i < 40; i++) { /* the refusal itself has to reach the log first */
        if (client_call(&client, KQ_OP_PEER_SET, &request, id(0)) == KQ_OK)
            break;
        serve_until(-1, 50);
    }
    assert_int_equal(num_peers(), 2);
    client_close(&client);
}

static void act__not_yet_durable__not_answered(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    bed.is_quiet = true;
    const struct kq_peer_set_request request = {.uid = 4242, .roles = 1};
    client_send(&client, KQ_OP_PEER_SET, &request, id(0));
    assert_false(serve_until(client.fd, 150));
    assert_int_equal(num_peers(), 1); /* nobody sees it before it is durable */
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1});
    struct kq_reply reply;
    assert_true(client_receive(&client, &reply));
    assert_ok((kq_status)reply.status);
    assert_int_equal(num_peers(), 2);
    client_close(&client);
}

/* Walks the log as recovery would from its beginning. */
static void assert_log_is_sound(uint64_t num_records, bool is_clean)
{
    KQ_AUTO_VALUE(hsm_audit_recovery) found = {0};
    assert_ok(hsm_audit_recover(first_state, bed.log.len, kq_buffer_slice(&bed.log), &found));
    assert_int_equal(found.num_dropped, 0);
    assert_int_equal(found.tree.num_records, num_records);
    assert_int_equal(found.is_clean, is_clean);
}

static void refusals__folded__in_the_log_within_the_window(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_peer_set_request own = {.uid = geteuid(), .roles = 0};
    uint64_t start = kq_clock_monotonic_ms();
    for (unsigned i = 0; i < 5; i++)
        assert_status(client_call(&client, KQ_OP_PEER_SET, &own, id(i)), KQ_ERR_ARGUMENT);
    while (bed.log.len == 0 && kq_clock_monotonic_ms() < start + 2000)
        serve_until(-1, 5);
    assert_in_range(kq_clock_monotonic_ms() - start, 0, 1000); /* 100 ms on a machine with nothing else to do */
    assert_int_equal(bed.num_states, 0);
    assert_log_is_sound(1, false);
    client_close(&client);
}

static void stop__after_acts__log_ends_clean(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_peer_set_request request = {.uid = 4242, .roles = 1};
    assert_ok(client_call(&client, KQ_OP_PEER_SET, &request, id(0)));
    send_control(&(struct kq_control){.kind = KQ_CONTROL_STOP});
    uint64_t end_ms = kq_clock_monotonic_ms() + 5000;
    while (bed.num_persists < 2 && kq_clock_monotonic_ms() < end_ms)
        serve_until(-1, 5);
    assert_log_is_sound(2, true);
    client_close(&client);
}

static void stream__many_requests_in_flight__all_answered(void **unused)
{
    (void)unused;
    enum { NUM = 500 };
    struct client client;
    client_begin(&client);
    static bool is_seen[NUM + 2];
    memset(is_seen, 0, sizeof is_seen);
    for (unsigned i = 0; i < NUM; i++)
        client_send(&client, (enum kq_op)200, NULL, KQ_SLICE_EMPTY);
    for (unsigned i = 0; i < NUM; i++) {
        struct kq_reply reply;
        assert_true(client_receive(&client, &reply));
        assert_in_range(reply.seq, 2, NUM + 1);
        assert_false(is_seen[reply.seq]);
        is_seen[reply.seq] = true;
    }
    client_close(&client);
}

static void stream__bytes_one_by_one__understood(void **unused)
{
    (void)unused;
    struct client client;
    client_open(&client);
    KQ_AUTO_VALUE(kq_writer) params;
    KQ_AUTO_VALUE(kq_writer) frame;
    kq_writer_init(&params, 100);
    kq_writer_init(&frame, 1000);
    kq_hello_request_put(&hello, &params);
    kq_writer_u32(&frame, 0);
    kq_request_put(&(struct kq_request){.op = KQ_OP_HELLO, .seq = 7, .params = kq_buffer_slice(&params.buffer)},
                   &frame);
    kq_frame_head(frame.buffer.len - KQ_FRAME_HEAD_LEN, frame.buffer.data);
    for (size_t i = 0; i < frame.buffer.len; i++) {
        assert_int_equal(write(client.fd, frame.buffer.data + i, 1), 1);
        serve_until(-1, 1);
    }
    struct kq_reply reply;
    assert_true(client_receive(&client, &reply));
    assert_int_equal(reply.seq, 7);
    assert_ok((kq_status)reply.status);
    client_close(&client);
}

static void assert_ends_after(const void *bytes, size_t len)
{
    struct client client;
    struct kq_reply reply;
    client_begin(&client);
    assert_int_equal(write(client.fd, bytes, len), (ssize_t)len);
    assert_false(client_receive(&client, &reply));
    client_close(&client);
}

/* Plays the hardserver until so many CLIENTS have come. */
static void expect_told(unsigned num)
{
    uint64_t end_ms = kq_clock_monotonic_ms() + 2000;
    while (bed.num_told < num && kq_clock_monotonic_ms() < end_ms)
        serve_until(-1, 10);
    assert_int_equal(bed.num_told, num);
}

static void stream__not_our_protocol__ended(void **unused)
{
    (void)unused;
    assert_ends_after("\xff\xff\xff\xff", 4);            /* a frame beyond every limit */
    assert_ends_after("\0\0\0\x04GET ", 8);              /* a frame that is no request */
    assert_ends_after("\0\0\0\x06\x85\0\0\x40\0\0", 10); /* a request with op 0 */
    struct client client;
    client_begin(&client); /* others are served on */
    client_close(&client);
    expect_told(8);
}

/* ---- who comes in ---- */

static void client__before_the_module_is_ready__waits(void **unused)
{
    (void)unused;
    struct client client;
    client_open(&client);
    client_send(&client, KQ_OP_HELLO, &hello, KQ_SLICE_EMPTY);
    assert_false(serve_until(client.fd, 100));
    assert_int_equal(bed.num_told, 0);
    hsm_listener_open(bed.module);
    struct kq_reply reply;
    assert_true(client_receive(&client, &reply));
    assert_ok((kq_status)reply.status);
    client_close(&client);
}

static void client__beyond_the_maximum__waits_for_another_to_go(void **unused)
{
    (void)unused;
    struct client clients[MAX_SESSIONS], late;
    for (size_t i = 0; i < MAX_SESSIONS; i++)
        client_begin(&clients[i]);
    client_open(&late);
    client_send(&late, KQ_OP_HELLO, &hello, KQ_SLICE_EMPTY);
    assert_false(serve_until(late.fd, 100));
    client_close(&clients[2]);
    struct kq_reply reply;
    assert_true(client_receive(&late, &reply));
    assert_ok((kq_status)reply.status);
    client_close(&late);
    for (size_t i = 0; i < MAX_SESSIONS; i++) {
        if (i != 2)
            client_close(&clients[i]);
    }
    expect_told(2); /* the first came, the last went */
    assert_int_equal(bed.num_clients, 0);
}

/* One who waits must not keep the loop busy. */
static void client__no_descriptor_left__waits_until_there_is_one(void **unused)
{
    (void)unused;
    struct client client;
    struct rlimit limit;
    struct timespec before, after;
    client = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    kq_buffer_init(&client.in, 1 << 20);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int next_fd = dup(client.fd);
    close(next_fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next_fd, limit.rlim_max}), 0);
    assert_int_equal(connect(client.fd, (struct sockaddr *)&bed.address, bed.address_len), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    assert_false(serve_until(client.fd, 400));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 100);
    assert_ok(client_call(&client, KQ_OP_HELLO, &hello, KQ_SLICE_EMPTY));
    client_close(&client);
}

/* ---- clients that keep the module waiting ---- */

/* How long until the connection has ended, whatever may be unread in it. */
static uint64_t wait_for_end(const struct client *client)
{
    uint64_t start = kq_clock_monotonic_ms();
    struct pollfd end = {client->fd, 0, 0};
    while (poll(&end, 1, 0) == 0) {
        assert_true(kq_clock_monotonic_ms() < start + 10 * PATIENCE_MS);
        serve_until(-1, 10);
    }
    return kq_clock_monotonic_ms() - start;
}

static void client__says_no_hello__ended_in_time(void **unused)
{
    (void)unused;
    struct client silent, half, refused, polite;
    client_begin(&polite);
    client_open(&silent);
    client_open(&half);
    client_open(&refused);
    assert_int_equal(write(half.fd, "\0\0", 2), 2);
    assert_status(client_call(&refused, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY), KQ_ERR_STATE);
    assert_in_range(wait_for_end(&silent), PATIENCE_MS / 2, 3 * PATIENCE_MS);
    wait_for_end(&half);
    wait_for_end(&refused); /* another word does not stand for a hello */
    assert_ok(client_call(&polite, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY));
    client_close(&silent);
    client_close(&half);
    client_close(&refused);
    client_close(&polite);
}

/* Sends what the socket takes, reading nothing. */
static void send_until_blocked(struct client *client)
{
    KQ_AUTO_VALUE(kq_writer) frame;
    kq_writer_init(&frame, KQ_FRAME_MAX);
    kq_writer_u32(&frame, 0);
    kq_request_put(&(struct kq_request){.op = 200, .seq = 9, .params = kq_slice_of("\x80", 1)}, &frame);
    assert_ok(frame.failure);
    kq_frame_head(frame.buffer.len - KQ_FRAME_HEAD_LEN, frame.buffer.data);
    uint64_t last_ms = kq_clock_monotonic_ms();
    while (kq_clock_monotonic_ms() < last_ms + 100) {
        if (write(client->fd, frame.buffer.data, frame.buffer.len) == (ssize_t)frame.buffer.len)
            last_ms = kq_clock_monotonic_ms();
        else
            serve_until(-1, 1);
    }
}

static void client__reads_no_answers__ended_in_time(void **unused)
{
    (void)unused;
    struct client deaf, polite;
    client_begin(&polite);
    client_begin(&deaf);
    send_until_blocked(&deaf);
    assert_in_range(wait_for_end(&deaf), 1, 3 * PATIENCE_MS);
    serve_until(-1, 2 * PATIENCE_MS); /* who has read everything may be silent */
    assert_ok(client_call(&polite, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY));
    client_close(&deaf);
    client_close(&polite);
}

/* More repeats than workers, and the others still are served. */
static void act__repeated_by_many__occupies_no_worker(void **unused)
{
    (void)unused;
    enum { REPEATS = 4 * NUM_WORKERS };
    struct client busy, other;
    struct kq_reply reply;
    client_begin(&busy);
    client_begin(&other);
    const struct kq_audit_append_request request = {.event = kq_slice_text("vault-create")};
    bed.is_quiet = true;
    for (unsigned i = 0; i < REPEATS; i++)
        client_send(&busy, KQ_OP_AUDIT_APPEND, &request, id(0));
    assert_false(serve_until(busy.fd, 100));
    for (unsigned i = 0; i < 10; i++)
        assert_ok(client_call(&other, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY));
    assert_int_equal(bed.num_persists, 1);
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1});
    for (unsigned i = 0; i < REPEATS; i++) {
        assert_true(client_receive(&busy, &reply));
        assert_ok((kq_status)reply.status);
    }
    assert_int_equal(bed.num_persists, 1);
    assert_int_equal(num_records(), 1);
    client_close(&busy);
    client_close(&other);
}

/* The first one fails: the next of its repeats is done in its place, once. */
static void act__repeated_while_the_first_fails__done_by_a_repeat(void **unused)
{
    (void)unused;
    struct client client;
    struct kq_reply reply;
    unsigned num_done = 0;
    client_begin(&client);
    const struct kq_peer_set_request request = {.uid = 4242, .roles = 1};
    bed.is_quiet = true;
    for (unsigned i = 0; i < 5; i++)
        client_send(&client, KQ_OP_PEER_SET, &request, id(0));
    assert_false(serve_until(client.fd, 100));
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1, .number = (uint64_t)KQ_ERR_IO});
    for (unsigned i = 0; i < 5; i++) {
        assert_true(client_receive(&client, &reply));
        num_done += reply.status == KQ_OK;
    }
    assert_in_range(num_done, 1, 4);
    assert_int_equal(num_peers(), 2);
    client_close(&client);
}

/* Whether it comes true within some seconds. */
static bool becomes(bool (*is_so)(void))
{
    uint64_t end_ms = kq_clock_monotonic_ms() + 5000;
    while (!is_so() && kq_clock_monotonic_ms() < end_ms)
        serve_until(-1, 5);
    return is_so();
}

static bool sessions_are_full(void)
{
    return hsm_sessions_are_full(bed.module);
}

static bool nothing_is_held(void)
{
    return atomic_load(&bed.module->sessions_len) == 0;
}

/* All sessions together hold what they may: nobody new, the others one request at a time. */
static void sessions__full__nobody_new_and_the_others_go_on(void **unused)
{
    (void)unused;
    struct client greedy, other, late;
    struct kq_reply reply;
    char event[64], detail[256];
    memset(event, 'e', sizeof event);
    memset(detail, 'd', sizeof detail);
    client_begin(&greedy);
    client_begin(&other);
    const struct kq_audit_append_request request = {.event = kq_slice_of(event, sizeof event),
                                                    .detail = kq_slice_of(detail, sizeof detail)};
    bed.is_quiet = true;
    for (unsigned i = 0; i < HSM_SESSION_RUNNING_MAX; i++)
        client_send(&greedy, KQ_OP_AUDIT_APPEND, &request, id(0));
    assert_true(becomes(sessions_are_full));
    assert_in_range(atomic_load(&bed.module->sessions_len), SMALL_BUDGET, SMALL_BUDGET + 32 * 1024);
    client_open(&late);
    client_send(&late, KQ_OP_HELLO, &hello, KQ_SLICE_EMPTY);
    assert_false(serve_until(late.fd, 100));
    for (unsigned i = 0; i < 40; i++)
        client_send(&other, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY);
    for (unsigned i = 0; i < 40; i++) {
        assert_true(client_receive(&other, &reply));
        assert_ok((kq_status)reply.status);
    }
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1});
    for (unsigned i = 0; i < HSM_SESSION_RUNNING_MAX; i++) {
        assert_true(client_receive(&greedy, &reply));
        assert_ok((kq_status)reply.status);
    }
    assert_true(client_receive(&late, &reply));
    assert_ok((kq_status)reply.status);
    client_close(&greedy);
    client_close(&other);
    client_close(&late);
    expect_told(2);
    assert_true(becomes(nothing_is_held)); /* everything was counted back */
}

/* While it is full, a frame longer than a session's share ends the connection. */
static void sessions__full__long_input_ends(void **unused)
{
    (void)unused;
    struct client greedy, large;
    static const uint8_t bytes[2 * HSM_SESSION_SHARE_LEN] = {0, 1, 0, 0};
    char detail[256];
    memset(detail, 'd', sizeof detail);
    client_begin(&greedy);
    client_begin(&large);
    const struct kq_audit_append_request request = {.event = kq_slice_text("vault-create"),
                                                    .detail = kq_slice_of(detail, sizeof detail)};
    bed.is_quiet = true;
    for (unsigned i = 0; i < HSM_SESSION_RUNNING_MAX; i++)
        client_send(&greedy, KQ_OP_AUDIT_APPEND, &request, id(0));
    assert_true(becomes(sessions_are_full));
    assert_int_equal(write(large.fd, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    wait_for_end(&large);
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1});
    client_close(&greedy);
    client_close(&large);
}

static bool all_workers_are_active(void)
{
    size_t num_active = 0;
    pthread_mutex_lock(&bed.module->running_lock);
    for (size_t i = 0; i <= NUM_WORKERS; i++)
        num_active += bed.module->running[i].is_active;
    pthread_mutex_unlock(&bed.module->running_lock);
    return num_active == NUM_WORKERS;
}

/* One connection keeps every worker busy. */
static void stream__acts_of_one_connection__run_side_by_side(void **unused)
{
    (void)unused;
    enum { NUM = 4 * NUM_WORKERS };
    struct client client;
    struct kq_reply reply;
    client_begin(&client);
    const struct kq_audit_append_request request = {.event = kq_slice_text("vault-create")};
    bed.is_quiet = true; /* each act holds its worker until the disk answers */
    for (unsigned i = 0; i < NUM; i++)
        client_send(&client, KQ_OP_AUDIT_APPEND, &request, id(i));
    bool all_are_active = becomes(all_workers_are_active);
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1});
    for (unsigned i = 0; i < NUM; i++) {
        assert_true(client_receive(&client, &reply));
        assert_ok((kq_status)reply.status);
    }
    assert_true(all_are_active);
    client_close(&client);
}

static void idle__question_crosses_a_client__module_goes_on(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    expect_told(1);
    send_control(&(struct kq_control){.kind = KQ_CONTROL_STOP_IF_IDLE, .seq = 1}); /* somebody is there */
    assert_ok(client_call(&client, KQ_OP_STATUS, NULL, KQ_SLICE_EMPTY));
    client_close(&client);
    expect_told(2);
    send_control(&(struct kq_control){.kind = KQ_CONTROL_STOP_IF_IDLE, .seq = 0}); /* nobody, but old news */
    client_begin(&client);
    client_close(&client);
}

static void idle__question_with_nobody_there__stops_and_takes_nobody_in(void **unused)
{
    (void)unused;
    struct client client;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_STOP_IF_IDLE, .seq = 0});
    while (!atomic_load(&bed.module->is_stopping))
        serve_until(-1, 5);
    client_open(&client);
    assert_false(serve_until(client.fd, 200)); /* in the queue still, for the next life */
    client_close(&client);
}

static void client__gone_in_the_middle_of_an_act__act_completes(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    bed.is_quiet = true;
    const struct kq_peer_set_request request = {.uid = 4242, .roles = 1};
    client_send(&client, KQ_OP_PEER_SET, &request, id(0));
    assert_false(serve_until(client.fd, 100));
    client_close(&client);
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1});
    uint64_t end_ms = kq_clock_monotonic_ms() + 2000;
    while (num_peers() < 2 && kq_clock_monotonic_ms() < end_ms)
        serve_until(-1, 5);
    assert_int_equal(num_peers(), 2);
    struct client again;
    client_begin(&again);
    assert_ok(client_call(&again, KQ_OP_PEER_SET, &request, id(0)));
    assert_int_equal(bed.num_states, 1); /* the first outcome, not a second act */
    client_close(&again);
}

/* A world with one card, ready to be committed. */
static uint64_t prepare_world(struct client *client)
{
    const struct kq_world_create_begin_request begin_request = {
        .kind = KQ_WORLD_OWNER, .suite = kq_slice_text("ECp521mAES"), .quorum = 1, .num_cards = 1};
    const uint8_t bytes[32] = {1};
    struct kq_reply reply;
    struct kq_world_create_begin_reply made;
    client_send(client, KQ_OP_WORLD_CREATE_BEGIN, &begin_request, KQ_SLICE_EMPTY);
    assert_true(client_receive(client, &reply));
    assert_ok((kq_status)reply.status);
    assert_ok(kq_world_create_begin_reply_get(reply.results, &made, NULL));
    const struct kq_world_create_card_request card = {.creation = made.creation,
                                                      .scrypt_log2_n = 17,
                                                      .scrypt_r = 8,
                                                      .scrypt_p = 1,
                                                      .scrypt_salt = kq_slice_of(bytes, sizeof bytes),
                                                      .card_key = kq_slice_of(bytes, sizeof bytes)};
    uint64_t creation = made.creation;
    assert_ok(client_call(client, KQ_OP_WORLD_CREATE_CARD, &card, KQ_SLICE_EMPTY));
    return creation;
}

static void act__without_cards_or_with_an_invented_authority__refused(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_world_create_commit_request commit = {.creation = prepare_world(&client)};
    assert_ok(client_call(&client, KQ_OP_WORLD_CREATE_COMMIT, &commit, id(0)));
    static const uint8_t hash[32] = {7};
    const struct kq_trust_change_request change = {
        .list = KQ_TRUST_ROOTS, .change = KQ_TRUST_ADD, .hash = kq_slice_of(hash, sizeof hash)};
    assert_status(client_call(&client, KQ_OP_TRUST_CHANGE, &change, id(1)), KQ_ERR_QUORUM);
    client.authority = 4711;
    assert_status(client_call(&client, KQ_OP_TRUST_CHANGE, &change, id(2)), KQ_ERR_QUORUM);
    client_close(&client);
}

/* The loop answers HELLO itself: were it to wait for the session's ceremony,
 * the ceremony would wait for the disk's answer, and that for the loop. */
static void hello__with_an_authority_during_a_ceremony__answered(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_world_create_commit_request commit = {.creation = prepare_world(&client)};
    bed.is_quiet = true;
    client_send(&client, KQ_OP_WORLD_CREATE_COMMIT, &commit, id(0));
    assert_false(serve_until(client.fd, 200));
    assert_int_equal(bed.num_persists, 1);
    client.authority = 5;
    assert_ok(client_call(&client, KQ_OP_HELLO, &hello, KQ_SLICE_EMPTY));
    bed.is_quiet = false;
    send_control(&(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = 1});
    struct kq_reply reply;
    assert_true(client_receive(&client, &reply));
    assert_ok((kq_status)reply.status);
    client_close(&client);
}

static void audit_head__after_acts__verifies(void **unused)
{
    (void)unused;
    struct client client;
    client_begin(&client);
    const struct kq_peer_set_request request = {.uid = 4242, .roles = 1};
    assert_ok(client_call(&client, KQ_OP_PEER_SET, &request, id(0)));
    client_send(&client, KQ_OP_AUDIT_HEAD, NULL, KQ_SLICE_EMPTY);
    struct kq_reply reply;
    struct kq_audit_head_reply results;
    struct kq_audit_head head;
    struct kq_slice body;
    assert_true(client_receive(&client, &reply));
    assert_ok(kq_audit_head_reply_get(reply.results, &results, NULL));
    assert_ok(kq_signed_verify(results.head, results.signer_public, &body));
    assert_ok(kq_audit_head_get(body, &head, NULL));
    assert_int_equal(head.num_records, 1);
    client_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows__every_operation__has_exactly_one),
        TEST(call__before_hello__refused),
        TEST(hello__other_protocol__refused),
        TEST(hello__sent_with_others_in_one_write__comes_first),
        TEST(hello__with_an_authority_during_a_ceremony__answered),
        TEST(act__without_cards_or_with_an_invented_authority__refused),
        TEST(stream__large_frame_before_hello__ended),
        TEST(call__unknown_operation__says_so),
        TEST(call__without_the_role__refused),
        TEST(call__not_offered_without_a_world__refused),
        TEST(peer_set__last_administrator__stays),
        TEST(act__without_a_request_id__refused),
        TEST(audit_append__word_of_the_module__refused),
        TEST(act__repeated__done_once),
        TEST(act__repeated_while_the_first_runs__done_once),
        TEST(act__disk_full__error_and_nothing_changed),
        TEST(act__not_yet_durable__not_answered),
        TEST(refusals__folded__in_the_log_within_the_window),
        TEST(stop__after_acts__log_ends_clean),
        TEST(stream__many_requests_in_flight__all_answered),
        TEST(stream__bytes_one_by_one__understood),
        TEST(stream__not_our_protocol__ended),
        cmocka_unit_test_setup_teardown(client__before_the_module_is_ready__waits, begin_closed, end),
        TEST(client__beyond_the_maximum__waits_for_another_to_go),
        TEST(client__no_descriptor_left__waits_until_there_is_one),
        cmocka_unit_test_setup_teardown(client__says_no_hello__ended_in_time, begin_impatient, end),
        cmocka_unit_test_setup_teardown(client__reads_no_answers__ended_in_time, begin_impatient, end),
        TEST(act__repeated_by_many__occupies_no_worker),
        TEST(act__repeated_while_the_first_fails__done_by_a_repeat),
        cmocka_unit_test_setup_teardown(sessions__full__nobody_new_and_the_others_go_on, begin_small, end),
        cmocka_unit_test_setup_teardown(sessions__full__long_input_ends, begin_small, end),
        TEST(stream__acts_of_one_connection__run_side_by_side),
        TEST(idle__question_crosses_a_client__module_goes_on),
        TEST(idle__question_with_nobody_there__stops_and_takes_nobody_in),
        TEST(client__gone_in_the_middle_of_an_act__act_completes),
        TEST(audit_head__after_acts__verifies),
    };
    return cmocka_run_group_tests(tests, make_state, free_state);
}
