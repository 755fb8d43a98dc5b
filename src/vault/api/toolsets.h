#ifndef VAULT_API_TOOLSETS_H
#define VAULT_API_TOOLSETS_H

#include "vault/api/call.h"
#include "vault/keyops/keyops.h"

/* The toolset of a region as this host has it: the zip and what there is to
 * compare. It is read anew each time, so a rollover shows at once. */
struct vault_toolset {
    struct kq_buffer zip;
    size_t size;
    char file_name[80];
    char sha256[65];    /* of the zip, lower-case hex */
    char root_hash[65]; /* "" if the facts are not there */
    char world_hash[65];
    char label[KQ_REGION_LABEL_SIZE];
    bool is_rehearsal; /* the root is one for rehearsals */
};
void vault_toolset_clear(struct vault_toolset *toolset);
KQ_AUTO_DEFINE_VALUE(vault_toolset);

/* Errors: KQ_ERR_NOT_FOUND (no toolset, or no such region here), those of kq_file_read(). */
KQ_MUST_CHECK kq_status vault_toolset_read(const struct vault_service *service, const struct kq_region *region,
                                           struct vault_toolset *out);
/* The region of KeyVault-BYOK-Tools-<Name>.zip; NULL if it is no such name. */
const struct kq_region *vault_toolset_region(const char *file_name);

vault_handler vault_toolsets_list;
/* The zip, or its SHA-256 where the name ends in .zip.sha256. */
vault_handler vault_toolsets_get;

#endif
