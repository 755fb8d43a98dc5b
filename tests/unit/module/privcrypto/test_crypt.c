#include "unit.h"

#include "module/privcrypto/key.h"
#include "pubcrypto/public_key.h"

static void seal_oaep(const struct hsm_key *key, uint64_t mechanism, struct kq_slice label, struct kq_slice plain,
                      struct kq_buffer *out)
{
    KQ_AUTO(kq_public_key) public_key = NULL;
    kq_buffer_init(out, 1024);
    assert_ok(kq_public_key_new(hsm_key_public(key), &public_key));
    assert_ok(kq_public_key_oaep(public_key, mechanism, label, plain, out));
}

static void oaep_open__each_hash_label_and_length__round_trip(void **state)
{
    (void)state;
    static const uint64_t mechanisms[] = {KQ_MECH_RSA_OAEP_SHA1, KQ_MECH_RSA_OAEP_SHA256};
    static const size_t longest[] = {256 - 42, 256 - 66};
    uint8_t text[256] = {7};
    KQ_AUTO(hsm_key) key = NULL;
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &key));
    for (size_t m = 0; m < 2; m++) {
        const size_t lens[] = {1, 16, 32, longest[m]};
        for (size_t i = 0; i < 8; i++) {
            struct kq_slice plain = kq_slice_of(text, lens[i % 4]);
            struct kq_slice label = i < 4 ? KQ_SLICE_EMPTY : kq_slice_of("label\0with nul", 14);
            KQ_AUTO_VALUE(kq_buffer) sealed = {0}, again = {0};
            kq_buffer_init(&again, 512);
            seal_oaep(key, mechanisms[m], label, plain, &sealed);
            assert_ok(hsm_key_oaep_open(key, mechanisms[m], label, kq_buffer_slice(&sealed), &again));
            assert_slice_equal(kq_buffer_slice(&again), plain);
        }
    }
}

static void oaep_open__anything_wrong__auth_and_nothing_out(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(hsm_key) other = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0}, out = {0};
    struct kq_slice label = kq_slice_text("label");
    kq_buffer_init(&out, 512);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &key));
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &other));
    seal_oaep(key, KQ_MECH_RSA_OAEP_SHA256, label, kq_slice_text("text"), &sealed);
    struct kq_slice bytes = kq_buffer_slice(&sealed);
    const uint64_t oaep = KQ_MECH_RSA_OAEP_SHA256;
    assert_status(hsm_key_oaep_open(other, oaep, label, bytes, &out), KQ_ERR_AUTH);
    assert_status(hsm_key_oaep_open(key, oaep, kq_slice_text("Label"), bytes, &out), KQ_ERR_AUTH);
    assert_status(hsm_key_oaep_open(key, oaep, KQ_SLICE_EMPTY, bytes, &out), KQ_ERR_AUTH);
    assert_status(hsm_key_oaep_open(key, KQ_MECH_RSA_OAEP_SHA1, label, bytes, &out), KQ_ERR_AUTH);
    assert_status(hsm_key_oaep_open(key, oaep, label, kq_slice_of(bytes.data, 255), &out), KQ_ERR_AUTH);
    assert_status(hsm_key_oaep_open(key, oaep, label, KQ_SLICE_EMPTY, &out), KQ_ERR_AUTH);
    for (size_t i = 0; i < sealed.len; i += 5) {
        sealed.data[i] ^= 0x10;
        assert_status(hsm_key_oaep_open(key, oaep, label, bytes, &out), KQ_ERR_AUTH);
        sealed.data[i] ^= 0x10;
    }
    memset(sealed.data, 0xff, sealed.len); /* above the modulus */
    assert_status(hsm_key_oaep_open(key, oaep, label, bytes, &out), KQ_ERR_AUTH);
    memset(sealed.data, 0, sealed.len);
    assert_status(hsm_key_oaep_open(key, oaep, label, bytes, &out), KQ_ERR_AUTH);
    assert_int_equal(out.len, 0);
}

