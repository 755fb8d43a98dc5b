#include "unit.h"

#include <pthread.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "module/privcrypto/key.h"
#include "module/privcrypto/warm.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"

static const struct {
    enum kq_key_type type;
    uint64_t bits;
} kinds[] = {
    {KQ_KEY_RSA, 2048},         {KQ_KEY_EC_P256, 256}, {KQ_KEY_EC_P384, 384}, {KQ_KEY_EC_P521, 521},
    {KQ_KEY_EC_SECP256K1, 256}, {KQ_KEY_AES, 128},     {KQ_KEY_AES, 192},     {KQ_KEY_AES, 256},
};
#define NUM_KINDS (sizeof kinds / sizeof kinds[0])

static struct kq_buffer bytes_of(const struct hsm_key *key)
{
    struct kq_buffer bytes = {0};
    kq_buffer_init(&bytes, KQ_PRIVATE_MAX);
    assert_ok(hsm_key_bytes(key, &bytes));
    return bytes;
}

static void key_generate__every_kind__says_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_KINDS; i++) {
        KQ_AUTO(hsm_key) key = NULL;
        uint8_t hash[32], expected[32] = {0};
        assert_ok(hsm_key_generate(kinds[i].type, kinds[i].bits, 0, &key));
        assert_int_equal(hsm_key_type(key), kinds[i].type);
        assert_int_equal(hsm_key_bits(key), kinds[i].bits);
        hsm_key_public_hash(key, hash);
        if (kinds[i].type != KQ_KEY_AES)
            kq_sha256(hsm_key_public(key), expected);
        else
            assert_int_equal(hsm_key_public(key).len, 0);
        assert_memory_equal(hash, expected, sizeof hash);
    }
}

static void key_generate__twice__other_keys(void **state)
{
    (void)state;
    for (size_t i = 1; i < NUM_KINDS; i++) {
        KQ_AUTO(hsm_key) a = NULL;
        KQ_AUTO(hsm_key) b = NULL;
        assert_ok(hsm_key_generate(kinds[i].type, kinds[i].bits, 0, &a));
        assert_ok(hsm_key_generate(kinds[i].type, kinds[i].bits, 0, &b));
        KQ_AUTO_VALUE(kq_buffer) a_bytes = bytes_of(a);
        KQ_AUTO_VALUE(kq_buffer) b_bytes = bytes_of(b);
        assert_false(kq_slice_is_equal(kq_buffer_slice(&a_bytes), kq_buffer_slice(&b_bytes)));
    }
}

static void key_generate__size_or_exponent_not_offered__argument(void **state)
{
    (void)state;
    static const struct {
        enum kq_key_type type;
        uint64_t bits, e;
        kq_status status;
    } cases[] = {
        {KQ_KEY_RSA, 2047, 0, KQ_ERR_ARGUMENT},    {KQ_KEY_RSA, 512, 0, KQ_ERR_ARGUMENT},
        {KQ_KEY_RSA, 2048, 3, KQ_ERR_ARGUMENT},    {KQ_KEY_RSA, 2048, 65538, KQ_ERR_ARGUMENT},
        {KQ_KEY_AES, 64, 0, KQ_ERR_ARGUMENT},      {KQ_KEY_AES, 512, 0, KQ_ERR_ARGUMENT},
        {KQ_KEY_DSA, 1024, 0, KQ_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hsm_key *key = NULL;
        assert_status(hsm_key_generate(cases[i].type, cases[i].bits, cases[i].e, &key), cases[i].status);
        assert_null(key);
    }
}

static void key_generate__exponent_of_64_bits__used(void **state)
{
    (void)state;
    const uint64_t e = UINT64_C(0xfffffffffffffff1);
    KQ_AUTO(hsm_key) key = NULL;
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, e, &key));
    struct kq_slice spki = hsm_key_public(key);
    uint8_t tail[8];
    for (size_t i = 0; i < sizeof tail; i++)
        tail[i] = (uint8_t)(e >> (8 * (7 - i)));
    assert_memory_equal(spki.data + spki.len - sizeof tail, tail, sizeof tail); /* e is the last number */
}

/* Reads spki with OpenSSL and has it written again. */
static void assert_openssl_writes_the_same(struct kq_slice spki)
{
    const uint8_t *at = spki.data;
    uint8_t *again = NULL;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
    assert_non_null(pkey);
    int len = i2d_PUBKEY(pkey, &again);
    assert_true(len > 0);
    assert_slice_equal(spki, kq_slice_of(again, (size_t)len));
    OPENSSL_free(again);
    EVP_PKEY_free(pkey);
}

