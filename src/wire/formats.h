#ifndef KQ_WIRE_FORMATS_H
#define KQ_WIRE_FORMATS_H

#include "base/algorithms.h"
#include "wire/record.h"

/* Everything Keyquay writes to disk or signs, as record tables.
 * The meaning of each field: docs/formats/. Hashes are SHA-256 of DER
 * SubjectPublicKeyInfo for keys, of the bytes for everything else. Times are
 * seconds since 1970 as the host of the module says. */

/* ---- numbers ---------------------------------------------------------- */

enum kq_world_kind { KQ_WORLD_OWNER = 1, KQ_WORLD_REGION = 2, KQ_WORLD_FACTORY = 3 };

enum kq_origin {
    KQ_ORIGIN_GENERATED = 1,
    KQ_ORIGIN_IMPORTED_CLEAR = 2,
    KQ_ORIGIN_TRANSFERRED_ATTESTED = 3,
    KQ_ORIGIN_TRANSFERRED_SELF_ASSERTED = 4,
};

enum kq_profile { KQ_PROFILE_KEYQUAY = 1, KQ_PROFILE_AZURE_BYOK = 2 };

enum kq_place_kind { KQ_PLACE_OWNER = 1, KQ_PLACE_VAULT = 2, KQ_PLACE_EXCHANGE = 3 };

#define KQ_HASH_LEN 32u
#define KQ_ACS_MAX 64u      /* cards in a set */
#define KQ_IDENT_MAX 80u    /* application and identifier together */
#define KQ_REGION_MAX 32u   /* region code, NA-1 */
#define KQ_PUBLIC_MAX 2048u /* SubjectPublicKeyInfo; DSA-3072 carries its parameters */
#define KQ_CERT_MAX 4096u   /* one X.509 certificate */
#define KQ_ACL_MAX 2048u    /* encoded ACL */
#define KQ_PLACE_MAX 512u   /* encoded place */
#define KQ_SIGNATURE_MAX 256u
#define KQ_SIGNED_MAX 12288u /* a signed statement with its signature */
#define KQ_PRIVATE_MAX 4096u /* PKCS#8 or raw private key */

/* ---- a signed statement ----------------------------------------------- */

#define KQ_SIGNED_FIELDS(UINT, BYTES, TEXT, LIST)                                                                      \
    BYTES(body, 1, KQ_SIGNED_MAX) /* an encoded named record; exactly these bytes are signed */                        \
    BYTES(signature, 8,                                                                                                \
          KQ_SIGNATURE_MAX) /* DER; algorithm fixed by the key: P-384/SHA-384, P-521/SHA-512, DSA/SHA-256 */
KQ_RECORD_DECLARE(kq_signed, KQ_SIGNED_FIELDS);

/* ---- ACL (docs/formats/acl.md) ---------------------------------------- */

#define KQ_ACL_FIELDS(UINT, BYTES, TEXT, LIST) LIST(groups, 0, 16) /* kq_acl_group each */
KQ_RECORD_DECLARE(kq_acl, KQ_ACL_FIELDS);

#define KQ_ACL_GROUP_FIELDS(UINT, BYTES, TEXT, LIST)                                                                   \
    BYTES(certifier, 0, KQ_HASH_LEN) /* empty, or hknso: acts under a quorum of that world */                          \
    LIST(limits, 0, 4)               /* kq_acl_limit each */                                                           \
    LIST(actions, 1, 8)              /* kq_acl_action each */
KQ_RECORD_DECLARE(kq_acl_group, KQ_ACL_GROUP_FIELDS);

enum kq_acl_limit_kind { KQ_LIMIT_GLOBAL = 1, KQ_LIMIT_TIME = 3 }; /* numbers of nShield's public ACL form */
#define KQ_ACL_LIMIT_FIELDS(UINT, BYTES, TEXT, LIST)                                                                   \
    UINT(kind, 1, 3)                                                                                                   \
    UINT(max, 0, 0xffffffff) /* uses; seconds after loading for TIME */                                                \
    BYTES(id, 0, 20)         /* GLOBAL: 20 bytes naming the counter in the module; TIME: empty */
KQ_RECORD_DECLARE(kq_acl_limit, KQ_ACL_LIMIT_FIELDS);

