#ifndef KQ_TRUST_ACL_H
#define KQ_TRUST_ACL_H

#include <stdio.h>

#include "wire/formats.h"

/* ACLs of fixed shape: what the templates say, byte for byte (docs/formats/acl.md 4).
 * Each appends an encoded kq_acl to out. Every MakeBlob carries AllowKmOnly and
 * names its hkm.  Errors: KQ_ERR_ARGUMENT (a key type without such a template, a
 * hash of another length), KQ_ERR_TOO_LARGE, KQ_ERR_MEMORY. */

/* The exchange key, one group each: GetACL; UnwrapForImport under one profile; MakeBlob to hkm. */
KQ_MUST_CHECK kq_status kq_acl_exchange_key(enum kq_profile profile, struct kq_slice hkm, struct kq_buffer *out);

/* The reduced copy (xferacld), one group each: GetACL; MakeTransferPackage with these facts. */
KQ_MUST_CHECK kq_status kq_acl_transfer_copy(const struct kq_acl_transfer *transfer, struct kq_buffer *out);

/* What an imported key becomes at the destination, payload template 1: uses
 * that fit the key type (RSA: Sign, Decrypt; EC: Sign) with GetACL; in a group
 * of its own MakeBlob to hkm. No certifier group. */
KQ_MUST_CHECK kq_status kq_acl_imported_key(enum kq_key_type type, struct kq_slice hkm, struct kq_buffer *out);

/* What generatekey makes in an owner's world: 1. DuplicateHandle, GetACL and
 * uses fitting the type (with limits, the uses stand in a group of their own
 * after it, so that looking at the ACL costs no use); 2. MakeBlob to hkm;
 * 3. under hknso: ReduceACL, ExpandACL, MakeBlob to hkm; 4. MakeArchiveBlob to
 * hkre if hkre.len > 0. counter_id: 20 bytes when use_limit > 0. */
struct kq_acl_owner_request {
    enum kq_key_type type;
    struct kq_slice hkm;
    struct kq_slice hknso;
    struct kq_slice hkre;
    uint64_t use_limit;
    struct kq_slice counter_id;
    uint64_t time_limit_s;
};
KQ_MUST_CHECK kq_status kq_acl_owner_key(const struct kq_acl_owner_request *request, struct kq_buffer *out);

/* KQ_OK if the bytes are a well-formed ACL through and through (groups, limits,
 * actions, details, known numbers only, fields that mean nothing for an action
 * empty).  Errors: KQ_ERR_FORMAT, KQ_ERR_VERSION. */
KQ_MUST_CHECK kq_status kq_acl_check(struct kq_slice acl);

/* What a reduced copy was made for: the first MakeTransferPackage in an ACL.
 * For words and dates; whether an act is allowed is hsm_acl_ask()'s to say.
 *
 * out  borrows from acl; untouched where there is none (false) */
bool kq_acl_find_transfer(struct kq_slice acl, struct kq_acl_transfer *out);

/* Prints an ACL as aclprint and kmfile-dump show it, one fact a line. */
void kq_acl_print(struct kq_slice acl, const char *indent, FILE *out);

#endif
