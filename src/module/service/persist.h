#ifndef HSM_SERVICE_PERSIST_H
#define HSM_SERVICE_PERSIST_H

#include "module/service/module.h"

/* The gate: whoever changes state or log holds it, so at most one PERSIST is
 * under way and a failed one leaves nothing to undo. A due flush goes first. */
void hsm_gate_enter(struct hsm_module *module);
/* For the loop, which must not wait: false if somebody is inside; the loop is
 * then woken when he leaves. */
bool hsm_gate_try(struct hsm_module *module);
void hsm_gate_leave(struct hsm_module *module);

/* Hands bytes to the hardserver: state first (empty: only the log), then the
 * log at module->log_len. The holder of the gate calls it. out_seq names it. */
KQ_MUST_CHECK kq_status hsm_persist_begin(struct hsm_module *module, struct kq_slice state, struct kq_slice log,
                                          uint64_t *out_seq);
/* Waits for the hardserver's word (not on the loop). Errors: KQ_ERR_IO, nothing was changed then. */
KQ_MUST_CHECK kq_status hsm_persist_wait(struct hsm_module *module, uint64_t seq);
/* The loop heard PERSIST_DONE. */
void hsm_persist_done(struct hsm_module *module, uint64_t seq, kq_status status);

#endif
