/* What verifykeypackage and the module read from outside: both packages of a
 * region, each behind two bytes of its length. */
#include "fuzz.h"
#include "trust/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kq_slice in = kq_slice_of(data, size);
    struct kq_slice kek_package = fuzz_take(&in);
    struct kq_slice world_package = fuzz_take(&in);
    struct kq_destination destination;
    struct kq_chain_report report;
    kq_status status = kq_chain_verify_packages(kek_package, world_package, FUZZ_NOW, &destination, &report);
    FUZZ_CHECK(report.num_steps <= KQ_CHAIN_STEPS_MAX);
    size_t num_failed = 0;
    for (size_t i = 0; i < report.num_steps; i++) {
        FUZZ_CHECK(memchr(report.steps[i].reason, 0, sizeof report.steps[i].reason) != NULL);
        num_failed += report.steps[i].outcome == KQ_STEP_FAILED;
    }
    FUZZ_CHECK((num_failed > 0) == (status != KQ_OK));
    return 0;
}
