#ifndef HSM_SERVICE_CONTROL_H
#define HSM_SERVICE_CONTROL_H

#include <pthread.h>

#include "base/buffer.h"
#include "wire/control.h"

/* The module's end of the control channel. Any thread sends; one receives. */
struct hsm_control {
    int fd;
    pthread_mutex_t send_lock;
    struct kq_buffer in;
    size_t taken; /* of in: the frame handed out last */
};

void hsm_control_init(struct hsm_control *control, int fd);

/* Sends one record; waits until the hardserver has room.  Errors: KQ_ERR_IO
 * (the hardserver is gone: the module stops), KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_control_send(struct hsm_control *control, const struct kq_control *record);

/* Takes in once what has come; waits if nothing has, so epoll is asked first.
 * Errors: KQ_ERR_IO (closed), KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_control_read(struct hsm_control *control);
/* The next record taken in; its slices are valid until the next call of either.
 * Errors: KQ_ERR_WAIT (nothing complete there), KQ_ERR_FORMAT, KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status hsm_control_next(struct hsm_control *control, struct kq_control *out);

#endif
