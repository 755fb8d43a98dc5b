#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "trust/chain.h"
#include "trust/warrant.h"

kq_status kq_transfer_parse(struct kq_slice package, struct kq_transfer_facts *out, const char **out_field)
{
    struct kq_transfer_package outer;
    struct kq_signed statement;
    struct kq_transfer_body body;
    struct kq_transfer_facts facts = {.is_attested = false};
    KQ_TRY(kq_transfer_package_get(package, &outer, out_field));
    KQ_TRY(kq_signed_get(outer.statement, &statement, out_field));
    KQ_TRY(kq_transfer_body_get(statement.body, &body, out_field));
    KQ_TRY(kq_transfer_header_get(body.header, &facts.header, out_field));
    facts.header_bytes = body.header;
    facts.ciphertext = body.ciphertext;
    facts.source_public = outer.source_public;
    *out = facts;
    return KQ_OK;
}

/* Module signing keys are P-384 in every suite. */
static kq_status check_signer(struct kq_slice public_key)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(kq_public_key_new(public_key, &key));
    return kq_public_key_type(key) == KQ_KEY_EC_P384 ? KQ_OK : KQ_ERR_UNSUPPORTED;
}

/* The key that H describes is the one H carries. */
static kq_status check_transferred(const struct kq_transfer_header *header)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(kq_public_key_new(header->public_key, &key));
    bool same = kq_sha256_is(header->public_hash, header->public_key) &&
                (uint64_t)kq_public_key_type(key) == header->key_type && kq_public_key_bits(key) == header->bits;
    return same ? KQ_OK : KQ_ERR_MISMATCH;
}

static kq_status check_warrant(const struct kq_transfer_package *package, const struct kq_transfer_header *header,
                               uint64_t now, struct kq_transfer_facts *facts)
{
    struct kq_warrant_facts found;
    const char *reason;
    KQ_TRY(kq_warrant_check(package->warrant, package->root, now, &found, &reason));
    if (!kq_slice_is_equal(found.warrant.public_key, package->source_public) ||
        !kq_slice_is_text(header->source_esn, found.warrant.serial_number))
        return KQ_ERR_MISMATCH;
    memcpy(facts->root_hash, found.root_hash, sizeof facts->root_hash);
    facts->root_is_rehearsal = found.root.is_rehearsal;
    facts->is_attested = true;
    return KQ_OK;
}

kq_status kq_transfer_verify_source(struct kq_slice package, uint64_t now, struct kq_transfer_facts *facts)
{
    struct kq_transfer_package outer;
    struct kq_transfer_facts found;
    struct kq_slice body;
    KQ_TRY(kq_transfer_parse(package, &found, NULL));
    KQ_TRY(kq_transfer_package_get(package, &outer, NULL));
    KQ_TRY(check_signer(outer.source_public));
    KQ_TRY(kq_signed_verify(outer.statement, outer.source_public, &body));
    if (!kq_sha256_is(found.header.source_signing_hash, outer.source_public))
        return KQ_ERR_MISMATCH;
    KQ_TRY(check_transferred(&found.header));
    if ((outer.warrant.len == 0) != (outer.root.len == 0))
        return KQ_ERR_FORMAT;
    if (outer.warrant.len > 0)
        KQ_TRY(check_warrant(&outer, &found.header, now, &found));
    *facts = found;
    return KQ_OK;
}
