#ifndef HSM_SERVICE_FLUSH_H
#define HSM_SERVICE_FLUSH_H

#include "module/service/module.h"

/* The loop's writer of uses: what has waited long enough goes to the log under
 * one signed head. It never waits; PERSIST_DONE finishes what it began. */

/* Milliseconds until the loop should call hsm_flush_run(), -1: not before it is woken. */
int hsm_flush_timeout_ms(struct hsm_module *module);
/* Starts a flush if one is due and the gate is free. */
void hsm_flush_run(struct hsm_module *module);
/* Starts one now, with a clean-stop record at its end; true if it is under way
 * (false: the gate is taken, try again when woken). */
bool hsm_flush_run_last(struct hsm_module *module);
/* PERSIST_DONE; true if it was the flush's own. */
bool hsm_flush_done(struct hsm_module *module, uint64_t seq, kq_status status);

/* For workers: notes a use; waits while the window is full.
 * Errors: KQ_ERR_IO (full, and the log cannot be written at present). */
KQ_MUST_CHECK kq_status hsm_flush_note(struct hsm_module *module, const struct hsm_audit_use *use, uint64_t now);
/* For workers, before a use runs: waits while an older use has waited beyond
 * its time, so that never more than the last 100 ms can be lost.
 * Errors: KQ_ERR_IO (the log cannot be written at present). */
KQ_MUST_CHECK kq_status hsm_flush_admit(struct hsm_module *module);

#endif
