#include "vault/core/names.h"

#include <string.h>

#include "base/random.h"
#include "base/text.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters, digits and the characters of others, min to max of them. */
static bool is_made_of(const char *text, const char *others, size_t min, size_t max)
{
    size_t len = strnlen(text, max + 1);
    if (len < min || len > max)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i]) && strchr(others, text[i]) == NULL)
            return false;
    }
    return true;
}

bool vault_name_is_valid(const char *name)
{
    if (!is_made_of(name, "-", 3, VAULT_NAME_MAX))
        return false;
    return is_letter(name[0]) && name[strlen(name) - 1] != '-' && strstr(name, "--") == NULL;
}

bool vault_key_name_is_valid(const char *name)
{
    return is_made_of(name, "-", 1, VAULT_KEY_NAME_MAX);
}

bool vault_key_version_is_valid(const char *version)
{
    uint8_t bytes[VAULT_KEY_VERSION_LEN / 2];
    size_t len = strnlen(version, VAULT_KEY_VERSION_LEN + 1);
    return kq_hex_decode(kq_slice_of(version, len), bytes, sizeof bytes);
}

bool vault_group_name_is_valid(const char *name)
{
    return is_made_of(name, "-_.()", 1, VAULT_GROUP_NAME_MAX) && name[strlen(name) - 1] != '.';
}

kq_status vault_new_version(char out[VAULT_KEY_VERSION_LEN + 1])
{
    uint8_t bytes[VAULT_KEY_VERSION_LEN / 2];
    KQ_TRY(kq_random(bytes, sizeof bytes));
    kq_hex_encode(kq_slice_of(bytes, sizeof bytes), out);
    return KQ_OK;
}

kq_status vault_new_guid(char out[VAULT_GUID_LEN + 1])
{
    uint8_t bytes[16];
    KQ_TRY(kq_random(bytes, sizeof bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version and variant: RFC 4122 4.4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    static const size_t group_len[] = {4, 2, 2, 2, 6};
    const uint8_t *at = bytes;
    for (size_t i = 0; i < sizeof group_len / sizeof group_len[0]; i++) {
        if (i > 0)
            *out++ = '-';
        kq_hex_encode(kq_slice_of(at, group_len[i]), out);
        at += group_len[i];
        out += 2 * group_len[i];
    }
    return KQ_OK;
}
