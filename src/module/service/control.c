#include "module/service/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_LEN 4096u
#define FDS_PER_READ 4u

void hsm_control_init(struct hsm_control *control, int fd)
{
    *control = (struct hsm_control){.fd = fd, .send_lock = PTHREAD_MUTEX_INITIALIZER};
    kq_buffer_init(&control->in, KQ_CONTROL_MAX + KQ_FRAME_HEAD_LEN + READ_LEN);
}

static kq_status send_all(int fd, struct kq_slice bytes)
{
    while (bytes.len > 0) {
        struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return KQ_ERR_IO;
        bytes = kq_slice_of(bytes.data + sent, bytes.len - (size_t)sent);
    }
    return KQ_OK;
}

kq_status hsm_control_send(struct hsm_control *control, const struct kq_control *record)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, KQ_CONTROL_MAX + KQ_FRAME_HEAD_LEN);
    KQ_TRY(kq_control_append(record, &writer));
    pthread_mutex_lock(&control->send_lock);
    kq_status status = send_all(control->fd, kq_buffer_slice(&writer.buffer));
    pthread_mutex_unlock(&control->send_lock);
    return status;
}

static void keep_fds(struct hsm_control *control, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t num = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < num; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            if (control->num_fds < HSM_CONTROL_FDS_MAX)
                control->fds[control->num_fds++] = fd;
            else
                close(fd);
        }
    }
}

static kq_status read_more(struct hsm_control *control, enum hsm_control_wait wait)
{
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(&control->in, READ_LEN, &room));
    union {
        struct cmsghdr aligned;
        uint8_t bytes[CMSG_SPACE(FDS_PER_READ * sizeof(int))];
    } extra;
    struct iovec part = {.iov_base = room, .iov_len = READ_LEN};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = extra.bytes, .msg_controllen = sizeof extra.bytes};
    ssize_t got = recvmsg(control->fd, &message, MSG_CMSG_CLOEXEC | (wait == HSM_CONTROL_WAIT ? 0 : MSG_DONTWAIT));
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? KQ_ERR_WAIT : KQ_ERR_IO;
    keep_fds(control, &message);
    control->in.len += (size_t)got;
    return got == 0 ? KQ_ERR_IO : KQ_OK;
}

static kq_status next_record(struct hsm_control *control, struct kq_control *out)
{
    struct kq_slice frame;
    size_t taken;
    KQ_TRY(kq_control_split(kq_buffer_slice(&control->in), &frame, &taken));
    if (taken == 0)
        return KQ_ERR_WAIT;
    control->taken = taken;
    return kq_control_get(frame, out, NULL);
}

kq_status hsm_control_receive(struct hsm_control *control, enum hsm_control_wait wait, struct kq_control *out)
{
    kq_buffer_consume(&control->in, control->taken);
    control->taken = 0;
    for (;;) {
        kq_status status = next_record(control, out);
        if (status != KQ_ERR_WAIT)
            return status;
        status = read_more(control, wait);
        if (status == KQ_ERR_WAIT && wait == HSM_CONTROL_WAIT)
            continue;
        KQ_TRY(status);
    }
}

int hsm_control_take_fd(struct hsm_control *control)
{
    if (control->num_fds == 0)
        return -1;
    int fd = control->fds[0];
    control->num_fds--;
    memmove(control->fds, control->fds + 1, control->num_fds * sizeof fd);
    return fd;
}
