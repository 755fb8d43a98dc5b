#include "module/transfer/rows.h"

#define CHANGE (HSM_ROW_DRAFT | HSM_ROW_RECORDED)

const struct hsm_row hsm_transfer_rows[] = {
    {KQ_OP_TRANSFER_COPY, hsm_transfer_copy_handler, KQ_ROLE_ADMIN, HSM_IN_OWNER, CHANGE | HSM_ROW_QUORUM},
    {KQ_OP_TRANSFER_PACKAGE, hsm_transfer_package_handler, KQ_ROLE_ADMIN, HSM_IN_OWNER, CHANGE},
    {KQ_OP_EXCHANGE_CREATE, hsm_exchange_create_handler, KQ_ROLE_ADMIN, HSM_IN_REGION,
     CHANGE | HSM_ROW_QUORUM | HSM_ROW_SLOW},
    {KQ_OP_TRANSFER_IMPORT, hsm_transfer_import_handler, KQ_ROLE_ADMIN | KQ_ROLE_VAULT, HSM_IN_REGION,
     CHANGE | HSM_ROW_SLOW},
    {0, NULL, 0, 0, 0},
};