enum kq_acl_action_kind {
    KQ_ACTION_OP_PERMISSIONS = 1,
    KQ_ACTION_MAKE_BLOB = 2,
    KQ_ACTION_MAKE_ARCHIVE_BLOB = 3,
    KQ_ACTION_MAKE_TRANSFER_PACKAGE = 64, /* ours, outside nShield's numbers */
    KQ_ACTION_UNWRAP_FOR_IMPORT = 65,
};
/* bits of an OpPermissions action; names are nShield's public ones */
enum kq_op_permission {
    KQ_PERM_DUPLICATE_HANDLE = 0x1,
    KQ_PERM_USE_AS_CERTIFICATE = 0x2,
    KQ_PERM_EXPORT_AS_PLAIN = 0x4, /* defined so that it can be refused by name; no operation honours it */
    KQ_PERM_GET_APP_DATA = 0x8,
    KQ_PERM_SET_APP_DATA = 0x10,
    KQ_PERM_REDUCE_ACL = 0x20,
    KQ_PERM_EXPAND_ACL = 0x40,
    KQ_PERM_ENCRYPT = 0x80,
    KQ_PERM_DECRYPT = 0x100,
    KQ_PERM_VERIFY = 0x200,
    KQ_PERM_USE_AS_BLOB_KEY = 0x400,
    KQ_PERM_USE_AS_KM = 0x800,
    KQ_PERM_SIGN = 0x1000,
    KQ_PERM_GET_ACL = 0x2000,
    KQ_PERM_USE_AS_LOADER_KEY = 0x4000,
    KQ_PERM_ALL_KNOWN = 0x7fff,
};
enum kq_make_blob_flag { KQ_BLOB_ALLOW_KM_ONLY = 0x1, KQ_BLOB_KMHASH_PRESENT = 0x4 };
#define KQ_ACL_ACTION_FIELDS(UINT, BYTES, TEXT, LIST)                                                                  \
    UINT(kind, 1, 65)                                                                                                  \
    UINT(bits, 0,                                                                                                      \
         0xffffffff) /* OpPermissions: kq_op_permission; MakeBlob: kq_make_blob_flag; UnwrapForImport: kq_profile */   \
    BYTES(hash, 0, KQ_HASH_LEN) /* MakeBlob: hkm; MakeArchiveBlob: hkre; else empty */                                 \
    BYTES(detail, 0, 256)       /* MakeTransferPackage: kq_acl_transfer; else empty */
KQ_RECORD_DECLARE(kq_acl_action, KQ_ACL_ACTION_FIELDS);

