/* The functions that promise timing independent of a secret's value. In the
 * valgrind build (dev/ctime) the secrets are marked undefined, so that any
 * branch or index on them is an error; elsewhere this checks the values. */
#include "base/ct.h"

#include "base/text.h"
#include "base/wipe.h"
#include "unit.h"

#ifdef KQ_VALGRIND
#include <valgrind/memcheck.h>
#define MARK_SECRET(data, len) VALGRIND_MAKE_MEM_UNDEFINED((data), (len))
#else
#define MARK_SECRET(data, len) ((void)(data), (void)(len))
#endif

static void ct_bytes_are_equal__secret_bytes__no_branch(void **state)
{
    (void)state;
    uint8_t a[32] = {9};
    uint8_t b[32] = {9};
    MARK_SECRET(a, sizeof a);
    MARK_SECRET(b, sizeof b);
    assert_true(kq_ct_bytes_are_equal(a, b, sizeof a));
}

static void ct_select_bytes__secret_mask__no_branch(void **state)
{
    (void)state;
    uint8_t yes[8] = "chosen";
    uint8_t no[8] = "refused";
    uint8_t out[8];
    uint64_t mask = UINT64_MAX;
    MARK_SECRET(&mask, sizeof mask);
    kq_ct_select_bytes(mask, yes, no, out, sizeof out);
    kq_ct_declassify(out, sizeof out);
    assert_string_equal((char *)out, "chosen");
}

static void base64url_encode__secret_bytes__no_branch(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, 64);
    uint8_t secret[5] = {0xff, 0x00, 0x7e, 0x80, 0x3f};
    MARK_SECRET(secret, sizeof secret);
    assert_ok(kq_base64url_encode(kq_slice_of(secret, sizeof secret), &text));
    kq_ct_declassify(text.data, text.len);
    assert_slice_equal(kq_buffer_slice(&text), kq_slice_text("_wB-gD8"));
}

UNIT_MAIN(cmocka_unit_test(ct_bytes_are_equal__secret_bytes__no_branch),
          cmocka_unit_test(ct_select_bytes__secret_mask__no_branch),
          cmocka_unit_test(base64url_encode__secret_bytes__no_branch))
