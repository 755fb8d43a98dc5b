#ifndef VAULT_AUTH_SECRET_H
#define VAULT_AUTH_SECRET_H

#include "base/slice.h"
#include "base/status.h"

/* Client secrets are kept as scrypt hashes. Checking takes tens of
 * milliseconds of CPU on purpose; callers bound how many run at once. */
#define VAULT_SECRET_LOG2_N 15u

/* A new secret: 40 characters, 200 bits and more.  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status vault_secret_generate(char out[41]);
KQ_MUST_CHECK kq_status vault_secret_hash(struct kq_slice secret, const uint8_t salt[32], uint64_t log2_n,
                                          uint8_t out[32]);
/* KQ_ERR_AUTH if it is another secret; constant time in the hash. */
KQ_MUST_CHECK kq_status vault_secret_check(struct kq_slice secret, const uint8_t salt[32], uint64_t log2_n,
                                           const uint8_t hash[32]);

#endif
