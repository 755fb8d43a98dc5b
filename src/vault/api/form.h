#ifndef VAULT_API_FORM_H
#define VAULT_API_FORM_H

#include "base/buffer.h"
#include "base/cleanup.h"

/* The body of a token request: application/x-www-form-urlencoded (WHATWG URL
 * 5.1), stricter: each name once, each % with two hex digits, printable UTF-8
 * only. Names and values are decoded into one buffer, which is wiped. */
#define VAULT_FORM_MAX 32768u /* bytes of a body; a client assertion with a certificate chain fits */
#define VAULT_FORM_PAIRS_MAX 40u

struct vault_form {
    struct kq_buffer text; /* owned: names and values, each with its NUL */
    struct {
        const char *name;
        const char *value;
    } pairs[VAULT_FORM_PAIRS_MAX];
    size_t num_pairs;
};
void vault_form_clear(struct vault_form *form);
KQ_AUTO_DEFINE_VALUE(vault_form);

/* Is this the media type of forms? Parameters (charset) do not matter. NULL: no. */
bool vault_form_is_type(const char *content_type);

/* out_why  static: what is wrong, as the end of a sentence
 * Errors   KQ_ERR_TOO_LARGE, KQ_ERR_FORMAT */
KQ_MUST_CHECK kq_status vault_form_parse(struct kq_slice body, struct vault_form *out, const char **out_why);

/* NULL if there is none. */
const char *vault_form_value(const struct vault_form *form, const char *name);

#endif
