#ifndef KQ_WIRE_MESSAGES_H
#define KQ_WIRE_MESSAGES_H

#include "wire/formats.h"

/* The module protocol, docs/protocols/module.md. A request frame holds a
 * kq_request, a reply frame a kq_reply; their params and results hold the
 * record named in KQ_OPERATIONS. Replies come back in any order and carry the
 * request's seq. */

#define KQ_PROTOCOL_VERSION 1u
#define KQ_REQUEST_ID_LEN 16u
#define KQ_DATA_MAX 65536u /* data of one encrypt or decrypt */

#define KQ_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                                     \
    UINT(op, 1, 255)                                                                                                   \
    UINT(seq, 0, UINT64_MAX)                                                                                           \
    BYTES(request_id, 0, KQ_REQUEST_ID_LEN) /* 16 random bytes on acts that change something, else empty */            \
    UINT(authority, 0, UINT64_MAX)          /* from AUTH_BEGIN, else 0 */                                              \
    BYTES(params, 1, 120000)
KQ_RECORD_DECLARE(kq_request, KQ_REQUEST_FIELDS);

#define KQ_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                                       \
    UINT(seq, 0, UINT64_MAX)                                                                                           \
    UINT(status, 0, 255)       /* kq_status */                                                                         \
    TEXT(detail, 0, 512)       /* what and where, never a secret; empty when status says it all */                     \
    UINT(wait_ms, 0, 86400000) /* with KQ_ERR_WAIT */                                                                  \
    BYTES(results, 0, 120000)  /* empty unless status is KQ_OK */
KQ_RECORD_DECLARE(kq_reply, KQ_REPLY_FIELDS);

/* ---- about the module -------------------------------------------------- */

#define KQ_HELLO_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    UINT(protocol, 1, 255)                                                                                             \
    TEXT(client, 0, 64) /* program name, for the log */
KQ_RECORD_DECLARE(kq_hello_request, KQ_HELLO_REQUEST_FIELDS);
#define KQ_HELLO_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                                 \
    UINT(protocol, 1, 255)                                                                                             \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    UINT(uid, 0, 0xffffffff) /* of this connection, as the module read it */                                           \
    UINT(roles, 0, 255)
KQ_RECORD_DECLARE(kq_hello_reply, KQ_HELLO_REPLY_FIELDS);

/* enquiry, nfkminfo, keyquay hsm status */
#define KQ_STATUS_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    TEXT(version, 1, 32)                                                                                               \
    TEXT(key_protection, 1, 64)      /* "device key file", "none (one user)", ... */                                   \
    TEXT(rollback_protection, 1, 64) /* "none" */                                                                      \
    TEXT(memory, 1, 64)              /* "locked" or "not locked (--allow-unlocked)" */                                 \
    BYTES(module_public, 1, KQ_PUBLIC_MAX)                                                                             \
    BYTES(warrant, 0, KQ_CERT_MAX)                                                                                     \
    BYTES(root, 0, KQ_CERT_MAX)                                                                                        \
    UINT(world_kind, 0, 3) /* 0: no world */                                                                           \
    BYTES(world_file, 0, KQ_WORLD_FILE_MAX)                                                                            \
    BYTES(module_state, 0, KQ_SIGNED_MAX) /* kq_signed over kq_module_state; empty without a world */                  \
    UINT(workers, 1, 1024)                                                                                             \
    UINT(queue_len, 0, UINT64_MAX)                                                                                     \
    UINT(uptime_s, 0, UINT64_MAX)                                                                                      \
    UINT(num_sessions, 0, UINT64_MAX)                                                                                  \
    UINT(num_handles, 0, UINT64_MAX)                                                                                   \
    UINT(arena_used, 0, UINT64_MAX)                                                                                    \
    UINT(arena_size, 0, UINT64_MAX)                                                                                    \
    UINT(audit_records, 0, UINT64_MAX)
KQ_RECORD_DECLARE(kq_status_reply, KQ_STATUS_REPLY_FIELDS);

/* ---- a card quorum for one act ------------------------------------------ */

#define KQ_AUTH_BEGIN_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                          \
    UINT(op, 1, 255)                                                                                                   \
    BYTES(params_hash, KQ_HASH_LEN, KQ_HASH_LEN) /* SHA-256 of the params that will be sent with the act */            \
    BYTES(world_file, 0, KQ_WORLD_FILE_MAX)      /* WORLD_PROGRAM: whose cards; else empty */