static void oaep_open__other_key_type_or_mechanism__argument(void **state)
{
    (void)state;
    static const uint8_t sealed[256];
    KQ_AUTO(hsm_key) rsa = NULL;
    KQ_AUTO(hsm_key) ec = NULL;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 512);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &rsa));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 0, 0, &ec));
    struct kq_slice bytes = kq_slice_of(sealed, sizeof sealed);
    assert_status(hsm_key_oaep_open(ec, KQ_MECH_RSA_OAEP_SHA256, KQ_SLICE_EMPTY, bytes, &out), KQ_ERR_ARGUMENT);
    for (uint64_t mechanism = 0; mechanism < 64; mechanism++) {
        if (mechanism != KQ_MECH_RSA_OAEP_SHA1 && mechanism != KQ_MECH_RSA_OAEP_SHA256)
            assert_status(hsm_key_oaep_open(rsa, mechanism, KQ_SLICE_EMPTY, bytes, &out), KQ_ERR_ARGUMENT);
    }
}

static void gcm__each_key_and_data_size__round_trip(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 15, 16, 17, 4096, KQ_DATA_MAX};
    static uint8_t text[KQ_DATA_MAX];
    for (uint64_t bits = 128; bits <= 256; bits += 64) {
        KQ_AUTO(hsm_key) key = NULL;
        assert_ok(hsm_key_generate(KQ_KEY_AES, bits, 0, &key));
        for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
            KQ_AUTO_VALUE(kq_buffer) sealed = {0}, again = {0};
            struct kq_slice plain = kq_slice_of(text, lens[i]), aad = kq_slice_of(text, i % 2 == 0 ? 0 : 20);
            kq_buffer_init(&sealed, KQ_DATA_MAX + 64);
            kq_buffer_init(&again, KQ_DATA_MAX + 64);
            assert_ok(hsm_key_gcm_seal(key, aad, plain, &sealed));
            assert_int_equal(sealed.len, lens[i] + 28);
            assert_ok(hsm_key_gcm_open(key, aad, kq_buffer_slice(&sealed), &again));
            assert_slice_equal(kq_buffer_slice(&again), plain);
        }
    }
}

static void gcm_seal__same_text_twice__other_nonce(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) a = {0}, b = {0};
    kq_buffer_init(&a, 256);
    kq_buffer_init(&b, 256);
    assert_ok(hsm_key_generate(KQ_KEY_AES, 256, 0, &key));
    assert_ok(hsm_key_gcm_seal(key, KQ_SLICE_EMPTY, kq_slice_text("text"), &a));
    assert_ok(hsm_key_gcm_seal(key, KQ_SLICE_EMPTY, kq_slice_text("text"), &b));
    assert_memory_not_equal(a.data, b.data, 12);
}

static void gcm_open__any_bit_changed_or_cut__auth_and_nothing_out(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0}, out = {0};
    struct kq_slice aad = kq_slice_text("aad");
    kq_buffer_init(&sealed, 256);
    kq_buffer_init(&out, 256);
    assert_ok(hsm_key_generate(KQ_KEY_AES, 256, 0, &key));
    assert_ok(hsm_key_gcm_seal(key, aad, kq_slice_text("some plaintext"), &sealed));
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_status(hsm_key_gcm_open(key, aad, kq_buffer_slice(&sealed), &out), KQ_ERR_AUTH);
        sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_status(hsm_key_gcm_open(key, aad, kq_slice_of(sealed.data, len), &out), KQ_ERR_AUTH);
    assert_status(hsm_key_gcm_open(key, kq_slice_text("aae"), kq_buffer_slice(&sealed), &out), KQ_ERR_AUTH);
    assert_status(hsm_key_gcm_open(key, KQ_SLICE_EMPTY, kq_buffer_slice(&sealed), &out), KQ_ERR_AUTH);
    assert_int_equal(out.len, 0);
}

UNIT_MAIN(cmocka_unit_test(oaep_open__each_hash_label_and_length__round_trip),
          cmocka_unit_test(oaep_open__anything_wrong__auth_and_nothing_out),
          cmocka_unit_test(oaep_open__other_key_type_or_mechanism__argument),
          cmocka_unit_test(gcm__each_key_and_data_size__round_trip),
          cmocka_unit_test(gcm_seal__same_text_twice__other_nonce),
          cmocka_unit_test(gcm_open__any_bit_changed_or_cut__auth_and_nothing_out))
