#include "pubcrypto/x509.h"
#include "unit.h"

#define BLOCK "-----BEGIN PUBLIC KEY-----\naGVsbG8=\n-----END PUBLIC KEY-----\n"

static kq_status decode(const char *text, struct kq_buffer *out)
{
    kq_buffer_init(out, 100);
    return kq_pem_decode("PUBLIC KEY", kq_slice_text(text), out);
}

static kq_status decode_only(const char *text)
{
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    return decode(text, &out);
}

static void pem_encode__bytes__is_the_usual_text(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 1000);
    assert_ok(kq_pem_encode("PUBLIC KEY", kq_slice_text("hello"), &out));
    assert_slice_equal(kq_buffer_slice(&out), kq_slice_text(BLOCK));
}

static void pem_decode__one_block_in_white_space__gives_the_bytes(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    assert_ok(decode("\n\n" BLOCK " \n\n", &out));
    assert_slice_equal(kq_buffer_slice(&out), kq_slice_text("hello"));
}

static void pem_decode__windows_line_ends__gives_the_bytes(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    assert_ok(decode("-----BEGIN PUBLIC KEY-----\r\naGVsbG8=\r\n-----END PUBLIC KEY-----\r\n", &out));
    assert_slice_equal(kq_buffer_slice(&out), kq_slice_text("hello"));
}

static void pem_decode__anything_else_in_the_file__is_refused(void **state)
{
    (void)state;
    assert_status(decode_only("hello\n" BLOCK), KQ_ERR_FORMAT);
    assert_status(decode_only(BLOCK "hello"), KQ_ERR_FORMAT);
    assert_status(decode_only(BLOCK BLOCK), KQ_ERR_FORMAT);
}

static void pem_decode__other_type__is_refused(void **state)
{
    (void)state;
    assert_status(decode_only("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"), KQ_ERR_FORMAT);
}

static void pem_decode__damaged_or_empty__is_refused(void **state)
{
    (void)state;
    assert_status(decode_only(""), KQ_ERR_FORMAT);
    assert_status(decode_only("-----BEGIN PUBLIC KEY-----\naGVsbG8=\n"), KQ_ERR_FORMAT);
    assert_status(decode_only("-----BEGIN PUBLIC KEY-----\na!Vs\n-----END PUBLIC KEY-----\n"), KQ_ERR_FORMAT);
}

static void pem_decode__headers_in_the_block__are_refused(void **state)
{
    (void)state;
    assert_status(decode_only("-----BEGIN PUBLIC KEY-----\nA: b\n\naGVsbG8=\n-----END PUBLIC KEY-----\n"),
                  KQ_ERR_FORMAT);
}

UNIT_MAIN(cmocka_unit_test(pem_encode__bytes__is_the_usual_text),
          cmocka_unit_test(pem_decode__one_block_in_white_space__gives_the_bytes),
          cmocka_unit_test(pem_decode__windows_line_ends__gives_the_bytes),
          cmocka_unit_test(pem_decode__anything_else_in_the_file__is_refused),
          cmocka_unit_test(pem_decode__other_type__is_refused),
          cmocka_unit_test(pem_decode__damaged_or_empty__is_refused),
          cmocka_unit_test(pem_decode__headers_in_the_block__are_refused))
