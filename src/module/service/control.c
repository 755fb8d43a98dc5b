#include "module/service/control.h"

#include <errno.h>
#include <unistd.h>

#define READ_LEN 4096u

void hsm_control_init(struct hsm_control *control, int fd)
{
    *control = (struct hsm_control){.fd = fd, .send_lock = PTHREAD_MUTEX_INITIALIZER};
    kq_buffer_init(&control->in, KQ_CONTROL_MAX + KQ_FRAME_HEAD_LEN + READ_LEN);
}

static kq_status send_all(int fd, struct kq_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.data, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return KQ_ERR_IO;
        bytes = kq_slice_of(bytes.data + put, bytes.len - (size_t)put);
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

static void drop_taken(struct hsm_control *control)
{
    kq_buffer_consume(&control->in, control->taken);
    control->taken = 0;
}

kq_status hsm_control_read(struct hsm_control *control)
{
    uint8_t *room;
    drop_taken(control);
    KQ_TRY(kq_buffer_reserve(&control->in, READ_LEN, &room));
    ssize_t got = read(control->fd, room, READ_LEN);
    if (got < 0 && errno == EINTR)
        return KQ_OK;
    if (got <= 0)
        return KQ_ERR_IO;
    control->in.len += (size_t)got;
    return KQ_OK;
}

kq_status hsm_control_next(struct hsm_control *control, struct kq_control *out)
{
    struct kq_slice frame;
    size_t taken;
    drop_taken(control);
    KQ_TRY(kq_control_split(kq_buffer_slice(&control->in), &frame, &taken));
    if (taken == 0)
        return KQ_ERR_WAIT;
    control->taken = taken;
    return kq_control_get(frame, out, NULL);
}