#define KQ_ACL_TRANSFER_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    UINT(profile, 1, 2)                                                                                                \
    UINT(payload_template, 1, 1) /* destination ACL template, trust/template.h */                                      \
    BYTES(kek_hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                          \
    BYTES(target_hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                      \
    UINT(not_after, 1, 253402300799)
KQ_RECORD_DECLARE(kq_acl_transfer, KQ_ACL_TRANSFER_FIELDS);

/* ---- places and blobs (docs/formats/key-blob.md) ----------------------- */

#define KQ_PLACE_FIELDS(UINT, BYTES, TEXT, LIST)                                                                       \
    UINT(kind, 1, 3)                                                                                                   \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                             \
    TEXT(application, 0, 80)  /* OWNER: application and identifier */                                                  \
    TEXT(ident, 0, 80)        /* EXCHANGE: region code in application, generation in ident */                          \
    TEXT(subscription, 0, 36) /* VAULT: where the key lives */                                                         \
    TEXT(vault, 0, 63)                                                                                                 \
    TEXT(key_name, 0, 127)                                                                                             \
    TEXT(key_version, 0, 32)
KQ_RECORD_DECLARE(kq_place, KQ_PLACE_FIELDS);

#define KQ_KEY_BLOB_FIELDS(UINT, BYTES, TEXT, LIST)                                                                    \
    BYTES(hkm, KQ_HASH_LEN, KQ_HASH_LEN)                                                                               \
    UINT(key_type, 1, 7)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(origin, 1, 4)                                                                                                 \
    BYTES(acl, 1, KQ_ACL_MAX)                                                                                          \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(public_hash, 0, KQ_HASH_LEN)                                                                                 \
    BYTES(counter_esn, 0, KQ_ESN_LEN) /* the module that counts a use limit; empty without one */                      \
    BYTES(salt, 32, 32)                                                                                                \
    BYTES(sealed, 0, KQ_PRIVATE_MAX + 64) /* AES-256-SIV; associated data: this record with sealed empty */
KQ_RECORD_DECLARE(kq_key_blob, KQ_KEY_BLOB_FIELDS);

#define KQ_RECOVERY_BLOB_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    BYTES(hkre, KQ_HASH_LEN, KQ_HASH_LEN)                                                                              \
    UINT(key_type, 1, 7)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(origin, 1, 4)                                                                                                 \
    BYTES(acl, 1, KQ_ACL_MAX)                                                                                          \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(public_hash, 0, KQ_HASH_LEN)                                                                                 \
    BYTES(encapsulated, 64, 1024) /* RSA-OAEP ciphertext, or the ephemeral P-521 SubjectPublicKeyInfo */               \
    BYTES(sealed, 0, KQ_PRIVATE_MAX + 64)
KQ_RECORD_DECLARE(kq_recovery_blob, KQ_RECOVERY_BLOB_FIELDS);

/* key_<application>_<ident> (docs/formats/key-file.md) */
#define KQ_KEY_FILE_FIELDS(UINT, BYTES, TEXT, LIST)                                                                    \
    TEXT(application, 1, 80)                                                                                           \
    TEXT(ident, 1, 80)                                                                                                 \
    TEXT(plainname, 0, 256)                                                                                            \
    UINT(created, 0, 253402300799)                                                                                     \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                             \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(recovery_blob, 0, 12288)                                                                                     \
    BYTES(public_key, 0, KQ_PUBLIC_MAX)                                                                                \
    BYTES(certificate, 0, KQ_SIGNED_MAX) /* kq_signed over kq_keygen */
KQ_RECORD_DECLARE(kq_key_file, KQ_KEY_FILE_FIELDS);
#define KQ_KEY_FILE_MAX (48u * 1024)

/* ---- statements signed by a module (docs/formats/statements.md) --------- */

#define KQ_KEYGEN_FIELDS(UINT, BYTES, TEXT, LIST)                                                                      \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                             \
    UINT(key_type, 1, 7)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(origin, 1, 4)                                                                                                 \
    BYTES(public_key, 0, KQ_PUBLIC_MAX)                                                                                \
    BYTES(acl, 1, KQ_ACL_MAX)                                                                                          \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_keygen, KQ_KEYGEN_FIELDS);

#define KQ_MODULE_STATE_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    BYTES(module_key_hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                   \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                             \
    UINT(world_kind, 1, 3)                                                                                             \
    BYTES(hkm, KQ_HASH_LEN, KQ_HASH_LEN)                                                                               \
    TEXT(key_protection, 1, 64)                                                                                        \
    TEXT(rollback_protection, 1, 64)                                                                                   \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_module_state, KQ_MODULE_STATE_FIELDS);

/* ---- statements signed by a world's KNSO -------------------------------- */

#define KQ_WORLD_BINDING_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    UINT(kind, 1, 3)                                                                                                   \
    TEXT(suite, 1, 40)                                                                                                 \
    BYTES(knso_public, 1, KQ_PUBLIC_MAX)                                                                               \
    BYTES(hkm, KQ_HASH_LEN, KQ_HASH_LEN)     /* SHA-256 of a label and KM, docs/formats/world.md 3 */                  \
    BYTES(recovery_public, 0, KQ_PUBLIC_MAX) /* empty: no recovery; always so in a region's world */                   \
    BYTES(card_set, 16, 16)                                                                                            \
    UINT(quorum, 1, KQ_ACS_MAX)                                                                                        \
    UINT(num_cards, 1, KQ_ACS_MAX)                                                                                     \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_world_binding, KQ_WORLD_BINDING_FIELDS);

#define KQ_REGION_STATEMENT_FIELDS(UINT, BYTES, TEXT, LIST)                                                            \
    TEXT(region, 1, KQ_REGION_MAX)                                                                                     \
    TEXT(operator_name, 1, 128)                                                                                        \
    TEXT(vault_suffix, 1, 255)                                                                                         \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                             \
    BYTES(kek_hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                          \
    UINT(generation, 1, 0xffffffff)                                                                                    \
    UINT(not_after, 1, 253402300799)                                                                                   \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_region_statement, KQ_REGION_STATEMENT_FIELDS);

/* ---- world and card files (docs/formats/world.md, card.md) -------------- */

/* The world file, `local/world`. sealed: an owner's world only, AES-256-SIV
 * under a key derived from the card set's secret, over kq_world_secrets;
 * associated data: this record with sealed empty. */
