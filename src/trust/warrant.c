#include "trust/warrant.h"

#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "trust/chain.h"

static kq_status fail(kq_status status, const char *reason, const char **out_reason)
{
    *out_reason = reason;
    return status;
}

static kq_status check_signature(const struct kq_certificate *certificate, struct kq_slice signer)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(kq_public_key_new(signer, &key));
    return kq_public_key_verify_statement(key, certificate->body, certificate->signature);
}

static kq_status check_dates(const struct kq_certificate *certificate, uint64_t now)
{
    return now >= certificate->not_before && now <= certificate->not_after ? KQ_OK : KQ_ERR_EXPIRED;
}

static kq_status check_root(const struct kq_certificate *root, uint64_t now, const char **out_reason)
{
    uint8_t key_id[KQ_KEY_ID_LEN];
    if (!root->is_authority)
        return fail(KQ_ERR_MISMATCH, "the root certificate is not an authority (basicConstraints)", out_reason);
    KQ_TRY(kq_key_id(root->public_key, key_id));
    if (!kq_slice_is_equal(root->subject, root->issuer) ||
        !kq_slice_is_equal(root->issuer_key_id, kq_slice_of(key_id, sizeof key_id)))
        return fail(KQ_ERR_MISMATCH, "the root certificate is not issued by itself (issuer)", out_reason);
    if (check_signature(root, root->public_key) != KQ_OK)
        return fail(KQ_ERR_SIGNATURE, "the root's own signature does not verify (signature)", out_reason);
    if (check_dates(root, now) != KQ_OK)
        return fail(KQ_ERR_EXPIRED, "the root is not valid at this date (validity)", out_reason);
    return KQ_OK;
}

static kq_status check_warrant(const struct kq_certificate *warrant, const struct kq_certificate *root, uint64_t now,
                               const char **out_reason)
{
    uint8_t root_key_id[KQ_KEY_ID_LEN];
    KQ_TRY(kq_key_id(root->public_key, root_key_id));
    if (warrant->is_authority || strlen(warrant->serial_number) != KQ_ESN_LEN)
        return fail(KQ_ERR_MISMATCH, "the warrant names no module (subject serialNumber)", out_reason);
    if (!kq_slice_is_equal(warrant->issuer, root->subject) ||
        !kq_slice_is_equal(warrant->issuer_key_id, kq_slice_of(root_key_id, sizeof root_key_id)))
        return fail(KQ_ERR_MISMATCH, "the warrant was issued by another root (issuer)", out_reason);
    if (check_signature(warrant, root->public_key) != KQ_OK)
        return fail(KQ_ERR_SIGNATURE, "the root's signature on the warrant does not verify (signature)", out_reason);
    if (check_dates(warrant, now) != KQ_OK)
        return fail(KQ_ERR_EXPIRED, "the warrant is not valid at this date (validity)", out_reason);
    return KQ_OK;
}

kq_status kq_warrant_check(struct kq_slice warrant, struct kq_slice root, uint64_t now,
                           struct kq_warrant_facts *out_facts, const char **out_reason)
{
    struct kq_warrant_facts facts;
    *out_reason = "not enough memory";
    kq_status status = kq_certificate_get(root, &facts.root);
    if (status != KQ_OK)
        return fail(status, "the root is not a certificate of our profile (root)", out_reason);
    status = kq_certificate_get(warrant, &facts.warrant);
    if (status != KQ_OK)
        return fail(status, "the warrant is not a certificate of our profile (warrant)", out_reason);
    KQ_TRY(check_root(&facts.root, now, out_reason));
    KQ_TRY(check_warrant(&facts.warrant, &facts.root, now, out_reason));
    kq_sha256(facts.root.public_key, facts.root_hash);
    *out_facts = facts;
    return KQ_OK;
}

kq_status kq_chain_verify_warrant(struct kq_slice warrant, struct kq_slice root, uint64_t now,
                                  struct kq_certificate *out_warrant, struct kq_certificate *out_root,
                                  uint8_t out_root_hash[32])
{
    struct kq_warrant_facts facts;
    const char *reason;
    KQ_TRY(kq_warrant_check(warrant, root, now, &facts, &reason));
    *out_warrant = facts.warrant;
    *out_root = facts.root;
    memcpy(out_root_hash, facts.root_hash, sizeof facts.root_hash);
    return KQ_OK;
}
