#include "unit.h"

#include "module/privcrypto/seal.h"
#include "module/transfer/payload.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"

#define MODULUS_LEN 256u

static struct hsm_key *exchange_key;
static struct hsm_key *payload_key;
static struct hsm_payload_facts facts;
static const struct kq_slice header = {(const uint8_t *)"the encoded H", 13};

static int make_keys(void **state)
{
    (void)state;
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &exchange_key));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 256, 0, &payload_key));
    facts = (struct hsm_payload_facts){KQ_KEY_EC_P256, 256, hsm_key_public(payload_key)};
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    hsm_key_free(exchange_key);
    hsm_key_free(payload_key);
    return 0;
}

static void seal(struct kq_buffer *out)
{
    assert_ok(hsm_payload_seal(hsm_key_public(exchange_key), header, payload_key, out));
}

static kq_status open_it(struct kq_slice with_header, struct kq_slice ciphertext)
{
    KQ_AUTO(hsm_key) opened = NULL;
    kq_status status = hsm_payload_open(exchange_key, with_header, ciphertext, &facts, &opened);
    assert_int_equal(opened != NULL, status == KQ_OK);
    return status;
}

static void payload_open__what_was_sealed__is_the_key(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_AUTO(hsm_key) opened = NULL;
    KQ_AUTO_VALUE(kq_buffer) before = {0};
    KQ_AUTO_VALUE(kq_buffer) after = {0};
    kq_buffer_init(&before, 4096);
    kq_buffer_init(&after, 4096);
    seal(&sealed);
    assert_ok(hsm_payload_open(exchange_key, header, kq_buffer_slice(&sealed), &facts, &opened));
    assert_ok(hsm_key_bytes(payload_key, &before));
    assert_ok(hsm_key_bytes(opened, &after));
    assert_slice_equal(kq_buffer_slice(&before), kq_buffer_slice(&after));
}

static void payload_open__any_byte_changed__fails_alike(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    seal(&sealed);
    for (size_t at = 0; at < sealed.len; at += 5) {
        sealed.data[at] ^= 0x40;
        assert_status(open_it(header, kq_buffer_slice(&sealed)), KQ_ERR_AUTH);
        sealed.data[at] ^= 0x40;
    }
    assert_ok(open_it(header, kq_buffer_slice(&sealed)));
}

static void payload_open__other_header__fails(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    seal(&sealed);
    assert_status(open_it(kq_slice_text("the encoded I"), kq_buffer_slice(&sealed)), KQ_ERR_AUTH);
}

static void payload_open__short_long_or_odd__fails(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    seal(&sealed);
    for (size_t len = 0; len < sealed.len; len += 13)
        assert_status(open_it(header, kq_slice_of(sealed.data, len)), KQ_ERR_AUTH);
    static const uint8_t block[8];
    assert_ok(kq_buffer_append(&sealed, block, sizeof block));
    assert_status(open_it(header, kq_buffer_slice(&sealed)), KQ_ERR_AUTH);
}

/* OAEP of any content, then a wrap of any content under any key. */
static void seal_by_hand(struct kq_slice oaep_content, struct kq_slice wrap_key, struct kq_slice content,
                         struct kq_buffer *out)
{
    static const char prefix[] = "keyquay-transfer-v1";
    uint8_t label[sizeof prefix + 32];
    KQ_AUTO(kq_public_key) public_key = NULL;
    memcpy(label, prefix, sizeof prefix);
    kq_sha256(header, label + sizeof prefix);
    kq_buffer_init(out, 8192);
    assert_ok(kq_public_key_new(hsm_key_public(exchange_key), &public_key));
    assert_ok(
        kq_public_key_oaep(public_key, KQ_MECH_RSA_OAEP_SHA256, kq_slice_of(label, sizeof label), oaep_content, out));
    assert_ok(hsm_kwp_wrap(wrap_key, content, out));
}

static void payload_open__wrap_key_of_another_length__fails(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1};
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, 4096);
    assert_ok(hsm_key_bytes(payload_key, &plain));
    static const size_t lengths[] = {1, 16, 31, 33};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        KQ_AUTO_VALUE(kq_buffer) sealed = {0};
        uint8_t longer[33] = {1};
        seal_by_hand(kq_slice_of(longer, lengths[i]), kq_slice_of(key, 32), kq_buffer_slice(&plain), &sealed);
        assert_status(open_it(header, kq_buffer_slice(&sealed)), KQ_ERR_AUTH);
    }
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    seal_by_hand(kq_slice_of(key, 32), kq_slice_of(key, 32), kq_buffer_slice(&plain), &sealed);
    assert_ok(open_it(header, kq_buffer_slice(&sealed)));
}

