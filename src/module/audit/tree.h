#ifndef HSM_AUDIT_TREE_H
#define HSM_AUDIT_TREE_H

#include "base/slice.h"
#include "module/world/state.h"

/* The hash tree of the audit log, RFC 9162 2.1 with SHA-256, in its compact
 * form: for each set bit i of num_records, level[i] is the hash of a full
 * subtree of 2^i records. Starts as {0}. */

void hsm_audit_tree_add(struct hsm_audit_tree *tree, struct kq_slice record);
void hsm_audit_tree_root(const struct hsm_audit_tree *tree, uint8_t out[32]);

#endif
