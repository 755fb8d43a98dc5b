#include "vault/core/problem.h"

#include <stdbool.h>
#include <stddef.h>

#define ROW(NAME, status, code, inner) [VAULT_##NAME] = {(status), (code), (inner)},
static const struct vault_problem_row rows[VAULT_NUM_PROBLEMS] = {VAULT_PROBLEMS(ROW)};

const struct vault_problem_row *vault_problem_row(enum vault_problem problem)
{
    bool is_known = problem > VAULT_OK && problem < VAULT_NUM_PROBLEMS;
    return &rows[is_known ? problem : VAULT_INTERNAL];
}