static void payload_open__no_key_or_another_key_inside__fails(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1};
    KQ_AUTO(hsm_key) other = NULL;
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    KQ_AUTO_VALUE(kq_buffer) with_other = {0};
    KQ_AUTO_VALUE(kq_buffer) with_text = {0};
    kq_buffer_init(&plain, 4096);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 256, 0, &other));
    assert_ok(hsm_key_bytes(other, &plain));
    seal_by_hand(kq_slice_of(key, 32), kq_slice_of(key, 32), kq_buffer_slice(&plain), &with_other);
    assert_status(open_it(header, kq_buffer_slice(&with_other)), KQ_ERR_AUTH);
    seal_by_hand(kq_slice_of(key, 32), kq_slice_of(key, 32), kq_slice_text("this is no private key"), &with_text);
    assert_status(open_it(header, kq_buffer_slice(&with_text)), KQ_ERR_AUTH);
}

/* An RSA key whose numbers do not belong together, with the right public half in H. */
static void payload_open__rsa_key_with_one_number_changed__fails(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1};
    KQ_AUTO(hsm_key) rsa = NULL;
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, 4096);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &rsa));
    assert_ok(hsm_key_bytes(rsa, &plain));
    const struct hsm_payload_facts rsa_facts = {KQ_KEY_RSA, 2048, hsm_key_public(rsa)};
    for (size_t at = 30; at < plain.len; at += 61) {
        KQ_AUTO_VALUE(kq_buffer) sealed = {0};
        KQ_AUTO(hsm_key) opened = NULL;
        plain.data[at] ^= 2;
        seal_by_hand(kq_slice_of(key, 32), kq_slice_of(key, 32), kq_buffer_slice(&plain), &sealed);
        assert_status(hsm_payload_open(exchange_key, header, kq_buffer_slice(&sealed), &rsa_facts, &opened),
                      KQ_ERR_AUTH);
        plain.data[at] ^= 2;
    }
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_AUTO(hsm_key) opened = NULL;
    seal_by_hand(kq_slice_of(key, 32), kq_slice_of(key, 32), kq_buffer_slice(&plain), &sealed);
    assert_ok(hsm_payload_open(exchange_key, header, kq_buffer_slice(&sealed), &rsa_facts, &opened));
}

/* The public half itself, the bytes that stand in for a wrap that does not open, is no key either. */
static void payload_open__public_half_inside__fails(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1};
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    seal_by_hand(kq_slice_of(key, 32), kq_slice_of(key, 32), facts.public_key, &sealed);
    assert_status(open_it(header, kq_buffer_slice(&sealed)), KQ_ERR_AUTH);
}

/* A failed OAEP leaves zeros where its result would be: a wrap under the zero
 * key must not open, or whoever breaks OAEP on purpose chooses the key. */
static void payload_open__oaep_fails__zero_key_does_not_open_the_wrap(void **state)
{
    (void)state;
    static const uint8_t zero_key[32];
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    kq_buffer_init(&plain, 4096);
    assert_ok(hsm_key_bytes(payload_key, &plain));
    seal_by_hand(kq_slice_of(zero_key, 32), kq_slice_of(zero_key, 32), kq_buffer_slice(&plain), &sealed);
    assert_ok(open_it(header, kq_buffer_slice(&sealed)));
    sealed.data[MODULUS_LEN - 1] ^= 1;
    assert_status(open_it(header, kq_buffer_slice(&sealed)), KQ_ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payload_open__what_was_sealed__is_the_key),
        cmocka_unit_test(payload_open__any_byte_changed__fails_alike),
        cmocka_unit_test(payload_open__other_header__fails),
        cmocka_unit_test(payload_open__short_long_or_odd__fails),
        cmocka_unit_test(payload_open__wrap_key_of_another_length__fails),
        cmocka_unit_test(payload_open__no_key_or_another_key_inside__fails),
        cmocka_unit_test(payload_open__rsa_key_with_one_number_changed__fails),
        cmocka_unit_test(payload_open__public_half_inside__fails),
        cmocka_unit_test(payload_open__oaep_fails__zero_key_does_not_open_the_wrap),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
