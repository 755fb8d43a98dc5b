#include "base/ct.h"

#ifdef KQ_VALGRIND
#include <valgrind/memcheck.h>
#define MARK_DEFINED(data, len) VALGRIND_MAKE_MEM_DEFINED((data), (len))
#else
#define MARK_DEFINED(data, len) ((void)(data), (void)(len))
#endif

bool kq_ct_bytes_are_equal(const void *a, const void *b, size_t len)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    uint64_t difference = 0;
    for (size_t i = 0; i < len; i++)
        difference |= (uint64_t)(left[i] ^ right[i]);
    uint64_t equal = kq_ct_is_zero(difference);
    kq_ct_declassify(&equal, sizeof equal); /* the outcome is what the caller acts on */
    return equal != 0;
}

void kq_ct_select_bytes(uint64_t mask, const uint8_t *yes, const uint8_t *no, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)kq_ct_select(mask, yes[i], no[i]);
}

void kq_ct_declassify(const void *data, size_t len)
{
    MARK_DEFINED(data, len);
}