#define KQ_WORLD_FILE_FIELDS(UINT, BYTES, TEXT, LIST)                                                                  \
    BYTES(binding, 1, KQ_SIGNED_MAX)        /* kq_signed over kq_world_binding */                                      \
    BYTES(commitments, 32, 32 * KQ_ACS_MAX) /* per card SHA-256("keyquay/share" NUL set index share) */                \
    BYTES(quorum_check, 32, 32)             /* SHA-256 of a label and the card set's secret */                         \
    BYTES(salt, 32, 32)                                                                                                \
    BYTES(sealed, 0, 8192)
KQ_RECORD_DECLARE(kq_world_file, KQ_WORLD_FILE_FIELDS);
#define KQ_WORLD_FILE_MAX (32u * 1024)

/* An administrator card. The share is sealed under scrypt(passphrase). */
#define KQ_CARD_FIELDS(UINT, BYTES, TEXT, LIST)                                                                        \
    BYTES(card_set, 16, 16)                                                                                            \
    UINT(index, 1, KQ_ACS_MAX)                                                                                         \
    UINT(quorum, 1, KQ_ACS_MAX)                                                                                        \
    UINT(num_cards, 1, KQ_ACS_MAX)                                                                                     \
    UINT(world_kind, 1, 3)                                                                                             \
    UINT(revision, 1, 0xffffffff) /* of this card: rises with each new passphrase */                                   \
    UINT(scrypt_log2_n, 10, 20)                                                                                        \
    UINT(scrypt_r, 8, 8)                                                                                               \
    UINT(scrypt_p, 1, 4)                                                                                               \
    BYTES(scrypt_salt, 32, 32)                                                                                         \
    BYTES(sealed_share, 48, 48) /* AES-256-SIV, key from the scrypt result; associated data: the fields above */       \
    BYTES(check, 32, 32)        /* SHA-256 of this record with check zeroed: tells damage from a wrong passphrase */
KQ_RECORD_DECLARE(kq_card, KQ_CARD_FIELDS);
#define KQ_CARD_MAX 1024u

/* ---- packages of a region (docs/formats/packages.md) -------------------- */

#define KQ_KEK_PACKAGE_FIELDS(UINT, BYTES, TEXT, LIST)                                                                 \
    TEXT(region, 1, KQ_REGION_MAX)                                                                                     \
    BYTES(keygen, 1, KQ_SIGNED_MAX) /* kq_signed over kq_keygen of the exchange key */                                 \
    BYTES(warrant, 1, KQ_CERT_MAX)  /* X.509 of the module's signing key */                                            \
    BYTES(root, 1, KQ_CERT_MAX)     /* X.509, self-signed */
KQ_RECORD_DECLARE(kq_kek_package, KQ_KEK_PACKAGE_FIELDS);

#define KQ_WORLD_PACKAGE_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    TEXT(region, 1, KQ_REGION_MAX)                                                                                     \
    BYTES(module_state, 1, KQ_SIGNED_MAX)     /* kq_signed over kq_module_state */                                     \
    BYTES(binding, 1, KQ_SIGNED_MAX)          /* kq_signed over kq_world_binding */                                    \
    BYTES(region_statement, 1, KQ_SIGNED_MAX) /* kq_signed over kq_region_statement */                                 \
    BYTES(warrant, 1, KQ_CERT_MAX)                                                                                     \
    BYTES(root, 1, KQ_CERT_MAX)
KQ_RECORD_DECLARE(kq_world_package, KQ_WORLD_PACKAGE_FIELDS);
#define KQ_PACKAGE_MAX (48u * 1024)

/* ---- the transfer (docs/protocols/transfer.md) --------------------------- */

