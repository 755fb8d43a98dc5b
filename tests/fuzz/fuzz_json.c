/* JSON of strangers: what is read can be written, and reads back as the same. */
#include "fuzz.h"
#include "vault/json/json.h"

/* Deepest nesting; recursion is bounded by what the parser lets through. */
static unsigned depth_of(const json_t *value)
{
    unsigned deepest = 0;
    const char *name;
    size_t i;
    json_t *inner;
    json_object_foreach((json_t *)(uintptr_t)value, name, inner)
    {
        unsigned depth = depth_of(inner);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach(value, i, inner)
    {
        unsigned depth = depth_of(inner);
        deepest = depth > deepest ? depth : deepest;
    }
    return json_is_object(value) || json_is_array(value) ? deepest + 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[160] = "";
    json_t *value = NULL;
    json_t *again = NULL;
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, 64 * size + 1024);
    if (vault_json_parse(kq_slice_of(data, size), &value, error, sizeof error) != KQ_OK) {
        FUZZ_CHECK(value == NULL && error[0] != '\0');
        return 0;
    }
    FUZZ_CHECK(depth_of(value) <= VAULT_JSON_DEPTH_MAX);
    FUZZ_CHECK(vault_json_write(value, &text) == KQ_OK);
    FUZZ_CHECK(vault_json_parse(kq_buffer_slice(&text), &again, error, sizeof error) == KQ_OK);
    FUZZ_CHECK(json_equal(value, again));
    vault_json_free(value);
    vault_json_free(again);
    return 0;
}
