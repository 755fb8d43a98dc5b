#ifndef KQ_TOOLS_COMMON_KEY_USE_H
#define KQ_TOOLS_COMMON_KEY_USE_H

#include "client/key.h"
#include "pubcrypto/hash.h"
#include "tools/common/names.h"
#include "tools/common/tool.h"

/* What `keyquay key use` and `keyquay region use` do with a loaded key and
 * files. All errors are said. */

/* Reads a file of at most max bytes. */
KQ_MUST_CHECK kq_status kq_use_read(struct kq_tool *tool, const char *path, size_t max, struct kq_buffer *out);
/* Writes or replaces a file. What a decryption yields is for its owner's eyes: mode 0600. */
KQ_MUST_CHECK kq_status kq_use_write(struct kq_tool *tool, const char *path, struct kq_slice bytes, mode_t mode);

/* Hashes a file with the mechanism's hash. */
KQ_MUST_CHECK kq_status kq_use_digest(struct kq_tool *tool, const struct kq_mechanism_name *mechanism, const char *path,
                                      uint8_t out_digest[KQ_HASH_MAX_LEN], size_t *out_len);

/* Of an ECDSA signature: r and s side by side, or SEQUENCE { r, s } as openssl
 * takes it. Other signatures have one form. */
enum kq_signature_form { KQ_SIGNATURE_RAW, KQ_SIGNATURE_DER };
/* NULL: raw.  Errors: KQ_ERR_ARGUMENT (said as usage). */
KQ_MUST_CHECK kq_status kq_use_form(struct kq_tool *tool, const char *name, enum kq_signature_form *out);

/* Signs a digest and writes the signature to a file. */
KQ_MUST_CHECK kq_status kq_use_sign(struct kq_tool *tool, struct kqc_key *key,
                                    const struct kq_mechanism_name *mechanism, struct kq_slice digest,
                                    enum kq_signature_form form, const char *path);

/* KQ_OP_ENCRYPT or KQ_OP_DECRYPT in the module; the result is appended to out.
 * aad: text, NULL for none. */
KQ_MUST_CHECK kq_status kq_use_crypt(struct kq_tool *tool, struct kqc_key *key, enum kq_op op,
                                     const struct kq_mechanism_name *mechanism, struct kq_slice data, const char *aad,
                                     struct kq_buffer *out);

/* Writes a SubjectPublicKeyInfo as PEM. */
KQ_MUST_CHECK kq_status kq_use_write_public(struct kq_tool *tool, struct kq_slice public_key, const char *path);

#endif
