#ifndef KQ_PUBCRYPTO_PUBLIC_KEY_H
#define KQ_PUBCRYPTO_PUBLIC_KEY_H

#include "base/algorithms.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* A public key we accept: RSA 1024-16384, P-256, P-384, P-521, secp256k1, DSA. */
struct kq_public_key;

/* Reads a DER SubjectPublicKeyInfo; refuses trailing bytes, other
 * algorithms, points off the curve and encodings that are not the canonical
 * one (re-encoding must give the same bytes, so that one key has one hash).
 * Errors: KQ_ERR_FORMAT, KQ_ERR_UNSUPPORTED. */
KQ_MUST_CHECK kq_status kq_public_key_new(struct kq_slice spki, struct kq_public_key **out);
void kq_public_key_free(struct kq_public_key *key);
KQ_AUTO_DEFINE(kq_public_key);

enum kq_key_type kq_public_key_type(const struct kq_public_key *key);
uint64_t kq_public_key_bits(const struct kq_public_key *key);

/* Verifies a statement signature: P-384 with SHA-384, P-521 with SHA-512, DSA
 * with SHA-256; other keys sign no statements (KQ_ERR_UNSUPPORTED). DER
 * signatures. Errors: KQ_ERR_SIGNATURE. */
KQ_MUST_CHECK kq_status kq_public_key_verify_statement(const struct kq_public_key *key, struct kq_slice message,
                                                       struct kq_slice signature);

/* Verifies a signature over a digest by a kq_mechanism; with RSA_PKCS1_RAW the
 * digest is whatever was signed, at most the modulus - 11 bytes.
 * Errors: KQ_ERR_SIGNATURE, KQ_ERR_ARGUMENT (mechanism, digest length and key do not fit). */
KQ_MUST_CHECK kq_status kq_public_key_verify(const struct kq_public_key *key, uint64_t mechanism,
                                             struct kq_slice digest, struct kq_slice signature);

/* RSA-OAEP encryption with hash for digest and MGF1 and an optional label.
 * Appends to out.  Errors: KQ_ERR_ARGUMENT (not RSA, too long). */
KQ_MUST_CHECK kq_status kq_public_key_oaep(const struct kq_public_key *key, uint64_t mechanism, struct kq_slice label,
                                           struct kq_slice data, struct kq_buffer *out);

/* RSA PKCS #1 v1.5 encryption of at most the modulus - 11 bytes. Appends to
 * out.  Errors: KQ_ERR_ARGUMENT (not RSA, too long).  Source: RFC 8017 7.2.1 */
KQ_MUST_CHECK kq_status kq_public_key_pkcs1_encrypt(const struct kq_public_key *key, struct kq_slice data,
                                                    struct kq_buffer *out);

/* The genuine nCore key hash (SHA-1, pubcrypto/ncore_hash.h) of an RSA, DSA or EC
 * key; printed beside ours in worlds of the DLf1024 suites, decides nothing. */
KQ_MUST_CHECK kq_status kq_public_key_ncore_hash(const struct kq_public_key *key, uint8_t out[20]);

#endif