KQ_RECORD_DECLARE(kq_auth_begin_request, KQ_AUTH_BEGIN_REQUEST_FIELDS);
#define KQ_AUTH_BEGIN_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                            \
    UINT(authority, 1, UINT64_MAX)                                                                                     \
    BYTES(card_set, 16, 16)                                                                                            \
    UINT(quorum, 1, KQ_ACS_MAX)                                                                                        \
    UINT(num_cards, 1, KQ_ACS_MAX)                                                                                     \
    UINT(expires_s, 1, 3600) /* from now */
KQ_RECORD_DECLARE(kq_auth_begin_reply, KQ_AUTH_BEGIN_REPLY_FIELDS);

#define KQ_AUTH_CARD_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                           \
    UINT(authority, 1, UINT64_MAX)                                                                                     \
    BYTES(card, 1, KQ_CARD_MAX) /* the card file */                                                                    \
    BYTES(card_key, 32, 32)     /* scrypt of the passphrase with the card's parameters */
KQ_RECORD_DECLARE(kq_auth_card_request, KQ_AUTH_CARD_REQUEST_FIELDS);
#define KQ_AUTH_CARD_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                             \
    UINT(index, 1, KQ_ACS_MAX)                                                                                         \
    UINT(num_missing, 0, KQ_ACS_MAX)
KQ_RECORD_DECLARE(kq_auth_card_reply, KQ_AUTH_CARD_REPLY_FIELDS);

#define KQ_AUTH_CANCEL_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST) UINT(authority, 1, UINT64_MAX)
KQ_RECORD_DECLARE(kq_auth_cancel_request, KQ_AUTH_CANCEL_REQUEST_FIELDS);

/* cardpp --check, --change: no quorum, the card's own passphrase */
#define KQ_CARD_CHECK_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                          \
    BYTES(card, 1, KQ_CARD_MAX)                                                                                        \
    BYTES(card_key, 32, 32)
KQ_RECORD_DECLARE(kq_card_check_request, KQ_CARD_CHECK_REQUEST_FIELDS);
#define KQ_CARD_CHANGE_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                         \
    BYTES(card, 1, KQ_CARD_MAX)                                                                                        \
    BYTES(card_key, 32, 32)                                                                                            \
    UINT(new_scrypt_log2_n, 10, 20)                                                                                    \
    UINT(new_scrypt_r, 8, 8)                                                                                           \
    UINT(new_scrypt_p, 1, 4)                                                                                           \
    BYTES(new_scrypt_salt, 32, 32)                                                                                     \
    BYTES(new_card_key, 32, 32)
KQ_RECORD_DECLARE(kq_card_change_request, KQ_CARD_CHANGE_REQUEST_FIELDS);
#define KQ_CARD_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                                  \
    UINT(index, 1, KQ_ACS_MAX)                                                                                         \
    BYTES(card, 0, KQ_CARD_MAX) /* the new card file; empty for CARD_CHECK */
KQ_RECORD_DECLARE(kq_card_reply, KQ_CARD_REPLY_FIELDS);

/* ---- worlds --------------------------------------------------------------- */

/* Making a world: BEGIN, one CARD per card, COMMIT, all in one session.
 * Nothing is kept before COMMIT is acknowledged. */
#define KQ_WORLD_CREATE_BEGIN_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                  \
    UINT(kind, 1, 3)                                                                                                   \
    TEXT(suite, 1, 40)                                                                                                 \
    UINT(quorum, 1, KQ_ACS_MAX)                                                                                        \
    UINT(num_cards, 1, KQ_ACS_MAX)                                                                                     \
    UINT(recovery, 0, 1)                  /* 0 for a region's and a factory's world */                                 \
    BYTES(replaces_hknso, 0, KQ_HASH_LEN) /* over a loaded world: its hknso, else empty */
KQ_RECORD_DECLARE(kq_world_create_begin_request, KQ_WORLD_CREATE_BEGIN_REQUEST_FIELDS);
#define KQ_WORLD_CREATE_BEGIN_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                    \
    UINT(creation, 1, UINT64_MAX)                                                                                      \
    BYTES(card_set, 16, 16)                                                                                            \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)
