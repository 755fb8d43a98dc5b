#ifndef KQ_TESTS_UNIT_H
#define KQ_TESTS_UNIT_H

/* What every unit test includes: cmocka with the headers it forgets, and
 * checks that read like the project's types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "base/status.h"

/* A status, printed by its sentence when it is another one. */
#define assert_status(expression, expected)                                                                            \
    unit_assert_status((expression), (expected), #expression, __FILE__, __LINE__)
#define assert_ok(expression) assert_status((expression), KQ_OK)

static inline void unit_assert_status(kq_status got, kq_status expected, const char *what, const char *file, int line)
{
    if (got == expected)
        return;
    print_error("%s: %d (%s), expected %d (%s)\n", what, (int)got, kq_status_text(got), (int)expected,
                kq_status_text(expected));
    _fail(file, line);
}

/* Two slices of equal bytes. */
#define assert_slice_equal(a, b) unit_assert_slice_equal((a), (b), __FILE__, __LINE__)

static inline void unit_assert_slice_equal(struct kq_slice a, struct kq_slice b, const char *file, int line)
{
    if (a.len != b.len) {
        print_error("slices of %zu and %zu bytes\n", a.len, b.len);
        _fail(file, line);
    }
    if (a.len > 0)
        _assert_memory_equal(a.data, b.data, a.len, file, line);
}

/* A repeatable stream of numbers (xorshift64*), so that a failure can be had again from its seed. */
struct unit_random {
    uint64_t state;
};

static inline uint64_t unit_random_next(struct unit_random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(2685821657736338717);
}

static inline void unit_random_fill(struct unit_random *random, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(unit_random_next(random) >> 32);
}

/* UNIT_ONLY in the environment: the name, or a pattern, of the test cases to run. */
__attribute__((constructor)) static inline void unit_choose_cases(void)
{
    const char *only = getenv("UNIT_ONLY");
    if (only != NULL)
        cmocka_set_test_filter(only);
}

/* `#include "unit.h"`, tests named function__condition__outcome, then
 *     UNIT_MAIN(cmocka_unit_test(one), cmocka_unit_test(other)) */
#define UNIT_MAIN(...)                                                                                                 \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                                               \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                              \
    }

#endif
