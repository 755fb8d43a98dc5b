/* A .byok file from outside. */
#include "fuzz.h"
#include "trust/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kq_slice in = kq_slice_of(data, size);
    struct kq_transfer_facts facts;
    const char *field = NULL;
    if (kq_transfer_parse(in, &facts, &field) != KQ_OK) {
        FUZZ_CHECK(field != NULL);
        return 0;
    }
    kq_ignore(kq_transfer_verify_source(in, FUZZ_NOW, &facts), "any outcome is fine");
    return 0;
}
