#ifndef KQ_TOOLS_CLOUD_UPLOAD_H
#define KQ_TOOLS_CLOUD_UPLOAD_H

#include "tools/common/tool.h"

/* Step 5: a transfer package goes to a vault, a receipt comes back. */
struct kq_upload {
    const char *vault;
    const char *name;
    const char *path; /* of the .byok file */
    bool is_disabled; /* the key is taken in but not enabled */
};

/* Uploads with the session's tokens, prints the key and its receipt, keeps the
 * receipt. The receipt is verified: that it is about this very package and, if
 * the export receipt lies beside it, that it answers that one.  Errors: said. */
KQ_MUST_CHECK kq_status kq_upload_run(struct kq_tool *tool, const struct kq_upload *upload);

/* The other of the documents' two spellings of a package's file name
 * (TransferPackage-, KeyTransferPackage-); false if the name has neither.
 * Backslashes of the documents' paths count as slashes. */
bool kq_upload_other_spelling(const char *path, char out[KQ_PATH_MAX]);

/* "RSA-HSM" and NULL, or "EC-HSM" and a curve, for what a package carries;
 * false for a key that a vault does not take. */
bool kq_upload_kind(uint64_t key_type, const char **out_kty, const char **out_curve);

#endif
