#include <openssl/bn.h>
#include <openssl/evp.h>

#include "base/text.h"
#include "harness/test_keys.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/ncore_hash.h"
#include "pubcrypto/public_key.h"
#include "unit.h"

/* The well-known module key's hash, as every nShield prints it. */
static void ncore_hash__des3_key_of_ones__is_hkmwk(void **state)
{
    (void)state;
    uint8_t key[24];
    uint8_t hash[20];
    char text[41];
    memset(key, 1, sizeof key);
    kq_ncore_hash("DES3", kq_slice_of(key, sizeof key), hash);
    kq_hex_encode(kq_slice_of(hash, sizeof hash), text);
    assert_string_equal(text, "1d572201be533ebc89f30fdd8f3fac6ca3395bf0");
}

/* Lays a number out as the vendor does: little-endian in blocks of 64 bytes. */
static size_t lay_out(EVP_PKEY *pkey, const char *name, uint8_t *out)
{
    BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
    int len = (BN_num_bytes(number) + 63) / 64 * 64;
    assert_int_equal(BN_bn2lebinpad(number, out, len), len);
    BN_free(number);
    return (size_t)len;
}

static void assert_ncore_hash(const struct test_key *key, const char *prefix, const uint8_t *data, size_t len)
{
    KQ_AUTO(kq_public_key) public_key = NULL;
    uint8_t expected[20];
    uint8_t hash[20];
    assert_ok(kq_public_key_new(test_key_public(key), &public_key));
    assert_ok(kq_public_key_ncore_hash(public_key, hash));
    kq_ncore_hash(prefix, kq_slice_of(data, len), expected);
    assert_memory_equal(hash, expected, sizeof hash);
}

static void public_key_ncore_hash__rsa__hashes_e_then_n(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_RSA, 2048);
    uint8_t data[1024];
    size_t len = lay_out(key->pkey, "e", data);
    len += lay_out(key->pkey, "n", data + len);
    assert_int_equal(len, 64 + 256);
    assert_ncore_hash(key, "RSA00", data, len);
    test_key_free(key);
}

static void public_key_ncore_hash__dsa__hashes_p_q_g_y(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_DSA, 3072);
    uint8_t data[2048];
    size_t len = lay_out(key->pkey, "p", data);
    len += lay_out(key->pkey, "q", data + len);
    len += lay_out(key->pkey, "g", data + len);
    len += lay_out(key->pkey, "pub", data + len);
    assert_ncore_hash(key, "DSA00", data, len);
    test_key_free(key);
}

/* FIPS 186-4 D.1.2.3: the numbers of P-256, written down independently of the library. */
static void put_hex_number(const char *hex, uint8_t *out)
{
    uint8_t number[32];
    assert_true(kq_hex_decode(kq_slice_text(hex), number, sizeof number));
    for (size_t i = 0; i < sizeof number; i++)
        out[i] = number[sizeof number - 1 - i];
}

static void public_key_ncore_hash__p256__hashes_field_curve_and_point(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P256, 256);
    uint8_t data[12 + 9 * 64] = {[9] = 1}; /* eight zeros, 256 little-endian */
    uint8_t *at = data + 12;
    put_hex_number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", at);
    put_hex_number("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc", at + 64);
    put_hex_number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", at + 128);
    put_hex_number("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", at + 192);
    put_hex_number("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5", at + 256);
    put_hex_number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", at + 320);
    at[384] = 1; /* cofactor */
    const uint8_t *point = key->spki + key->spki_len - 64;
    for (size_t i = 0; i < 32; i++) {
        at[448 + i] = point[31 - i];
        at[512 + i] = point[63 - i];
    }
    assert_ncore_hash(key, "ECDSA00", data, sizeof data);
    test_key_free(key);
}

UNIT_MAIN(cmocka_unit_test(ncore_hash__des3_key_of_ones__is_hkmwk),
          cmocka_unit_test(public_key_ncore_hash__rsa__hashes_e_then_n),
          cmocka_unit_test(public_key_ncore_hash__dsa__hashes_p_q_g_y),
          cmocka_unit_test(public_key_ncore_hash__p256__hashes_field_curve_and_point))
