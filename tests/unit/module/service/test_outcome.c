#include "unit.h"

#include "base/memory.h"
#include "module/service/outcome.h"

static const uint8_t ids[HSM_OUTCOMES_MAX + 4][KQ_REQUEST_ID_LEN] = {
    {0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {11}, {12}, {13}, {14}, {15}, {16}, {17}, {18}, {19}};

static struct hsm_act act_of(size_t id, uint8_t params)
{
    return (struct hsm_act){
        .op = KQ_OP_KEY_GENERATE, .request_id = kq_slice_of(ids[id], KQ_REQUEST_ID_LEN), .params_hash = {params}};
}

static int make(void **state)
{
    struct hsm_state *draft = kq_memory_new(sizeof *draft);
    memset(draft, 0, sizeof *draft);
    *state = draft;
    return 0;
}

static int clear(void **state)
{
    hsm_state_free(*state);
    return 0;
}

static void find__same_act__first_results(void **state)
{
    struct hsm_state *draft = *state;
    struct hsm_act act = act_of(1, 1);
    const struct hsm_outcome *found;
    assert_ok(hsm_outcome_find(draft, &act, &found));
    assert_null(found);
    assert_ok(hsm_outcome_add(draft, &act, 77, kq_slice_text("results")));
    assert_ok(hsm_outcome_find(draft, &act, &found));
    assert_true(kq_slice_is_text(kq_buffer_slice(&found->results), "results"));
    assert_int_equal(found->audit_index, 77);
}

static void find__same_id_other_act__refused(void **state)
{
    struct hsm_state *draft = *state;
    struct hsm_act act = act_of(1, 1), other_params = act_of(1, 2), other_op = act_of(1, 1), other_user = act_of(1, 1);
    other_user.uid = 4242;
    other_op.op = KQ_OP_PEER_SET;
    const struct hsm_outcome *found;
    assert_ok(hsm_outcome_add(draft, &act, 1, kq_slice_text("results")));
    assert_status(hsm_outcome_find(draft, &other_params, &found), KQ_ERR_MISMATCH);
    assert_status(hsm_outcome_find(draft, &other_op, &found), KQ_ERR_MISMATCH);
    assert_status(hsm_outcome_find(draft, &other_user, &found), KQ_ERR_MISMATCH);
}

static void add__more_than_are_remembered__oldest_forgotten(void **state)
{
    struct hsm_state *draft = *state;
    const struct hsm_outcome *found;
    for (size_t i = 0; i < HSM_OUTCOMES_MAX + 1; i++) {
        struct hsm_act act = act_of(i, 1);
        assert_ok(hsm_outcome_add(draft, &act, i, kq_slice_text("r")));
    }
    assert_int_equal(draft->num_outcomes, HSM_OUTCOMES_MAX);
    struct hsm_act oldest = act_of(0, 1), next = act_of(1, 1), newest = act_of(HSM_OUTCOMES_MAX, 1);
    assert_ok(hsm_outcome_find(draft, &oldest, &found));
    assert_null(found);
    assert_ok(hsm_outcome_find(draft, &next, &found));
    assert_non_null(found);
    assert_ok(hsm_outcome_find(draft, &newest, &found));
    assert_int_equal(found->audit_index, HSM_OUTCOMES_MAX);
}

static void add__large_results__total_stays_bounded(void **state)
{
    struct hsm_state *draft = *state;
    static uint8_t large[120000];
    for (size_t i = 0; i < 10; i++) {
        struct hsm_act act = act_of(i, 1);
        assert_ok(hsm_outcome_add(draft, &act, i, kq_slice_of(large, sizeof large)));
        size_t total = 0;
        for (size_t k = 0; k < draft->num_outcomes; k++)
            total += draft->outcomes[k].results.len;
        assert_in_range(total, sizeof large, HSM_OUTCOMES_LEN_MAX);
    }
    assert_int_equal(draft->num_outcomes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(find__same_act__first_results, make, clear),
        cmocka_unit_test_setup_teardown(find__same_id_other_act__refused, make, clear),
        cmocka_unit_test_setup_teardown(add__more_than_are_remembered__oldest_forgotten, make, clear),
        cmocka_unit_test_setup_teardown(add__large_results__total_stays_bounded, make, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
