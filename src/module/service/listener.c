#include "module/service/listener.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "module/service/module.h"

/* Out of descriptors, the client stays in the queue and the socket readable. */
#define PAUSE_MS 100u

void hsm_listener_open(struct hsm_module *module)
{
    atomic_store(&module->listener.is_open, true);
    hsm_module_wake(module);
}

int hsm_listener_accept(struct hsm_listener *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        listener->again_ms = kq_clock_monotonic_ms() + PAUSE_MS;
    return fd;
}

kq_status hsm_listener_update(struct hsm_listener *listener, int epoll_fd, bool may_accept)
{
    if (listener->again_ms != 0 && kq_clock_monotonic_ms() >= listener->again_ms)
        listener->again_ms = 0;
    bool is_wanted = may_accept && listener->again_ms == 0 && atomic_load(&listener->is_open);
    if (is_wanted == listener->is_watched)
        return KQ_OK;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
    if (epoll_ctl(epoll_fd, is_wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener->fd, &event) != 0)
        return KQ_ERR_IO;
    listener->is_watched = is_wanted;
    return KQ_OK;
}

int hsm_listener_timeout_ms(const struct hsm_listener *listener)
{
    if (listener->again_ms == 0)
        return -1;
    uint64_t now = kq_clock_monotonic_ms();
    return now >= listener->again_ms ? 0 : (int)(listener->again_ms - now);
}