static void key_public__every_kind__as_openssl_writes_it(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) dsa = NULL;
    for (size_t i = 0; i < NUM_KINDS; i++) {
        KQ_AUTO(hsm_key) key = NULL;
        if (kinds[i].type == KQ_KEY_AES)
            continue;
        assert_ok(hsm_key_generate(kinds[i].type, kinds[i].bits, 0, &key));
        assert_openssl_writes_the_same(hsm_key_public(key));
    }
    assert_ok(hsm_key_generate_dsa(1024, &dsa));
    assert_openssl_writes_the_same(hsm_key_public(dsa));
}

static void key_bytes__every_kind__opens_again_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_KINDS; i++) {
        KQ_AUTO(hsm_key) key = NULL;
        KQ_AUTO(hsm_key) again = NULL;
        assert_ok(hsm_key_generate(kinds[i].type, kinds[i].bits, 0, &key));
        KQ_AUTO_VALUE(kq_buffer) bytes = bytes_of(key);
        assert_ok(hsm_key_open(kinds[i].type, kq_buffer_slice(&bytes), &again));
        KQ_AUTO_VALUE(kq_buffer) again_bytes = bytes_of(again);
        assert_slice_equal(kq_buffer_slice(&again_bytes), kq_buffer_slice(&bytes));
        assert_slice_equal(hsm_key_public(again), hsm_key_public(key));
        assert_int_equal(hsm_key_bits(again), kinds[i].bits);
    }
}

/* PKCS#8 as OpenSSL itself writes it, byte for byte. */
static void key_bytes__every_kind__canonical_pkcs8(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_KINDS && kinds[i].type != KQ_KEY_AES; i++) {
        KQ_AUTO(hsm_key) key = NULL;
        assert_ok(hsm_key_generate(kinds[i].type, kinds[i].bits, 0, &key));
        KQ_AUTO_VALUE(kq_buffer) bytes = bytes_of(key);
        const unsigned char *at = bytes.data;
        EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)bytes.len);
        assert_non_null(pkey);
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
        unsigned char *der = NULL;
        int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
        assert_slice_equal(kq_slice_of(der, (size_t)len), kq_buffer_slice(&bytes));
        OPENSSL_free(der);
        PKCS8_PRIV_KEY_INFO_free(info);
        EVP_PKEY_free(pkey);
    }
}

static void key_open__other_type_truncated_or_longer__fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        KQ_AUTO(hsm_key) key = NULL;
        struct hsm_key *none = NULL;
        assert_ok(hsm_key_generate(kinds[i].type, kinds[i].bits, 0, &key));
        KQ_AUTO_VALUE(kq_buffer) bytes = bytes_of(key);
        enum kq_key_type other = kinds[i].type == KQ_KEY_RSA ? KQ_KEY_EC_P521 : KQ_KEY_RSA;
        assert_status(hsm_key_open(other, kq_buffer_slice(&bytes), &none), KQ_ERR_FORMAT);
        assert_status(hsm_key_open(KQ_KEY_EC_SECP256K1, kq_buffer_slice(&bytes), &none), KQ_ERR_FORMAT);
        for (size_t len = 0; len < bytes.len; len++)
            assert_status(hsm_key_open(kinds[i].type, kq_slice_of(bytes.data, len), &none), KQ_ERR_FORMAT);
        assert_ok(kq_buffer_append(&bytes, "", 1));
        assert_status(hsm_key_open(kinds[i].type, kq_buffer_slice(&bytes), &none), KQ_ERR_FORMAT);
    }
}

static void key_dsa__statement__verifies_and_opens_again(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(hsm_key) again = NULL;
    KQ_AUTO(kq_public_key) public_key = NULL;
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&signature, 256);
    assert_ok(hsm_key_generate_dsa(1024, &key));
    KQ_AUTO_VALUE(kq_buffer) bytes = bytes_of(key);
    assert_ok(hsm_key_open(KQ_KEY_DSA, kq_buffer_slice(&bytes), &again));
    assert_slice_equal(hsm_key_public(again), hsm_key_public(key));
    assert_ok(hsm_key_sign_bytes(again, kq_slice_text("message"), &signature));
    assert_ok(kq_public_key_new(hsm_key_public(key), &public_key));
    assert_ok(kq_public_key_verify_statement(public_key, kq_slice_text("message"), kq_buffer_slice(&signature)));
    assert_status(kq_public_key_verify_statement(public_key, kq_slice_text("messagf"), kq_buffer_slice(&signature)),
                  KQ_ERR_SIGNATURE);
}

