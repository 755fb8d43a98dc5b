/* The parsers of text that people and other programs write. */
#include "base/text.h"
#include "fuzz.h"

static void try_base64url(struct kq_slice in)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&bytes, in.len + 4);
    kq_buffer_init(&text, 2 * in.len + 8);
    if (kq_base64url_decode(in, &bytes) != KQ_OK) {
        FUZZ_CHECK(bytes.len == 0);
        return;
    }
    FUZZ_CHECK(kq_base64url_encode(kq_buffer_slice(&bytes), &text) == KQ_OK);
    FUZZ_CHECK(kq_slice_is_equal(kq_buffer_slice(&text), in)); /* one text for one value */
}

static void try_hash(struct kq_slice in)
{
    uint8_t hash[32];
    uint8_t back[32];
    char text[KQ_HASH_TEXT_SIZE];
    if (!kq_hash_parse(in, hash))
        return;
    kq_hash_text(kq_slice_of(hash, sizeof hash), text);
    FUZZ_CHECK(kq_hash_parse(kq_slice_text(text), back));
    FUZZ_CHECK(memcmp(hash, back, sizeof hash) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kq_slice in = kq_slice_of(data, size);
    uint8_t bytes[64];
    uint64_t number;
    char text[32];
    try_base64url(in);
    try_hash(in);
    if (kq_hex_decode(in, bytes, size / 2 < sizeof bytes ? size / 2 : sizeof bytes))
        FUZZ_CHECK(size % 2 == 0);
    if (kq_guid_is_valid(in))
        FUZZ_CHECK(size == 36 && kq_text_is_printable(in));
    if (kq_uint_parse(in, 1000000, &number))
        FUZZ_CHECK(number <= 1000000);
    FUZZ_CHECK(kq_text_copy(in, text, sizeof text) == (size < sizeof text && memchr(data, 0, size) == NULL));
    return 0;
}
