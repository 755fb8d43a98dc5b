#include "base/cleanup.h"

#include <unistd.h>

void kq_fd_auto_close_(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
