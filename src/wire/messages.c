#include "wire/messages.h"

#include "base/size.h"
#include "wire/frame.h"

/* Messages are bounded by the frame; each field by its own row. */
#define MESSAGE(type, FIELDS) KQ_RECORD_DEFINE(type, NULL, KQ_PROTOCOL_VERSION, FIELDS, KQ_FRAME_MAX)

MESSAGE(kq_request, KQ_REQUEST_FIELDS);
MESSAGE(kq_reply, KQ_REPLY_FIELDS);
MESSAGE(kq_hello_request, KQ_HELLO_REQUEST_FIELDS);
MESSAGE(kq_hello_reply, KQ_HELLO_REPLY_FIELDS);
MESSAGE(kq_status_reply, KQ_STATUS_REPLY_FIELDS);
MESSAGE(kq_auth_begin_request, KQ_AUTH_BEGIN_REQUEST_FIELDS);
MESSAGE(kq_auth_begin_reply, KQ_AUTH_BEGIN_REPLY_FIELDS);
MESSAGE(kq_auth_card_request, KQ_AUTH_CARD_REQUEST_FIELDS);
MESSAGE(kq_auth_card_reply, KQ_AUTH_CARD_REPLY_FIELDS);
MESSAGE(kq_auth_cancel_request, KQ_AUTH_CANCEL_REQUEST_FIELDS);
MESSAGE(kq_card_check_request, KQ_CARD_CHECK_REQUEST_FIELDS);
MESSAGE(kq_card_change_request, KQ_CARD_CHANGE_REQUEST_FIELDS);
MESSAGE(kq_card_reply, KQ_CARD_REPLY_FIELDS);
MESSAGE(kq_world_create_begin_request, KQ_WORLD_CREATE_BEGIN_REQUEST_FIELDS);
MESSAGE(kq_world_create_begin_reply, KQ_WORLD_CREATE_BEGIN_REPLY_FIELDS);
MESSAGE(kq_world_create_card_request, KQ_WORLD_CREATE_CARD_REQUEST_FIELDS);
MESSAGE(kq_world_create_commit_request, KQ_WORLD_CREATE_COMMIT_REQUEST_FIELDS);
MESSAGE(kq_world_reply, KQ_WORLD_REPLY_FIELDS);
MESSAGE(kq_world_program_request, KQ_WORLD_PROGRAM_REQUEST_FIELDS);
MESSAGE(kq_world_forget_request, KQ_WORLD_FORGET_REQUEST_FIELDS);
MESSAGE(kq_file, KQ_FILE_FIELDS);
MESSAGE(kq_trust_list_request, KQ_TRUST_LIST_REQUEST_FIELDS);
MESSAGE(kq_trust_list_reply, KQ_TRUST_LIST_REPLY_FIELDS);
MESSAGE(kq_trust_entry, KQ_TRUST_ENTRY_FIELDS);
MESSAGE(kq_trust_change_request, KQ_TRUST_CHANGE_REQUEST_FIELDS);
MESSAGE(kq_key_generate_request, KQ_KEY_GENERATE_REQUEST_FIELDS);
MESSAGE(kq_key_import_request, KQ_KEY_IMPORT_REQUEST_FIELDS);
MESSAGE(kq_key_reply, KQ_KEY_REPLY_FIELDS);
MESSAGE(kq_key_load_request, KQ_KEY_LOAD_REQUEST_FIELDS);
MESSAGE(kq_key_load_reply, KQ_KEY_LOAD_REPLY_FIELDS);
MESSAGE(kq_handle_request, KQ_HANDLE_REQUEST_FIELDS);
MESSAGE(kq_key_acl_reply, KQ_KEY_ACL_REPLY_FIELDS);
MESSAGE(kq_handle_list_reply, KQ_HANDLE_LIST_REPLY_FIELDS);
MESSAGE(kq_sign_request, KQ_SIGN_REQUEST_FIELDS);
MESSAGE(kq_crypt_request, KQ_CRYPT_REQUEST_FIELDS);
MESSAGE(kq_bytes_reply, KQ_BYTES_REPLY_FIELDS);
MESSAGE(kq_key_recover_request, KQ_KEY_RECOVER_REQUEST_FIELDS);
MESSAGE(kq_vault_key_generate_request, KQ_VAULT_KEY_GENERATE_REQUEST_FIELDS);
MESSAGE(kq_vault_key_import_request, KQ_VAULT_KEY_IMPORT_REQUEST_FIELDS);
MESSAGE(kq_vault_key_restore_request, KQ_VAULT_KEY_RESTORE_REQUEST_FIELDS);
MESSAGE(kq_vault_key_reply, KQ_VAULT_KEY_REPLY_FIELDS);
MESSAGE(kq_transfer_copy_request, KQ_TRANSFER_COPY_REQUEST_FIELDS);
MESSAGE(kq_transfer_package_request, KQ_TRANSFER_PACKAGE_REQUEST_FIELDS);
MESSAGE(kq_transfer_package_reply, KQ_TRANSFER_PACKAGE_REPLY_FIELDS);
MESSAGE(kq_exchange_create_request, KQ_EXCHANGE_CREATE_REQUEST_FIELDS);
MESSAGE(kq_exchange_create_reply, KQ_EXCHANGE_CREATE_REPLY_FIELDS);
MESSAGE(kq_transfer_import_request, KQ_TRANSFER_IMPORT_REQUEST_FIELDS);
MESSAGE(kq_transfer_import_reply, KQ_TRANSFER_IMPORT_REPLY_FIELDS);
MESSAGE(kq_enrol_install_request, KQ_ENROL_INSTALL_REQUEST_FIELDS);
MESSAGE(kq_factory_root_request, KQ_FACTORY_ROOT_REQUEST_FIELDS);
MESSAGE(kq_factory_warrant_request, KQ_FACTORY_WARRANT_REQUEST_FIELDS);
MESSAGE(kq_audit_head_reply, KQ_AUDIT_HEAD_REPLY_FIELDS);
MESSAGE(kq_audit_append_request, KQ_AUDIT_APPEND_REQUEST_FIELDS);
MESSAGE(kq_peer_set_request, KQ_PEER_SET_REQUEST_FIELDS);

#define OPERATION(number, NAME, text, params_type, results_type)                                                       \
    {KQ_OP_##NAME, #text, &params_type##_type, &results_type##_type},
const struct kq_operation kq_operations[] = {KQ_OPERATIONS(OPERATION)};
const size_t kq_num_operations = KQ_COUNT_OF(kq_operations);

const struct kq_operation *kq_operation_find(uint64_t op)
{
    for (size_t i = 0; i < kq_num_operations; i++) {
        if ((uint64_t)kq_operations[i].op == op)
            return &kq_operations[i];
    }
    return NULL;
}
