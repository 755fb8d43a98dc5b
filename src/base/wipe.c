#include "base/wipe.h"

#include <string.h>

#ifdef KQ_VALGRIND
#include <valgrind/memcheck.h>
#define MARK_UNDEFINED(data, len) VALGRIND_MAKE_MEM_UNDEFINED((data), (len))
#else
#define MARK_UNDEFINED(data, len) ((void)(data), (void)(len))
#endif

void kq_wipe(void *data, size_t len)
{
    if (len == 0)
        return;
    explicit_bzero(data, len);
    MARK_UNDEFINED(data, len);
}
