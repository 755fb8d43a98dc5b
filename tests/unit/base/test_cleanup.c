#include "base/cleanup.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/wipe.h"
#include "unit.h"

struct thing {
    int *num_freed;
};

static void thing_free(struct thing *thing)
{
    if (thing != NULL)
        ++*thing->num_freed;
}
KQ_AUTO_DEFINE(thing);

static void auto_pointer__scope_ends__freed_once(void **state)
{
    (void)state;
    int num_freed = 0;
    struct thing owned = {&num_freed};
    {
        KQ_AUTO(thing) thing = &owned;
        assert_ptr_equal(thing, &owned);
    }
    assert_int_equal(num_freed, 1);
}

static void auto_pointer__taken__not_freed(void **state)
{
    (void)state;
    int num_freed = 0;
    struct thing owned = {&num_freed};
    struct thing *kept = NULL;
    {
        KQ_AUTO(thing) thing = &owned;
        kept = KQ_TAKE(thing);
        assert_null(thing);
    }
    assert_int_equal(num_freed, 0);
    assert_ptr_equal(kept, &owned);
}

static void auto_fd__scope_ends__closed(void **state)
{
    (void)state;
    int number;
    {
        KQ_AUTO_FD fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        number = fd;
    }
    assert_int_equal(fcntl(number, F_GETFD), -1);
    KQ_AUTO_FD none = -1;
    assert_int_equal(none, -1);
}

static void random__two_calls__differ(void **state)
{
    (void)state;
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    assert_ok(kq_random(a, sizeof a));
    assert_ok(kq_random(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    assert_ok(kq_random(NULL, 0));
}

static void random__large_request__filled_to_the_end(void **state)
{
    (void)state;
    static uint8_t large[100000];
    assert_ok(kq_random(large, sizeof large));
    static const uint8_t zeros[64];
    assert_memory_not_equal(large + sizeof large - 64, zeros, 64);
}

static void clock__twice__goes_forward(void **state)
{
    (void)state;
    uint64_t first = kq_clock_monotonic_ms();
    usleep(3000);
    uint64_t second = kq_clock_monotonic_ms();
    assert_true(second >= first + 2);
    assert_true(kq_clock_unix_s() > 1700000000);
}

static void wipe__range__only_that_is_zero(void **state)
{
    (void)state;
    uint8_t bytes[6] = {1, 2, 3, 4, 5, 6};
    kq_wipe(bytes + 1, 4);
    assert_int_equal(bytes[0], 1);
    assert_int_equal(bytes[5], 6);
    assert_int_equal(bytes[1] | bytes[2] | bytes[3] | bytes[4], 0);
    kq_wipe(NULL, 0);
}

UNIT_MAIN(cmocka_unit_test(auto_pointer__scope_ends__freed_once), cmocka_unit_test(auto_pointer__taken__not_freed),
          cmocka_unit_test(auto_fd__scope_ends__closed), cmocka_unit_test(random__two_calls__differ),
          cmocka_unit_test(random__large_request__filled_to_the_end), cmocka_unit_test(clock__twice__goes_forward),
          cmocka_unit_test(wipe__range__only_that_is_zero))
