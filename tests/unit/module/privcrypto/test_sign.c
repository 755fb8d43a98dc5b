#include "unit.h"

#include "module/privcrypto/key.h"
#include "pubcrypto/public_key.h"
#include "trust/chain.h"

static size_t digest_len_of(uint64_t mechanism)
{
    static const size_t lens[] = {0, 32, 48, 64, 32, 48, 64, 32};
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
            bool is_rsa_scheme = mechanism >= 1 && mechanism <= 6;
            bool fits = types[t] != KQ_KEY_AES && (types[t] == KQ_KEY_RSA ? is_rsa_scheme : mechanism == KQ_MECH_ECDSA);
            struct kq_slice input = kq_slice_of(digest, mechanism <= 7 ? digest_len_of(mechanism) : 32);
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
          cmocka_unit_test(key_sign__full_buffer__too_large_and_unchanged),
          cmocka_unit_test(key_sign_statement__each_statement_key__verifies),
          cmocka_unit_test(key_sign_bytes__key_that_signs_no_statements__argument))
