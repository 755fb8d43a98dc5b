#ifndef HSM_AUDIT_ENTRIES_H
#define HSM_AUDIT_ENTRIES_H

#include "base/buffer.h"
#include "module/privcrypto/key.h"
#include "module/world/state.h"

/* Entries of the audit log (docs/formats/audit.md), appended as frames to a
 * buffer that is going to the log. Everything that is written ends with a
 * signed head. */

/* Numbers the record, adds it to the tree and appends its entry.
 * Errors: KQ_ERR_ARGUMENT (a field outside its limits), KQ_ERR_TOO_LARGE, KQ_ERR_MEMORY;
 * the tree is unchanged then. */
KQ_MUST_CHECK kq_status hsm_audit_put_record(struct hsm_audit_tree *tree, struct kq_audit_record *record,
                                             struct kq_buffer *frames);

/* The signed head over the tree as it is, as a kq_signed encoding. */
KQ_MUST_CHECK kq_status hsm_audit_sign_head(const struct hsm_audit_tree *tree, const char *esn,
                                            const struct hsm_key *module_key, uint64_t now, struct kq_buffer *out);
/* The same as an entry. */
KQ_MUST_CHECK kq_status hsm_audit_put_head(const struct hsm_audit_tree *tree, const char *esn,
                                           const struct hsm_key *module_key, uint64_t now, struct kq_buffer *frames);
/* The first entry of a log: the key that signs its heads. */
KQ_MUST_CHECK kq_status hsm_audit_put_signer(const struct hsm_key *module_key, struct kq_buffer *frames);

#endif