static void key_agree__both_sides__same_secret(void **state)
{
    (void)state;
    static const enum kq_key_type curves[] = {KQ_KEY_EC_P384, KQ_KEY_EC_P521};
    for (size_t i = 0; i < 2; i++) {
        KQ_AUTO(hsm_key) a = NULL;
        KQ_AUTO(hsm_key) b = NULL;
        KQ_AUTO_VALUE(kq_buffer) from_a = {0}, from_b = {0};
        kq_buffer_init(&from_a, 128);
        kq_buffer_init(&from_b, 128);
        assert_ok(hsm_key_generate(curves[i], 0, 0, &a));
        assert_ok(hsm_key_generate(curves[i], 0, 0, &b));
        assert_ok(hsm_key_agree(a, hsm_key_public(b), &from_a));
        assert_ok(hsm_key_agree(b, hsm_key_public(a), &from_b));
        assert_int_equal(from_a.len, i == 0 ? 48 : 66);
        assert_slice_equal(kq_buffer_slice(&from_a), kq_buffer_slice(&from_b));
    }
}

static void key_agree__other_curve_or_point_off_it__argument(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) own = NULL;
    KQ_AUTO(hsm_key) other = NULL;
    KQ_AUTO(hsm_key) small = NULL;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 128);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P384, 0, 0, &own));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P521, 0, 0, &other));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 0, 0, &small));
    assert_status(hsm_key_agree(own, hsm_key_public(other), &out), KQ_ERR_ARGUMENT);
    assert_status(hsm_key_agree(small, hsm_key_public(small), &out), KQ_ERR_ARGUMENT);
    uint8_t spki[256];
    struct kq_slice good = hsm_key_public(own);
    memcpy(spki, good.data, good.len);
    for (size_t i = 0; i < good.len; i++) { /* each byte changed: no point, no curve, no DER */
        spki[i] ^= 1;
        assert_status(hsm_key_agree(own, kq_slice_of(spki, good.len), &out), KQ_ERR_ARGUMENT);
        spki[i] ^= 1;
    }
    assert_int_equal(out.len, 0);
}

/* One key, many threads: holds, signatures through the shared prepared contexts, releases. */
static void *use_shared(void *context)
{
    struct hsm_key *shared = context;
    bool all_good = true;
    for (int i = 0; i < 50; i++) {
        KQ_AUTO(hsm_key) key = hsm_key_hold(shared);
        KQ_AUTO(kq_public_key) public_key = NULL;
        KQ_AUTO_VALUE(kq_buffer) signature = {0};
        uint8_t digest[32] = {(uint8_t)i};
        struct kq_slice input = kq_slice_of(digest, sizeof digest);
        kq_buffer_init(&signature, 512);
        all_good = all_good && hsm_key_sign(key, KQ_MECH_ECDSA, input, &signature) == KQ_OK &&
                   kq_public_key_new(hsm_key_public(key), &public_key) == KQ_OK &&
                   kq_public_key_verify(public_key, KQ_MECH_ECDSA, input, kq_buffer_slice(&signature)) == KQ_OK;
    }
    return all_good ? context : NULL;
}

static void key_sign__eight_threads_one_key__all_verify(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) key = NULL;
    pthread_t threads[8];
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 0, 0, &key));
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_shared, key), 0);
    for (size_t i = 0; i < 8; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
}

static void privcrypto_warm__twice__ok(void **state)
{
    (void)state;
    assert_ok(hsm_privcrypto_warm());
    assert_ok(hsm_privcrypto_warm());
    assert_ok(hsm_privcrypto_warm_thread());
}

UNIT_MAIN(cmocka_unit_test(key_generate__every_kind__says_what_it_is),
          cmocka_unit_test(key_generate__twice__other_keys),
          cmocka_unit_test(key_generate__size_or_exponent_not_offered__argument),
          cmocka_unit_test(key_generate__exponent_of_64_bits__used),
          cmocka_unit_test(key_public__every_kind__as_openssl_writes_it),
          cmocka_unit_test(key_bytes__every_kind__opens_again_the_same),
          cmocka_unit_test(key_bytes__every_kind__canonical_pkcs8),
          cmocka_unit_test(key_open__other_type_truncated_or_longer__fails),
          cmocka_unit_test(key_dsa__statement__verifies_and_opens_again),
          cmocka_unit_test(key_agree__both_sides__same_secret),
          cmocka_unit_test(key_agree__other_curve_or_point_off_it__argument),
          cmocka_unit_test(key_sign__eight_threads_one_key__all_verify), cmocka_unit_test(privcrypto_warm__twice__ok))
