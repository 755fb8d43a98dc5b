#include "unit.h"

#include "base/text.h"
#include "pubcrypto/der.h"
#include "vault/keyops/keyops.h"

static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_dsa[] = {0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01};

static void make_spki(struct kq_slice oid, struct kq_slice key_bits, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) writer;
    kq_der_writer_init(&writer, 4096);
    size_t info = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    size_t algorithm = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    kq_der_put(&writer, KQ_DER_OID, oid);
    kq_der_put(&writer, KQ_DER_NULL, KQ_SLICE_EMPTY);
    kq_der_end(&writer, algorithm);
    kq_der_put_bit_string(&writer, key_bits);
    kq_der_end(&writer, info);
    kq_buffer_init(out, 4096);
    assert_ok(kq_der_writer_finish(&writer, out));
}

static void make_rsa(struct kq_slice n, struct kq_slice e, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) writer;
    KQ_AUTO_VALUE(kq_buffer) pair = {.max = 4096};
    kq_der_writer_init(&writer, 4096);
    size_t mark = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    kq_der_put_positive(&writer, n);
    kq_der_put_positive(&writer, e);
    kq_der_end(&writer, mark);
    assert_ok(kq_der_writer_finish(&writer, &pair));
    make_spki(kq_slice_of(oid_rsa, sizeof oid_rsa), kq_buffer_slice(&pair), out);
}

static void numbers__rsa__without_leading_zeros(void **state)
{
    (void)state;
    uint8_t n[256];
    static const uint8_t e[] = {0, 1, 0, 1};
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    KQ_AUTO_VALUE(vault_public_numbers) numbers = {0};
    memset(n, 0xc5, sizeof n);
    make_rsa(kq_slice_of(n, sizeof n), kq_slice_of(e, sizeof e), &spki);
    assert_ok(vault_public_numbers_get(kq_buffer_slice(&spki), &numbers));
    assert_slice_equal(kq_buffer_slice(&numbers.first), kq_slice_of(n, sizeof n));
    assert_slice_equal(kq_buffer_slice(&numbers.second), kq_slice_of(e + 1, 3));
}

static void numbers__ec__as_long_as_the_curve(void **state)
{
    (void)state;
    static const size_t lens[] = {32, 48, 66};
    for (size_t i = 0; i < 3; i++) {
        uint8_t point[133] = {4};
        memset(point + 1 + lens[i], 0x22, lens[i]); /* x is all zeros: they stay */
        KQ_AUTO_VALUE(kq_buffer) spki = {0};
        KQ_AUTO_VALUE(vault_public_numbers) numbers = {0};
        make_spki(kq_slice_of(oid_ec, sizeof oid_ec), kq_slice_of(point, 1 + 2 * lens[i]), &spki);
        assert_ok(vault_public_numbers_get(kq_buffer_slice(&spki), &numbers));
        assert_slice_equal(kq_buffer_slice(&numbers.first), kq_slice_of(point + 1, lens[i]));
        assert_slice_equal(kq_buffer_slice(&numbers.second), kq_slice_of(point + 1 + lens[i], lens[i]));
    }
}

static void numbers__compressed_point_or_foreign_key__refused(void **state)
{
    (void)state;
    uint8_t point[65] = {2};
    KQ_AUTO_VALUE(vault_public_numbers) numbers = {0};
    KQ_AUTO_VALUE(kq_buffer) compressed = {0};
    KQ_AUTO_VALUE(kq_buffer) dsa = {0};
    make_spki(kq_slice_of(oid_ec, sizeof oid_ec), kq_slice_of(point, sizeof point), &compressed);
    assert_status(vault_public_numbers_get(kq_buffer_slice(&compressed), &numbers), KQ_ERR_FORMAT);
    make_spki(kq_slice_of(oid_dsa, sizeof oid_dsa), kq_slice_of(point, sizeof point), &dsa);
    assert_status(vault_public_numbers_get(kq_buffer_slice(&dsa), &numbers), KQ_ERR_UNSUPPORTED);
}

static void numbers__each_truncation_and_a_byte_too_many__refused(void **state)
{
    (void)state;
    static const uint8_t n[] = {0xc5, 0x01}, e[] = {1, 0, 1};
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    KQ_AUTO_VALUE(vault_public_numbers) numbers = {0};
    make_rsa(kq_slice_of(n, sizeof n), kq_slice_of(e, sizeof e), &spki);
    for (size_t len = 0; len < spki.len; len++)
        assert_int_not_equal(vault_public_numbers_get(kq_slice_of(spki.data, len), &numbers), KQ_OK);
    assert_ok(kq_buffer_append(&spki, "", 1));
    assert_status(vault_public_numbers_get(kq_buffer_slice(&spki), &numbers), KQ_ERR_FORMAT);
    assert_int_equal(numbers.first.len, 0);
}

UNIT_MAIN(cmocka_unit_test(numbers__rsa__without_leading_zeros), cmocka_unit_test(numbers__ec__as_long_as_the_curve),
          cmocka_unit_test(numbers__compressed_point_or_foreign_key__refused),
          cmocka_unit_test(numbers__each_truncation_and_a_byte_too_many__refused))
