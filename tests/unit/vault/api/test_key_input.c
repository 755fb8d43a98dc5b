#include "api_world.h"
#include "vault/api/key_input.h"

static kq_status decode(const char *text, struct kq_buffer *out)
{
    kq_buffer_clear(out);
    kq_buffer_init(out, 64);
    return vault_base64_decode(kq_slice_text(text), out);
}

static void base64_decode__both_alphabets_padded_or_not__gives_the_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xfb, 0xff, 0xbe, 0x01};
    static const char *const texts[] = {"-_--AQ", "-_--AQ==", "+/++AQ", "+/++AQ=="};
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_ok(decode(texts[i], &out));
        assert_slice_equal(kq_buffer_slice(&out), kq_slice_of(bytes, sizeof bytes));
    }
    assert_ok(decode("", &out));
    assert_int_equal(out.len, 0);
}

static void base64_decode__not_base64__is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-_+/", "A", "AQ=", "AQ===", "=", "====", "A Q=", "AR", "AQ==AQ==", "A\nQ", "AAA*"};
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_status(decode(texts[i], &out), KQ_ERR_FORMAT);
}

static void base64_decode__one_byte_too_many__is_refused(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 3);
    assert_status(vault_base64_decode(kq_slice_text("AAAAAA"), &out), KQ_ERR_TOO_LARGE);
    assert_ok(vault_base64_decode(kq_slice_text("AAAA"), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_decode__both_alphabets_padded_or_not__gives_the_bytes),
        cmocka_unit_test(base64_decode__not_base64__is_refused),
        cmocka_unit_test(base64_decode__one_byte_too_many__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
