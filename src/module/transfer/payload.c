#include "module/transfer/payload.h"

#include "base/ct.h"
#include "base/wipe.h"
#include "module/privcrypto/seal.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"

#define WRAP_KEY_LEN 32u
#define WRAPPED_MIN 24u /* RFC 5649: two blocks at least, of a key that takes more than one */
static const char label_prefix[] = "keyquay-transfer-v1"; /* its NUL is part of the label */
#define LABEL_LEN (sizeof label_prefix + 32)

struct wrap_key {
    uint8_t bytes[WRAP_KEY_LEN];
};
static void wrap_key_clear(struct wrap_key *key)
{
    kq_wipe(key, sizeof *key);
}
KQ_AUTO_DEFINE_VALUE(wrap_key);

static void make_label(struct kq_slice header, uint8_t out[LABEL_LEN])
{
    memcpy(out, label_prefix, sizeof label_prefix);
    kq_sha256(header, out + sizeof label_prefix);
}

kq_status hsm_payload_seal(struct kq_slice exchange_public, struct kq_slice header, const struct hsm_key *key,
                           struct kq_buffer *out)
{
    kq_buffer_init(out, 8192);
    KQ_AUTO(kq_public_key) exchange_key = NULL;
    KQ_TRY(kq_public_key_new(exchange_public, &exchange_key));
    uint8_t label[LABEL_LEN];
    make_label(header, label);
    KQ_AUTO_VALUE(wrap_key) wrap = {{0}};
    hsm_random(wrap.bytes, sizeof wrap.bytes);
    struct kq_slice wrap_bytes = kq_slice_of(wrap.bytes, sizeof wrap.bytes);
    KQ_TRY(
        kq_public_key_oaep(exchange_key, KQ_MECH_RSA_OAEP_SHA256, kq_slice_of(label, sizeof label), wrap_bytes, out));
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, KQ_PRIVATE_MAX);
    KQ_TRY(hsm_key_bytes(key, &plain));
    return hsm_kwp_wrap(wrap_bytes, kq_buffer_slice(&plain), out);
}

/* The key under which the wrap is opened when OAEP fails: bound to the
 * exchange key, so that nobody outside knows it, and to the ciphertext. */
static kq_status derive_substitute(const struct hsm_key *exchange_key, struct kq_slice ciphertext, struct wrap_key *out)
{
    KQ_AUTO_VALUE(kq_buffer) secret = {0};
    kq_buffer_init(&secret, KQ_PRIVATE_MAX);
    KQ_TRY(hsm_key_bytes(exchange_key, &secret));
    uint8_t salt[32];
    kq_sha256(ciphertext, salt);
    return hsm_derive(kq_buffer_slice(&secret), kq_slice_of(salt, sizeof salt), "keyquay/substitute", out->bytes,
                      sizeof out->bytes);
}

/* OAEP's result where it opened to a key of the right length, the substitute where not. */
static kq_status open_wrap_key(const struct hsm_key *exchange_key, struct kq_slice header, struct kq_slice ciphertext,
                               size_t modulus_len, struct wrap_key *out)
{
    KQ_AUTO_VALUE(wrap_key) substitute = {{0}};
    KQ_TRY(derive_substitute(exchange_key, ciphertext, &substitute));
    uint8_t label[LABEL_LEN];
    make_label(header, label);
    KQ_AUTO_VALUE(kq_buffer) opened = {0};
    kq_buffer_init(&opened, modulus_len);
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(&opened, modulus_len, &room));
    memset(room, 0, modulus_len); /* so that there are bytes to select from when OAEP fails */
    kq_status status = hsm_key_oaep_open(exchange_key, KQ_MECH_RSA_OAEP_SHA256, kq_slice_of(label, sizeof label),
                                         kq_slice_of(ciphertext.data, modulus_len), &opened);
    uint64_t is_open = kq_ct_is_equal((uint64_t)status, KQ_OK) & kq_ct_is_equal(opened.len, WRAP_KEY_LEN);
    kq_ct_select_bytes(is_open, opened.data, substitute.bytes, out->bytes, WRAP_KEY_LEN);
    return KQ_OK;
}

kq_status hsm_payload_open(const struct hsm_key *exchange_key, struct kq_slice header, struct kq_slice ciphertext,
                           const struct hsm_payload_facts *facts, struct hsm_key **out)
{
    size_t modulus_len = (size_t)hsm_key_bits(exchange_key) / 8;
    if (ciphertext.len < modulus_len + WRAPPED_MIN || (ciphertext.len - modulus_len) % 8 != 0)
        return KQ_ERR_AUTH; /* public: lengths */
    KQ_AUTO_VALUE(wrap_key) wrap = {{0}};
    KQ_TRY(open_wrap_key(exchange_key, header, ciphertext, modulus_len, &wrap));

    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, KQ_PRIVATE_MAX + 8);
    kq_status unwrapped =
        hsm_kwp_unwrap(kq_slice_of(wrap.bytes, sizeof wrap.bytes),
                       kq_slice_of(ciphertext.data + modulus_len, ciphertext.len - modulus_len), &plain);
    /* A wrap that does not open goes on with bytes that are no private key. */
    struct kq_slice bytes = unwrapped == KQ_OK ? kq_buffer_slice(&plain) : facts->public_key;
    KQ_AUTO(hsm_key) key = NULL;
    kq_status opened = hsm_key_open_untrusted(facts->type, facts->bits, bytes, &key);
    bool is_key = unwrapped == KQ_OK && opened == KQ_OK && kq_slice_is_equal(hsm_key_public(key), facts->public_key);
    if (!is_key)
        return KQ_ERR_AUTH;
    *out = KQ_TAKE(key);
    return KQ_OK;
}
