#include "module/audit/tree.h"

#include "pubcrypto/hash.h"

/* RFC 9162 2.1.1: what tells a leaf from a node. */
static const uint8_t leaf_prefix = 0;
static const uint8_t node_prefix = 1;

static void hash_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
    const struct kq_slice parts[] = {kq_slice_of(&node_prefix, 1), kq_slice_of(left, 32), kq_slice_of(right, 32)};
    kq_sha256_parts(parts, 3, out);
}

void hsm_audit_tree_add(struct hsm_audit_tree *tree, struct kq_slice record)
{
    uint8_t hash[32];
    const struct kq_slice parts[] = {kq_slice_of(&leaf_prefix, 1), record};
    kq_sha256_parts(parts, 2, hash);
    size_t level = 0;
    for (uint64_t num = tree->num_records; (num & 1) == 1; num >>= 1) {
        hash_node(tree->level[level], hash, hash);
        level++;
    }
    memcpy(tree->level[level], hash, sizeof hash);
    tree->num_records++;
}

void hsm_audit_tree_root(const struct hsm_audit_tree *tree, uint8_t out[32])
{
    if (tree->num_records == 0) {
        kq_sha256(KQ_SLICE_EMPTY, out);
        return;
    }
    size_t level = (size_t)__builtin_ctzll(tree->num_records);
    memcpy(out, tree->level[level], 32);
    for (level++; level < HSM_AUDIT_LEVELS; level++) {
        if (((tree->num_records >> level) & 1) == 1)
            hash_node(tree->level[level], out, out);
    }
}
