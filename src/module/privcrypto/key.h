#ifndef HSM_PRIVCRYPTO_KEY_H
#define HSM_PRIVCRYPTO_KEY_H

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/slice.h"
#include "base/status.h"
#include "wire/messages.h"

/* A private or secret key in plaintext, in the arena. Reference counted and
 * immutable; safe to use from several threads. */
struct hsm_key;

/* A new key. bits counts for RSA and AES; public_exponent for RSA (0: 65537,
 * else odd, 65537..2^64-1).  RSA primes and EC keys are pairwise tested.
 * Errors: KQ_ERR_ARGUMENT, KQ_ERR_UNSUPPORTED, KQ_ERR_INTERNAL (self-test failed). */
KQ_MUST_CHECK kq_status hsm_key_generate(enum kq_key_type type, uint64_t bits, uint64_t public_exponent,
                                         struct hsm_key **out);
/* The two DSA groups of the DL suites: bits 1024 with a 160-bit subgroup, 3072 with 256. */
KQ_MUST_CHECK kq_status hsm_key_generate_dsa(uint64_t bits, struct hsm_key **out);

/* Opens PKCS#8 DER (or raw AES bytes) that the module itself sealed earlier. */
KQ_MUST_CHECK kq_status hsm_key_open(enum kq_key_type type, struct kq_slice bytes, struct hsm_key **out);
/* Reads a key that came from outside and validates all of it: RSA two primes,
 * n = pq, e, d, CRT values, primality, sizes; EC point and scalar.
 * Errors: KQ_ERR_AUTH for anything wrong (one code, used behind the unwrap). */
KQ_MUST_CHECK kq_status hsm_key_open_untrusted(enum kq_key_type type, uint64_t bits, struct kq_slice pkcs8,
                                               struct hsm_key **out);
/* Reads clear PEM or DER (PKCS#8, PKCS#1, SEC 1) of generatekey --import, with
 * the same validation.  Errors: KQ_ERR_FORMAT, KQ_ERR_UNSUPPORTED, KQ_ERR_ARGUMENT (validation). */
KQ_MUST_CHECK kq_status hsm_key_open_clear(struct kq_slice clear, struct hsm_key **out);

struct hsm_key *hsm_key_hold(struct hsm_key *key); /* one more reference */
void hsm_key_free(struct hsm_key *key);            /* one less; wiped at the last */
KQ_AUTO_DEFINE(hsm_key);

enum kq_key_type hsm_key_type(const struct hsm_key *key);
uint64_t hsm_key_bits(const struct hsm_key *key);
/* SubjectPublicKeyInfo (empty for AES), borrowed for the key's life. */
struct kq_slice hsm_key_public(const struct hsm_key *key);
/* SHA-256 of it; zeros for AES. */
void hsm_key_public_hash(const struct hsm_key *key, uint8_t out[32]);
/* PKCS#8 DER or raw AES bytes, appended to a buffer of the module (arena). */
KQ_MUST_CHECK kq_status hsm_key_bytes(const struct hsm_key *key, struct kq_buffer *out);

/* True if the key signs by this mechanism a digest of this length, or with
 * RSA_PKCS1_RAW an input of this length. */
bool hsm_key_can_sign(const struct hsm_key *key, uint64_t mechanism, size_t digest_len);
/* Signature over a digest by a mechanism; RSA results are checked with the
 * public key before they leave.  Errors: KQ_ERR_ARGUMENT, KQ_ERR_INTERNAL. */
KQ_MUST_CHECK kq_status hsm_key_sign(const struct hsm_key *key, uint64_t mechanism, struct kq_slice digest,
                                     struct kq_buffer *out);
/* Statement signature (see kq_public_key_verify_statement), DER, and the whole kq_signed encoding. */
KQ_MUST_CHECK kq_status hsm_key_sign_bytes(const struct hsm_key *key, struct kq_slice message, struct kq_buffer *out);
KQ_MUST_CHECK kq_status hsm_key_sign_statement(const struct hsm_key *key, struct kq_slice body, struct kq_buffer *out);

/* RSA-OAEP decryption.  Errors: KQ_ERR_AUTH. */
KQ_MUST_CHECK kq_status hsm_key_oaep_open(const struct hsm_key *key, uint64_t mechanism, struct kq_slice label,
                                          struct kq_slice ciphertext, struct kq_buffer *out);
/* PKCS #1 v1.5 decryption. A ciphertext whose padding is bad decrypts to noise,
 * the same each time, with the same status and in the same time (pkcs1.h).
 * Errors: KQ_ERR_ARGUMENT (no RSA key), KQ_ERR_AUTH (not as long as the modulus, or no number below it). */
KQ_MUST_CHECK kq_status hsm_key_pkcs1_open(const struct hsm_key *key, struct kq_slice ciphertext,
                                           struct kq_buffer *out);
/* ECDH of a P-384 or P-521 key with a peer's SubjectPublicKeyInfo on the same
 * curve: appends the x coordinate, as long as the field; feed it to
 * hsm_derive(). NIST SP 800-56A 5.7.1.2.
 * Errors: KQ_ERR_ARGUMENT (own key of another kind; the peer's is of another curve, or no point of it). */
KQ_MUST_CHECK kq_status hsm_key_agree(const struct hsm_key *key, struct kq_slice peer_public, struct kq_buffer *out);
/* AES-GCM with a fresh random nonce in front and the tag behind, and back. */
KQ_MUST_CHECK kq_status hsm_key_gcm_seal(const struct hsm_key *key, struct kq_slice aad, struct kq_slice plain,
                                         struct kq_buffer *out);
KQ_MUST_CHECK kq_status hsm_key_gcm_open(const struct hsm_key *key, struct kq_slice aad, struct kq_slice sealed,
                                         struct kq_buffer *out);

#endif
