#ifndef HSM_WORLD_STATE_FORMAT_H
#define HSM_WORLD_STATE_FORMAT_H

#include "wire/messages.h"

/* The plain form of a module's state, which exists inside the module only
 * (docs/formats/module-files.md 4); hsm/state holds it sealed. */

#define HSM_STATE_FIELDS(UINT, BYTES, TEXT, LIST)                                                                      \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    BYTES(module_key, 1, KQ_PRIVATE_MAX) /* P-384, PKCS#8 */                                                           \
    BYTES(warrant, 0, KQ_CERT_MAX)                                                                                     \
    BYTES(root, 0, KQ_CERT_MAX)                                                                                        \
    BYTES(world, 0, KQ_WORLD_FILE_MAX + 16384) /* hsm_state_world; empty: no world */                                  \
    BYTES(factory_root, 0, KQ_PRIVATE_MAX)     /* P-384, PKCS#8 */                                                     \
    BYTES(factory_root_certificate, 0, KQ_CERT_MAX)                                                                    \
    LIST(roots, 0, 64)         /* hsm_state_trusted each */                                                            \
    LIST(worlds, 0, 64)        /* hsm_state_trusted each */                                                            \
    LIST(former_worlds, 0, 64) /* hsm_state_trusted each, oldest first */                                              \
    LIST(peers, 0, 16)         /* hsm_state_peer each */                                                               \
    LIST(attempts, 0, 128)     /* hsm_state_attempts each */                                                           \
    LIST(counters, 0, 1024)    /* hsm_state_counter each */                                                            \
    LIST(outcomes, 0, 16)      /* hsm_state_outcome each, oldest first */                                              \
    UINT(audit_num_records, 0, UINT64_MAX)                                                                             \
    LIST(audit_levels, 0, 64) /* one hash per set bit of audit_num_records, lowest first */                            \
    BYTES(audit_pending, 0, 128u * 1024)                                                                               \
    UINT(audit_log_len, 0, INT64_MAX)
KQ_RECORD_DECLARE(hsm_state_record, HSM_STATE_FIELDS);

#define HSM_STATE_WORLD_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    UINT(kind, 1, 3)                                                                                                   \
    TEXT(suite, 1, 40)                                                                                                 \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                             \
    BYTES(hkm, KQ_HASH_LEN, KQ_HASH_LEN)                                                                               \
    BYTES(km, 32, 32)                                                                                                  \
    BYTES(hkre, 0, KQ_HASH_LEN) /* empty: no recovery */                                                               \
    BYTES(card_set, 16, 16)                                                                                            \
    UINT(quorum, 1, KQ_ACS_MAX)                                                                                        \
    UINT(num_cards, 1, KQ_ACS_MAX)                                                                                     \
    BYTES(quorum_check, 32, 32)                                                                                        \
    BYTES(commitments, 32, 32 * KQ_ACS_MAX)                                                                            \
    BYTES(world_file, 0, KQ_WORLD_FILE_MAX)                                                                            \
    UINT(knso_type, 0, 7) /* 0: kept in the world file only (an owner's world) */                                      \
    BYTES(knso, 0, KQ_PRIVATE_MAX)
KQ_RECORD_DECLARE(hsm_state_world, HSM_STATE_WORLD_FIELDS);

#define HSM_STATE_TRUSTED_FIELDS(UINT, BYTES, TEXT, LIST)                                                              \
    BYTES(hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                              \
    TEXT(label, 0, 128)                                                                                                \
    UINT(is_rehearsal, 0, 1)                                                                                           \
    UINT(generation, 0, UINT64_MAX)                                                                                    \
    UINT(since, 0, UINT64_MAX)
KQ_RECORD_DECLARE(hsm_state_trusted, HSM_STATE_TRUSTED_FIELDS);

#define HSM_STATE_PEER_FIELDS(UINT, BYTES, TEXT, LIST)                                                                 \
    UINT(uid, 0, 0xffffffff)                                                                                           \
    UINT(roles, 1, 7)
KQ_RECORD_DECLARE(hsm_state_peer, HSM_STATE_PEER_FIELDS);

#define HSM_STATE_ATTEMPTS_FIELDS(UINT, BYTES, TEXT, LIST)                                                             \
    BYTES(card_set, 16, 16)                                                                                            \
    UINT(index, 1, KQ_ACS_MAX)                                                                                         \
    UINT(failures, 0, 0xffffffff)                                                                                      \
    UINT(last_s, 0, UINT64_MAX)
KQ_RECORD_DECLARE(hsm_state_attempts, HSM_STATE_ATTEMPTS_FIELDS);

#define HSM_STATE_COUNTER_FIELDS(UINT, BYTES, TEXT, LIST)                                                              \
    BYTES(id, 20, 20)                                                                                                  \
    UINT(used, 0, UINT64_MAX)
KQ_RECORD_DECLARE(hsm_state_counter, HSM_STATE_COUNTER_FIELDS);

#define HSM_STATE_OUTCOME_FIELDS(UINT, BYTES, TEXT, LIST)                                                              \
    BYTES(request_id, KQ_REQUEST_ID_LEN, KQ_REQUEST_ID_LEN)                                                            \
    BYTES(params_hash, KQ_HASH_LEN, KQ_HASH_LEN)                                                                       \
    UINT(op, 1, 255)                                                                                                   \
    UINT(uid, 0, 0xffffffff) /* who acted */                                                                           \
    UINT(audit_index, 0, UINT64_MAX)                                                                                   \
    BYTES(results, 0, 120000)
KQ_RECORD_DECLARE(hsm_state_outcome, HSM_STATE_OUTCOME_FIELDS);

#endif
