#ifndef KQ_TRUST_RECEIPTS_H
#define KQ_TRUST_RECEIPTS_H

#include "wire/formats.h"

/* Receipts of a transfer (docs/formats/receipts.md): the source module signs
 * one when it makes a package, the destination module when it imports it. Both
 * hold the package's hash and H, so that the two belong together visibly. */

struct kq_receipt_facts {
    bool is_import;
    struct kq_export_receipt exported; /* of an export */
    struct kq_import_receipt imported; /* of an import */
    struct kq_transfer_header header;
    /* of either, from the statement */
    struct kq_slice package_id;
    struct kq_slice package_hash;
    struct kq_slice header_bytes;
    uint64_t time;
    /* the signer */
    struct kq_slice signer_public;
    char esn[KQ_ESN_LEN + 1]; /* as the statement says; the warrant says the same if there is one */
    bool is_attested;         /* a warrant was there and verifies */
    bool root_is_rehearsal;
    uint8_t root_hash[32]; /* with is_attested */
};

/* Verifies a kq_receipt_file: form, statement, warrant (valid at the receipt's
 * time), and that its facts agree with each other. Whether the root and the
 * worlds are the ones one trusts is for the caller to say.
 *
 * out_facts   borrows from file; untouched unless KQ_OK
 * out_reason  what and which field, static storage; set on failure
 * Errors      KQ_ERR_FORMAT, KQ_ERR_VERSION, KQ_ERR_SIGNATURE, KQ_ERR_EXPIRED, KQ_ERR_MISMATCH */
KQ_MUST_CHECK kq_status kq_receipt_verify(struct kq_slice file, struct kq_receipt_facts *out_facts,
                                          const char **out_reason);

/* Checks that an import receipt answers an export receipt: one package, one H.
 * Both have been verified.  Errors: KQ_ERR_ARGUMENT (not one of each), KQ_ERR_MISMATCH. */
KQ_MUST_CHECK kq_status kq_receipt_match(const struct kq_receipt_facts *exported,
                                         const struct kq_receipt_facts *imported, const char **out_reason);

/* Checks that a receipt is about this package file.  Errors: KQ_ERR_MISMATCH. */
KQ_MUST_CHECK kq_status kq_receipt_match_package(const struct kq_receipt_facts *receipt, struct kq_slice package);

#endif
