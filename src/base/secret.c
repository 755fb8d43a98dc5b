#include "base/secret.h"

void kq_secret_init(struct kq_secret *secret)
{
    kq_buffer_init(&secret->bytes, KQ_SECRET_MAX);
}

kq_status kq_secret_set(struct kq_secret *secret, const void *data, size_t len)
{
    kq_buffer_clear(&secret->bytes);
    secret->bytes.max = KQ_SECRET_MAX;
    return kq_buffer_append(&secret->bytes, data, len);
}

struct kq_slice kq_secret_borrow(const struct kq_secret *secret)
{
    return kq_buffer_slice(&secret->bytes);
}

void kq_secret_clear(struct kq_secret *secret)
{
    kq_buffer_clear(&secret->bytes);
}
