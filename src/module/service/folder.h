#ifndef HSM_SERVICE_FOLDER_H
#define HSM_SERVICE_FOLDER_H

#include <sys/types.h>

#include "base/buffer.h"
#include "module/audit/recover.h"
#include "module/world/state.h"

/* The module's own files, opened before the filter: FOLDER/hsm/device-key,
 * hsm/state and the tail of hsm/audit.log (docs/formats/module-files.md). */

struct hsm_opened {
    uint8_t device_key[32];
    struct hsm_state *state;
    struct hsm_audit_recovery recovery;
    uint64_t log_len; /* of the file as found */
    bool is_one_user; /* who writes the state could read the device key */
};
void hsm_opened_clear(struct hsm_opened *opened);
KQ_AUTO_DEFINE_VALUE(hsm_opened);

#define HSM_WHY_LEN 2560u

/* Opens all three.
 *
 * out_why  on failure what is wrong with which file, and what to do
 * Errors   KQ_ERR_NOT_FOUND, KQ_ERR_DENIED (mode or owner), KQ_ERR_AUTH (key and state do not belong
 *          together, or the state was changed), KQ_ERR_FORMAT, KQ_ERR_VERSION, KQ_ERR_IO, KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status hsm_folder_open(const char *folder, struct hsm_opened *out, char out_why[HSM_WHY_LEN]);

struct hsm_folder_owners {
    uid_t module;       /* owns the device key */
    gid_t module_group; /* reads the state */
    uid_t hardserver;   /* owns the state */
    uid_t administrator;
};

/* A new module: makes device key and state where neither is there. Finishes
 * what an interrupted call began; does nothing where both are there.
 * Errors: KQ_ERR_STATE (one of the two is missing), KQ_ERR_IO, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_folder_prepare(const char *folder, const struct hsm_folder_owners *owners,
                                           char out_why[HSM_WHY_LEN]);

#endif
