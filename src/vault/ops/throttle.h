#ifndef VAULT_OPS_THROTTLE_H
#define VAULT_OPS_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/status.h"

/* The published limits of the service that is played here, so that programs
 * can rehearse being refused: so many transactions per vault and 10 seconds,
 * five times as many per subscription. Thread-safe. */
struct vault_throttle;

enum vault_throttle_kind {
    VAULT_THROTTLE_HSM_CREATE,
    VAULT_THROTTLE_HSM_OTHER,
    VAULT_THROTTLE_SOFTWARE_CREATE,
    VAULT_THROTTLE_SOFTWARE_OTHER,
    VAULT_THROTTLE_REST, /* what concerns no single key */
    VAULT_THROTTLE_NUM_KINDS
};

KQ_MUST_CHECK kq_status vault_throttle_new(struct vault_throttle **out);
void vault_throttle_free(struct vault_throttle *throttle);
KQ_AUTO_DEFINE(vault_throttle);

/* Transactions of weight 1 in 10 seconds. */
uint32_t vault_throttle_limit(enum vault_throttle_kind kind);
/* An RSA key counts more than once: 4 times with 3072 bits, 8 times with 4096; creating counts once. */
uint32_t vault_throttle_weight(enum vault_throttle_kind kind, bool is_rsa, uint32_t bits);

/* May this be done now? What is refused does not count.
 * subscription  a GUID in any case
 * now_s         any clock; only whole tens count */
bool vault_throttle_take(struct vault_throttle *throttle, uint64_t vault_id, const char *subscription,
                         enum vault_throttle_kind kind, uint32_t weight, uint64_t now_s);

#endif
