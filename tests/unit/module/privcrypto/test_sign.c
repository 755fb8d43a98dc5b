#include "unit.h"

#include "module/privcrypto/key.h"
#include "pubcrypto/public_key.h"
#include "trust/chain.h"

static size_t digest_len_of(uint64_t mechanism)
{
    static const size_t lens[] = {0, 32, 48, 64, 32, 48, 64, 32, 50};
    return lens[mechanism];
}

/* Signs by every mechanism with every kind of key; those that fit verify, the others are refused. */
static void key_sign__every_mechanism_and_type__verifies_or_argument(void **state)
{
    (void)state;
    static const enum kq_key_type types[] = {KQ_KEY_RSA,     KQ_KEY_EC_P256,      KQ_KEY_EC_P384,
                                             KQ_KEY_EC_P521, KQ_KEY_EC_SECP256K1, KQ_KEY_AES};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        KQ_AUTO(hsm_key) key = NULL;
        assert_ok(hsm_key_generate(types[t], types[t] == KQ_KEY_AES ? 256 : 2048, 0, &key));
        for (uint64_t mechanism = 0; mechanism <= 40; mechanism++) {
            uint8_t digest[64] = {(uint8_t)mechanism, 1, 2};
            bool is_rsa_scheme = (mechanism >= 1 && mechanism <= 6) || mechanism == KQ_MECH_RSA_PKCS1_RAW;
            bool fits = types[t] != KQ_KEY_AES && (types[t] == KQ_KEY_RSA ? is_rsa_scheme : mechanism == KQ_MECH_ECDSA);
            struct kq_slice input = kq_slice_of(digest, mechanism <= 8 ? digest_len_of(mechanism) : 32);
            KQ_AUTO_VALUE(kq_buffer) signature = {0};
            kq_buffer_init(&signature, 1024);
            assert_int_equal(hsm_key_can_sign(key, mechanism, input.len), fits);
            if (!fits) {
                assert_status(hsm_key_sign(key, mechanism, input, &signature), KQ_ERR_ARGUMENT);
                assert_int_equal(signature.len, 0);
                continue;
            }
            KQ_AUTO(kq_public_key) public_key = NULL;
            assert_ok(kq_public_key_new(hsm_key_public(key), &public_key));
            for (int round = 0; round < 3; round++) { /* the prepared context serves again */
                signature.len = 0;
                assert_ok(hsm_key_sign(key, mechanism, input, &signature));
                assert_ok(kq_public_key_verify(public_key, mechanism, input, kq_buffer_slice(&signature)));
            }
        }
    }
}

static void key_sign__digest_of_another_length__argument(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) rsa = NULL;
    KQ_AUTO(hsm_key) ec = NULL;
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    uint8_t digest[65] = {0};
    kq_buffer_init(&signature, 1024);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &rsa));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 0, 0, &ec));
    for (size_t len = 0; len <= sizeof digest; len++) {
        struct kq_slice input = kq_slice_of(digest, len);
        for (uint64_t mechanism = 1; mechanism <= 6; mechanism++) {
            if (len != digest_len_of(mechanism))
                assert_status(hsm_key_sign(rsa, mechanism, input, &signature), KQ_ERR_ARGUMENT);
        }
        if (len != 32 && len != 48 && len != 64)
            assert_status(hsm_key_sign(ec, KQ_MECH_ECDSA, input, &signature), KQ_ERR_ARGUMENT);
    }
    assert_int_equal(signature.len, 0);
}

/* RFC 8017 9.2 without a DigestInfo, seen through the public operation. */
static void key_sign__raw_of_each_length__padded_input(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 20, 51, 244, 245};
    uint8_t input[246];
    memset(input, 0xa5, sizeof input);
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(kq_public_key) public_key = NULL;
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&signature, 1024);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &key));
    assert_ok(kq_public_key_new(hsm_key_public(key), &public_key));
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct kq_slice raw = kq_slice_of(input, lens[i]);
        signature.len = 0;
        assert_true(hsm_key_can_sign(key, KQ_MECH_RSA_PKCS1_RAW, lens[i]));
        assert_ok(hsm_key_sign(key, KQ_MECH_RSA_PKCS1_RAW, raw, &signature));
        assert_int_equal(signature.len, 256);
        assert_ok(kq_public_key_verify(public_key, KQ_MECH_RSA_PKCS1_RAW, raw, kq_buffer_slice(&signature)));
        assert_status(kq_public_key_verify(public_key, KQ_MECH_RSA_PKCS1_RAW, kq_slice_of(input, lens[i] ^ 1),
                                           kq_buffer_slice(&signature)),
                      KQ_ERR_SIGNATURE);
    }
    assert_false(hsm_key_can_sign(key, KQ_MECH_RSA_PKCS1_RAW, sizeof input));
    assert_status(hsm_key_sign(key, KQ_MECH_RSA_PKCS1_RAW, kq_slice_of(input, sizeof input), &signature),
                  KQ_ERR_ARGUMENT);
}

