#ifndef VAULT_ISSUER_FILES_H
#define VAULT_ISSUER_FILES_H

#include "vault/auth/token.h"

/* The other issuers whose tokens are taken: DIR/issuers/NAME.json, as
 * `keyquay issuer` writes them (docs/formats/issuer.md). A file that is
 * damaged is logged once, and what was last read of it stays in use. */
struct vault_issuer_files;

#define VAULT_ISSUER_FILES_EVERY_S 3u

KQ_MUST_CHECK kq_status vault_issuer_files_new(const char *data, struct vault_authority *authority,
                                               struct vault_issuer_files **out);
void vault_issuer_files_free(struct vault_issuer_files *files);
KQ_AUTO_DEFINE(vault_issuer_files);

/* Looks at the folder; where a file came, changed or went, the authority takes
 * what there is now. Logs that, and tokens that named keys we do not have. */
void vault_issuer_files_look(struct vault_issuer_files *files);

#endif
