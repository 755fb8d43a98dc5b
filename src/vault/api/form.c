#include "vault/api/form.h"

#include <strings.h>

#include "base/text.h"

void vault_form_clear(struct vault_form *form)
{
    kq_buffer_clear(&form->text);
    form->num_pairs = 0;
}

bool vault_form_is_type(const char *content_type)
{
    static const char form[] = "application/x-www-form-urlencoded";
    size_t len = sizeof form - 1;
    if (content_type == NULL || strncasecmp(content_type, form, len) != 0)
        return false;
    return content_type[len] == '\0' || content_type[len] == ';' || content_type[len] == ' ';
}

/* Decodes one name or value to the end of text, which has room for it, and
 * ends it with NUL; NULL if it is not well-formed. */
static const char *decode(struct kq_slice in, struct kq_buffer *text)
{
    uint8_t *const start = text->data + text->len;
    uint8_t *at = start;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t byte = in.data[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            if (in.len - i < 3 || !kq_hex_decode(kq_slice_of(in.data + i + 1, 2), &byte, 1))
                return NULL;
            i += 2;
        }
        *at++ = byte;
    }
    if (!kq_text_is_printable(kq_slice_of(start, (size_t)(at - start))))
        return NULL;
    *at++ = '\0';
    text->len += (size_t)(at - start);
    return (const char *)start;
}

static struct kq_slice take_until(struct kq_slice *rest, uint8_t end)
{
    size_t len = 0;
    while (len < rest->len && rest->data[len] != end)
        len++;
    struct kq_slice part = kq_slice_of(rest->data, len);
    *rest = kq_slice_after(*rest, len < rest->len ? len + 1 : len);
    return part;
}

static kq_status add_pair(struct vault_form *form, struct kq_slice value, const char **out_why)
{
    struct kq_slice name = take_until(&value, '=');
    if (form->num_pairs == VAULT_FORM_PAIRS_MAX) {
        *out_why = "it has too many parameters";
        return KQ_ERR_TOO_LARGE;
    }
    const char *name_text = decode(name, &form->text);
    const char *value_text = name_text == NULL ? NULL : decode(value, &form->text);
    if (value_text == NULL) {
        *out_why = "a name or value is not percent-encoded printable UTF-8";
        return KQ_ERR_FORMAT;
    }
    if (vault_form_value(form, name_text) != NULL) {
        *out_why = "a parameter occurs twice";
        return KQ_ERR_FORMAT;
    }
    form->pairs[form->num_pairs].name = name_text;
    form->pairs[form->num_pairs].value = value_text;
    form->num_pairs++;
    return KQ_OK;
}

kq_status vault_form_parse(struct kq_slice body, struct vault_form *out, const char **out_why)
{
    KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
    uint8_t *room = NULL;
    *out_why = "it is too long";
    if (body.len > VAULT_FORM_MAX)
        return KQ_ERR_TOO_LARGE;
    /* Decoding never makes text longer; each pair ends two texts. The pointers into it stay: it never grows. */
    size_t room_len = body.len + (size_t)2 * VAULT_FORM_PAIRS_MAX;
    kq_buffer_init(&form.text, room_len);
    KQ_TRY(kq_buffer_reserve(&form.text, room_len, &room));
    while (body.len > 0) {
        struct kq_slice pair = take_until(&body, '&');
        if (pair.len > 0)
            KQ_TRY(add_pair(&form, pair, out_why));
    }
    *out = form;
    form.text = (struct kq_buffer){.data = NULL};
    return KQ_OK;
}

const char *vault_form_value(const struct vault_form *form, const char *name)
{
    for (size_t i = 0; i < form->num_pairs; i++)
        if (strcmp(form->pairs[i].name, name) == 0)
            return form->pairs[i].value;
    return NULL;
}