/* A DigestInfo of one's own, signed raw, is the ordinary signature. */
static void key_sign__raw_digest_info__the_ordinary_signature(void **state)
{
    (void)state;
    static const uint8_t sha256_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                          0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t input[sizeof sha256_info + 32] = {0}, digest[32];
    memset(digest, 0x5a, sizeof digest);
    memcpy(input, sha256_info, sizeof sha256_info);
    memcpy(input + sizeof sha256_info, digest, sizeof digest);
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) raw = {0}, ordinary = {0};
    kq_buffer_init(&raw, 1024);
    kq_buffer_init(&ordinary, 1024);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &key));
    assert_ok(hsm_key_sign(key, KQ_MECH_RSA_PKCS1_RAW, kq_slice_of(input, sizeof input), &raw));
    assert_ok(hsm_key_sign(key, KQ_MECH_RSA_PKCS1_SHA256, kq_slice_of(digest, sizeof digest), &ordinary));
    assert_slice_equal(kq_buffer_slice(&raw), kq_buffer_slice(&ordinary));
}

static void key_sign__full_buffer__too_large_and_unchanged(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    static const uint8_t digest[32];
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &key));
    kq_buffer_init(&signature, 255);
    assert_status(hsm_key_sign(key, KQ_MECH_RSA_PKCS1_SHA256, kq_slice_of(digest, 32), &signature), KQ_ERR_TOO_LARGE);
    assert_int_equal(signature.len, 0);
}

static void key_sign_statement__each_statement_key__verifies(void **state)
{
    (void)state;
    static const enum kq_key_type types[] = {KQ_KEY_EC_P384, KQ_KEY_EC_P521};
    for (size_t i = 0; i < 2; i++) {
        KQ_AUTO(hsm_key) key = NULL;
        KQ_AUTO(hsm_key) other = NULL;
        KQ_AUTO_VALUE(kq_buffer) statement = {0};
        struct kq_slice body = KQ_SLICE_EMPTY;
        kq_buffer_init(&statement, KQ_SIGNED_MAX);
        assert_ok(hsm_key_generate(types[i], 0, 0, &key));
        assert_ok(hsm_key_generate(types[i], 0, 0, &other));
        assert_ok(hsm_key_sign_statement(key, kq_slice_text("the body"), &statement));
        assert_ok(kq_signed_verify(kq_buffer_slice(&statement), hsm_key_public(key), &body));
        assert_slice_equal(body, kq_slice_text("the body"));
        assert_status(kq_signed_verify(kq_buffer_slice(&statement), hsm_key_public(other), &body), KQ_ERR_SIGNATURE);
    }
}

static void key_sign_bytes__key_that_signs_no_statements__argument(void **state)
{
    (void)state;
    static const enum kq_key_type types[] = {KQ_KEY_EC_P256, KQ_KEY_EC_SECP256K1, KQ_KEY_AES};
    for (size_t i = 0; i < 3; i++) {
        KQ_AUTO(hsm_key) key = NULL;
        KQ_AUTO_VALUE(kq_buffer) signature = {0};
        kq_buffer_init(&signature, 256);
        assert_ok(hsm_key_generate(types[i], 256, 0, &key));
        assert_status(hsm_key_sign_bytes(key, kq_slice_text("x"), &signature), KQ_ERR_ARGUMENT);
    }
}

UNIT_MAIN(cmocka_unit_test(key_sign__every_mechanism_and_type__verifies_or_argument),
          cmocka_unit_test(key_sign__digest_of_another_length__argument),
          cmocka_unit_test(key_sign__raw_of_each_length__padded_input),
          cmocka_unit_test(key_sign__raw_digest_info__the_ordinary_signature),
          cmocka_unit_test(key_sign__full_buffer__too_large_and_unchanged),
          cmocka_unit_test(key_sign_statement__each_statement_key__verifies),
          cmocka_unit_test(key_sign_bytes__key_that_signs_no_statements__argument))
