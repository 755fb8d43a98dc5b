#ifndef VAULT_API_BACKUP_H
#define VAULT_API_BACKUP_H

#include "vault/api/call.h"
#include "vault/keyops/keyops.h"

/* The document inside a key backup (docs/formats/key-backup.md): JSON with all
 * versions of a key, their blobs as the module sealed them. */
#define VAULT_BACKUP_FORMAT "keyquay/key-backup"
#define VAULT_BACKUP_VERSION 1
#define VAULT_BACKUP_VERSIONS_MAX 500u
#define VAULT_BACKUP_MAX (3u * 1024 * 1024 - 1024) /* of the document: in base64url a body that restore takes */

struct vault_backup {
    char region[64];
    char world[65]; /* hknso, hex */
    char subscription[37];
    char vault[64];
    char name[128];
    struct vault_key_version *versions; /* owned; oldest first */
    size_t num_versions;
};
void vault_backup_clear(struct vault_backup *backup);
KQ_AUTO_DEFINE_VALUE(vault_backup);

/* Appends the document.  Errors: KQ_ERR_MEMORY, KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status vault_backup_encode(const struct vault_backup *backup, struct kq_buffer *out);
/* Reads a document of anybody.
 * out_why  which member is wrong; size at least 160
 * Errors   KQ_ERR_FORMAT, KQ_ERR_VERSION, KQ_ERR_TOO_LARGE, KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status vault_backup_decode(struct kq_slice text, struct vault_backup *out, char *out_why,
                                            size_t out_why_size);

#endif
