#include "module/world/rows.h"

#define CHANGE (HSM_ROW_DRAFT | HSM_ROW_RECORDED)
#define ANY_ROLE (KQ_ROLE_USE | KQ_ROLE_ADMIN | KQ_ROLE_VAULT)

const struct hsm_row hsm_world_rows[] = {
    {KQ_OP_WORLD_CREATE_BEGIN, hsm_world_create_begin_handler, KQ_ROLE_ADMIN, HSM_IN_ANY, HSM_ROW_SLOW},
    {KQ_OP_WORLD_CREATE_CARD, hsm_world_create_card_handler, KQ_ROLE_ADMIN, HSM_IN_ANY, 0},
    {KQ_OP_WORLD_CREATE_COMMIT, hsm_world_create_commit_handler, KQ_ROLE_ADMIN, HSM_IN_ANY, CHANGE | HSM_ROW_SLOW},
    {KQ_OP_WORLD_PROGRAM, hsm_world_program_handler, KQ_ROLE_ADMIN, HSM_IN_NO_WORLD | HSM_IN_OWNER,
     CHANGE | HSM_ROW_QUORUM | HSM_ROW_SLOW},
    {KQ_OP_WORLD_FORGET, hsm_world_forget_handler, KQ_ROLE_ADMIN, HSM_IN_ANY_WORLD, CHANGE},
    {KQ_OP_WORLD_JOIN_REQUEST, hsm_world_join_request_handler, KQ_ROLE_ADMIN, HSM_IN_NO_WORLD, CHANGE},
    {KQ_OP_WORLD_ADMIT, hsm_world_admit_handler, KQ_ROLE_ADMIN, HSM_IN_REGION, CHANGE | HSM_ROW_QUORUM},
    {KQ_OP_WORLD_JOIN, hsm_world_join_handler, KQ_ROLE_ADMIN, HSM_IN_NO_WORLD, CHANGE},
    {KQ_OP_TRUST_LIST, hsm_trust_list_handler, ANY_ROLE, HSM_IN_ANY, 0},
    {KQ_OP_TRUST_CHANGE, hsm_trust_change_handler, KQ_ROLE_ADMIN, HSM_IN_ANY_WORLD, CHANGE | HSM_ROW_QUORUM},
    {0, NULL, 0, 0, 0},
};

const struct hsm_row hsm_enrol_rows[] = {
    {KQ_OP_ENROL_REQUEST, hsm_enrol_request_handler, KQ_ROLE_ADMIN, HSM_IN_ANY, CHANGE},
    {KQ_OP_ENROL_INSTALL, hsm_enrol_install_handler, KQ_ROLE_ADMIN, HSM_IN_ANY, CHANGE},
    {KQ_OP_FACTORY_ROOT, hsm_factory_root_handler, KQ_ROLE_ADMIN, HSM_IN_FACTORY, CHANGE | HSM_ROW_QUORUM},
    {KQ_OP_FACTORY_WARRANT, hsm_factory_warrant_handler, KQ_ROLE_ADMIN, HSM_IN_FACTORY, CHANGE | HSM_ROW_QUORUM},
    {0, NULL, 0, 0, 0},
};
