#ifndef KQ_TESTS_HARNESS_TEST_KEYS_H
#define KQ_TESTS_HARNESS_TEST_KEYS_H

#include "base/algorithms.h"
#include "base/buffer.h"

/* Private keys of tests, made and used by OpenSSL directly, so that what the
 * project reads was written by somebody else. Any failure ends the program. */
struct test_key {
    enum kq_key_type type;
    struct evp_pkey_st *pkey; /* owned */
    uint8_t spki[2048];
    size_t spki_len;
};

struct test_key *test_key_new(enum kq_key_type type, uint64_t bits);
void test_key_free(struct test_key *key);
struct kq_slice test_key_public(const struct test_key *key);
/* SHA-256 of the SPKI. */
void test_key_hash(const struct test_key *key, uint8_t out[32]);

/* A statement signature: P-384/SHA-384, P-521/SHA-512, DSA/SHA-256; for other
 * types SHA-256. Appends DER to out. */
void test_key_sign(const struct test_key *key, struct kq_slice message, struct kq_buffer *out);

/* Unencrypted PKCS#8 DER. */
void test_key_pkcs8(const struct test_key *key, struct kq_buffer *out);

/* CKM_RSA_AES_KEY_WRAP as docs/protocols/transfer.md 5.2 has it: payload under
 * an AES key under exchange_key with the label of header. Appends to out. */
void test_key_wrap(const struct test_key *exchange_key, struct kq_slice header, struct kq_slice payload,
                   struct kq_buffer *out);

#endif
