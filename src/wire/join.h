#ifndef KQ_WIRE_JOIN_H
#define KQ_WIRE_JOIN_H

#include "wire/formats.h"

/* How a second module joins a region's world (docs/formats/join.md): it asks
 * with a request, a member answers with an admission under the world's
 * quorum, and both travel as files. */

/* What the new module signs. Only it can open resume: the private half of the
 * ephemeral key, so that nothing has to be remembered between the two calls. */
#define KQ_JOIN_REQUEST_FIELDS(UINT, BYTES, TEXT, LIST)                                                                \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)                                                                                  \
    BYTES(ephemeral_public, 1, KQ_PUBLIC_MAX) /* P-384 */                                                              \
    BYTES(salt, 32, 32)                                                                                                \
    BYTES(resume, 16, 1024) /* AES-256-SIV; associated data: ephemeral_public */                                       \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_join_request, KQ_JOIN_REQUEST_FIELDS);

#define KQ_JOIN_REQUEST_FILE_FIELDS(UINT, BYTES, TEXT, LIST)                                                           \
    BYTES(statement, 1, KQ_SIGNED_MAX) /* kq_signed over kq_join_request, by the new module */                         \
    BYTES(warrant, 1, KQ_CERT_MAX)                                                                                     \
    BYTES(root, 1, KQ_CERT_MAX)
KQ_RECORD_DECLARE(kq_join_request_file, KQ_JOIN_REQUEST_FILE_FIELDS);

/* What the member signs. */
#define KQ_JOIN_ADMISSION_FIELDS(UINT, BYTES, TEXT, LIST)                                                              \
    BYTES(request_hash, KQ_HASH_LEN, KQ_HASH_LEN) /* SHA-256 of the kq_signed request */                               \
    TEXT(esn, KQ_ESN_LEN, KQ_ESN_LEN)             /* who may join */                                                   \
    BYTES(hknso, KQ_HASH_LEN, KQ_HASH_LEN)                                                                             \
    BYTES(world_file, 1, 8192)                                                                                         \
    BYTES(ephemeral_public, 1, KQ_PUBLIC_MAX) /* the member's */                                                       \
    BYTES(salt, 32, 32)                                                                                                \
    BYTES(sealed, 0, 2048) /* the world's secrets under the shared secret; associated data: this with sealed empty */  \
    UINT(time, 0, 253402300799)
KQ_RECORD_DECLARE(kq_join_admission, KQ_JOIN_ADMISSION_FIELDS);

#define KQ_JOIN_ADMISSION_FILE_FIELDS(UINT, BYTES, TEXT, LIST)                                                         \
    BYTES(statement, 1, KQ_SIGNED_MAX) /* kq_signed over kq_join_admission, by the member */                           \
    BYTES(request, 1, KQ_SIGNED_MAX)   /* the kq_signed request it answers */                                          \
    BYTES(warrant, 1, KQ_CERT_MAX)     /* the member's */                                                              \
    BYTES(root, 1, KQ_CERT_MAX)
KQ_RECORD_DECLARE(kq_join_admission_file, KQ_JOIN_ADMISSION_FILE_FIELDS);

#endif
