/* An ACL from a package or a key file: checked, then printed, as aclprint does with any file. */
#include "fuzz.h"
#include "trust/acl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *nowhere = fopen("/dev/null", "w");
    if (nowhere == NULL)
        return 0;
    struct kq_slice in = kq_slice_of(data, size);
    kq_ignore(kq_acl_check(in), "any outcome is fine");
    kq_acl_print(in, "  ", nowhere);
    fclose(nowhere);
    return 0;
}
