/* Files of other issuers and JWK sets: what is taken is public, bounded, and written the same way again. */
#include "base/text.h"
#include "fuzz.h"
#include "webclient/issuer.h"

static void check_keys(const json_t *keys)
{
    const json_t *key;
    size_t index;
    FUZZ_CHECK(json_array_size(keys) > 0 && json_array_size(keys) <= KQW_ISSUER_KEYS_MAX);
    json_array_foreach(keys, index, key)
    {
        const char *alg = json_string_value(json_object_get(key, "alg"));
        FUZZ_CHECK(alg != NULL && (strcmp(alg, "RS256") == 0 || strcmp(alg, "PS256") == 0 ||
                                   strcmp(alg, "ES256") == 0 || strcmp(alg, "ES384") == 0));
        FUZZ_CHECK(json_object_get(key, "d") == NULL && json_object_get(key, "k") == NULL);
    }
}

static void try_file(struct kq_slice in)
{
    KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
    KQ_AUTO_VALUE(kqw_issuer) again = {.keys = NULL};
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    char why[KQW_ISSUER_WHY_SIZE] = "";
    if (kqw_issuer_read(in, &issuer, why) != KQ_OK) {
        FUZZ_CHECK(why[0] != '\0' && issuer.keys == NULL);
        return;
    }
    check_keys(issuer.keys);
    FUZZ_CHECK(kqw_issuer_name_is_valid(issuer.name) && kqw_issuer_url_is_valid(issuer.url));
    kq_buffer_init(&text, KQW_ISSUER_FILE_MAX);
    kq_status status = kqw_issuer_write(&issuer, &text);
    if (status == KQ_ERR_TOO_LARGE) /* indented it may be longer than it came */
        return;
    FUZZ_CHECK(status == KQ_OK && kqw_issuer_read(kq_buffer_slice(&text), &again, why) == KQ_OK);
    FUZZ_CHECK(json_equal(issuer.keys, again.keys) && strcmp(issuer.url, again.url) == 0);
}

static void try_set(struct kq_slice in)
{
    char why[KQW_ISSUER_WHY_SIZE] = "";
    json_t *keys = NULL;
    json_t *set = json_loadb((const char *)in.data, in.len, JSON_REJECT_DUPLICATES, NULL);
    if (kqw_issuer_take_keys(set, &keys, why) == KQ_OK)
        check_keys(keys);
    json_decref(keys);
    json_decref(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[300];
    char guid[37];
    try_file(kq_slice_of(data, size));
    try_set(kq_slice_of(data, size));
    if (kq_text_copy(kq_slice_of(data, size), text, sizeof text)) {
        kqw_issuer_guid("https://a.example", text, guid);
        FUZZ_CHECK(kq_guid_is_valid(kq_slice_text(guid)));
    }
    return 0;
}
