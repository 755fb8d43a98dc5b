#include "unit.h"

#include <stdio.h>

#include "module/audit/window.h"

static struct hsm_audit_use use_of(const char *place, uint64_t status)
{
    return (struct hsm_audit_use){.class_ = KQ_AUDIT_USE,
                                  .event = "sign",
                                  .status = status,
                                  .peer_uid = 5,
                                  .place = kq_slice_text(place),
                                  .subject = kq_slice_text("subject")};
}

static void note__equal_uses__folded_with_a_count(void **state)
{
    (void)state;
    KQ_AUTO(hsm_audit_window) window = NULL;
    assert_ok(hsm_audit_window_new(&window));
    static struct hsm_audit_folded folded[HSM_AUDIT_WINDOW_MAX];
    struct hsm_audit_use one = use_of("one", 0), refused = use_of("one", KQ_ERR_DENIED), two = use_of("two", 0);
    assert_int_equal(hsm_audit_window_note(window, &one, 1000, 50), HSM_AUDIT_NOTED_FIRST);
    assert_int_equal(hsm_audit_window_since(window), 50);
    assert_int_equal(hsm_audit_window_note(window, &one, 1001, 60), HSM_AUDIT_NOTED);
    assert_int_equal(hsm_audit_window_note(window, &two, 1001, 60), HSM_AUDIT_NOTED);
    assert_int_equal(hsm_audit_window_note(window, &refused, 1001, 60), HSM_AUDIT_NOTED);
    assert_int_equal(hsm_audit_window_note(window, &one, 1002, 70), HSM_AUDIT_NOTED);
    assert_int_equal(hsm_audit_window_take(window, folded), 3);
    assert_int_equal(folded[0].count, 3);
    assert_int_equal(folded[0].time, 1000);
    assert_true(kq_slice_is_text(folded[0].use.place, "one"));
    assert_true(kq_slice_is_text(folded[1].use.place, "two"));
    assert_true(kq_slice_is_text(folded[1].use.subject, "subject"));
    assert_int_equal(folded[2].use.status, KQ_ERR_DENIED);
    assert_int_equal(hsm_audit_window_since(window), 0);
    assert_int_equal(hsm_audit_window_take(window, folded), 0);
}

static void note__full_window__last_then_full_and_overdue(void **state)
{
    (void)state;
    KQ_AUTO(hsm_audit_window) window = NULL;
    assert_ok(hsm_audit_window_new(&window));
    static struct hsm_audit_folded folded[HSM_AUDIT_WINDOW_MAX];
    for (unsigned i = 0; i < HSM_AUDIT_WINDOW_MAX; i++) {
        char place[16];
        snprintf(place, sizeof place, "%u", i);
        struct hsm_audit_use use = use_of(place, 0);
        enum hsm_audit_noted noted = hsm_audit_window_note(window, &use, 1, 1000);
        assert_int_equal(noted, i == 0                          ? HSM_AUDIT_NOTED_FIRST
                                : i + 1 == HSM_AUDIT_WINDOW_MAX ? HSM_AUDIT_NOTED_LAST
                                                                : HSM_AUDIT_NOTED);
    }
    struct hsm_audit_use known = use_of("3", 0), unknown = use_of("new", 0);
    assert_int_equal(hsm_audit_window_note(window, &known, 1, 1000), HSM_AUDIT_NOTED);
    assert_int_equal(hsm_audit_window_note(window, &unknown, 1, 1000), HSM_AUDIT_IS_FULL);
    assert_true(hsm_audit_window_since(window) < 1000);
    assert_int_equal(hsm_audit_window_take(window, folded), HSM_AUDIT_WINDOW_MAX);
    assert_int_equal(folded[3].count, 2);
    assert_int_equal(hsm_audit_window_note(window, &unknown, 1, 1000), HSM_AUDIT_NOTED_FIRST);
}

UNIT_MAIN(cmocka_unit_test(note__equal_uses__folded_with_a_count),
          cmocka_unit_test(note__full_window__last_then_full_and_overdue))
