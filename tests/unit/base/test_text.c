#include "base/text.h"

#include "unit.h"

static void hex_encode__bytes__lower_case_digits(void **state)
{
    (void)state;
    char out[9];
    kq_hex_encode(kq_slice_of("\x00\x9a\xff\x10", 4), out);
    assert_string_equal(out, "009aff10");
    kq_hex_encode(KQ_SLICE_EMPTY, out);
    assert_string_equal(out, "");
}

static void hex_decode__either_case__bytes(void **state)
{
    (void)state;
    uint8_t out[3];
    assert_true(kq_hex_decode(kq_slice_text("00aBFf"), out, 3));
    assert_memory_equal(out, "\x00\xab\xff", 3);
    assert_true(kq_hex_decode(KQ_SLICE_EMPTY, out, 0));
}

static void hex_decode__other_length_or_character__false(void **state)
{
    (void)state;
    uint8_t out[3];
    const char *const bad[] = {"00ab",   "00abf",  "00abff0", "00abff00", "00abfg",
                               "0 abff", "00ab/f", "00ab:f",  "00ab@f",   "00ab`f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(kq_hex_decode(kq_slice_text(bad[i]), out, 3));
}

static void hash_text__32_bytes__eight_groups_and_back(void **state)
{
    (void)state;
    uint8_t hash[32];
    for (size_t i = 0; i < 32; i++)
        hash[i] = (uint8_t)(i * 8);
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(hash, 32), text);
    assert_string_equal(text, "00081018 20283038 40485058 60687078 80889098 a0a8b0b8 c0c8d0d8 e0e8f0f8");
    uint8_t back[32];
    assert_true(kq_hash_parse(kq_slice_text(text), back));
    assert_memory_equal(hash, back, 32);
}

static void hash_text__other_length__none(void **state)
{
    (void)state;
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(KQ_SLICE_EMPTY, text);
    assert_string_equal(text, "(none)");
    kq_hash_text(kq_slice_text("0123456789012345678901234567890"), text);
    assert_string_equal(text, "(none)");
}

static void hash_parse__as_people_type_it__accepted(void **state)
{
    (void)state;
    uint8_t out[32];
    assert_true(kq_hash_parse(
        kq_slice_text(" 00:01:02:03-04050607\t08090A0B 0c0d0e0f\r\n10111213 14151617 18191a1b 1c1d1e1f\n"), out));
    for (uint8_t i = 0; i < 32; i++)
        assert_int_equal(out[i], i);
}

