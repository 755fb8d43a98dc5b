#ifndef HSM_SELFTEST_SELFTEST_H
#define HSM_SELFTEST_SELFTEST_H

#include <stddef.h>

#include "base/status.h"

/* Known-answer tests of every algorithm the module rests on, run once at the
 * start (a few milliseconds). A failure means that this processor or library
 * cannot be trusted with keys: the module says which test and stops.
 * Errors: KQ_ERR_INTERNAL. */
KQ_MUST_CHECK kq_status hsm_selftest(void);

/* The tests one by one, and their names, for the unit test. */
struct hsm_selftest_case {
    const char *name;
    kq_status (*run)(void);
};
extern const struct hsm_selftest_case hsm_selftest_cases[];
extern const size_t hsm_num_selftest_cases;

#endif
