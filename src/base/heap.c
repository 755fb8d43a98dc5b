#include <stdlib.h>

#include "base/memory.h"
#include "base/wipe.h"

void *kq_memory_new(size_t len)
{
    return malloc(len);
}

void kq_memory_free(void *data, size_t len)
{
    if (data == NULL)
        return;
    kq_wipe(data, len);
    free(data);
}
