#ifndef KQ_TESTS_FUZZ_H
#define KQ_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/slice.h"
#include "base/status.h"

/* What libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input. */
#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            KQ_BUG(#condition);                                                                                        \
    } while (0)

/* A moment at which the certificates among the seeds are valid. */
#define FUZZ_NOW UINT64_C(1796000000)

/* Takes one part off the front of the input: two bytes of length, then the part (as much as there is). */
static inline struct kq_slice fuzz_take(struct kq_slice *in)
{
    if (in->len < 2)
        return KQ_SLICE_EMPTY;
    size_t len = (size_t)in->data[0] << 8 | in->data[1];
    if (len > in->len - 2)
        len = in->len - 2;
    struct kq_slice part = kq_slice_of(in->data + 2, len);
    *in = kq_slice_of(in->data + 2 + len, in->len - 2 - len);
    return part;
}

#endif
