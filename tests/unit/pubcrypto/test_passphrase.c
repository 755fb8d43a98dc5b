#include "base/text.h"
#include "pubcrypto/passphrase.h"
#include "unit.h"

/* RFC 7914 12, third vector; a shorter output is its beginning. */
static void passphrase_key__published_vector__agrees(void **state)
{
    (void)state;
    uint8_t key[32];
    char text[65];
    assert_ok(kq_passphrase_key(kq_slice_text("pleaseletmein"), kq_slice_text("SodiumChloride"), 14, 8, 1, key));
    kq_hex_encode(kq_slice_of(key, sizeof key), text);
    assert_string_equal(text, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
}

static void passphrase_key__parameters_outside_their_bounds__are_refused(void **state)
{
    (void)state;
    uint8_t key[32] = {7};
    struct kq_slice text = kq_slice_text("x");
    assert_status(kq_passphrase_key(text, text, 9, 8, 1, key), KQ_ERR_ARGUMENT);
    assert_status(kq_passphrase_key(text, text, 21, 8, 1, key), KQ_ERR_ARGUMENT);
    assert_status(kq_passphrase_key(text, text, 10, 7, 1, key), KQ_ERR_ARGUMENT);
    assert_status(kq_passphrase_key(text, text, 10, 8, 0, key), KQ_ERR_ARGUMENT);
    assert_status(kq_passphrase_key(text, text, 10, 8, 5, key), KQ_ERR_ARGUMENT);
    assert_int_equal(key[0], 7);
}

static void passphrase_key__one_character_changed__makes_another_key(void **state)
{
    (void)state;
    uint8_t one[32];
    uint8_t other[32];
    assert_ok(kq_passphrase_key(kq_slice_text("correct horse"), kq_slice_text("salt"), 10, 8, 1, one));
    assert_ok(kq_passphrase_key(kq_slice_text("correct hors"), kq_slice_text("salt"), 10, 8, 1, other));
    assert_memory_not_equal(one, other, sizeof one);
}

UNIT_MAIN(cmocka_unit_test(passphrase_key__published_vector__agrees),
          cmocka_unit_test(passphrase_key__parameters_outside_their_bounds__are_refused),
          cmocka_unit_test(passphrase_key__one_character_changed__makes_another_key))
