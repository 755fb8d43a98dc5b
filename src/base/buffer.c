#include "base/buffer.h"

#include "base/memory.h"
#include "base/size.h"
#include "base/wipe.h"

#define BUFFER_FIRST_CAPACITY 256

void kq_buffer_init(struct kq_buffer *buffer, size_t max)
{
    *buffer = (struct kq_buffer){.max = max};
}

static kq_status buffer_grow(struct kq_buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity < BUFFER_FIRST_CAPACITY ? BUFFER_FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed) {
        if (!kq_size_mul(capacity, 2, &capacity))
            return KQ_ERR_TOO_LARGE;
    }
    if (capacity > buffer->max)
        capacity = buffer->max;
    uint8_t *data = kq_memory_new(capacity);
    if (data == NULL)
        return KQ_ERR_MEMORY;
    if (buffer->len > 0)
        memcpy(data, buffer->data, buffer->len);
    kq_memory_free(buffer->data, buffer->capacity);
    buffer->data = data;
    buffer->capacity = capacity;
    return KQ_OK;
}

kq_status kq_buffer_reserve(struct kq_buffer *buffer, size_t len, uint8_t **out_room)
{
    size_t needed;
    if (!kq_size_add(buffer->len, len, &needed) || needed > buffer->max)
        return KQ_ERR_TOO_LARGE;
    if (needed > buffer->capacity)
        KQ_TRY(buffer_grow(buffer, needed));
    *out_room = buffer->data + buffer->len;
    return KQ_OK;
}

kq_status kq_buffer_append(struct kq_buffer *buffer, const void *data, size_t len)
{
    if (len == 0)
        return KQ_OK;
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(buffer, len, &room));
    memcpy(room, data, len);
    buffer->len += len;
    return KQ_OK;
}

void kq_buffer_consume(struct kq_buffer *buffer, size_t len)
{
    if (len == 0)
        return;
    size_t rest = buffer->len - len;
    memmove(buffer->data, buffer->data + len, rest);
    kq_wipe(buffer->data + rest, len);
    buffer->len = rest;
}

void kq_buffer_clear(struct kq_buffer *buffer)
{
    kq_memory_free(buffer->data, buffer->capacity);
    *buffer = (struct kq_buffer){.max = buffer->max};
}
