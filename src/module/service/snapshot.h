#ifndef HSM_SERVICE_SNAPSHOT_H
#define HSM_SERVICE_SNAPSHOT_H

#include "base/cleanup.h"
#include "module/world/state.h"

/* A published state: immutable, alive as long as somebody holds it. */
struct hsm_snapshot;

/* Takes *state on KQ_OK.  Errors: KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_snapshot_new(struct hsm_state **state, struct hsm_snapshot **out);
struct hsm_snapshot *hsm_snapshot_hold(struct hsm_snapshot *snapshot);
void hsm_snapshot_free(struct hsm_snapshot *snapshot); /* one holder less */
KQ_AUTO_DEFINE(hsm_snapshot);
const struct hsm_state *hsm_snapshot_state(const struct hsm_snapshot *snapshot);

#endif
