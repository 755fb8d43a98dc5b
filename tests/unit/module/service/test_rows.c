/* The table of who may call what, when, under which authority.
 * Source  docs/protocols/module.md */
#include "unit.h"

#include "base/size.h"
#include "module/service/call.h"

static const struct hsm_row *const parts[] = {hsm_service_rows, hsm_quorum_rows,   hsm_world_rows,
                                              hsm_key_rows,     hsm_transfer_rows, hsm_enrol_rows};

static const struct hsm_row *find_row(enum kq_op op, size_t *out_num)
{
    const struct hsm_row *found = NULL;
    *out_num = 0;
    for (size_t i = 0; i < KQ_COUNT_OF(parts); i++) {
        for (const struct hsm_row *row = parts[i]; row->handler != NULL; row++) {
            if (row->op != op)
                continue;
            found = row;
            ++*out_num;
        }
    }
    return found;
}

static bool is_among(enum kq_op op, const enum kq_op *list, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        if (list[i] == op)
            return true;
    }
    return false;
}

static void rows__each_operation__has_exactly_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < kq_num_operations; i++) {
        size_t num;
        find_row(kq_operations[i].op, &num);
        if (num != 1)
            print_error("%s has %zu rows\n", kq_operations[i].name, num);
        assert_int_equal(num, 1);
    }
}

static void rows__acts_of_officers__need_cards_and_nothing_else_does(void **state)
{
    (void)state;
    static const enum kq_op need_cards[] = {
        KQ_OP_WORLD_PROGRAM, KQ_OP_WORLD_ADMIT,     KQ_OP_TRUST_CHANGE, KQ_OP_KEY_RECOVER,
        KQ_OP_TRANSFER_COPY, KQ_OP_EXCHANGE_CREATE, KQ_OP_FACTORY_ROOT, KQ_OP_FACTORY_WARRANT,
    };
    for (size_t i = 0; i < kq_num_operations; i++) {
        size_t num;
        const struct hsm_row *row = find_row(kq_operations[i].op, &num);
        bool needs = (row->flags & HSM_ROW_QUORUM) != 0;
        if (needs != is_among(row->op, need_cards, KQ_COUNT_OF(need_cards)))
            print_error("%s %s cards\n", kq_operations[i].name, needs ? "needs" : "does not need");
        assert_int_equal(needs, is_among(row->op, need_cards, KQ_COUNT_OF(need_cards)));
    }
}

static void rows__changes_and_exports__are_recorded(void **state)
{
    (void)state;
    static const enum kq_op exports[] = {KQ_OP_KEY_GENERATE,    KQ_OP_KEY_IMPORT,       KQ_OP_KEY_RECOVER,
                                         KQ_OP_TRANSFER_COPY,   KQ_OP_TRANSFER_PACKAGE, KQ_OP_TRANSFER_IMPORT,
                                         KQ_OP_EXCHANGE_CREATE, KQ_OP_WORLD_ADMIT,      KQ_OP_FACTORY_WARRANT};
    for (size_t i = 0; i < kq_num_operations; i++) {
        size_t num;
        const struct hsm_row *row = find_row(kq_operations[i].op, &num);
        bool acts =
            (row->flags & (HSM_ROW_DRAFT | HSM_ROW_QUORUM)) != 0 || is_among(row->op, exports, KQ_COUNT_OF(exports));
        if (acts && (row->flags & HSM_ROW_RECORDED) == 0)
            print_error("%s is not recorded\n", kq_operations[i].name);
        assert_true(!acts || (row->flags & HSM_ROW_RECORDED) != 0);
    }
}

static void rows__each__names_a_role_and_a_world(void **state)
{
    (void)state;
    for (size_t i = 0; i < kq_num_operations; i++) {
        size_t num;
        const struct hsm_row *row = find_row(kq_operations[i].op, &num);
        assert_true(row->roles != 0 && row->worlds != 0);
        assert_true((row->flags & HSM_ROW_QUORUM) == 0 || row->roles == KQ_ROLE_ADMIN);
    }
}

UNIT_MAIN(cmocka_unit_test(rows__each_operation__has_exactly_one),
          cmocka_unit_test(rows__acts_of_officers__need_cards_and_nothing_else_does),
          cmocka_unit_test(rows__changes_and_exports__are_recorded),
          cmocka_unit_test(rows__each__names_a_role_and_a_world))
