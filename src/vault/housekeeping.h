#ifndef VAULT_HOUSEKEEPING_H
#define VAULT_HOUSEKEEPING_H

#include "base/cleanup.h"
#include "base/status.h"
#include "vault/service.h"

/* What nobody asks for when its time comes: keys and vaults whose scheduled
 * purge date is here are purged, keys are rotated by their policies. A region
 * whose module is away is left for the next pass; other failures are tried
 * again after a minute and logged once an hour for each key. */
struct vault_housekeeping;

/* Starts a thread that looks every so many seconds, the first time at once.
 * Errors: KQ_ERR_MEMORY (threads too). */
KQ_MUST_CHECK kq_status vault_housekeeping_start(struct vault_service *service, uint64_t every_s,
                                                 struct vault_housekeeping **out);
/* Ends after the act under way. NULL is fine. */
void vault_housekeeping_stop(struct vault_housekeeping *housekeeping);

/* Without a thread: for one pass after another. */
KQ_MUST_CHECK kq_status vault_housekeeping_new(struct vault_service *service, struct vault_housekeeping **out);
void vault_housekeeping_free(struct vault_housekeeping *housekeeping);
KQ_AUTO_DEFINE(vault_housekeeping);

struct vault_housekeeping_result {
    uint64_t num_vaults_purged;
    uint64_t num_keys_purged;
    uint64_t num_keys_rotated;
    uint64_t num_failures;
    uint64_t num_put_off; /* their region's module is away, or they failed a moment ago */
};
/* Does all that is due now. */
void vault_housekeeping_pass(struct vault_housekeeping *housekeeping, struct vault_housekeeping_result *out);

#endif
