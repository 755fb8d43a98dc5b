#include "unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "module/privcrypto/seal.h"

/* The kernel's generator, replaced (base/random.h has no other caller here). */
enum failure { WORKS, STUCK, STUCK_LATER, FAILS };
static enum failure failure;
static unsigned num_draws;

kq_status kq_random(void *out, size_t len)
{
    num_draws++;
    if (failure == FAILS)
        return KQ_ERR_IO;
    bool is_stuck = failure == STUCK || (failure == STUCK_LATER && num_draws > 2);
    memset(out, is_stuck ? 0x5a : (int)num_draws, len);
    return KQ_OK;
}

/* How a process ends that draws 96 bytes: 0, or the signal that stopped it. */
static int draw_with(enum failure what)
{
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        uint8_t out[96];
        setrlimit(RLIMIT_CORE, &no_core);
        failure = what;
        hsm_random(out, sizeof out);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void random__kernel_works__goes_on(void **state)
{
    (void)state;
    assert_int_equal(draw_with(WORKS), 0);
}

static void random__kernel_repeats_itself_or_fails__process_stops(void **state)
{
    (void)state;
    assert_int_equal(draw_with(STUCK), SIGABRT);
    assert_int_equal(draw_with(STUCK_LATER), SIGABRT);
    assert_int_equal(draw_with(FAILS), SIGABRT);
}

/* With a known kernel generator the result still is not known. */
static void random__kernel_known__openssl_mixed_in(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    num_draws = 0;
    hsm_random(a, sizeof a);
    num_draws = 0;
    hsm_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

UNIT_MAIN(cmocka_unit_test(random__kernel_works__goes_on),
          cmocka_unit_test(random__kernel_repeats_itself_or_fails__process_stops),
          cmocka_unit_test(random__kernel_known__openssl_mixed_in))
