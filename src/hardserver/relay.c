#include "hardserver/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define READ_LEN 65536u

void kq_relay_init(struct kq_relay *relay)
{
    kq_buffer_init(&relay->in, KQ_CONTROL_MAX + KQ_FRAME_HEAD_LEN + READ_LEN);
    kq_buffer_init(&relay->out, READ_LEN);
    relay->waiting_client = -1;
    relay->num_connections = 0;
    relay->idle_since_ms = kq_clock_monotonic_ms();
    relay->is_ready = relay->is_stopping = false;
}

void kq_relay_clear(struct kq_relay *relay)
{
    kq_buffer_clear(&relay->in);
    kq_buffer_clear(&relay->out);
    kq_store_clear(&relay->store);
    if (relay->waiting_client >= 0)
        close(relay->waiting_client);
    relay->waiting_client = -1;
}

/* ---- to the module ---- */

static kq_status queue_record(struct kq_relay *relay, const struct kq_control *record)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, 256);
    KQ_TRY(kq_control_append(record, &writer));
    return kq_buffer_append(&relay->out, writer.buffer.data, writer.buffer.len);
}

/* Sends bytes, with a descriptor on the first of them unless fd is -1. */
static ssize_t send_some(int control_fd, struct kq_slice bytes, int fd)
{
    union {
        struct cmsghdr aligned;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } extra = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = extra.bytes;
        message.msg_controllen = sizeof extra.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    return sendmsg(control_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool is_full(ssize_t sent)
{
    return sent < 0 && (errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS);
}

static kq_status flush_out(struct kq_relay *relay)
{
    while (relay->out.len > 0) {
        ssize_t sent = send_some(relay->control_fd, kq_buffer_slice(&relay->out), -1);
        if (is_full(sent))
            return KQ_OK;
        if (sent <= 0)
            return KQ_ERR_CONNECT;
        kq_buffer_consume(&relay->out, (size_t)sent);
    }
    return KQ_OK;
}

/* Hands the accepted connection over, if the channel has room. */
static kq_status pass_client(struct kq_relay *relay)
{
    if (relay->waiting_client < 0 || relay->out.len > 0)
        return KQ_OK;
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, 256);
    KQ_TRY(kq_control_append(&(struct kq_control){.kind = KQ_CONTROL_NEW_CLIENT}, &writer));
    struct kq_slice frame = kq_buffer_slice(&writer.buffer);
    ssize_t sent = send_some(relay->control_fd, frame, relay->waiting_client);
    if (is_full(sent))
        return KQ_OK;
    if (sent <= 0)
        return KQ_ERR_CONNECT;
    close(relay->waiting_client);
    relay->waiting_client = -1;
    relay->num_connections++;
    return kq_buffer_append(&relay->out, frame.data + sent, frame.len - (size_t)sent);
}

static kq_status accept_client(struct kq_relay *relay)
{
    int fd = accept4(relay->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return KQ_OK; /* it went away again, or we have no descriptor left for now */
    relay->waiting_client = fd;
    return pass_client(relay);
}

static kq_status begin_stop(struct kq_relay *relay)
{
    if (relay->is_stopping)
        return KQ_OK;
    relay->is_stopping = true;
    return queue_record(relay, &(struct kq_control){.kind = KQ_CONTROL_STOP});
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

static kq_status clients_gone(struct kq_relay *relay, uint64_t num)
{
    if (num > relay->num_connections)
        return KQ_ERR_FORMAT;
    relay->num_connections -= num;
    if (relay->num_connections == 0)
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
    case KQ_CONTROL_CLIENT_GONE:
        return clients_gone(relay, record.number);
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

static bool may_accept(const struct kq_relay *relay)
{
    return relay->is_ready && !relay->is_stopping && relay->waiting_client < 0 &&
           relay->num_connections < relay->max_connections;
}

static int idle_timeout_ms(const struct kq_relay *relay)
{
    if (relay->idle_exit_s == 0 || !relay->is_ready || relay->is_stopping || relay->num_connections > 0)
        return -1;
    uint64_t due = relay->idle_since_ms + relay->idle_exit_s * 1000;
    uint64_t now = kq_clock_monotonic_ms();
    return due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
}

enum { POLL_CONTROL, POLL_SIGNAL, POLL_LISTEN, NUM_POLLS };

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
    if ((polls[POLL_LISTEN].revents & POLLIN) != 0 && may_accept(relay))
        KQ_TRY(accept_client(relay));
    KQ_TRY(flush_out(relay));
    return pass_client(relay);
}

static kq_status turn(struct kq_relay *relay)
{
    bool has_output = relay->out.len > 0 || relay->waiting_client >= 0;
    struct pollfd polls[NUM_POLLS] = {
        [POLL_CONTROL] = {relay->control_fd, (short)(POLLIN | (has_output ? POLLOUT : 0)), 0},
        [POLL_SIGNAL] = {relay->signal_fd, POLLIN, 0},
        [POLL_LISTEN] = {may_accept(relay) ? relay->listen_fd : -1, POLLIN, 0},
    };
    int timeout = idle_timeout_ms(relay);
    int num = poll(polls, NUM_POLLS, timeout);
    if (num < 0 && errno != EINTR)
        return KQ_ERR_IO;
    if (num == 0 && idle_timeout_ms(relay) == 0) {
        KQ_TRY(begin_stop(relay));
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
    if (status == KQ_ERR_CONNECT && relay->is_stopping)
        return KQ_OK;
    *out_why = status == KQ_ERR_CONNECT    ? "the module has ended"
               : status == KQ_ERR_INTERNAL ? "the disk failed; what is on it will be read again at the next start"
                                           : "the module does not keep to the control channel's rules";
    return status;
}