KQ_RECORD_DECLARE(kq_world_create_begin_reply, KQ_WORLD_CREATE_BEGIN_REPLY_FIELDS);
#define KQ_WORLD_CREATE_CARD_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                   \
    UINT(creation, 1, UINT64_MAX)                                                                                      \
    UINT(scrypt_log2_n, 10, 20)                                                                                        \
    UINT(scrypt_r, 8, 8)                                                                                               \
    UINT(scrypt_p, 1, 4)                                                                                               \
    BYTES(scrypt_salt, 32, 32)                                                                                         \
    BYTES(card_key, 32, 32)
KQ_RECORD_DECLARE(kq_world_create_card_request, KQ_WORLD_CREATE_CARD_REQUEST_FIELDS);
#define KQ_WORLD_CREATE_COMMIT_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST) UINT(creation, 1, UINT64_MAX)
KQ_RECORD_DECLARE(kq_world_create_commit_request, KQ_WORLD_CREATE_COMMIT_REQUEST_FIELDS);
#define KQ_WORLD_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                                 \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                             \
    BYTES(world_file, 1, KQ_WORLD_FILE_MAX)
KQ_RECORD_DECLARE(kq_world_reply, KQ_WORLD_REPLY_FIELDS);

/* Loading an owner's world on this module. Authority: K of the world's cards. */
#define KQ_WORLD_PROGRAM_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                       \
    BYTES(world_file, 1, KQ_WORLD_FILE_MAX)                                                                            \
    BYTES(replaces_hknso, 0, KQ_HASH_LEN)
KQ_RECORD_DECLARE(kq_world_program_request, KQ_WORLD_PROGRAM_REQUEST_FIELDS);

/* Forgetting the world (and the module's lists and counters of it). */
#define KQ_WORLD_FORGET_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST) BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)
KQ_RECORD_DECLARE(kq_world_forget_request, KQ_WORLD_FORGET_REQUEST_FIELDS);

/* A second module joins a region's world: REQUEST (new module), ADMIT (member,
 * under its quorum), JOIN (new module). Each hands over one opaque file. */
#define KQ_FILE_FIELDS(UINT, BYTES, TEXT, LIST) BYTES(file, 1, KQ_PACKAGE_MAX)
KQ_RECORD_DECLARE(kq_file, KQ_FILE_FIELDS);

/* ---- trust ------------------------------------------------------------------ */

