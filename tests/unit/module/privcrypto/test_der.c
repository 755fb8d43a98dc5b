#include "unit.h"

#include "module/privcrypto/der.h"

static struct kq_reader reader_of(const void *bytes, size_t len)
{
    struct kq_reader reader;
    kq_reader_init(&reader, kq_slice_of(bytes, len));
    return reader;
}

static void der_get__every_truncation__fails(void **state)
{
    (void)state;
    static const uint8_t der[] = {0x30, 0x81, 0x80, 1, 2};
    uint8_t whole[3 + 0x80] = {0x30, 0x81, 0x80};
    struct kq_reader reader = reader_of(whole, sizeof whole);
    assert_int_equal(hsm_der_get(&reader, HSM_DER_SEQUENCE).len, 0x80);
    assert_ok(kq_reader_finish(&reader));
    for (size_t len = 0; len < sizeof whole; len++) {
        reader = reader_of(whole, len);
        hsm_der_get(&reader, HSM_DER_SEQUENCE);
        assert_true(reader.failed);
    }
    reader = reader_of(der, sizeof der);
    hsm_der_get(&reader, HSM_DER_SEQUENCE);
    assert_true(reader.failed);
}

static void der_get__long_form_of_a_short_length__fails(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[6];
        size_t len;
    } cases[] = {
        {{0x04, 0x81, 0x01, 7}, 4},       /* 1 fits the short form */
        {{0x04, 0x82, 0x00, 0x01, 7}, 5}, /* leading zero */
        {{0x04, 0x80, 7, 0, 0}, 5},       /* indefinite */
        {{0x04, 0x83, 0, 0, 1, 7}, 6},    /* three length bytes */
        {{0x30, 0x01, 7}, 3},             /* another tag */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kq_reader reader = reader_of(cases[i].bytes, cases[i].len);
        hsm_der_get(&reader, HSM_DER_OCTET_STRING);
        assert_true(reader.failed);
    }
}

static void der_get_unsigned__negative_padded_or_empty__fails(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[4];
        size_t len;
    } cases[] = {{{2, 0}, 2}, {{2, 1, 0x80}, 3}, {{2, 2, 0, 0x7f}, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kq_reader reader = reader_of(cases[i].bytes, cases[i].len);
        hsm_der_get_unsigned(&reader);
        assert_true(reader.failed);
    }
}

static void der_unsigned__put_then_get__same_number(void **state)
{
    (void)state;
    static const struct {
        uint8_t in[4], out[4];
        size_t in_len, out_len;
    } cases[] = {
        {{0}, {0}, 1, 1},
        {{0, 0, 0x80}, {0x80}, 3, 1},
        {{0x7f}, {0x7f}, 1, 1},
        {{1, 0, 0, 0}, {1, 0, 0, 0}, 4, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        kq_writer_init(&writer, 64);
        hsm_der_put_unsigned(&writer, kq_slice_of(cases[i].in, cases[i].in_len));
        struct kq_slice der;
        assert_ok(kq_writer_finish(&writer, &der));
        struct kq_reader reader = reader_of(der.data, der.len);
        assert_slice_equal(hsm_der_get_unsigned(&reader), kq_slice_of(cases[i].out, cases[i].out_len));
        assert_ok(kq_reader_finish(&reader));
    }
}

static void der_put__each_length_form__reads_back(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff};
    static uint8_t content[0x10000];
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        kq_writer_init(&writer, 0x20000);
        hsm_der_put(&writer, HSM_DER_OCTET_STRING, kq_slice_of(content, lens[i]));
        struct kq_slice der;
        assert_ok(kq_writer_finish(&writer, &der));
        struct kq_reader reader = reader_of(der.data, der.len);
        assert_int_equal(hsm_der_get(&reader, HSM_DER_OCTET_STRING).len, lens[i]);
        assert_ok(kq_reader_finish(&reader));
    }
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    struct kq_slice der;
    kq_writer_init(&writer, 0x20000);
    hsm_der_put(&writer, HSM_DER_OCTET_STRING, kq_slice_of(content, 0x10000));
    assert_status(kq_writer_finish(&writer, &der), KQ_ERR_TOO_LARGE);
}

static void der_get_bits__unused_bits__fails(void **state)
{
    (void)state;
    static const uint8_t good[] = {3, 2, 0, 9}, unused[] = {3, 2, 1, 8}, empty[] = {3, 0};
    struct kq_reader reader = reader_of(good, sizeof good);
    assert_int_equal(hsm_der_get_bits(&reader).len, 1);
    reader = reader_of(unused, sizeof unused);
    hsm_der_get_bits(&reader);
    assert_true(reader.failed);
    reader = reader_of(empty, sizeof empty);
    hsm_der_get_bits(&reader);
    assert_true(reader.failed);
}

UNIT_MAIN(cmocka_unit_test(der_get__every_truncation__fails),
          cmocka_unit_test(der_get__long_form_of_a_short_length__fails),
          cmocka_unit_test(der_get_unsigned__negative_padded_or_empty__fails),
          cmocka_unit_test(der_unsigned__put_then_get__same_number),
          cmocka_unit_test(der_put__each_length_form__reads_back), cmocka_unit_test(der_get_bits__unused_bits__fails))
