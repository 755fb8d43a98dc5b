#include "unit.h"

#include "base/text.h"
#include "module/privcrypto/seal.h"

static struct kq_slice hex(const char *text, uint8_t *out, size_t size)
{
    struct kq_slice digits = kq_slice_text(text);
    assert_true(digits.len / 2 <= size && kq_hex_decode(digits, out, digits.len / 2));
    return kq_slice_of(out, digits.len / 2);
}

/* RFC 5869 A.1, A.3 (without info: our label is empty) */
static void derive__rfc_5869__known_answer(void **state)
{
    (void)state;
    uint8_t secret[22], salt[13], okm[42], got[42];
    memset(secret, 0x0b, sizeof secret);
    for (size_t i = 0; i < sizeof salt; i++)
        salt[i] = (uint8_t)i;
    struct kq_slice ikm = kq_slice_of(secret, sizeof secret);
    struct kq_slice expected =
        hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865", okm, sizeof okm);
    assert_ok(
        hsm_derive(ikm, kq_slice_of(salt, sizeof salt), "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", got, sizeof got));
    assert_slice_equal(kq_slice_of(got, sizeof got), expected);
    expected =
        hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8", okm, sizeof okm);
    assert_ok(hsm_derive(ikm, KQ_SLICE_EMPTY, "", got, sizeof got));
    assert_slice_equal(kq_slice_of(got, sizeof got), expected);
}

struct seal_case {
    struct kq_slice secret, salt, aad, plain;
    const char *label;
};

static struct seal_case sample(void)
{
    return (struct seal_case){kq_slice_text("a secret of the test"), kq_slice_text("salt"), kq_slice_text("aad"),
                              kq_slice_text("what is sealed"), "label"};
}

static kq_status do_seal(const struct seal_case *c, struct kq_buffer *out)
{
    return hsm_seal(c->secret, c->salt, c->label, c->aad, c->plain, out);
}

static kq_status do_unseal(const struct seal_case *c, const struct kq_buffer *sealed, struct kq_buffer *out)
{
    return hsm_unseal(c->secret, c->salt, c->label, c->aad, kq_buffer_slice(sealed), out);
}

static void seal__each_length__round_trip(void **state)
{
    (void)state;
    static const size_t lens[] = {1, 15, 16, 17, 31, 32, 33, 1000, 70000};
    static uint8_t text[70000];
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct seal_case c = sample();
        KQ_AUTO_VALUE(kq_buffer) sealed = {0}, again = {0};
        kq_buffer_init(&sealed, 80000);
        kq_buffer_init(&again, 80000);
        c.plain = kq_slice_of(text, lens[i]);
        assert_ok(do_seal(&c, &sealed));
        assert_int_equal(sealed.len, lens[i] + HSM_SEAL_OVERHEAD);
        assert_ok(do_unseal(&c, &sealed, &again));
        assert_slice_equal(kq_buffer_slice(&again), c.plain);
    }
}

static void unseal__any_bit_or_input_changed__auth_and_nothing_out(void **state)
{
    (void)state;
    const struct seal_case good = sample();
    KQ_AUTO_VALUE(kq_buffer) sealed = {0}, out = {0};
    kq_buffer_init(&sealed, 256);
    kq_buffer_init(&out, 256);
    assert_ok(do_seal(&good, &sealed));
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_status(do_unseal(&good, &sealed, &out), KQ_ERR_AUTH);
        sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    struct seal_case c = good;
    c.secret = kq_slice_text("another secret");
    assert_status(do_unseal(&c, &sealed, &out), KQ_ERR_AUTH);
    c = good;
    c.salt = kq_slice_text("sale");
    assert_status(do_unseal(&c, &sealed, &out), KQ_ERR_AUTH);
    c = good;
    c.label = "lable";
    assert_status(do_unseal(&c, &sealed, &out), KQ_ERR_AUTH);
    c = good;
    c.aad = kq_slice_text("aae");
    assert_status(do_unseal(&c, &sealed, &out), KQ_ERR_AUTH);
    for (size_t len = 0; len < sealed.len; len++) {
        struct kq_slice cut = kq_slice_of(sealed.data, len);
        assert_status(hsm_unseal(good.secret, good.salt, good.label, good.aad, cut, &out), KQ_ERR_AUTH);
    }
    assert_int_equal(out.len, 0);
}

