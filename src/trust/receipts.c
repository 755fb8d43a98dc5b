#include "trust/receipts.h"

#include <stdio.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "trust/chain.h"
#include "trust/warrant.h"

static kq_status fail(kq_status status, const char *reason, const char **out_reason)
{
    *out_reason = reason;
    return status;
}

/* A statement is an export or an import receipt by its type name. */
static kq_status read_statement(struct kq_slice body, struct kq_receipt_facts *facts, const char **out_reason)
{
    const char *field = "type";
    kq_status status = kq_export_receipt_get(body, &facts->exported, &field);
    if (status == KQ_OK) {
        facts->package_id = facts->exported.package_id;
        facts->package_hash = facts->exported.package_hash;
        facts->header_bytes = facts->exported.header;
        facts->time = facts->exported.time;
        return KQ_OK;
    }
    if (status == KQ_ERR_VERSION)
        return fail(status, "the receipt is of a newer version than this program; use a newer one", out_reason);
    status = kq_import_receipt_get(body, &facts->imported, &field);
    if (status != KQ_OK)
        return fail(status, "the statement is no receipt of a known version (statement)", out_reason);
    facts->is_import = true;
    facts->package_id = facts->imported.package_id;
    facts->package_hash = facts->imported.package_hash;
    facts->header_bytes = facts->imported.header;
    facts->time = facts->imported.time;
    return KQ_OK;
}

static kq_status check_warrant(const struct kq_receipt_file *file, struct kq_receipt_facts *facts,
                               const char **out_reason)
{
    struct kq_warrant_facts found;
    if ((file->warrant.len == 0) != (file->root.len == 0))
        return fail(KQ_ERR_FORMAT, "a warrant comes with its root, or neither (warrant, root)", out_reason);
    if (file->warrant.len == 0)
        return KQ_OK;
    KQ_TRY(kq_warrant_check(file->warrant, file->root, facts->time, &found, out_reason));
    if (!kq_slice_is_equal(found.warrant.public_key, file->signer_public))
        return fail(KQ_ERR_MISMATCH, "the warrant is of another key than the signer's (warrant)", out_reason);
    if (strcmp(found.warrant.serial_number, facts->esn) != 0)
        return fail(KQ_ERR_MISMATCH, "the warrant is of another module (esn)", out_reason);
    memcpy(facts->root_hash, found.root_hash, sizeof facts->root_hash);
    facts->root_is_rehearsal = found.root.is_rehearsal;
    facts->is_attested = true;
    return KQ_OK;
}

/* The source signs its own export. */
static kq_status check_export(const struct kq_receipt_facts *facts, const char **out_reason)
{
    if (!kq_sha256_is(facts->header.source_signing_hash, facts->signer_public))
        return fail(KQ_ERR_MISMATCH, "an export receipt is signed by the package's source (source_signing_hash)",
                    out_reason);
    return KQ_OK;
}

/* The key came to rest in a vault of the world that H names. */
static kq_status check_import(const struct kq_receipt_facts *facts, const char **out_reason)
{
    struct kq_place place;
    const struct kq_import_receipt *receipt = &facts->imported;
    if (kq_place_get(receipt->place, &place, NULL) != KQ_OK)
        return fail(KQ_ERR_FORMAT, "the place is damaged (place)", out_reason);
    if (!kq_slice_is_equal(place.hknso, facts->header.target_hknso))
        return fail(KQ_ERR_MISMATCH, "the key's place is in another world than the package's (place)", out_reason);
    if (!kq_slice_is_equal(place.subscription, facts->header.subscription))
        return fail(KQ_ERR_MISMATCH, "the key's place is in another subscription than the package's (place)",
                    out_reason);
    size_t root_len = receipt->origin == KQ_ORIGIN_TRANSFERRED_ATTESTED ? KQ_HASH_LEN : 0;
    if (receipt->source_root_hash.len != root_len)
        return fail(KQ_ERR_FORMAT, "origin and root of the source do not fit (source_root_hash)", out_reason);
    return KQ_OK;
}

static kq_status check_facts(struct kq_receipt_facts *facts, const char **out_reason)
{
    const char *field = "";
    if (kq_transfer_header_get(facts->header_bytes, &facts->header, &field) != KQ_OK)
        return fail(KQ_ERR_FORMAT, "the package's header is damaged (header)", out_reason);
    if (!kq_slice_is_equal(facts->package_id, facts->header.package_id))
        return fail(KQ_ERR_MISMATCH, "the header is of another package (package_id)", out_reason);
    struct kq_slice esn = facts->is_import ? facts->imported.esn : facts->header.source_esn;
    kq_text_copy(esn, facts->esn, sizeof facts->esn);
    return facts->is_import ? check_import(facts, out_reason) : check_export(facts, out_reason);
}

kq_status kq_receipt_verify(struct kq_slice bytes, struct kq_receipt_facts *out_facts, const char **out_reason)
{
    struct kq_receipt_file file;
    struct kq_receipt_facts facts = {.is_import = false};
    struct kq_slice body;
    kq_status status = kq_receipt_file_get(bytes, &file, NULL);
    if (status != KQ_OK)
        return fail(status, "the file is no receipt of a known version (type)", out_reason);
    status = kq_signed_verify(file.statement, file.signer_public, &body);
    if (status != KQ_OK)
        return fail(status, "the signer's signature does not verify (statement)", out_reason);
    facts.signer_public = file.signer_public;
    KQ_TRY(read_statement(body, &facts, out_reason));
    KQ_TRY(check_facts(&facts, out_reason));
    KQ_TRY(check_warrant(&file, &facts, out_reason));
    *out_facts = facts;
    return KQ_OK;
}

kq_status kq_receipt_match(const struct kq_receipt_facts *exported, const struct kq_receipt_facts *imported,
                           const char **out_reason)
{
    if (exported->is_import || !imported->is_import)
        return fail(KQ_ERR_ARGUMENT, "one export receipt and one import receipt are compared", out_reason);
    if (!kq_slice_is_equal(exported->package_id, imported->package_id))
        return fail(KQ_ERR_MISMATCH, "the receipts are about different packages (package_id)", out_reason);
    if (!kq_slice_is_equal(exported->package_hash, imported->package_hash))
        return fail(KQ_ERR_MISMATCH, "the imported file is not the exported one (package_hash)", out_reason);
    if (!kq_slice_is_equal(exported->header_bytes, imported->header_bytes))
        return fail(KQ_ERR_MISMATCH, "the receipts hold different headers (header)", out_reason);
    if (imported->imported.origin == KQ_ORIGIN_TRANSFERRED_ATTESTED &&
        (!exported->is_attested ||
         !kq_slice_is_equal(imported->imported.source_root_hash, kq_slice_of(exported->root_hash, 32))))
        return fail(KQ_ERR_MISMATCH, "the destination saw another root of the source (source_root_hash)", out_reason);
    return KQ_OK;
}

kq_status kq_receipt_match_package(const struct kq_receipt_facts *receipt, struct kq_slice package)
{
    return kq_sha256_is(receipt->package_hash, package) ? KQ_OK : KQ_ERR_MISMATCH;
}
