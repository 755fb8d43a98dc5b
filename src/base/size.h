#ifndef KQ_BASE_SIZE_H
#define KQ_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

/* Checked size arithmetic: false, and *out untouched, on overflow. */
static inline bool kq_size_add(size_t a, size_t b, size_t *out)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

static inline bool kq_size_mul(size_t a, size_t b, size_t *out)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

#define KQ_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