/* OpenSSL 3.0 authenticates neither an empty plaintext nor empty data, so we take neither. */
static void seal__empty_plain_or_aad__argument(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 256);
    struct seal_case c = sample();
    c.plain = KQ_SLICE_EMPTY;
    assert_status(do_seal(&c, &out), KQ_ERR_ARGUMENT);
    c = sample();
    c.aad = KQ_SLICE_EMPTY;
    assert_status(do_seal(&c, &out), KQ_ERR_ARGUMENT);
    assert_int_equal(out.len, 0);
}

static void kwp__each_length__round_trip(void **state)
{
    (void)state;
    static const uint8_t key_bytes[32] = {9};
    static uint8_t text[HSM_KWP_MAX + 1] = {1};
    struct kq_slice key = kq_slice_of(key_bytes, sizeof key_bytes);
    for (size_t len = 1; len <= HSM_KWP_MAX; len = len < 40 ? len + 1 : len * 2) {
        KQ_AUTO_VALUE(kq_buffer) wrapped = {0}, again = {0};
        kq_buffer_init(&wrapped, HSM_KWP_MAX + 64);
        kq_buffer_init(&again, HSM_KWP_MAX + 64);
        assert_ok(hsm_kwp_wrap(key, kq_slice_of(text, len), &wrapped));
        assert_int_equal(wrapped.len, (len + 7) / 8 * 8 + 8);
        assert_ok(hsm_kwp_unwrap(key, kq_buffer_slice(&wrapped), &again));
        assert_slice_equal(kq_buffer_slice(&again), kq_slice_of(text, len));
    }
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 2 * HSM_KWP_MAX);
    assert_status(hsm_kwp_wrap(key, kq_slice_of(text, HSM_KWP_MAX + 1), &out), KQ_ERR_ARGUMENT);
    assert_status(hsm_kwp_wrap(key, KQ_SLICE_EMPTY, &out), KQ_ERR_ARGUMENT);
    assert_status(hsm_kwp_wrap(kq_slice_of(key_bytes, 16), kq_slice_of(text, 8), &out), KQ_ERR_ARGUMENT);
}

static void kwp_unwrap__any_bit_changed_or_cut__auth_and_nothing_out(void **state)
{
    (void)state;
    static const uint8_t key_bytes[32] = {9};
    struct kq_slice key = kq_slice_of(key_bytes, sizeof key_bytes);
    KQ_AUTO_VALUE(kq_buffer) wrapped = {0}, out = {0};
    kq_buffer_init(&wrapped, 256);
    kq_buffer_init(&out, 256);
    assert_ok(hsm_kwp_wrap(key, kq_slice_text("a key to be wrapped"), &wrapped));
    for (size_t bit = 0; bit < 8 * wrapped.len; bit++) {
        wrapped.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_status(hsm_kwp_unwrap(key, kq_buffer_slice(&wrapped), &out), KQ_ERR_AUTH);
        wrapped.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t len = 0; len < wrapped.len; len++)
        assert_status(hsm_kwp_unwrap(key, kq_slice_of(wrapped.data, len), &out), KQ_ERR_AUTH);
    assert_int_equal(out.len, 0);
}

static void random__many_draws__differ_and_fill(void **state)
{
    (void)state;
    uint8_t seen[64][8], large[100] = {0};
    for (size_t i = 0; i < 64; i++) {
        hsm_random(seen[i], sizeof seen[i]);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[i], seen[k], sizeof seen[i]);
    }
    hsm_random(large, 97);
    static const uint8_t zeros[16];
    assert_memory_not_equal(large + 81, zeros, 16);
    assert_memory_equal(large + 97, zeros, 3); /* nothing beyond what was asked for */
}

UNIT_MAIN(cmocka_unit_test(derive__rfc_5869__known_answer), cmocka_unit_test(seal__each_length__round_trip),
          cmocka_unit_test(unseal__any_bit_or_input_changed__auth_and_nothing_out),
          cmocka_unit_test(seal__empty_plain_or_aad__argument), cmocka_unit_test(kwp__each_length__round_trip),
          cmocka_unit_test(kwp_unwrap__any_bit_changed_or_cut__auth_and_nothing_out),
          cmocka_unit_test(random__many_draws__differ_and_fill))
