#include "wire/formats.h"

#include "base/size.h"
#include "wire/join.h"

KQ_RECORD_DEFINE(kq_signed, "keyquay/signed", 1, KQ_SIGNED_FIELDS, KQ_SIGNED_MAX + 512);
KQ_RECORD_DEFINE(kq_acl, "keyquay/acl", 1, KQ_ACL_FIELDS, KQ_ACL_MAX);
KQ_RECORD_DEFINE(kq_acl_group, NULL, 1, KQ_ACL_GROUP_FIELDS, KQ_ACL_MAX);
KQ_RECORD_DEFINE(kq_acl_limit, NULL, 1, KQ_ACL_LIMIT_FIELDS, 64);
KQ_RECORD_DEFINE(kq_acl_action, NULL, 1, KQ_ACL_ACTION_FIELDS, 512);
KQ_RECORD_DEFINE(kq_acl_transfer, NULL, 1, KQ_ACL_TRANSFER_FIELDS, 256);
KQ_RECORD_DEFINE(kq_place, "keyquay/place", 1, KQ_PLACE_FIELDS, KQ_PLACE_MAX);
KQ_RECORD_DEFINE(kq_key_blob, "keyquay/key-blob", 1, KQ_KEY_BLOB_FIELDS, 12288);
KQ_RECORD_DEFINE(kq_recovery_blob, "keyquay/recovery-blob", 1, KQ_RECOVERY_BLOB_FIELDS, 12288);
KQ_RECORD_DEFINE(kq_key_file, "keyquay/key-file", 1, KQ_KEY_FILE_FIELDS, KQ_KEY_FILE_MAX);
KQ_RECORD_DEFINE(kq_keygen, "keyquay/key-generation", 1, KQ_KEYGEN_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_module_state, "keyquay/module-state", 1, KQ_MODULE_STATE_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_world_binding, "keyquay/world-binding", 1, KQ_WORLD_BINDING_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_region_statement, "keyquay/region-statement", 1, KQ_REGION_STATEMENT_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_world_file, "keyquay/world", 1, KQ_WORLD_FILE_FIELDS, KQ_WORLD_FILE_MAX);
KQ_RECORD_DEFINE(kq_card, "keyquay/card", 1, KQ_CARD_FIELDS, KQ_CARD_MAX);
KQ_RECORD_DEFINE(kq_kek_package, "keyquay/kek-package", 1, KQ_KEK_PACKAGE_FIELDS, KQ_PACKAGE_MAX);
KQ_RECORD_DEFINE(kq_world_package, "keyquay/world-package", 1, KQ_WORLD_PACKAGE_FIELDS, KQ_PACKAGE_MAX);
KQ_RECORD_DEFINE(kq_transfer_header, "keyquay/transfer-header", 1, KQ_TRANSFER_HEADER_FIELDS, 4096);
KQ_RECORD_DEFINE(kq_transfer_body, "keyquay/transfer", 1, KQ_TRANSFER_BODY_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_transfer_package, "keyquay/transfer-package", 1, KQ_TRANSFER_PACKAGE_FIELDS,
                 KQ_TRANSFER_PACKAGE_FILE_MAX);
KQ_RECORD_DEFINE(kq_export_receipt, "keyquay/export-receipt", 1, KQ_EXPORT_RECEIPT_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_import_receipt, "keyquay/import-receipt", 1, KQ_IMPORT_RECEIPT_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_receipt_file, "keyquay/receipt", 1, KQ_RECEIPT_FILE_FIELDS, KQ_PACKAGE_MAX);
KQ_RECORD_DEFINE(kq_exchange_file, "keyquay/exchange-file", 1, KQ_EXCHANGE_FILE_FIELDS, KQ_EXCHANGE_FILE_MAX);
KQ_RECORD_DEFINE(kq_vault_key_file, "keyquay/vault-key-file", 1, KQ_VAULT_KEY_FILE_FIELDS, KQ_EXCHANGE_FILE_MAX);
KQ_RECORD_DEFINE(kq_device_key, "keyquay/device-key", 1, KQ_DEVICE_KEY_FIELDS, 64);
KQ_RECORD_DEFINE(kq_sealed_state, "keyquay/sealed-state", 1, KQ_SEALED_STATE_FIELDS, KQ_SEALED_STATE_MAX);
KQ_RECORD_DEFINE(kq_audit_record, "keyquay/audit-record", 1, KQ_AUDIT_RECORD_FIELDS, 2048);
KQ_RECORD_DEFINE(kq_audit_head, "keyquay/audit-head", 1, KQ_AUDIT_HEAD_FIELDS, 256);
KQ_RECORD_DEFINE(kq_audit_entry, "keyquay/audit-entry", 1, KQ_AUDIT_ENTRY_FIELDS, KQ_SIGNED_MAX + 512);

const struct kq_record_type *const kq_format_types[] = {
    &kq_signed_type,
    &kq_acl_type,
    &kq_acl_group_type,
    &kq_acl_limit_type,
    &kq_acl_action_type,
    &kq_acl_transfer_type,
    &kq_place_type,
    &kq_key_blob_type,
    &kq_recovery_blob_type,
    &kq_key_file_type,
    &kq_keygen_type,
    &kq_module_state_type,
    &kq_world_binding_type,
    &kq_region_statement_type,
    &kq_world_file_type,
    &kq_card_type,
    &kq_kek_package_type,
    &kq_world_package_type,
    &kq_transfer_header_type,
    &kq_transfer_body_type,
    &kq_transfer_package_type,
    &kq_export_receipt_type,
    &kq_import_receipt_type,
    &kq_receipt_file_type,
    &kq_exchange_file_type,
    &kq_vault_key_file_type,
    &kq_device_key_type,
    &kq_sealed_state_type,
    &kq_audit_record_type,
    &kq_audit_head_type,
    &kq_audit_entry_type,
    &kq_join_request_type,
    &kq_join_request_file_type,
    &kq_join_admission_type,
    &kq_join_admission_file_type,
};
const size_t kq_num_format_types = KQ_COUNT_OF(kq_format_types);
