#include "module/keys/create.h"

#define ANYBODY (KQ_ROLE_USE | KQ_ROLE_ADMIN | KQ_ROLE_VAULT)
#define USERS (KQ_ROLE_USE | KQ_ROLE_VAULT)
#define VAULT_KEEPERS (KQ_ROLE_VAULT | KQ_ROLE_ADMIN)
#define ACT (HSM_ROW_RECORDED | HSM_ROW_SLOW)

/* Acts take no draft: making an RSA key lasts seconds, and nobody else's
 * change should wait for it. */
const struct hsm_row hsm_key_rows[] = {
    {KQ_OP_KEY_GENERATE, hsm_key_generate_handler, KQ_ROLE_ADMIN, HSM_IN_OWNER, ACT},
    {KQ_OP_KEY_IMPORT, hsm_key_import_handler, KQ_ROLE_ADMIN, HSM_IN_OWNER, ACT},
    {KQ_OP_KEY_RECOVER, hsm_key_recover_handler, KQ_ROLE_ADMIN, HSM_IN_OWNER, ACT | HSM_ROW_QUORUM},
    {KQ_OP_VAULT_KEY_GENERATE, hsm_vault_key_generate_handler, VAULT_KEEPERS, HSM_IN_REGION, ACT},
    {KQ_OP_VAULT_KEY_IMPORT, hsm_vault_key_import_handler, VAULT_KEEPERS, HSM_IN_REGION, ACT},
    {KQ_OP_VAULT_KEY_RESTORE, hsm_vault_key_restore_handler, VAULT_KEEPERS, HSM_IN_REGION, ACT},
    {KQ_OP_KEY_LOAD, hsm_key_load_handler, ANYBODY, HSM_IN_ANY_WORLD, 0},
    {KQ_OP_KEY_UNLOAD, hsm_key_unload_handler, ANYBODY, HSM_IN_ANY_WORLD, 0},
    {KQ_OP_KEY_ACL, hsm_key_acl_handler, ANYBODY, HSM_IN_ANY_WORLD, 0},
    {KQ_OP_HANDLE_LIST, hsm_handle_list_handler, ANYBODY, HSM_IN_ANY, 0},
    {KQ_OP_SIGN, hsm_sign_handler, USERS, HSM_IN_ANY_WORLD, HSM_ROW_USE},
    {KQ_OP_ENCRYPT, hsm_encrypt_handler, USERS, HSM_IN_ANY_WORLD, HSM_ROW_USE},
    {KQ_OP_DECRYPT, hsm_decrypt_handler, USERS, HSM_IN_ANY_WORLD, HSM_ROW_USE},
    {.handler = NULL},
};