static void hash_parse__digit_too_few_or_many_or_foreign__false(void **state)
{
    (void)state;
    uint8_t out[32];
    const char digits[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    assert_false(kq_hash_parse(kq_slice_of(digits, 63), out));
    assert_false(
        kq_hash_parse(kq_slice_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0"), out));
    assert_false(kq_hash_parse(kq_slice_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g"), out));
    assert_false(kq_hash_parse(kq_slice_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1_"), out));
    assert_false(kq_hash_parse(KQ_SLICE_EMPTY, out));
    assert_true(kq_hash_parse(kq_slice_of(digits, 64), out));
}

/* RFC 4648 10 without padding, and the two characters of its section 5. */
static const struct {
    const char *bytes;
    const char *text;
} base64url_vectors[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
                         {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xff\xef\xbe", "_---"},
                         {"\xfb\xff", "-_8"}};

static void base64url__published_vectors__both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof base64url_vectors / sizeof base64url_vectors[0]; i++) {
        KQ_AUTO_VALUE(kq_buffer) text = {0};
        KQ_AUTO_VALUE(kq_buffer) bytes = {0};
        kq_buffer_init(&text, 64);
        kq_buffer_init(&bytes, 64);
        assert_ok(kq_base64url_encode(kq_slice_text(base64url_vectors[i].bytes), &text));
        assert_slice_equal(kq_buffer_slice(&text), kq_slice_text(base64url_vectors[i].text));
        assert_ok(kq_base64url_decode(kq_buffer_slice(&text), &bytes));
        assert_slice_equal(kq_buffer_slice(&bytes), kq_slice_text(base64url_vectors[i].bytes));
    }
}

static void base64url__every_length_with_random_bytes__round_trip(void **state)
{
    (void)state;
    struct unit_random random = {.state = 99};
    uint8_t in[100];
    for (size_t len = 0; len <= sizeof in; len++) {
        unit_random_fill(&random, in, len);
        KQ_AUTO_VALUE(kq_buffer) text = {0};
        KQ_AUTO_VALUE(kq_buffer) bytes = {0};
        kq_buffer_init(&text, 200);
        kq_buffer_init(&bytes, 100);
        assert_ok(kq_base64url_encode(kq_slice_of(in, len), &text));
        assert_ok(kq_base64url_decode(kq_buffer_slice(&text), &bytes));
        assert_slice_equal(kq_buffer_slice(&bytes), kq_slice_of(in, len));
    }
}

static void base64url_decode__each_byte_value__only_the_alphabet(void **state)
{
    (void)state;
    const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int c = 0; c < 256; c++) {
        uint8_t text[4] = {'A', 'A', (uint8_t)c, 'A'};
        KQ_AUTO_VALUE(kq_buffer) bytes = {0};
        kq_buffer_init(&bytes, 3);
        bool known = c != 0 && strchr(alphabet, c) != NULL;
        assert_status(kq_base64url_decode(kq_slice_of(text, 4), &bytes), known ? KQ_OK : KQ_ERR_FORMAT);
        assert_int_equal(bytes.len, known ? 3 : 0);
    }
}

static void base64url_decode__length_padding_or_loose_bits__format(void **state)
{
    (void)state;
    const char *const bad[] = {"A", "AAAAA", "Zg==", "Zm8=", "Zh", "Zm9", "AB", "AAB", "Z g", "Zg\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        KQ_AUTO_VALUE(kq_buffer) bytes = {0};
        kq_buffer_init(&bytes, 64);
        assert_status(kq_base64url_decode(kq_slice_text(bad[i]), &bytes), KQ_ERR_FORMAT);
        assert_int_equal(bytes.len, 0);
    }
}

static void base64url__beyond_the_buffer__too_large(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 3);
    assert_status(kq_base64url_encode(kq_slice_text("foo"), &out), KQ_ERR_TOO_LARGE);
    kq_buffer_init(&out, 2);
    assert_status(kq_base64url_decode(kq_slice_text("Zm9v"), &out), KQ_ERR_TOO_LARGE);
    assert_int_equal(out.len, 0);
}

static void time_text__known_dates__iso_8601(void **state)
{
    (void)state;
    char text[KQ_TIME_TEXT_SIZE];
    kq_time_text(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    kq_time_text(1795297443, text);
    assert_string_equal(text, "2026-11-21T21:44:03Z");
    kq_time_text(253402300799, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    kq_time_text(253402300800, text);
    assert_string_equal(text, "(no date)");
    kq_time_text(UINT64_MAX, text);
    assert_string_equal(text, "(no date)");
}

static void text_is_printable__well_formed__true(void **state)
{
    (void)state;
    const char *const good[] = {"",           " ~",           "Schlüssel",    "鍵",
                                "\U0001f511", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(kq_text_is_printable(kq_slice_text(good[i])));
}

static void text_is_printable__control_or_malformed__false(void **state)
{
    (void)state;
    const char *const bad[] = {"\x1f",
                               "a\nb",
                               "\x7f",
                               "\x80",
                               "\xc0\x80",
                               "\xc1\xbf",
                               "\xc3",
                               "\xc3\x28",
                               "\xe0\x9f\xbf",
                               "\xe2\x82",
                               "\xed\xa0\x80",
                               "\xed\xbf\xbf",
                               "\xf0\x8f\xbf\xbf",
                               "\xf4\x90\x80\x80",
                               "\xf5\x80\x80\x80",
                               "\xf0\x9f\x94",
                               "\xff",
                               "\xfe"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(kq_text_is_printable(kq_slice_text(bad[i])));
    assert_false(kq_text_is_printable(kq_slice_of("a\0b", 3)));
}

static void guid_is_valid__forms__only_8_4_4_4_12(void **state)
{
    (void)state;
    assert_true(kq_guid_is_valid(kq_slice_text("0123abcd-4567-89ef-ABCD-0123456789ab")));
    const char *const bad[] = {"",
                               "0123abcd-4567-89ef-ABCD-0123456789a",
                               "0123abcd-4567-89ef-ABCD-0123456789abc",
                               "0123abcd_4567-89ef-ABCD-0123456789ab",
                               "0123abcd4-567-89ef-ABCD-0123456789ab",
                               "{123abcd-4567-89ef-ABCD-0123456789a}",
                               "0123abcg-4567-89ef-ABCD-0123456789ab",
                               "0123abcd-4567-89ef-ABCD-0123456789a-"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(kq_guid_is_valid(kq_slice_text(bad[i])));
}

static void uint_parse__decimal_up_to_max__value(void **state)
{
    (void)state;
    uint64_t value = 0;
    assert_true(kq_uint_parse(kq_slice_text("0"), 0, &value));
    assert_true(value == 0);
    assert_true(kq_uint_parse(kq_slice_text("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(kq_uint_parse(kq_slice_text("0064"), 64, &value));
    assert_true(value == 64);
}

static void uint_parse__over_max_overflow_or_foreign__false_and_untouched(void **state)
{
    (void)state;
    const char *const bad[] = {
        "", "65", "-1", "+1", " 1", "1 ", "0x1", "1.", "18446744073709551616", "99999999999999999999999"};
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(kq_uint_parse(kq_slice_text(bad[i]), 64, &value));
    assert_false(kq_uint_parse(kq_slice_text("18446744073709551616"), UINT64_MAX, &value));
    assert_true(value == 7);
}

static void text_copy__exact_fit_and_one_more__bounded(void **state)
{
    (void)state;
    char out[4] = "xxx";
    assert_true(kq_text_copy(kq_slice_text("abc"), out, sizeof out));
    assert_string_equal(out, "abc");
    assert_false(kq_text_copy(kq_slice_text("abcd"), out, sizeof out));
    assert_string_equal(out, "");
    assert_false(kq_text_copy(kq_slice_of("a\0b", 3), out, sizeof out));
    assert_string_equal(out, "");
    assert_true(kq_text_copy(KQ_SLICE_EMPTY, out, 1));
}

static void text_new__bytes_without_an_end__end_is_added(void **state)
{
    (void)state;
    const uint8_t bytes[] = {'a', 'b', 'c'};
    char *text = kq_text_new(kq_slice_of(bytes, 2));
    assert_string_equal(text, "ab");
    free(text);
    text = kq_text_new(KQ_SLICE_EMPTY);
    assert_string_equal(text, "");
    free(text);
    assert_null(kq_text_new(kq_slice_of("a\0b", 3)));
}

UNIT_MAIN(cmocka_unit_test(hex_encode__bytes__lower_case_digits), cmocka_unit_test(hex_decode__either_case__bytes),
          cmocka_unit_test(hex_decode__other_length_or_character__false),
          cmocka_unit_test(hash_text__32_bytes__eight_groups_and_back), cmocka_unit_test(hash_text__other_length__none),
          cmocka_unit_test(hash_parse__as_people_type_it__accepted),
          cmocka_unit_test(hash_parse__digit_too_few_or_many_or_foreign__false),
          cmocka_unit_test(base64url__published_vectors__both_ways),
          cmocka_unit_test(base64url__every_length_with_random_bytes__round_trip),
          cmocka_unit_test(base64url_decode__each_byte_value__only_the_alphabet),
          cmocka_unit_test(base64url_decode__length_padding_or_loose_bits__format),
          cmocka_unit_test(base64url__beyond_the_buffer__too_large), cmocka_unit_test(time_text__known_dates__iso_8601),
          cmocka_unit_test(text_is_printable__well_formed__true),
          cmocka_unit_test(text_is_printable__control_or_malformed__false),
          cmocka_unit_test(guid_is_valid__forms__only_8_4_4_4_12),
          cmocka_unit_test(uint_parse__decimal_up_to_max__value),
          cmocka_unit_test(uint_parse__over_max_overflow_or_foreign__false_and_untouched),
          cmocka_unit_test(text_copy__exact_fit_and_one_more__bounded),
          cmocka_unit_test(text_new__bytes_without_an_end__end_is_added))
