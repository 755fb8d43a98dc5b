#include "unit.h"

#include "module/audit/entries.h"
#include "module/audit/recover.h"
#include "module/audit/tree.h"

/* A log as a module writes it: a state that knows its first part, records
 * pending in the state, and uses behind them. */
struct life {
    struct hsm_state *state;
    struct kq_buffer log;      /* the whole file */
    struct hsm_audit_tree end; /* after everything */
};

static struct hsm_state *shared; /* one key for all tests: making one takes long */

static int make_state(void **state)
{
    (void)state;
    return hsm_state_new(1000, &shared) == KQ_OK ? 0 : -1;
}

static int free_state(void **state)
{
    (void)state;
    hsm_state_free(shared);
    return 0;
}

static void put_record(struct hsm_audit_tree *tree, enum kq_audit_class class_, const char *event,
                       struct kq_buffer *frames)
{
    struct kq_audit_record record = {.time = 1, .class_ = class_, .event = kq_slice_text(event), .count = 1};
    assert_ok(hsm_audit_put_record(tree, &record, frames));
}

static void put_head(const struct life *life, const struct hsm_audit_tree *tree, struct kq_buffer *frames)
{
    assert_ok(hsm_audit_put_head(tree, life->state->esn, life->state->module_key, 1, frames));
}

/* Known to the state: signer, record, head. Pending: record, head. Then uses. */
static void life_begin(struct life *life)
{
    *life = (struct life){0};
    kq_buffer_init(&life->log, 1 << 20);
    assert_ok(hsm_state_clone(shared, &life->state));
    struct hsm_audit_tree tree = {0};
    assert_ok(hsm_audit_put_signer(life->state->module_key, &life->log));
    put_record(&tree, KQ_AUDIT_SYSTEM, "module-start", &life->log);
    put_head(life, &tree, &life->log);
    life->state->audit_log_len = life->log.len;
    kq_buffer_init(&life->state->audit_pending, HSM_AUDIT_PENDING_MAX);
    put_record(&tree, KQ_AUDIT_ADMIN, "key-generate", &life->state->audit_pending);
    put_head(life, &tree, &life->state->audit_pending);
    life->state->audit = tree;
    life->end = tree;
    assert_ok(kq_buffer_append(&life->log, life->state->audit_pending.data, life->state->audit_pending.len));
}

static void life_use(struct life *life, const char *event)
{
    put_record(&life->end, KQ_AUDIT_USE, event, &life->log);
    put_head(life, &life->end, &life->log);
}

static void life_stop(struct life *life, enum kq_audit_class class_)
{
    put_record(&life->end, class_, "clean-stop", &life->log);
    put_head(life, &life->end, &life->log);
}

static void life_clear(struct life *life)
{
    hsm_state_free(life->state);
    kq_buffer_clear(&life->log);
}

static void recover(const struct life *life, size_t log_len, struct hsm_audit_recovery *out)
{
    uint64_t known = life->state->audit_log_len;
    struct kq_slice tail = log_len > known ? kq_slice_of(life->log.data + known, log_len - known) : KQ_SLICE_EMPTY;
    assert_ok(hsm_audit_recover(life->state, log_len, tail, out));
}

static void assert_same_tree(const struct hsm_audit_tree *a, const struct hsm_audit_tree *b)
{
    uint8_t root_a[32], root_b[32];
    hsm_audit_tree_root(a, root_a);
    hsm_audit_tree_root(b, root_b);
    assert_int_equal(a->num_records, b->num_records);
    assert_memory_equal(root_a, root_b, 32);
}

static void recover__whole_log__continues_behind_it(void **state)
{
    (void)state;
    struct life life;
    life_begin(&life);
    life_use(&life, "sign");
    life_stop(&life, KQ_AUDIT_SYSTEM);
    struct hsm_audit_recovery found;
    recover(&life, life.log.len, &found);
    assert_int_equal(found.log_len, life.log.len);
    assert_int_equal(found.again.len, 0);
    assert_int_equal(found.num_dropped, 0);
    assert_true(found.is_clean);
    assert_false(found.is_cut);
    assert_same_tree(&found.tree, &life.end);
    hsm_audit_recovery_clear(&found);
    life_clear(&life);
}

/* A peer that appends records chooses their words. */
static void recover__clean_stop_said_by_a_peer__is_not_one(void **state)
{
    (void)state;
    struct life life;
    life_begin(&life);
    life_stop(&life, KQ_AUDIT_ADMIN);
    struct hsm_audit_recovery found;
    recover(&life, life.log.len, &found);
    assert_int_equal(found.num_dropped, 0);
    assert_false(found.is_clean);
    hsm_audit_recovery_clear(&found);
    life_clear(&life);
}

/* The power may go at any byte. Whatever is missing of the pending records is
 * written again; uses are kept up to the last head that is whole. */
