#include "harness/test_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#define MUST(expression)                                                                                               \
    do {                                                                                                               \
        if (!(expression)) {                                                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);                                           \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Making these takes seconds; they are no secret (openssl genpkey -genparam). */
static const char dsa_3072_parameters[] = "-----BEGIN DSA PARAMETERS-----\n"
                                          "MIIDLAKCAYEAy7LxGG/qJLlkq4bzorWad9tF8+6Go/rULNtH0xgU6GcMPrMFfMnE\n"
                                          "+3YOcyPlZGUpqx3FDvHJVI0WyfA74Lio2K28/XOwDCkmJy0RIW56zloL7Sqs2e1+\n"
                                          "Lgo26tEmN3Vnq+cQIUY6rzWWbWiWpOITB6isu5TlogZNi0iJ5+ew0mx2wMRLryBY\n"
                                          "1dYsCuMnMMe3yngOOvciZKlnKI2uW/Q8BiePaxE6W9wrH8SAqjQqDcNGN1rQSm6g\n"
                                          "upskDMksq8uwxTkjlFoty7UbwdgtKn8n1cB4kMT8n8toI/vk4rh6PbBu+blGo2sF\n"
                                          "NV00pp+huJ9R88LY3DyX/ID7cGwLJT9i+SbCfvLMZHSbmEy4T2vUwVh9/tg1wHFu\n"
                                          "9jgmNWePDL78EHIzej5TQlEgOBZzHwemkYYOYc66NEh+y0fIFkhdc5OHmah0egEc\n"
                                          "tOcWVmEy6lpbf+zFJCzmeCPw1OQPfgzoNXEDP3LKWkVSAFWjypUhpEwldSUlNhfc\n"
                                          "u4Qg2weRek1ZAiEA1fOHVAO6qsrEey697fnVN//jxtQ5NkVnXIkZ0TyDQKkCggGA\n"
                                          "QYM59FqKheEhfiYbJxq0gvt5wgzEWGjBI+ukdMRHSH/MqcPnuO5aVpoSBHFlNTd/\n"
                                          "4XuUU4m4/sD0FY8w2PFhm/p4gDqzS+XgOl9HPA4moy4zonq3slycXgLfve28HI8h\n"
                                          "tFtiJTP5IPSO+zOdCVN66kZVAcOiaxxo5dOId2tjZnmFrOWvduk0dyjhrfALSgqL\n"
                                          "wtn2pj5rFbkRwO9b3yqygUOFm2mT1xdgVQC4eVFpvdA6GOpkYQvRrm2o0FjfYTc2\n"
                                          "bTy+dXf3e1tGDH1zIpOSs+sIBq3iYmZ8GamWy5a8nCBbkSvbv/tS+kNyqJPxGD1w\n"
                                          "c9uXEyGCrmcEPZQfEDEiV4CFEpDVtPsWV31EesVgIsW4LPL2DRX8lgTzt4/R/Wko\n"
                                          "wNvsFp2/HC35ZxxRp46puTz6+y2oqPKjsALo8x0LsqmQ6F0B6qPFG7eYcpaEIs5A\n"
                                          "nDxmfoCFhv1VucOpnyptM0k+2rLe1KnntifpTND5eTriUEBW3cb2rMk9bys77CHv\n"
                                          "-----END DSA PARAMETERS-----\n";

static EVP_PKEY *make_dsa(uint64_t bits)
{
    MUST(bits == 3072);
    BIO *memory = BIO_new_mem_buf(dsa_3072_parameters, -1);
    EVP_PKEY *parameters = PEM_read_bio_Parameters(memory, NULL);
    MUST(parameters != NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(parameters, NULL);
    EVP_PKEY *pkey = NULL;
    MUST(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_keygen(ctx, &pkey) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(parameters);
    BIO_free(memory);
    return pkey;
}

static EVP_PKEY *make_key(enum kq_key_type type, uint64_t bits)
{
    switch (type) {
    case KQ_KEY_RSA:
        return EVP_RSA_gen((unsigned)bits);
    case KQ_KEY_EC_P256:
        return EVP_EC_gen("P-256");
    case KQ_KEY_EC_P384:
        return EVP_EC_gen("P-384");
    case KQ_KEY_EC_P521:
        return EVP_EC_gen("P-521");
    case KQ_KEY_EC_SECP256K1:
        return EVP_EC_gen("secp256k1");
    case KQ_KEY_DSA:
        return make_dsa(bits);
    case KQ_KEY_AES:
        break;
    }
    return NULL;
}

struct test_key *test_key_new(enum kq_key_type type, uint64_t bits)
{
    struct test_key *key = calloc(1, sizeof *key);
    MUST(key != NULL);
    key->type = type;
    key->pkey = make_key(type, bits);
    MUST(key->pkey != NULL);
    MUST(i2d_PUBKEY(key->pkey, NULL) <= (int)sizeof key->spki);
    uint8_t *end = key->spki;
    key->spki_len = (size_t)i2d_PUBKEY(key->pkey, &end);
    return key;
}

void test_key_free(struct test_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

struct kq_slice test_key_public(const struct test_key *key)
{
    return kq_slice_of(key->spki, key->spki_len);
}

void test_key_hash(const struct test_key *key, uint8_t out[32])
{
    MUST(SHA256(key->spki, key->spki_len, out) != NULL);
}

void test_key_sign(const struct test_key *key, struct kq_slice message, struct kq_buffer *out)
{
    const EVP_MD *hash = key->type == KQ_KEY_EC_P384   ? EVP_sha384()
                         : key->type == KQ_KEY_EC_P521 ? EVP_sha512()
                                                       : EVP_sha256();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[1024];
    size_t len = sizeof signature;
    MUST(ctx != NULL && EVP_DigestSignInit(ctx, NULL, hash, NULL, key->pkey) == 1);
    MUST(EVP_DigestSign(ctx, signature, &len, message.data, message.len) == 1);
    EVP_MD_CTX_free(ctx);
    MUST(kq_buffer_append(out, signature, len) == KQ_OK);
}

void test_key_pkcs8(const struct test_key *key, struct kq_buffer *out)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    uint8_t *der = NULL;
    int len = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    MUST(len > 0 && kq_buffer_append(out, der, (size_t)len) == KQ_OK);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
}

static void wrap_aes_key(const struct test_key *exchange_key, struct kq_slice header, const uint8_t aes_key[32],
                         struct kq_buffer *out)
{
    uint8_t label[20 + 32] = "keyquay-transfer-v1";
    uint8_t wrapped[1024];
    size_t len = sizeof wrapped;
    MUST(SHA256(header.data, header.len, label + 20) != NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(exchange_key->pkey, NULL);
    MUST(ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1);
    MUST(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1);
    MUST(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1);
    MUST(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup(label, sizeof label), sizeof label) == 1);
    MUST(EVP_PKEY_encrypt(ctx, wrapped, &len, aes_key, 32) == 1);
    EVP_PKEY_CTX_free(ctx);
    MUST(kq_buffer_append(out, wrapped, len) == KQ_OK);
}

void test_key_wrap(const struct test_key *exchange_key, struct kq_slice header, struct kq_slice payload,
                   struct kq_buffer *out)
{
    uint8_t aes_key[32];
    uint8_t wrapped[8192];
    int len = 0;
    int tail = 0;
    MUST(payload.len <= sizeof wrapped - 16 && RAND_bytes(aes_key, sizeof aes_key) == 1);
    wrap_aes_key(exchange_key, header, aes_key, out);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    MUST(ctx != NULL);
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    MUST(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, aes_key, NULL) == 1);
    MUST(EVP_EncryptUpdate(ctx, wrapped, &len, payload.data, (int)payload.len) == 1);
    MUST(EVP_EncryptFinal_ex(ctx, wrapped + len, &tail) == 1);
    EVP_CIPHER_CTX_free(ctx);
    MUST(kq_buffer_append(out, wrapped, (size_t)(len + tail)) == KQ_OK);
}
