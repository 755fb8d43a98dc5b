#ifndef KQ_BASE_SECRET_H
#define KQ_BASE_SECRET_H

#include "base/buffer.h"

/* A secret on its way through: a passphrase, a card key, a key somebody sends
 * in the clear. It has no printer, is never logged, and is wiped when its
 * scope ends. Read it with kq_secret_borrow() in a small scope. */
struct kq_secret {
    struct kq_buffer bytes;
};

#define KQ_SECRET_MAX (16 * 1024)

void kq_secret_init(struct kq_secret *secret);
/* Errors as kq_buffer_append(); the former content is wiped first. */
KQ_MUST_CHECK kq_status kq_secret_set(struct kq_secret *secret, const void *data, size_t len);
/* Borrows the bytes until the next call on the secret. */
struct kq_slice kq_secret_borrow(const struct kq_secret *secret);
void kq_secret_clear(struct kq_secret *secret);

KQ_AUTO_DEFINE_VALUE(kq_secret);

#endif
