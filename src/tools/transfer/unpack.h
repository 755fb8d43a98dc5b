#ifndef KQ_TOOLS_TRANSFER_UNPACK_H
#define KQ_TOOLS_TRANSFER_UNPACK_H

#include "tools/common/tool.h"

/* Writes what the two packages of a region hold as files that openssl reads:
 * certificates and public keys as PEM, each signed statement as NAME.body
 * beside NAME.sig, and a README with the command that checks each. Packages
 * that do not verify are unpacked all the same, as far as they can be read.
 *
 * folder  must not exist yet, or be empty; appears complete or not at all
 * Errors  said */
KQ_MUST_CHECK kq_status kq_unpack_packages(struct kq_tool *tool, struct kq_slice kek_package,
                                           struct kq_slice world_package, const char *folder);

#endif
