#ifndef KQ_PUBCRYPTO_HASH_H
#define KQ_PUBCRYPTO_HASH_H

#include "base/slice.h"
#include "base/status.h"

/* SHA-256 of one slice, or of several one after another. Cannot fail: a
 * library that cannot hash is a broken installation and stops the program. */
void kq_sha256(struct kq_slice in, uint8_t out[32]);
void kq_sha256_parts(const struct kq_slice *parts, size_t num_parts, uint8_t out[32]);
/* True if hash is the SHA-256 of bytes. Public data only. */
bool kq_sha256_is(struct kq_slice hash, struct kq_slice bytes);

enum kq_hash { KQ_HASH_SHA1, KQ_HASH_SHA256, KQ_HASH_SHA384, KQ_HASH_SHA512 };
#define KQ_HASH_MAX_LEN 64u
size_t kq_hash_len(enum kq_hash hash);
/* Any of the hashes above; returns the length written. */
size_t kq_hash_parts(enum kq_hash hash, const struct kq_slice *parts, size_t num_parts, uint8_t out[KQ_HASH_MAX_LEN]);

#endif
