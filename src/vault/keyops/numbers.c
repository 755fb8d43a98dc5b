#include "pubcrypto/der.h"
#include "vault/keyops/keyops.h"

/* The numbers of a JSON Web Key (RFC 7518 6) from a SubjectPublicKeyInfo (RFC 5280 4.1.2.7). */

#define NUMBER_MAX 2048u

static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

void vault_public_numbers_clear(struct vault_public_numbers *numbers)
{
    kq_buffer_clear(&numbers->first);
    kq_buffer_clear(&numbers->second);
}

static kq_status split_rsa(struct kq_slice key_bits, struct kq_slice *out_n, struct kq_slice *out_e)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, key_bits);
    struct kq_der_reader pair = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    *out_n = kq_der_get_positive(&pair);
    *out_e = kq_der_get_positive(&pair);
    KQ_TRY(kq_der_finish(&pair));
    return kq_der_finish(&reader);
}

/* An uncompressed point. */
static kq_status split_ec(struct kq_slice key_bits, struct kq_slice *out_x, struct kq_slice *out_y)
{
    if (key_bits.len < 3 || key_bits.len % 2 == 0 || key_bits.data[0] != 4)
        return KQ_ERR_FORMAT;
    size_t len = (key_bits.len - 1) / 2;
    *out_x = kq_slice_of(key_bits.data + 1, len);
    *out_y = kq_slice_of(key_bits.data + 1 + len, len);
    return KQ_OK;
}

static kq_status split(struct kq_slice public_key, struct kq_slice *out_first, struct kq_slice *out_second)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, public_key);
    struct kq_der_reader info = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    struct kq_der_reader algorithm = kq_der_enter(&info, KQ_DER_SEQUENCE);
    struct kq_slice oid = kq_der_get(&algorithm, KQ_DER_OID);
    struct kq_slice key_bits = kq_der_get_bit_string(&info);
    KQ_TRY(kq_der_finish(&info));
    KQ_TRY(kq_der_finish(&reader));
    if (algorithm.failed)
        return KQ_ERR_FORMAT;
    if (kq_slice_is_equal(oid, kq_slice_of(oid_rsa, sizeof oid_rsa)))
        return split_rsa(key_bits, out_first, out_second);
    if (kq_slice_is_equal(oid, kq_slice_of(oid_ec, sizeof oid_ec)))
        return split_ec(key_bits, out_first, out_second);
    return KQ_ERR_UNSUPPORTED;
}

kq_status vault_public_numbers_get(struct kq_slice public_key, struct vault_public_numbers *out)
{
    struct kq_slice first = KQ_SLICE_EMPTY, second = KQ_SLICE_EMPTY;
    KQ_AUTO_VALUE(vault_public_numbers) numbers = {0};
    KQ_TRY(split(public_key, &first, &second));
    kq_buffer_init(&numbers.first, NUMBER_MAX);
    kq_buffer_init(&numbers.second, NUMBER_MAX);
    KQ_TRY(kq_buffer_append(&numbers.first, first.data, first.len));
    KQ_TRY(kq_buffer_append(&numbers.second, second.data, second.len));
    *out = numbers;
    numbers = (struct vault_public_numbers){0};
    return KQ_OK;
}
