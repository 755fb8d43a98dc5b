#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/size.h"
#include "harness/test_keys.h"
#include "pubcrypto/public_key.h"
#include "unit.h"

static const struct {
    enum kq_key_type type;
    uint64_t bits;
} kinds[] = {
    {KQ_KEY_RSA, 1024},    {KQ_KEY_RSA, 2048}, {KQ_KEY_EC_P256, 256},      {KQ_KEY_EC_P384, 384},
    {KQ_KEY_EC_P521, 521}, {KQ_KEY_DSA, 3072}, {KQ_KEY_EC_SECP256K1, 256},
};

static kq_status read_spki(struct kq_slice spki)
{
    KQ_AUTO(kq_public_key) key = NULL;
    return kq_public_key_new(spki, &key);
}

/* The kinds cost a second to make: once for all tests. */
static struct test_key *made[KQ_COUNT_OF(kinds)];

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(kinds); i++)
        made[i] = test_key_new(kinds[i].type, kinds[i].bits);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(kinds); i++)
        test_key_free(made[i]);
    return 0;
}

static void public_key_new__each_kind__says_type_and_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(kinds); i++) {
        KQ_AUTO(kq_public_key) key = NULL;
        assert_ok(kq_public_key_new(test_key_public(made[i]), &key));
        assert_int_equal(kq_public_key_type(key), kinds[i].type);
        assert_int_equal(kq_public_key_bits(key), kinds[i].bits);
    }
}

static void public_key_new__each_truncation__is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(kinds); i++)
        for (size_t len = 0; len < made[i]->spki_len; len++)
            assert_int_not_equal(read_spki(kq_slice_of(made[i]->spki, len)), KQ_OK);
}

static void public_key_new__trailing_byte__is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(kinds); i++)
        assert_status(read_spki(kq_slice_of(made[i]->spki, made[i]->spki_len + 1)), KQ_ERR_FORMAT);
}

static void public_key_new__point_off_the_curve__is_refused(void **state)
{
    (void)state;
    struct test_key copy = *made[3];
    copy.spki[copy.spki_len - 1] ^= 1;
    assert_status(read_spki(test_key_public(&copy)), KQ_ERR_FORMAT);
}

static void public_key_new__dsa_key_outside_its_group__is_refused(void **state)
{
    (void)state;
    struct test_key copy = *made[5];
    copy.spki[copy.spki_len - 1] ^= 1;
    assert_status(read_spki(test_key_public(&copy)), KQ_ERR_FORMAT);
}

static void public_key_new__compressed_point__is_refused(void **state)
{
    (void)state;
    EVP_PKEY *pkey = EVP_PKEY_dup(made[3]->pkey);
    uint8_t *der = NULL;
    assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, "point-format", "compressed"), 1);
    int len = i2d_PUBKEY(pkey, &der);
    assert_true(len > 0 && (size_t)len < made[3]->spki_len);
    assert_status(read_spki(kq_slice_of(der, (size_t)len)), KQ_ERR_FORMAT);
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
}

static void public_key_new__curve_by_its_numbers__is_unsupported(void **state)
{
    (void)state;
    EVP_PKEY *pkey = EVP_PKEY_dup(made[3]->pkey);
    uint8_t *der = NULL;
    assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit"), 1);
    int len = i2d_PUBKEY(pkey, &der);
    assert_true(len > 0 && (size_t)len > made[3]->spki_len);
    assert_status(read_spki(kq_slice_of(der, (size_t)len)), KQ_ERR_UNSUPPORTED);
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
}

static void public_key_new__other_algorithms__are_unsupported(void **state)
{
    (void)state;
    EVP_PKEY *pkeys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-224"),
                         EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)768)};
    for (size_t i = 0; i < KQ_COUNT_OF(pkeys); i++) {
        uint8_t *der = NULL;
        int len = i2d_PUBKEY(pkeys[i], &der);
        assert_true(len > 0);
        assert_status(read_spki(kq_slice_of(der, (size_t)len)), KQ_ERR_UNSUPPORTED);
        OPENSSL_free(der);
        EVP_PKEY_free(pkeys[i]);
    }
}

/* An RSA key in BER: the outer length in a longer form than it needs. */
static void public_key_new__length_not_the_shortest__is_refused(void **state)
{
    (void)state;
    struct kq_slice spki = test_key_public(made[0]); /* 30 81 len ... */
    uint8_t longer[2048] = {0x30, 0x82, 0x00};
    assert_int_equal(spki.data[1], 0x81);
    memcpy(longer + 3, spki.data + 2, spki.len - 2);
    assert_status(read_spki(kq_slice_of(longer, spki.len + 1)), KQ_ERR_FORMAT);
}

static void public_key_new__even_modulus__is_refused(void **state)
{
    (void)state;
    struct test_key copy = *made[1];
    copy.spki[copy.spki_len - 6] ^= 1; /* before 02 03 01 00 01 */
    assert_status(read_spki(test_key_public(&copy)), KQ_ERR_FORMAT);
}

static void public_key_new__even_exponent__is_refused(void **state)
{
    (void)state;
    struct test_key copy = *made[1];
    copy.spki[copy.spki_len - 1] ^= 1;
    assert_status(read_spki(test_key_public(&copy)), KQ_ERR_FORMAT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(public_key_new__each_kind__says_type_and_bits),
    cmocka_unit_test(public_key_new__each_truncation__is_refused),
    cmocka_unit_test(public_key_new__trailing_byte__is_refused),
    cmocka_unit_test(public_key_new__point_off_the_curve__is_refused),
    cmocka_unit_test(public_key_new__dsa_key_outside_its_group__is_refused),
    cmocka_unit_test(public_key_new__compressed_point__is_refused),
    cmocka_unit_test(public_key_new__curve_by_its_numbers__is_unsupported),
    cmocka_unit_test(public_key_new__other_algorithms__are_unsupported),
    cmocka_unit_test(public_key_new__length_not_the_shortest__is_refused),
    cmocka_unit_test(public_key_new__even_modulus__is_refused),
    cmocka_unit_test(public_key_new__even_exponent__is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