static void recover__torn_at_any_byte__keeps_whole_heads_only(void **state)
{
    (void)state;
    struct life life;
    life_begin(&life);
    size_t pending_end = life.log.len;
    struct hsm_audit_tree after_pending = life.end;
    life_use(&life, "sign");
    size_t first_end = life.log.len;
    struct hsm_audit_tree after_first = life.end;
    life_use(&life, "decrypt");
    for (size_t len = life.state->audit_log_len; len <= life.log.len; len++) {
        struct hsm_audit_recovery found;
        recover(&life, len, &found);
        assert_false(found.is_cut);
        if (len < pending_end) {
            assert_int_equal(found.log_len, life.state->audit_log_len);
            assert_slice_equal(kq_buffer_slice(&found.again), kq_buffer_slice(&life.state->audit_pending));
            assert_same_tree(&found.tree, &after_pending);
        } else {
            bool has_second = len == life.log.len, has_first = len >= first_end;
            assert_int_equal(found.log_len, has_second ? life.log.len : has_first ? first_end : pending_end);
            assert_int_equal(found.again.len, 0);
            assert_same_tree(&found.tree, has_second ? &life.end : has_first ? &after_first : &after_pending);
            assert_int_equal(found.num_dropped, len - found.log_len);
        }
        hsm_audit_recovery_clear(&found);
    }
    life_clear(&life);
}

static void recover__any_bit_of_a_use_flipped__not_taken(void **state)
{
    (void)state;
    struct life life;
    life_begin(&life);
    size_t pending_end = life.log.len;
    struct hsm_audit_tree after_pending = life.end;
    life_use(&life, "sign");
    for (size_t at = pending_end; at < life.log.len; at++) {
        life.log.data[at] ^= (uint8_t)(1u << (at % 8));
        struct hsm_audit_recovery found;
        recover(&life, life.log.len, &found);
        assert_int_equal(found.log_len, pending_end);
        assert_same_tree(&found.tree, &after_pending);
        hsm_audit_recovery_clear(&found);
        life.log.data[at] ^= (uint8_t)(1u << (at % 8));
    }
    life_clear(&life);
}

static void recover__log_shorter_than_the_state_knows__says_cut(void **state)
{
    (void)state;
    struct life life;
    life_begin(&life);
    struct hsm_audit_recovery found;
    recover(&life, life.state->audit_log_len - 1, &found);
    assert_true(found.is_cut);
    assert_int_equal(found.log_len, life.state->audit_log_len - 1);
    assert_int_equal(found.again.len, life.state->audit_pending.len);
    hsm_audit_recovery_clear(&found);
    life_clear(&life);
}

/* As a module stops: the clean-stop record is in the state itself. */
static void recover__clean_stop_pending__clean_however_much_the_log_lacks(void **state)
{
    (void)state;
    struct life life;
    life_begin(&life);
    put_record(&life.end, KQ_AUDIT_SYSTEM, "clean-stop", &life.state->audit_pending);
    put_head(&life, &life.end, &life.state->audit_pending);
    life.state->audit = life.end;
    life.log.len = (size_t)life.state->audit_log_len;
    assert_ok(kq_buffer_append(&life.log, life.state->audit_pending.data, life.state->audit_pending.len));
    for (size_t len = (size_t)life.state->audit_log_len; len <= life.log.len; len += 7) {
        struct hsm_audit_recovery found;
        recover(&life, len, &found);
        assert_true(found.is_clean);
        assert_same_tree(&found.tree, &life.end);
        hsm_audit_recovery_clear(&found);
    }
    life_use(&life, "sign"); /* it went on after all */
    struct hsm_audit_recovery found;
    recover(&life, life.log.len, &found);
    assert_false(found.is_clean);
    hsm_audit_recovery_clear(&found);
    life_clear(&life);
}

static void recover__head_of_another_module__not_taken(void **state)
{
    (void)state;
    struct life life;
    life_begin(&life);
    size_t pending_end = life.log.len;
    KQ_AUTO(hsm_state) other = NULL;
    assert_ok(hsm_state_new(1000, &other));
    put_record(&life.end, KQ_AUDIT_USE, "sign", &life.log);
    assert_ok(hsm_audit_put_head(&life.end, life.state->esn, other->module_key, 1, &life.log));
    struct hsm_audit_recovery found;
    recover(&life, life.log.len, &found);
    assert_int_equal(found.log_len, pending_end);
    hsm_audit_recovery_clear(&found);
    life_clear(&life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recover__whole_log__continues_behind_it),
        cmocka_unit_test(recover__clean_stop_said_by_a_peer__is_not_one),
        cmocka_unit_test(recover__torn_at_any_byte__keeps_whole_heads_only),
        cmocka_unit_test(recover__any_bit_of_a_use_flipped__not_taken),
        cmocka_unit_test(recover__log_shorter_than_the_state_knows__says_cut),
        cmocka_unit_test(recover__clean_stop_pending__clean_however_much_the_log_lacks),
        cmocka_unit_test(recover__head_of_another_module__not_taken),
    };
    return cmocka_run_group_tests(tests, make_state, free_state);
}
