#include "hardserver/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"

#define READ_LEN 65536u

void kq_relay_init(struct kq_relay *relay)
{
    kq_buffer_init(&relay->in, KQ_CONTROL_MAX + KQ_FRAME_HEAD_LEN + READ_LEN);
    kq_buffer_init(&relay->out, READ_LEN);
    relay->num_clients = relay->clients_heard = 0;
    relay->idle_since_ms = kq_clock_monotonic_ms();
    relay->is_ready = relay->is_asking = relay->is_stopping = false;
}

void kq_relay_clear(struct kq_relay *relay)
{
    kq_buffer_clear(&relay->in);
    kq_buffer_clear(&relay->out);
    kq_store_clear(&relay->store);
}

/* ---- to the module ---- */

static kq_status queue_record(struct kq_relay *relay, const struct kq_control *record)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, 256);
    KQ_TRY(kq_control_append(record, &writer));
    return kq_buffer_append(&relay->out, writer.buffer.data, writer.buffer.len);
}

static kq_status flush_out(struct kq_relay *relay)
{
    while (relay->out.len > 0) {
        ssize_t put = write(relay->control_fd, relay->out.data, relay->out.len);
        if (put < 0 && (errno == EAGAIN || errno == EINTR))
            return KQ_OK;
        if (put <= 0)
            return KQ_ERR_CONNECT;
        kq_buffer_consume(&relay->out, (size_t)put);
    }
    return KQ_OK;
}

static kq_status begin_stop(struct kq_relay *relay)
{
    if (relay->is_stopping)
        return KQ_OK;
    relay->is_stopping = true;
    return queue_record(relay, &(struct kq_control){.kind = KQ_CONTROL_STOP});
}

/* A client may have come that we have not heard of: the module decides, and
 * says CLIENTS if it goes on. */
static kq_status ask_to_stop(struct kq_relay *relay)
{
    relay->is_asking = true;
    return queue_record(relay, &(struct kq_control){.kind = KQ_CONTROL_STOP_IF_IDLE, .seq = relay->clients_heard});
}

/* ---- from the module ---- */

static kq_status persist(struct kq_relay *relay, const struct kq_control *record)
{
    kq_status status = kq_store_persist(&relay->store, record->state, record->log_offset, record->log);
    if (status == KQ_ERR_IO)
        fprintf(stderr, "hardserver: hsm/state or hsm/audit.log cannot be written: %s\n", strerror(errno));
    if (status == KQ_ERR_INTERNAL)
        return status;
    return queue_record(
        relay, &(struct kq_control){.kind = KQ_CONTROL_PERSIST_DONE, .seq = record->seq, .number = (uint64_t)status});
}

static kq_status module_is_ready(struct kq_relay *relay)
{
    relay->is_ready = true;
    relay->idle_since_ms = kq_clock_monotonic_ms();
    if (relay->ready_fd < 0)
        return KQ_OK;
    ssize_t put = write(relay->ready_fd, "R", 1);
    (void)put; /* a supervisor that does not listen is its own affair */
    close(relay->ready_fd);
    relay->ready_fd = -1;
    return KQ_OK;
}

static kq_status clients_are(struct kq_relay *relay, uint64_t num)
{
    relay->num_clients = num;
    relay->clients_heard++;
    relay->is_asking = false;
    relay->idle_since_ms = kq_clock_monotonic_ms();
    return KQ_OK;
}

static kq_status take_record(struct kq_relay *relay, struct kq_slice frame)
{
    struct kq_control record;
    KQ_TRY(kq_control_get(frame, &record, NULL));
    switch (record.kind) {
    case KQ_CONTROL_READY:
        return module_is_ready(relay);
    case KQ_CONTROL_PERSIST:
        return persist(relay, &record);
    case KQ_CONTROL_CLIENTS:
        return clients_are(relay, record.number);
    default:
        return KQ_ERR_FORMAT;
    }
}

static kq_status take_frames(struct kq_relay *relay)
{
    size_t at = 0;
    for (;;) {
        struct kq_slice frame;
        size_t taken;
        KQ_TRY(kq_control_split(kq_slice_of(relay->in.data + at, relay->in.len - at), &frame, &taken));
        if (taken == 0)
            break;
        at += taken;
        KQ_TRY(take_record(relay, frame));
    }
    kq_buffer_consume(&relay->in, at);
    if (relay->in.len == 0)
        kq_buffer_clear(&relay->in);
    return KQ_OK;
}

static kq_status read_control(struct kq_relay *relay)
{
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(&relay->in, READ_LEN, &room));
    ssize_t got = read(relay->control_fd, room, READ_LEN);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return KQ_OK;
    if (got <= 0)
        return KQ_ERR_CONNECT;
    relay->in.len += (size_t)got;
    return take_frames(relay);
}

/* ---- the loop ---- */

static int idle_timeout_ms(const struct kq_relay *relay)
{
    if (relay->idle_exit_s == 0 || !relay->is_ready || relay->is_asking || relay->is_stopping || relay->num_clients > 0)
        return -1;
    uint64_t due = relay->idle_since_ms + relay->idle_exit_s * 1000;
    uint64_t now = kq_clock_monotonic_ms();
    return due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
}

enum { POLL_CONTROL, POLL_SIGNAL, NUM_POLLS };

static kq_status handle(struct kq_relay *relay, const struct pollfd polls[NUM_POLLS])
{
    if (polls[POLL_CONTROL].revents != 0)
        KQ_TRY(read_control(relay));
    if ((polls[POLL_SIGNAL].revents & POLLIN) != 0) {
        struct signalfd_siginfo signal;
        ssize_t got = read(relay->signal_fd, &signal, sizeof signal);
        (void)got; /* whichever it was: it means stop */
        KQ_TRY(begin_stop(relay));
    }
    return flush_out(relay);
}

static kq_status turn(struct kq_relay *relay)
{
    struct pollfd polls[NUM_POLLS] = {
        [POLL_CONTROL] = {relay->control_fd, (short)(POLLIN | (relay->out.len > 0 ? POLLOUT : 0)), 0},
        [POLL_SIGNAL] = {relay->signal_fd, POLLIN, 0},
    };
    int timeout = idle_timeout_ms(relay);
    int num = poll(polls, NUM_POLLS, timeout);
    if (num < 0 && errno != EINTR)
        return KQ_ERR_IO;
    if (num == 0 && idle_timeout_ms(relay) == 0) {
        KQ_TRY(ask_to_stop(relay));
        return flush_out(relay);
    }
    return num < 0 ? KQ_OK : handle(relay, polls);
}

kq_status kq_relay_run(struct kq_relay *relay, const char **out_why)
{
    kq_status status;
    do
        status = turn(relay);
    while (status == KQ_OK);
    if (status == KQ_ERR_CONNECT && (relay->is_asking || relay->is_stopping))
        return KQ_OK;
    *out_why = status == KQ_ERR_CONNECT    ? "the module has ended"
               : status == KQ_ERR_INTERNAL ? "the disk failed; what is on it will be read again at the next start"
                                           : "the module does not keep to the control channel's rules";
    return status;
}
