/* The choice between message and noise under valgrind (dev/ctime): what the
 * private operation gave and what noise is made of are marked undefined, so
 * that a branch or an index on them is an error; elsewhere this checks values. */
#include "base/ct.h"
#include "module/privcrypto/pkcs1.h"
#include "unit.h"

#ifdef KQ_VALGRIND
#include <valgrind/memcheck.h>
#define MARK_SECRET(data, len) VALGRIND_MAKE_MEM_UNDEFINED((data), (len))
#else
#define MARK_SECRET(data, len) ((void)(data), (void)(len))
#endif

enum { K = 256 };

static size_t unpad(uint8_t encoded[K])
{
    uint8_t secret[HSM_PKCS1_SECRET_LEN] = {3}, ciphertext[K] = {1};
    size_t len;
    MARK_SECRET(secret, sizeof secret);
    MARK_SECRET(encoded, K);
    assert_ok(hsm_pkcs1_unpad(secret, kq_slice_of(ciphertext, K), encoded, &len));
    return len;
}

static void pkcs1_unpad__right_padding__no_branch(void **state)
{
    (void)state;
    uint8_t encoded[K];
    memset(encoded, 0x55, sizeof encoded);
    encoded[0] = 0;
    encoded[1] = 2;
    encoded[K - 33] = 0;
    assert_int_equal(unpad(encoded), 32);
    kq_ct_declassify(encoded, sizeof encoded);
    assert_int_equal(encoded[K - 1], 0x55);
}

static void pkcs1_unpad__wrong_padding__no_branch(void **state)
{
    (void)state;
    uint8_t encoded[K] = {0, 3};
    assert_in_range(unpad(encoded), 0, K - HSM_PKCS1_OVERHEAD);
}

UNIT_MAIN(cmocka_unit_test(pkcs1_unpad__right_padding__no_branch),
          cmocka_unit_test(pkcs1_unpad__wrong_padding__no_branch))
