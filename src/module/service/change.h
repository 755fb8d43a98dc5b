#ifndef HSM_SERVICE_CHANGE_H
#define HSM_SERVICE_CHANGE_H

#include "module/service/module.h"

/* One durable change of the state: begin gives a clone to edit, commit seals
 * it, has it written together with its audit records, publishes it. Between
 * the two nobody else changes anything. */
struct hsm_change {
    struct hsm_module *module; /* NULL: not begun */
    struct hsm_state *draft;
    struct hsm_audit_tree tree;
    struct kq_buffer frames;
};

/* Errors: KQ_ERR_MEMORY, KQ_ERR_IO (the log cannot be written at present). */
KQ_MUST_CHECK kq_status hsm_change_begin(struct hsm_module *module, struct hsm_change *change);
/* Adds an audit record to what will be written. */
KQ_MUST_CHECK kq_status hsm_change_record(struct hsm_change *change, struct kq_audit_record *record);
/* Durable and published on KQ_OK; ends the change in any case.
 * Errors: KQ_ERR_IO (nothing has changed), KQ_ERR_TOO_LARGE, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_change_commit(struct hsm_change *change);
/* Ends a change that is not committed; fine for one that is. */
void hsm_change_clear(struct hsm_change *change);
KQ_AUTO_DEFINE_VALUE(hsm_change);

#define HSM_CHANGE_IO_TEXT "the module's state or audit log cannot be written: is the disk full?"

#endif
