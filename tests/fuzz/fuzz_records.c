/* Any bytes against every record type: what is accepted encodes to the same bytes. */
#include "fuzz.h"
#include "unit/wire/every_record.h"

static void try_type(const struct kq_record_type *type, struct kq_slice in)
{
    uint64_t decoded[128];
    const char *field = NULL;
    kq_status status = kq_record_get(type, in, decoded, &field);
    if (status != KQ_OK) {
        FUZZ_CHECK(field != NULL);
        return;
    }
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, in.len);
    kq_record_put(type, decoded, &writer);
    struct kq_slice again;
    FUZZ_CHECK(kq_writer_finish(&writer, &again) == KQ_OK);
    FUZZ_CHECK(kq_slice_is_equal(again, in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; every_record(i) != NULL; i++)
        try_type(every_record(i), kq_slice_of(data, size));
    return 0;
}
