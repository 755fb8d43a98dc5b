#include "vault/core/problem.h"

#include <string.h>

#include "unit.h"

static void vault_problem_row__every_problem__an_error_with_a_code(void **state)
{
    (void)state;
    for (int i = VAULT_OK + 1; i < VAULT_NUM_PROBLEMS; i++) {
        const struct vault_problem_row *row = vault_problem_row((enum vault_problem)i);
        assert_in_range(row->http_status, 400, 599);
        assert_non_null(row->code);
        assert_true(strlen(row->code) > 0);
        assert_true(row->inner_code == NULL || strlen(row->inner_code) > 0);
    }
}

static void vault_problem_row__no_problem_of_ours__internal(void **state)
{
    (void)state;
    assert_int_equal(vault_problem_row(VAULT_OK)->http_status, 500);
    assert_int_equal(vault_problem_row(VAULT_NUM_PROBLEMS)->http_status, 500);
}

UNIT_MAIN(cmocka_unit_test(vault_problem_row__every_problem__an_error_with_a_code),
          cmocka_unit_test(vault_problem_row__no_problem_of_ours__internal))