/* H of the protocol. */
#define KQ_TRANSFER_HEADER_FIELDS(UINT, BYTES, TEXT, LIST)                                                             \
    UINT(profile, 1, 2)                                                                                                \
    BYTES(package_id, 16, 16)                                                                                          \
    UINT(not_after, 1, 253402300799)                                                                                   \
    BYTES(kek_hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                          \
    BYTES(kek_keygen_hash, KQ_HASH_LEN, KQ_HASH_LEN) /* of the kq_keygen body */                                       \
    BYTES(target_hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                      \
    TEXT(subscription, 36, 36) /* lower case */                                                                        \
    TEXT(friendly_name, 1, 127)                                                                                        \
    UINT(payload_template, 1, 1)                                                                                       \
    UINT(key_type, 1, 5)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(source_origin, 1, 4) /* how the source world came by the key */                                               \
    BYTES(source_hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                      \
    TEXT(source_suite, 1, 40)                                                                                          \
    TEXT(source_esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                           \
    BYTES(source_signing_hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                               \
    BYTES(public_hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                       \
    BYTES(public_key, 1, KQ_PUBLIC_MAX)
KQ_RECORD_DECLARE(kq_transfer_header, KQ_TRANSFER_HEADER_FIELDS);

/* What the source's signature covers. */
#define KQ_TRANSFER_BODY_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    BYTES(header, 1, 4096)       /* kq_transfer_header */                                                              \
    BYTES(ciphertext, 256, 8192) /* RSA-OAEP(AES key), then AES-KWP(PKCS#8) */
KQ_RECORD_DECLARE(kq_transfer_body, KQ_TRANSFER_BODY_FIELDS);

/* The .byok file. */
#define KQ_TRANSFER_PACKAGE_FIELDS(UINT, BYTES, TEXT, LIST)                                                            \
    BYTES(statement, 1, KQ_SIGNED_MAX)     /* kq_signed over kq_transfer_body */                                       \
    BYTES(source_public, 1, KQ_PUBLIC_MAX) /* the source module's signing key */                                       \
    BYTES(warrant, 0, KQ_CERT_MAX)         /* empty: self-asserted origin */                                           \
    BYTES(root, 0, KQ_CERT_MAX)
KQ_RECORD_DECLARE(kq_transfer_package, KQ_TRANSFER_PACKAGE_FIELDS);
#define KQ_TRANSFER_PACKAGE_FILE_MAX (32u * 1024)

#define KQ_EXPORT_RECEIPT_FIELDS(UINT, BYTES, TEXT, LIST)                                                              \
    BYTES(package_id, 16, 16)                                                                                          \
    BYTES(package_hash, KQ_HASH_LEN, KQ_HASH_LEN) /* SHA-256 of the .byok file */                                      \
    BYTES(header, 1, 4096)                        /* kq_transfer_header */                                             \
    TEXT(region, 1, KQ_REGION_MAX)                                                                                     \
    TEXT(key_protection, 1, 64)                                                                                        \
    TEXT(rollback_protection, 1, 64)                                                                                   \
    TEXT(memory, 1, 64)                                                                                                \
    UINT(audit_index, 0, UINT64_MAX)                                                                                   \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_export_receipt, KQ_EXPORT_RECEIPT_FIELDS);

#define KQ_IMPORT_RECEIPT_FIELDS(UINT, BYTES, TEXT, LIST)                                                              \
    BYTES(package_id, 16, 16)                                                                                          \
    BYTES(package_hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                      \
    BYTES(header, 1, 4096)                                                                                             \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    UINT(origin, 3, 4)                                                                                                 \
    BYTES(source_root_hash, 0, KQ_HASH_LEN) /* empty: self-asserted */                                                 \
    TEXT(root, 1, 128)                      /* the destination's root: its hash, or that it is a rehearsal */          \
    TEXT(key_protection, 1, 64)                                                                                        \
    TEXT(rollback_protection, 1, 64)                                                                                   \
    TEXT(memory, 1, 64)                                                                                                \
    UINT(audit_index, 0, UINT64_MAX)                                                                                   \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_import_receipt, KQ_IMPORT_RECEIPT_FIELDS);

/* A receipt file: the signed statement and what is needed to check it. */
#define KQ_RECEIPT_FILE_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    BYTES(statement, 1, KQ_SIGNED_MAX) /* kq_signed over kq_export_receipt or kq_import_receipt */                     \
    BYTES(signer_public, 1, KQ_PUBLIC_MAX)                                                                             \
    BYTES(warrant, 0, KQ_CERT_MAX)                                                                                     \
    BYTES(root, 0, KQ_CERT_MAX)
KQ_RECORD_DECLARE(kq_receipt_file, KQ_RECEIPT_FILE_FIELDS);

/* ---- files of a region's operator (docs/formats/region-files.md) --------- */

/* DIR/regions/NAME/exchange/<generation>: one exchange key with what import needs of it. */
#define KQ_EXCHANGE_FILE_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    TEXT(region, 1, KQ_REGION_MAX)                                                                                     \
    UINT(generation, 1, 0xffffffff)                                                                                    \
    UINT(not_after, 1, 253402300799)                                                                                   \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(public_key, 1, KQ_PUBLIC_MAX)                                                                                \
    BYTES(certificate, 1, KQ_SIGNED_MAX) /* kq_signed over kq_keygen */
KQ_RECORD_DECLARE(kq_exchange_file, KQ_EXCHANGE_FILE_FIELDS);
#define KQ_EXCHANGE_FILE_MAX (32u * 1024)

/* DIR/regions/NAME/vault/SUBSCRIPTION/VAULT/KEY/VERSION/key: an imported key version. */
#define KQ_VAULT_KEY_FILE_FIELDS(UINT, BYTES, TEXT, LIST)                                                              \
    UINT(created, 0, 253402300799)                                                                                     \
    UINT(key_type, 1, 7)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(origin, 1, 4)                                                                                                 \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(public_key, 1, KQ_PUBLIC_MAX)
KQ_RECORD_DECLARE(kq_vault_key_file, KQ_VAULT_KEY_FILE_FIELDS);

/* ---- the module's own files (docs/formats/module-files.md) --------------- */

#define KQ_DEVICE_KEY_FIELDS(UINT, BYTES, TEXT, LIST) BYTES(key, 32, 32)
KQ_RECORD_DECLARE(kq_device_key, KQ_DEVICE_KEY_FIELDS);

/* hsm/state: AES-256-SIV under a key derived from the device key and salt;
 * associated data: this record with sealed empty. */
#define KQ_SEALED_STATE_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    BYTES(salt, 32, 32)                                                                                                \
    BYTES(sealed, 0, 1048576)
KQ_RECORD_DECLARE(kq_sealed_state, KQ_SEALED_STATE_FIELDS);
#define KQ_SEALED_STATE_MAX (1024u * 1024 + 256)

/* hsm/audit.log: frames (wire/frame.h) each holding a kq_audit_entry. */
enum kq_audit_class { KQ_AUDIT_ADMIN = 1, KQ_AUDIT_EXPORT = 2, KQ_AUDIT_USE = 3, KQ_AUDIT_SYSTEM = 4 };
#define KQ_AUDIT_RECORD_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    UINT(index, 0, UINT64_MAX)                                                                                         \
    UINT(time, 0, 253402300799)                                                                                        \
    UINT(class_, 1, 4)                                                                                                 \
    TEXT(event, 1, 64) /* kq_op_name() of the act, or module-start, clean-stop, unclean-stop */                        \
    UINT(status, 0, 255)                                                                                               \
    UINT(peer_uid, 0, 0xffffffff)                                                                                      \
    TEXT(peer, 0, 128) /* as a trusted peer states it (keyvaultd's caller), else empty */                              \
    BYTES(place, 0, KQ_PLACE_MAX)                                                                                      \
    BYTES(subject, 0, 64) /* hash of the key, package, root or world concerned */                                      \
    TEXT(detail, 0, 256)                                                                                               \
    UINT(count, 1, 0xffffffff) /* uses of one key folded into one record */
KQ_RECORD_DECLARE(kq_audit_record, KQ_AUDIT_RECORD_FIELDS);

#define KQ_AUDIT_HEAD_FIELDS(UINT, BYTES, TEXT, LIST)                                                                  \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    UINT(num_records, 0, UINT64_MAX)                                                                                   \
    BYTES(root, KQ_HASH_LEN, KQ_HASH_LEN) /* RFC 9162 2.1.1 over the encoded kq_audit_record each */                   \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_audit_head, KQ_AUDIT_HEAD_FIELDS);

enum kq_audit_entry_kind { KQ_AUDIT_ENTRY_RECORD = 1, KQ_AUDIT_ENTRY_HEAD = 2, KQ_AUDIT_ENTRY_SIGNER = 3 };
#define KQ_AUDIT_ENTRY_FIELDS(UINT, BYTES, TEXT, LIST)                                                                 \
    UINT(kind, 1, 3)                                                                                                   \
    BYTES(content, 1, KQ_SIGNED_MAX) /* kq_audit_record; kq_signed over kq_audit_head; the signer's SPKI */
KQ_RECORD_DECLARE(kq_audit_entry, KQ_AUDIT_ENTRY_FIELDS);

/* All named records above, for tests that must cover every one. */
extern const struct kq_record_type *const kq_format_types[];
extern const size_t kq_num_format_types;

#endif
