/* Forms of the token endpoint: what is taken is decoded text, each name once. */
#include "base/text.h"
#include "fuzz.h"
#include "vault/api/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KQ_AUTO_VALUE(vault_form) form = {.num_pairs = 0};
    const char *why = NULL;
    if (vault_form_parse(kq_slice_of(data, size), &form, &why) != KQ_OK) {
        FUZZ_CHECK(why != NULL && form.num_pairs == 0);
        return 0;
    }
    FUZZ_CHECK(size <= VAULT_FORM_MAX && form.num_pairs <= VAULT_FORM_PAIRS_MAX);
    for (size_t i = 0; i < form.num_pairs; i++) {
        FUZZ_CHECK(kq_text_is_printable(kq_slice_text(form.pairs[i].name)));
        FUZZ_CHECK(kq_text_is_printable(kq_slice_text(form.pairs[i].value)));
        FUZZ_CHECK(vault_form_value(&form, form.pairs[i].name) == form.pairs[i].value);
    }
    return 0;
}
