#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "base/wipe.h"

kq_status kq_random(void *out, size_t len)
{
    uint8_t *at = out;
    size_t left = len;
    while (left > 0) {
        ssize_t got = getrandom(at, left, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            kq_wipe(out, len);
            return KQ_ERR_IO;
        }
        at += got;
        left -= (size_t)got;
    }
    return KQ_OK;
}
