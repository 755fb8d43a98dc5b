#include "base/text.h"

#include <stdlib.h>
#include <time.h>

#include "base/ct.h"

static const char hex_digits[] = "0123456789abcdef";

void kq_hex_encode(struct kq_slice in, char *out)
{
    for (size_t i = 0; i < in.len; i++) {
        out[2 * i] = hex_digits[in.data[i] >> 4];
        out[2 * i + 1] = hex_digits[in.data[i] & 15];
    }
    out[2 * in.len] = '\0';
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool kq_hex_decode(struct kq_slice text, uint8_t *out, size_t out_len)
{
    if (text.len / 2 != out_len || text.len % 2 != 0)
        return false;
    for (size_t i = 0; i < out_len; i++) {
        int high = hex_value(text.data[2 * i]);
        int low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void kq_hash_text(struct kq_slice hash, char out[KQ_HASH_TEXT_SIZE])
{
    if (hash.len != 32) {
        snprintf(out, KQ_HASH_TEXT_SIZE, "(none)");
        return;
    }
    char *at = out;
    for (size_t i = 0; i < 32; i++) {
        if (i > 0 && i % 4 == 0)
            *at++ = ' ';
        *at++ = hex_digits[hash.data[i] >> 4];
        *at++ = hex_digits[hash.data[i] & 15];
    }
    *at = '\0';
}

static bool is_separator(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ':' || c == '-';
}

bool kq_hash_parse(struct kq_slice text, uint8_t out[32])
{
    uint8_t digits[64];
    size_t num_digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (is_separator(text.data[i]))
            continue;
        if (num_digits == sizeof digits)
            return false;
        digits[num_digits++] = text.data[i];
    }
    return num_digits == sizeof digits && kq_hex_decode(kq_slice_of(digits, sizeof digits), out, 32);
}

/* 6 bits to a character of the base64url alphabet, without table or branch:
 * each range adds the step from the former range's offset. */
static uint8_t base64url_digit(uint64_t value)
{
    uint64_t c = value + 'A';
    c += kq_ct_is_less(25, value) & (uint64_t)('a' - 26 - 'A');
    c += kq_ct_is_less(51, value) & (uint64_t)('0' - 52 - ('a' - 26));
    c += kq_ct_is_less(61, value) & (uint64_t)('-' - 62 - ('0' - 52));
    c += kq_ct_is_less(62, value) & (uint64_t)('_' - 63 - ('-' - 62));
    return (uint8_t)c;
}

kq_status kq_base64url_encode(struct kq_slice in, struct kq_buffer *out)
{
    size_t len = in.len / 3 * 4 + (in.len % 3 == 0 ? 0 : in.len % 3 + 1);
    uint8_t *at;
    if (len == 0)
        return KQ_OK;
    KQ_TRY(kq_buffer_reserve(out, len, &at));
    for (size_t i = 0; i < in.len; i += 3) {
        size_t have = in.len - i < 3 ? in.len - i : 3;
        uint32_t group = (uint32_t)in.data[i] << 16;
        if (have > 1)
            group |= (uint32_t)in.data[i + 1] << 8;
        if (have > 2)
            group |= in.data[i + 2];
        for (size_t digit = 0; digit <= have; digit++)
            *at++ = base64url_digit(group >> (18 - 6 * digit) & 63);
    }
    out->len += len;
    return KQ_OK;
}

/* A character to its 6 bits; bit 8 is set if it is none. Without table or branch. */
static uint32_t base64url_value(uint8_t c)
{
    uint64_t upper = kq_ct_is_less('A' - 1, c) & kq_ct_is_less(c, 'Z' + 1);
    uint64_t lower = kq_ct_is_less('a' - 1, c) & kq_ct_is_less(c, 'z' + 1);
    uint64_t digit = kq_ct_is_less('0' - 1, c) & kq_ct_is_less(c, '9' + 1);
    uint64_t minus = kq_ct_is_equal(c, '-');
    uint64_t under = kq_ct_is_equal(c, '_');
    uint64_t value = (upper & (uint64_t)(c - 'A')) | (lower & (uint64_t)(c - 'a' + 26)) |
                     (digit & (uint64_t)(c - '0' + 52)) | (minus & 62) | (under & 63);
    uint64_t known = upper | lower | digit | minus | under;
    return (uint32_t)((value & 63) | (~known & 256));
}

kq_status kq_base64url_decode(struct kq_slice text, struct kq_buffer *out)
{
    if (text.len % 4 == 1)
        return KQ_ERR_FORMAT;
    size_t len = text.len / 4 * 3 + (text.len % 4 == 0 ? 0 : text.len % 4 - 1);
    if (len == 0)
        return KQ_OK;
    uint8_t *at;
    KQ_TRY(kq_buffer_reserve(out, len, &at));
    uint32_t bad = 0;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t have = text.len - i < 4 ? text.len - i : 4;
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            uint32_t value = j < have ? base64url_value(text.data[i + j]) : 0;
            bad |= value & 256;
            group = group << 6 | (value & 63);
        }
        for (size_t j = 0; j < 3; j++) {
            uint8_t byte = (uint8_t)(group >> (16 - 8 * j));
            if (j + 1 < have)
                *at++ = byte;
            else
                bad |= byte; /* bits behind the last byte must be zero */
        }
    }
    if (bad != 0)
        return KQ_ERR_FORMAT;
    out->len += len;
    return KQ_OK;
}

void kq_time_text(uint64_t unix_s, char out[KQ_TIME_TEXT_SIZE])
{
    time_t when = (time_t)unix_s;
    struct tm parts;
    if (unix_s > 253402300799u || gmtime_r(&when, &parts) == NULL) { /* year 9999 */
        snprintf(out, KQ_TIME_TEXT_SIZE, "(no date)");
        return;
    }
    strftime(out, KQ_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/* Length of the UTF-8 sequence at the start of text, 0 if it is malformed. */
static size_t utf8_sequence_len(struct kq_slice text)
{
    uint8_t first = text.data[0];
    if (first < 0x80)
        return 1;
    size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.len < len)
        return 0;
    uint32_t point = first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (text.data[i] & 0x3f);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < smallest[len] || point > 0x10ffff || surrogate ? 0 : len;
}

bool kq_text_is_printable(struct kq_slice text)
{
    while (text.len > 0) {
        if (text.data[0] < 0x20 || text.data[0] == 0x7f)
            return false;
        size_t len = utf8_sequence_len(text);
        if (len == 0)
            return false;
        text = kq_slice_of(text.data + len, text.len - len);
    }
    return true;
}

bool kq_guid_is_valid(struct kq_slice text)
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text.data[i] != '-' : hex_value(text.data[i]) < 0)
            return false;
    }
    return true;
}

bool kq_uint_parse(struct kq_slice text, uint64_t max, uint64_t *out)
{
    if (text.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = text.data[i] - (uint64_t)'0';
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

bool kq_text_copy(struct kq_slice text, char *out, size_t size)
{
    out[0] = '\0';
    if (text.len >= size || (text.len > 0 && memchr(text.data, 0, text.len) != NULL))
        return false;
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

char *kq_text_new(struct kq_slice text)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL || kq_text_copy(text, copy, text.len + 1))
        return copy;
    free(copy);
    return NULL;
}
