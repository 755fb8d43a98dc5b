#ifndef HSM_WORLD_STATEMENT_H
#define HSM_WORLD_STATEMENT_H

#include "module/privcrypto/key.h"
#include "module/world/state.h"
#include "wire/record.h"

/* Records turned into bytes and into signed statements. Outputs are
 * initialised here and empty on failure. */

/* Errors: KQ_ERR_ARGUMENT (a value outside its limits), KQ_ERR_TOO_LARGE, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_encode(const struct kq_record_type *type, const void *record, struct kq_buffer *out);

/* An encoded kq_signed over the record. */
KQ_MUST_CHECK kq_status hsm_sign_record(const struct hsm_key *key, const struct kq_record_type *type,
                                        const void *record, struct kq_buffer *out);

/* A receipt file: the record signed by the module, with what is needed to check it. */
KQ_MUST_CHECK kq_status hsm_sign_receipt(const struct hsm_state *state, const struct kq_record_type *type,
                                         const void *record, struct kq_buffer *out);

#endif
