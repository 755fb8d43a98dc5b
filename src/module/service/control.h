#ifndef HSM_SERVICE_CONTROL_H
#define HSM_SERVICE_CONTROL_H

#include <pthread.h>

#include "base/buffer.h"
#include "wire/control.h"

/* The module's end of the control channel. Any thread sends; one receives. */
#define HSM_CONTROL_FDS_MAX 64u

struct hsm_control {
    int fd;
    pthread_mutex_t send_lock;
    struct kq_buffer in;
    size_t taken; /* of in: the frame handed out last */
    int fds[HSM_CONTROL_FDS_MAX];
    size_t num_fds; /* descriptors received, not yet claimed by a NEW_CLIENT */
};

void hsm_control_init(struct hsm_control *control, int fd);

/* Sends one record; waits until the hardserver has room.  Errors: KQ_ERR_IO
 * (the hardserver is gone: the module stops), KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_control_send(struct hsm_control *control, const struct kq_control *record);

enum hsm_control_wait { HSM_CONTROL_WAIT, HSM_CONTROL_NO_WAIT };
/* The next record; its slices are valid until the next call.
 * Errors: KQ_ERR_WAIT (nothing complete there), KQ_ERR_IO (closed), KQ_ERR_FORMAT, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_control_receive(struct hsm_control *control, enum hsm_control_wait wait,
                                            struct kq_control *out);
/* The descriptor of the NEW_CLIENT just received, -1 if none came. The caller owns it. */
int hsm_control_take_fd(struct hsm_control *control);

#endif
