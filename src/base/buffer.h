#ifndef KQ_BASE_BUFFER_H
#define KQ_BASE_BUFFER_H

#include "base/cleanup.h"
#include "base/slice.h"
#include "base/status.h"

/* Growable bytes with a hard maximum. Growing copies, wipes the old storage
 * and frees it (never realloc), so a buffer may hold a secret in transit.
 * Start with {0} and kq_buffer_init(), or {0} alone for an empty buffer whose
 * maximum is 0. */
struct kq_buffer {
    uint8_t *data; /* owned */
    size_t len;
    size_t capacity;
    size_t max;
};

/* Starts an empty buffer that may grow to max bytes. Allocates nothing. */
void kq_buffer_init(struct kq_buffer *buffer, size_t max);

/* Appends len bytes.  Errors: KQ_ERR_TOO_LARGE past max, KQ_ERR_MEMORY; the
 * buffer is unchanged then. */
KQ_MUST_CHECK kq_status kq_buffer_append(struct kq_buffer *buffer, const void *data, size_t len);

/* Makes room for len more bytes and returns where they go; the caller then
 * adds to buffer->len what it wrote. Errors as kq_buffer_append. */
KQ_MUST_CHECK kq_status kq_buffer_reserve(struct kq_buffer *buffer, size_t len, uint8_t **out_room);

/* Drops the first len bytes (len <= buffer->len), wiping what they leave. */
void kq_buffer_consume(struct kq_buffer *buffer, size_t len);

/* Wipes and frees; the buffer is empty afterwards and keeps its maximum. */
void kq_buffer_clear(struct kq_buffer *buffer);

static inline struct kq_slice kq_buffer_slice(const struct kq_buffer *buffer)
{
    return (struct kq_slice){buffer->data, buffer->len};
}

KQ_AUTO_DEFINE_VALUE(kq_buffer);

#endif
