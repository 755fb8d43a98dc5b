#ifndef KQ_BASE_SLICE_H
#define KQ_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes. An empty slice may have a NULL pointer. */
struct kq_slice {
    const uint8_t *data;
    size_t len;
};

#define KQ_SLICE_EMPTY ((struct kq_slice){NULL, 0})

static inline struct kq_slice kq_slice_of(const void *data, size_t len)
{
    return (struct kq_slice){(const uint8_t *)data, len};
}

/* What follows the first len bytes (len <= slice.len). */
static inline struct kq_slice kq_slice_after(struct kq_slice slice, size_t len)
{
    return (struct kq_slice){len == 0 ? slice.data : slice.data + len, slice.len - len};
}

/* The bytes of a C string, without its NUL. */
static inline struct kq_slice kq_slice_text(const char *text)
{
    return (struct kq_slice){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

/* Compares public bytes; never use it on a secret (see base/ct.h). */
static inline bool kq_slice_is_equal(struct kq_slice a, struct kq_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool kq_slice_is_text(struct kq_slice a, const char *text)
{
    return kq_slice_is_equal(a, kq_slice_text(text));
}

#endif
