/* The cursor under any order of reads: the first bytes say which, the rest is read. */
#include "fuzz.h"
#include "wire/cbor.h"

static void read_one(uint8_t choice, struct kq_reader *reader)
{
    size_t before = reader->left;
    switch (choice % 6) {
    case 0:
        kq_cbor_get_uint(reader);
        break;
    case 1:
        FUZZ_CHECK(kq_cbor_get_bytes(reader).len <= before);
        break;
    case 2:
        FUZZ_CHECK(kq_cbor_get_text(reader).len <= before);
        break;
    case 3:
        FUZZ_CHECK(kq_cbor_get_array(reader) <= before);
        break;
    case 4:
        kq_reader_u64(reader);
        break;
    default:
        FUZZ_CHECK(kq_reader_bytes(reader, choice).len <= before);
        break;
    }
    FUZZ_CHECK(reader->left <= before);
    FUZZ_CHECK(!reader->failed || reader->left == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    struct kq_reader reader;
    kq_reader_init(&reader, kq_slice_of(data + 8, size - 8));
    for (size_t i = 0; i < 8; i++)
        read_one(data[i], &reader);
    kq_ignore(kq_reader_finish(&reader), "any outcome is fine");
    return 0;
}
