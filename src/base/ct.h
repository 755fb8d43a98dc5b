#ifndef KQ_BASE_CT_H
#define KQ_BASE_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Constant-time helpers: masks are 0 or all ones. The barrier keeps the
 * compiler from turning a mask back into a branch. */
static inline uint64_t kq_ct_barrier(uint64_t value)
{
    __asm__("" : "+r"(value));
    return value;
}

/* All ones if value is zero, else 0. */
static inline uint64_t kq_ct_is_zero(uint64_t value)
{
    return kq_ct_barrier((uint64_t)0 - ((~value & (value - 1)) >> 63));
}

/* All ones if a equals b, else 0. */
static inline uint64_t kq_ct_is_equal(uint64_t a, uint64_t b)
{
    return kq_ct_is_zero(a ^ b);
}

/* All ones if a < b, else 0. */
static inline uint64_t kq_ct_is_less(uint64_t a, uint64_t b)
{
    return kq_ct_barrier((uint64_t)0 - ((a ^ ((a ^ b) | ((a - b) ^ b))) >> 63));
}

/* a where mask is all ones, b where it is 0. */
static inline uint64_t kq_ct_select(uint64_t mask, uint64_t a, uint64_t b)
{
    return (a & mask) | (b & ~mask);
}

/* Compares len bytes of secrets. Timing depends on len only. */
bool kq_ct_bytes_are_equal(const void *a, const void *b, size_t len);

/* Copies len bytes from yes where mask is all ones, from no where it is 0.
 * out may be either input. Timing depends on len only. */
void kq_ct_select_bytes(uint64_t mask, const uint8_t *yes, const uint8_t *no, uint8_t *out, size_t len);

/* Marks bytes as no longer secret (constant-time checks stop following them);
 * the caller's comment says why. Nothing happens in an ordinary build. */
void kq_ct_declassify(const void *data, size_t len);

#endif