enum kq_trust_list { KQ_TRUST_ROOTS = 1, KQ_TRUST_WORLDS = 2 };
enum kq_trust_change { KQ_TRUST_ADD = 1, KQ_TRUST_REMOVE = 2 };
#define KQ_TRUST_LIST_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST) UINT(list, 1, 2)
KQ_RECORD_DECLARE(kq_trust_list_request, KQ_TRUST_LIST_REQUEST_FIELDS);
#define KQ_TRUST_LIST_REPLY_FIELDS(UINT, BYTES, TEXT, LIST) LIST(entries, 0, 64) /* kq_trust_entry each */
KQ_RECORD_DECLARE(kq_trust_list_reply, KQ_TRUST_LIST_REPLY_FIELDS);
#define KQ_TRUST_ENTRY_FIELDS(UINT, BYTES, TEXT, LIST)                                                                 \
    BYTES(hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                              \
    TEXT(label, 0, 128) /* subject of the root, region of the world, where known */                                    \
    UINT(rehearsal, 0, 1)                                                                                              \
    UINT(generation, 0, 0xffffffff) /* worlds: newest region generation seen */                                        \
    UINT(since, 0, 253402300799)
KQ_RECORD_DECLARE(kq_trust_entry, KQ_TRUST_ENTRY_FIELDS);
/* Authority: quorum of the loaded world. */
#define KQ_TRUST_CHANGE_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                        \
    UINT(list, 1, 2)                                                                                                   \
    UINT(change, 1, 2)                                                                                                 \
    BYTES(hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                              \
    TEXT(label, 0, 128)                                                                                                \
    UINT(rehearsal, 0, 1) /* the officer was told by name that this root is a rehearsal */
KQ_RECORD_DECLARE(kq_trust_change_request, KQ_TRUST_CHANGE_REQUEST_FIELDS);

/* ---- keys -------------------------------------------------------------------- */

enum kq_key_option { KQ_KEYOPT_RECOVERY = 0x1 };
#define KQ_KEY_GENERATE_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                        \
    TEXT(application, 1, 80)                                                                                           \
    TEXT(ident, 1, 80)                                                                                                 \
    UINT(key_type, 1, 6)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(public_exponent, 0, UINT64_MAX) /* RSA; 0: 65537 */                                                           \
    UINT(options, 0, 1)                                                                                                \
    UINT(use_limit, 0, 0xffffffff)    /* uses of the private key, counted in this module; 0: none */                   \
    UINT(time_limit_s, 0, 0xffffffff) /* after each load; 0: none */
KQ_RECORD_DECLARE(kq_key_generate_request, KQ_KEY_GENERATE_REQUEST_FIELDS);
#define KQ_KEY_IMPORT_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                          \
    TEXT(application, 1, 80)                                                                                           \
    TEXT(ident, 1, 80)                                                                                                 \
    BYTES(clear_key, 1, 16384) /* PEM or DER of PKCS#8, PKCS#1 or SEC 1, as the file held it; the module decodes it */ \
    UINT(options, 0, 1)                                                                                                \
    UINT(use_limit, 0, 0xffffffff)                                                                                     \
    UINT(time_limit_s, 0, 0xffffffff)
KQ_RECORD_DECLARE(kq_key_import_request, KQ_KEY_IMPORT_REQUEST_FIELDS);
#define KQ_KEY_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                                   \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(recovery_blob, 0, 12288)                                                                                     \
    BYTES(public_key, 0, KQ_PUBLIC_MAX)                                                                                \
    BYTES(certificate, 0, KQ_SIGNED_MAX) /* kq_signed over kq_keygen */                                                \
    UINT(replaced, 0, 1)
KQ_RECORD_DECLARE(kq_key_reply, KQ_KEY_REPLY_FIELDS);

#define KQ_KEY_LOAD_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                            \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX) /* where the caller found it; another place in the blob is refused */
KQ_RECORD_DECLARE(kq_key_load_request, KQ_KEY_LOAD_REQUEST_FIELDS);
#define KQ_KEY_LOAD_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                              \
    UINT(handle, 1, UINT64_MAX)                                                                                        \
    UINT(key_type, 1, 7)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(origin, 1, 4)                                                                                                 \
    BYTES(public_key, 0, KQ_PUBLIC_MAX)
KQ_RECORD_DECLARE(kq_key_load_reply, KQ_KEY_LOAD_REPLY_FIELDS);
#define KQ_HANDLE_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST) UINT(handle, 1, UINT64_MAX)
KQ_RECORD_DECLARE(kq_handle_request, KQ_HANDLE_REQUEST_FIELDS);
/* needs GetACL in the key's ACL */
#define KQ_KEY_ACL_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    UINT(key_type, 1, 7)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(origin, 1, 4)                                                                                                 \
    BYTES(acl, 1, KQ_ACL_MAX)                                                                                          \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    LIST(uses_left, 0, 64) /* 8 bytes big-endian for each GLOBAL limit, in ACL order */
KQ_RECORD_DECLARE(kq_key_acl_reply, KQ_KEY_ACL_REPLY_FIELDS);
#define KQ_HANDLE_LIST_REPLY_FIELDS(UINT, BYTES, TEXT, LIST) LIST(handles, 0, 1024) /* 8 bytes big-endian each */
KQ_RECORD_DECLARE(kq_handle_list_reply, KQ_HANDLE_LIST_REPLY_FIELDS);

#define KQ_SIGN_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    UINT(handle, 1, UINT64_MAX)                                                                                        \
    UINT(mechanism, 1, 255)                                                                                            \
    BYTES(digest, 0, 501) /* RSA_PKCS1_RAW: what is signed as it stands, at most modulus - 11 bytes */
KQ_RECORD_DECLARE(kq_sign_request, KQ_SIGN_REQUEST_FIELDS);
/* AES_GCM encrypts in the module; RSA encryption is public and not asked for here. */
#define KQ_CRYPT_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                               \
    UINT(handle, 1, UINT64_MAX)                                                                                        \
    UINT(mechanism, 1, 255)                                                                                            \
    BYTES(data, 0, KQ_DATA_MAX)                                                                                        \
    BYTES(aad, 0, 4096)
KQ_RECORD_DECLARE(kq_crypt_request, KQ_CRYPT_REQUEST_FIELDS);
#define KQ_BYTES_REPLY_FIELDS(UINT, BYTES, TEXT, LIST) BYTES(bytes, 0, KQ_DATA_MAX + 64)
KQ_RECORD_DECLARE(kq_bytes_reply, KQ_BYTES_REPLY_FIELDS);

/* Rebuilding a working blob from a recovery blob. Authority: quorum. */
#define KQ_KEY_RECOVER_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                         \
    BYTES(recovery_blob, 1, 12288)                                                                                     \
    BYTES(place, 1, KQ_PLACE_MAX)
KQ_RECORD_DECLARE(kq_key_recover_request, KQ_KEY_RECOVER_REQUEST_FIELDS);

/* ---- keys of a vault, in a region's world ------------------------------------------ */

/* What a vault's key is for: its ACL's template, fixed for ever. */
enum kq_vault_purpose {
    KQ_VAULT_PURPOSE_USE = 1,    /* template 1: the uses that fit its type */
    KQ_VAULT_PURPOSE_IMPORT = 2, /* an import KEK: the exchange-key template for the profile AZURE_BYOK; RSA only */
};
#define KQ_VAULT_KEY_GENERATE_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                  \
    TEXT(subscription, 36, 36)                                                                                         \
    TEXT(vault, 1, 63)                                                                                                 \
    TEXT(key_name, 1, 127)                                                                                             \
    TEXT(key_version, 32, 32)                                                                                          \
    UINT(key_type, 1, 5)                                                                                               \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(public_exponent, 0, UINT64_MAX) /* RSA; 0: 65537 */                                                           \
    UINT(purpose, 1, 2)
KQ_RECORD_DECLARE(kq_vault_key_generate_request, KQ_VAULT_KEY_GENERATE_REQUEST_FIELDS);
/* A key that was in the clear before it came: the members of a JSON Web Key as
 * the caller got them, base64url, decoded here and nowhere before. RSA: n, e,
 * d, p, q (dp, dq, qi may be empty, and must fit otherwise); EC: x, y, d, which
 * may be shorter than the curve's octets (leading zeros left out). */
#define KQ_JWK_MEMBER_MAX 700u /* base64url of 512 bytes, and room for zeros in front */
#define KQ_VAULT_KEY_IMPORT_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                    \
    TEXT(subscription, 36, 36)                                                                                         \
    TEXT(vault, 1, 63)                                                                                                 \
    TEXT(key_name, 1, 127)                                                                                             \
    TEXT(key_version, 32, 32)                                                                                          \
    UINT(key_type, 1, 5)                                                                                               \
    TEXT(n, 0, KQ_JWK_MEMBER_MAX)                                                                                      \
    TEXT(e, 0, KQ_JWK_MEMBER_MAX)                                                                                      \
    TEXT(d, 0, KQ_JWK_MEMBER_MAX)                                                                                      \
    TEXT(p, 0, KQ_JWK_MEMBER_MAX)                                                                                      \
    TEXT(q, 0, KQ_JWK_MEMBER_MAX)                                                                                      \
    TEXT(dp, 0, KQ_JWK_MEMBER_MAX)                                                                                     \
    TEXT(dq, 0, KQ_JWK_MEMBER_MAX)                                                                                     \
    TEXT(qi, 0, KQ_JWK_MEMBER_MAX)                                                                                     \
    TEXT(x, 0, KQ_JWK_MEMBER_MAX)                                                                                      \
    TEXT(y, 0, KQ_JWK_MEMBER_MAX)
KQ_RECORD_DECLARE(kq_vault_key_import_request, KQ_VAULT_KEY_IMPORT_REQUEST_FIELDS);
/* A backed-up version comes back: the same key, name, version, subscription
 * and world, perhaps in another vault. Only the vault of its place changes. */
#define KQ_VAULT_KEY_RESTORE_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                   \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX) /* where it was when it was backed up */                                             \
    TEXT(vault, 1, 63)
KQ_RECORD_DECLARE(kq_vault_key_restore_request, KQ_VAULT_KEY_RESTORE_REQUEST_FIELDS);
#define KQ_VAULT_KEY_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                             \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(public_key, 1, KQ_PUBLIC_MAX)                                                                                \
    UINT(bits, 112, 16384)                                                                                             \
    UINT(origin, 1, 4)                                                                                                 \
    BYTES(certificate, 1, KQ_SIGNED_MAX) /* kq_signed over kq_keygen */
KQ_RECORD_DECLARE(kq_vault_key_reply, KQ_VAULT_KEY_REPLY_FIELDS);

/* ---- the transfer ---------------------------------------------------------------- */

/* -ModifyAcls. Authority: quorum. Hashes typed by the officer for a root or
 * world that is not trusted yet join the lists in the same act. */
#define KQ_TRANSFER_COPY_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                       \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(kek_package, 1, KQ_PACKAGE_MAX)                                                                              \
    BYTES(world_package, 1, KQ_PACKAGE_MAX)                                                                            \
    BYTES(trust_root, 0, KQ_HASH_LEN)                                                                                  \
    BYTES(trust_world, 0, KQ_HASH_LEN)                                                                                 \
    UINT(trust_rehearsal, 0, 1)                                                                                        \
    UINT(not_after, 1, 253402300799)
KQ_RECORD_DECLARE(kq_transfer_copy_request, KQ_TRANSFER_COPY_REQUEST_FIELDS);

/* -Package. No cards: the copy's ACL carries the permission. */
#define KQ_TRANSFER_PACKAGE_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                    \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(kek_package, 1, KQ_PACKAGE_MAX)                                                                              \
    BYTES(world_package, 1, KQ_PACKAGE_MAX)                                                                            \
    TEXT(subscription, 36, 36)                                                                                         \
    TEXT(friendly_name, 1, 127)                                                                                        \
    UINT(not_after, 0, 253402300799) /* 0: as late as the copy allows; never later */
KQ_RECORD_DECLARE(kq_transfer_package_request, KQ_TRANSFER_PACKAGE_REQUEST_FIELDS);
#define KQ_TRANSFER_PACKAGE_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                      \
    BYTES(package, 1, KQ_TRANSFER_PACKAGE_FILE_MAX)                                                                    \
    BYTES(receipt, 1, KQ_PACKAGE_MAX) /* kq_receipt_file */
KQ_RECORD_DECLARE(kq_transfer_package_reply, KQ_TRANSFER_PACKAGE_REPLY_FIELDS);

/* A region's exchange key and both packages. Authority: the region's quorum. */
#define KQ_EXCHANGE_CREATE_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                     \
    TEXT(region, 1, KQ_REGION_MAX)                                                                                     \
    TEXT(operator_name, 1, 128)                                                                                        \
    TEXT(vault_suffix, 1, 255)                                                                                         \
    UINT(generation, 1, 0xffffffff)                                                                                    \
    UINT(bits, 2048, 4096)                                                                                             \
    UINT(not_after, 1, 253402300799)
KQ_RECORD_DECLARE(kq_exchange_create_request, KQ_EXCHANGE_CREATE_REQUEST_FIELDS);
#define KQ_EXCHANGE_CREATE_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                       \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(public_key, 1, KQ_PUBLIC_MAX)                                                                                \
    BYTES(certificate, 1, KQ_SIGNED_MAX)                                                                               \
    BYTES(kek_package, 1, KQ_PACKAGE_MAX)                                                                              \
    BYTES(world_package, 1, KQ_PACKAGE_MAX)
KQ_RECORD_DECLARE(kq_exchange_create_reply, KQ_EXCHANGE_CREATE_REPLY_FIELDS);

enum kq_origin_policy { KQ_ORIGIN_POLICY_ANY = 1, KQ_ORIGIN_POLICY_ATTESTED = 2 };
#define KQ_TRANSFER_IMPORT_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                     \
    BYTES(kek_blob, 1, 12288)                                                                                          \
    BYTES(kek_place, 1, KQ_PLACE_MAX)                                                                                  \
    BYTES(kek_certificate, 1, KQ_SIGNED_MAX) /* as EXCHANGE_CREATE returned it */                                      \
    BYTES(package, 1, KQ_TRANSFER_PACKAGE_FILE_MAX)                                                                    \
    TEXT(subscription, 36, 36)                                                                                         \
    TEXT(vault, 1, 63)                                                                                                 \
    TEXT(key_name, 1, 127)                                                                                             \
    TEXT(key_version, 32, 32)                                                                                          \
    UINT(origin_policy, 1, 2)
KQ_RECORD_DECLARE(kq_transfer_import_request, KQ_TRANSFER_IMPORT_REQUEST_FIELDS);
#define KQ_TRANSFER_IMPORT_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                       \
    BYTES(blob, 1, 12288)                                                                                              \
    BYTES(place, 1, KQ_PLACE_MAX)                                                                                      \
    BYTES(public_key, 1, KQ_PUBLIC_MAX)                                                                                \
    UINT(origin, 3, 4)                                                                                                 \
    BYTES(receipt, 1, KQ_PACKAGE_MAX)
KQ_RECORD_DECLARE(kq_transfer_import_reply, KQ_TRANSFER_IMPORT_REPLY_FIELDS);

/* ---- enrolment and the manufacturer ------------------------------------------------ */

#define KQ_ENROL_INSTALL_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                       \
    BYTES(warrant, 1, KQ_CERT_MAX)                                                                                     \
    BYTES(root, 1, KQ_CERT_MAX)
KQ_RECORD_DECLARE(kq_enrol_install_request, KQ_ENROL_INSTALL_REQUEST_FIELDS);
/* Authority for both: the factory's quorum. */
#define KQ_FACTORY_ROOT_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                        \
    TEXT(name, 1, 64)                                                                                                  \
    UINT(rehearsal, 0, 1)                                                                                              \
    UINT(not_after, 1, 253402300799)
KQ_RECORD_DECLARE(kq_factory_root_request, KQ_FACTORY_ROOT_REQUEST_FIELDS);
#define KQ_FACTORY_WARRANT_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                     \
    BYTES(enrolment, 1, KQ_CERT_MAX) /* PKCS#10 from ENROL_REQUEST */                                                  \
    UINT(not_after, 1, 253402300799)
KQ_RECORD_DECLARE(kq_factory_warrant_request, KQ_FACTORY_WARRANT_REQUEST_FIELDS);

/* ---- audit, roles ------------------------------------------------------------------------ */

/* A signed head over everything acknowledged so far. */
#define KQ_AUDIT_HEAD_REPLY_FIELDS(UINT, BYTES, TEXT, LIST)                                                            \
    BYTES(head, 1, KQ_SIGNED_MAX)                                                                                      \
    BYTES(signer_public, 1, KQ_PUBLIC_MAX)
KQ_RECORD_DECLARE(kq_audit_head_reply, KQ_AUDIT_HEAD_REPLY_FIELDS);

/* A record of a trusted peer (keyvaultd), durable before it is answered. */
#define KQ_AUDIT_APPEND_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                        \
    TEXT(event, 1, 64)                                                                                                 \
    TEXT(peer, 0, 128)                                                                                                 \
    BYTES(place, 0, KQ_PLACE_MAX)                                                                                      \
    TEXT(detail, 0, 256)
KQ_RECORD_DECLARE(kq_audit_append_request, KQ_AUDIT_APPEND_REQUEST_FIELDS);

enum kq_role { KQ_ROLE_USE = 0x1, KQ_ROLE_ADMIN = 0x2, KQ_ROLE_VAULT = 0x4 };
#define KQ_PEER_SET_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                            \
    UINT(uid, 0, 0xffffffff)                                                                                           \
    UINT(roles, 0, 7) /* 0: forgotten */
KQ_RECORD_DECLARE(kq_peer_set_request, KQ_PEER_SET_REQUEST_FIELDS);

/* ---- the table: number, name, params, results -------------------------------------------- */

#define KQ_OPERATIONS(X)                                                                                               \
    X(1, HELLO, hello, kq_hello_request, kq_hello_reply)                                                               \
    X(2, STATUS, status, kq_nothing, kq_status_reply)                                                                  \
    X(10, AUTH_BEGIN, auth_begin, kq_auth_begin_request, kq_auth_begin_reply)                                          \
    X(11, AUTH_CARD, auth_card, kq_auth_card_request, kq_auth_card_reply)                                              \
    X(12, AUTH_CANCEL, auth_cancel, kq_auth_cancel_request, kq_nothing)                                                \
    X(13, CARD_CHECK, card_check, kq_card_check_request, kq_card_reply)                                                \
    X(14, CARD_CHANGE, card_change, kq_card_change_request, kq_card_reply)                                             \
    X(20, WORLD_CREATE_BEGIN, world_create_begin, kq_world_create_begin_request, kq_world_create_begin_reply)          \
    X(21, WORLD_CREATE_CARD, world_create_card, kq_world_create_card_request, kq_card_reply)                           \
    X(22, WORLD_CREATE_COMMIT, world_create_commit, kq_world_create_commit_request, kq_world_reply)                    \
    X(23, WORLD_PROGRAM, world_program, kq_world_program_request, kq_world_reply)                                      \
    X(24, WORLD_FORGET, world_forget, kq_world_forget_request, kq_nothing)                                             \
    X(25, WORLD_JOIN_REQUEST, world_join_request, kq_nothing, kq_file)                                                 \
    X(26, WORLD_ADMIT, world_admit, kq_file, kq_file)                                                                  \
    X(27, WORLD_JOIN, world_join, kq_file, kq_world_reply)                                                             \
    X(30, TRUST_LIST, trust_list, kq_trust_list_request, kq_trust_list_reply)                                          \
    X(31, TRUST_CHANGE, trust_change, kq_trust_change_request, kq_nothing)                                             \
    X(40, KEY_GENERATE, key_generate, kq_key_generate_request, kq_key_reply)                                           \
    X(41, KEY_IMPORT, key_import, kq_key_import_request, kq_key_reply)                                                 \
    X(42, KEY_LOAD, key_load, kq_key_load_request, kq_key_load_reply)                                                  \
    X(43, KEY_UNLOAD, key_unload, kq_handle_request, kq_nothing)                                                       \
    X(44, KEY_ACL, key_acl, kq_handle_request, kq_key_acl_reply)                                                       \
    X(45, HANDLE_LIST, handle_list, kq_nothing, kq_handle_list_reply)                                                  \
    X(46, SIGN, sign, kq_sign_request, kq_bytes_reply)                                                                 \
    X(47, ENCRYPT, encrypt, kq_crypt_request, kq_bytes_reply)                                                          \
    X(48, DECRYPT, decrypt, kq_crypt_request, kq_bytes_reply)                                                          \
    X(49, KEY_RECOVER, key_recover, kq_key_recover_request, kq_key_reply)                                              \
    X(50, VAULT_KEY_GENERATE, vault_key_generate, kq_vault_key_generate_request, kq_vault_key_reply)                   \
    X(51, VAULT_KEY_IMPORT, vault_key_import, kq_vault_key_import_request, kq_vault_key_reply)                         \
    X(52, VAULT_KEY_RESTORE, vault_key_restore, kq_vault_key_restore_request, kq_vault_key_reply)                      \
    X(60, TRANSFER_COPY, transfer_copy, kq_transfer_copy_request, kq_key_reply)                                        \
    X(61, TRANSFER_PACKAGE, transfer_package, kq_transfer_package_request, kq_transfer_package_reply)                  \
    X(62, EXCHANGE_CREATE, exchange_create, kq_exchange_create_request, kq_exchange_create_reply)                      \
    X(63, TRANSFER_IMPORT, transfer_import, kq_transfer_import_request, kq_transfer_import_reply)                      \
    X(80, ENROL_REQUEST, enrol_request, kq_nothing, kq_file)                                                           \
    X(81, ENROL_INSTALL, enrol_install, kq_enrol_install_request, kq_nothing)                                          \
    X(82, FACTORY_ROOT, factory_root, kq_factory_root_request, kq_file)                                                \
    X(83, FACTORY_WARRANT, factory_warrant, kq_factory_warrant_request, kq_file)                                       \
    X(90, AUDIT_HEAD, audit_head, kq_nothing, kq_audit_head_reply)                                                     \
    X(91, AUDIT_APPEND, audit_append, kq_audit_append_request, kq_nothing)                                             \
    X(92, PEER_SET, peer_set, kq_peer_set_request, kq_nothing)

#define KQ_OP_ENUM_(number, NAME, name, params, results) KQ_OP_##NAME = (number),
enum kq_op { KQ_OPERATIONS(KQ_OP_ENUM_) };

struct kq_operation {
    enum kq_op op;
    const char *name; /* "key-load" */
    const struct kq_record_type *params;
    const struct kq_record_type *results;
};

/* NULL for a number that is no operation. */
const struct kq_operation *kq_operation_find(uint64_t op);

/* All operations, for tests and for the module's dispatch table. */
extern const struct kq_operation kq_operations[];
extern const size_t kq_num_operations;

#endif
