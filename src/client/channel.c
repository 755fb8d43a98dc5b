#include "client/channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "wire/frame.h"

#define READ_LEN 16384u
#define INBOX_MAX (KQ_FRAME_MAX + KQ_FRAME_HEAD_LEN + READ_LEN)

void kqc_channel_init(struct kqc_channel *channel, int fd)
{
    channel->fd = fd;
    kq_buffer_init(&channel->inbox, INBOX_MAX);
}

void kqc_channel_clear(struct kqc_channel *channel)
{
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
    kq_buffer_clear(&channel->inbox);
}

kq_status kqc_channel_connect(const char *path, struct kqc_channel *out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof address.sun_path)
        return KQ_ERR_TOO_LARGE;
    memcpy(address.sun_path, path, len + 1);
    KQ_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return KQ_ERR_CONNECT;
    while (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        if (errno != EINTR)
            return KQ_ERR_CONNECT;
    }
    kqc_channel_init(out, fd);
    fd = -1;
    return KQ_OK;
}

kq_status kqc_channel_set_patience(struct kqc_channel *channel, uint64_t send_ms, uint64_t receive_ms)
{
    const struct timeval sending = {.tv_sec = (time_t)(send_ms / 1000),
                                    .tv_usec = (suseconds_t)(send_ms % 1000 * 1000)};
    const struct timeval receiving = {.tv_sec = (time_t)(receive_ms / 1000),
                                      .tv_usec = (suseconds_t)(receive_ms % 1000 * 1000)};
    if (setsockopt(channel->fd, SOL_SOCKET, SO_SNDTIMEO, &sending, sizeof sending) != 0 ||
        setsockopt(channel->fd, SOL_SOCKET, SO_RCVTIMEO, &receiving, sizeof receiving) != 0)
        return KQ_ERR_IO;
    return KQ_OK;
}

kq_status kqc_channel_send(struct kqc_channel *channel, struct kq_slice frame, enum kqc_sent *out_sent)
{
    *out_sent = KQC_SENT_NOTHING;
    while (frame.len > 0) {
        ssize_t put = send(channel->fd, frame.data, frame.len, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return KQ_ERR_CONNECT;
        *out_sent = KQC_SENT_SOME;
        frame = kq_slice_of(frame.data + put, frame.len - (size_t)put);
    }
    return KQ_OK;
}

static kq_status read_more(struct kqc_channel *channel)
{
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(&channel->inbox, READ_LEN, &room));
    for (;;) {
        ssize_t got = recv(channel->fd, room, READ_LEN, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return KQ_ERR_WAIT;
        if (got <= 0)
            return KQ_ERR_CONNECT;
        channel->inbox.len += (size_t)got;
        return KQ_OK;
    }
}

kq_status kqc_channel_receive(struct kqc_channel *channel, struct kq_buffer *out)
{
    kq_buffer_clear(out);
    kq_buffer_init(out, KQ_FRAME_MAX);
    for (;;) {
        struct kq_slice frame = KQ_SLICE_EMPTY;
        size_t taken;
        if (kq_frame_split(kq_buffer_slice(&channel->inbox), &frame, &taken) != KQ_OK)
            return KQ_ERR_FORMAT;
        if (taken > 0) {
            KQ_TRY(kq_buffer_append(out, frame.data, frame.len));
            kq_buffer_consume(&channel->inbox, taken);
            return KQ_OK;
        }
        KQ_TRY(read_more(channel));
    }
}
