#include "base/status.h"

#include "unit.h"

static void status_text__every_code__has_its_own_sentence(void **state)
{
    (void)state;
    for (int i = 0; i < KQ_STATUS_COUNT; i++) {
        const char *text = kq_status_text((kq_status)i);
        assert_non_null(text);
        assert_true(strlen(text) > 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(text, kq_status_text((kq_status)j));
    }
}

static void status_text__outside_the_enum__unknown(void **state)
{
    (void)state;
    assert_string_equal(kq_status_text(KQ_STATUS_COUNT), "unknown status");
    assert_string_equal(kq_status_text((kq_status)-1), "unknown status");
}

/* The numbers travel on the wire: docs/protocols/module.md 4. */
static void status__numbers__never_change(void **state)
{
    (void)state;
    assert_int_equal(KQ_OK, 0);
    assert_int_equal(KQ_ERR_ARGUMENT, 1);
    assert_int_equal(KQ_ERR_FORMAT, 2);
    assert_int_equal(KQ_ERR_VERSION, 3);
    assert_int_equal(KQ_ERR_TOO_LARGE, 4);
    assert_int_equal(KQ_ERR_MEMORY, 5);
    assert_int_equal(KQ_ERR_IO, 6);
    assert_int_equal(KQ_ERR_NOT_FOUND, 7);
    assert_int_equal(KQ_ERR_EXISTS, 8);
    assert_int_equal(KQ_ERR_AUTH, 9);
    assert_int_equal(KQ_ERR_SIGNATURE, 10);
    assert_int_equal(KQ_ERR_DENIED, 11);
    assert_int_equal(KQ_ERR_QUORUM, 12);
    assert_int_equal(KQ_ERR_STATE, 13);
    assert_int_equal(KQ_ERR_UNTRUSTED, 14);
    assert_int_equal(KQ_ERR_EXPIRED, 15);
    assert_int_equal(KQ_ERR_MISMATCH, 16);
    assert_int_equal(KQ_ERR_ROLLBACK, 17);
    assert_int_equal(KQ_ERR_UNSUPPORTED, 18);
    assert_int_equal(KQ_ERR_WAIT, 19);
    assert_int_equal(KQ_ERR_CONNECT, 20);
    assert_int_equal(KQ_ERR_OUTCOME_UNKNOWN, 21);
    assert_int_equal(KQ_ERR_CANCELLED, 22);
    assert_int_equal(KQ_ERR_INTERNAL, 23);
}

static kq_status tries(kq_status inner, int *reached)
{
    KQ_TRY(inner);
    *reached = 1;
    return KQ_OK;
}

static void try__failure__returns_at_once(void **state)
{
    (void)state;
    int reached = 0;
    assert_status(tries(KQ_ERR_AUTH, &reached), KQ_ERR_AUTH);
    assert_int_equal(reached, 0);
    assert_ok(tries(KQ_OK, &reached));
    assert_int_equal(reached, 1);
}

UNIT_MAIN(cmocka_unit_test(status_text__every_code__has_its_own_sentence),
          cmocka_unit_test(status_text__outside_the_enum__unknown), cmocka_unit_test(status__numbers__never_change),
          cmocka_unit_test(try__failure__returns_at_once))
