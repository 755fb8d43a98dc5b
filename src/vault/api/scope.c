#include "vault/api/scope.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "base/text.h"

#define SEGMENTS_MAX 10u

/* Splits at slashes, without copying; returns how many, SEGMENTS_MAX + 1 for too many. */
static size_t split(const char *text, struct kq_slice out[SEGMENTS_MAX])
{
    size_t num = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, "/");
        if (len > 0 && num == SEGMENTS_MAX)
            return SEGMENTS_MAX + 1;
        if (len > 0)
            out[num++] = kq_slice_of(text, len);
        text += len + (text[len] == '/');
    }
    return num;
}

static bool is_word(struct kq_slice segment, const char *word)
{
    return segment.len == strlen(word) && strncasecmp((const char *)segment.data, word, segment.len) == 0;
}

static bool read_group(const struct kq_slice *segments, struct vault_scope *out)
{
    return is_word(segments[0], "resourceGroups") && kq_text_copy(segments[1], out->group, sizeof out->group) &&
           vault_group_name_is_valid(out->group);
}

static bool read_vault(const struct kq_slice *segments, struct vault_scope *out)
{
    return is_word(segments[0], "providers") && is_word(segments[1], "Microsoft.KeyVault") &&
           is_word(segments[2], "vaults") && kq_text_copy(segments[3], out->vault, sizeof out->vault) &&
           vault_name_is_valid(out->vault);
}

static bool read_key(const struct kq_slice *segments, struct vault_scope *out)
{
    return is_word(segments[0], "keys") && kq_text_copy(segments[1], out->key, sizeof out->key) &&
           vault_key_name_is_valid(out->key);
}

bool vault_scope_parse(const char *text, struct vault_scope *out)
{
    struct kq_slice segments[SEGMENTS_MAX] = {{NULL, 0}};
    struct vault_scope scope = {.subscription = ""};
    size_t num = split(text, segments);
    if (num != 2 && num != 4 && num != 8 && num != 10)
        return false;
    if (!is_word(segments[0], "subscriptions") || !kq_guid_is_valid(segments[1]) ||
        !kq_text_copy(segments[1], scope.subscription, sizeof scope.subscription))
        return false;
    if ((num >= 4 && !read_group(segments + 2, &scope)) || (num >= 8 && !read_vault(segments + 4, &scope)) ||
        (num == 10 && !read_key(segments + 8, &scope)))
        return false;
    *out = scope;
    return true;
}

void vault_scope_text(const struct vault_scope *scope, char out[VAULT_SCOPE_TEXT_SIZE])
{
    const bool has_group = scope->group[0] != '\0', has_vault = scope->vault[0] != '\0',
               has_key = scope->key[0] != '\0';
    snprintf(out, VAULT_SCOPE_TEXT_SIZE, "/subscriptions/%s%s%s%s%s%s%s", scope->subscription,
             has_group ? "/resourceGroups/" : "", scope->group,
             has_vault ? "/providers/Microsoft.KeyVault/vaults/" : "", scope->vault, has_key ? "/keys/" : "",
             scope->key);
}

void vault_scope_lower(const struct vault_scope *scope, char out[VAULT_SCOPE_TEXT_SIZE])
{
    vault_scope_text(scope, out);
    for (char *c = out; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
}

bool vault_scope_covers(const char *outer, const char *inner)
{
    size_t len = strlen(outer);
    while (len > 0 && outer[len - 1] == '/')
        len--;
    return strncasecmp(outer, inner, len) == 0 && (inner[len] == '\0' || inner[len] == '/');
}
