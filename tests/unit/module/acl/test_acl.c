#include "acl_writer.h"

#include "base/clock.h"
#include "harness/fake_call.h"
#include "module/acl/acl.h"
#include "trust/acl.h"

static const struct hsm_row *const no_tables[] = {NULL};
static const uint8_t hknso[32] = {0xaa}, other_hash[32] = {0xbb}, hkm[32] = {0xcc};

struct fixture {
    struct fake_module module;
    struct hsm_call call;
    struct hsm_loaded key; /* only its ACL and its age matter here */
    struct acl_writer acl;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    fake_module_init(&f->module, no_tables);
    f->module.state->world.kind = KQ_WORLD_OWNER;
    memcpy(f->module.state->world.hknso, hknso, 32);
    memcpy(f->module.state->world.hkm, hkm, 32);
    fake_call_begin(&f->module, &f->call, KQ_OP_SIGN);
    f->key.loaded_monotonic_ms = 1000; /* the fake clock's start */
    acl_writer_init(&f->acl);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fake_call_end(&f->module, &f->call, KQ_OK);
    fake_module_clear(&f->module);
    kq_buffer_clear(&f->key.acl);
    free(f);
    return 0;
}

static void finish(struct fixture *f)
{
    acl_finish(&f->acl, &f->key.acl);
    acl_writer_init(&f->acl);
}

static void expect_denied(struct fixture *f, uint32_t permission, const char *why)
{
    f->call.detail[0] = '\0';
    assert_status(hsm_acl_use(&f->call, &f->key, permission), KQ_ERR_DENIED);
    if (strstr(f->call.detail, why) == NULL)
        fail_msg("detail \"%s\" without \"%s\"", f->call.detail, why);
}

/* ---- rights --------------------------------------------------------------------------------- */

/* Each right alone allows itself and nothing else. */
static void acl_use__each_right_against_each__only_itself(void **state)
{
    struct fixture *f = *state;
    for (uint32_t held = 1; held < KQ_PERM_ALL_KNOWN; held <<= 1) {
        acl_permissions(&f->acl, held);
        acl_end_group(&f->acl, KQ_SLICE_EMPTY);
        finish(f);
        for (uint32_t asked = 1; asked < KQ_PERM_ALL_KNOWN; asked <<= 1) {
            if (asked == held)
                assert_ok(hsm_acl_use(&f->call, &f->key, asked));
            else
                expect_denied(f, asked, "does not allow it");
        }
        expect_denied(f, held | (held == 1 ? 2 : 1), "does not allow it"); /* both or none */
        expect_denied(f, 0, "does not allow it");
    }
}

static void acl_use__no_groups_or_damaged__denied(void **state)
{
    struct fixture *f = *state;
    finish(f);
    expect_denied(f, KQ_PERM_SIGN, "Sign: the key's ACL does not allow it");
    kq_buffer_clear(&f->key.acl);
    expect_denied(f, KQ_PERM_SIGN, "damaged");
    assert_ok(kq_buffer_append(&f->key.acl, "\x83", 1));
    expect_denied(f, KQ_PERM_SIGN, "damaged");
}

/* ---- certifier -------------------------------------------------------------------------------- */

static void acl_use__certifier__only_with_quorum_of_that_world(void **state)
{
    struct fixture *f = *state;
    acl_permissions(&f->acl, KQ_PERM_EXPAND_ACL);
    acl_end_group(&f->acl, kq_slice_of(hknso, 32));
    acl_permissions(&f->acl, KQ_PERM_REDUCE_ACL);
    acl_end_group(&f->acl, kq_slice_of(other_hash, 32));
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, kq_slice_of(hknso, 31)); /* no hash at all */
    finish(f);
    expect_denied(f, KQ_PERM_EXPAND_ACL, "quorum");
    f->call.has_quorum = true;
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_EXPAND_ACL));
    expect_denied(f, KQ_PERM_REDUCE_ACL, "quorum");
    expect_denied(f, KQ_PERM_SIGN, "quorum");
    f->module.state->world.kind = 0;
    expect_denied(f, KQ_PERM_EXPAND_ACL, "quorum");
}

/* ---- limits ------------------------------------------------------------------------------------- */

static void acl_use__time_limit__ends_after_it(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, KQ_LIMIT_TIME, 10, 0);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    f->key.loaded_monotonic_ms = kq_clock_monotonic_ms();
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN));
    fake_clock_advance(9);
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN));
    fake_clock_advance(1);
    expect_denied(f, KQ_PERM_SIGN, "time limit");
    f->key.loaded_monotonic_ms = kq_clock_monotonic_ms();
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN));
}

static void acl_use__use_limit__exactly_that_many(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 3, 7);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    expect_denied(f, KQ_PERM_SIGN, "spent"); /* no counter: spent, not free */
    assert_ok(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl)));
    unsigned before = f->module.num_changes;
    for (unsigned i = 1; i <= 3; i++) {
        assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN));
        assert_int_equal(f->module.num_changes, before + i); /* durable each time */
    }
    expect_denied(f, KQ_PERM_SIGN, "spent");
    assert_int_equal(f->module.num_changes, before + 3);
    assert_ok(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl))); /* no new uses */
    expect_denied(f, KQ_PERM_SIGN, "spent");
}

static void acl_use__use_not_durable__not_given(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 1, 7);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    assert_ok(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl)));
    f->module.change_fails = KQ_ERR_IO;
    assert_status(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN), KQ_ERR_IO);
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN)); /* and not taken */
    expect_denied(f, KQ_PERM_SIGN, "spent");
}

/* Two limits in one group: both must have room, and a refusal takes nothing from either. */
static void acl_use__two_limits__all_or_nothing(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 1, 7);
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 5, 8);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    assert_ok(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl)));
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN));
    expect_denied(f, KQ_PERM_SIGN, "spent");
    assert_int_equal(f->module.state->counters[0].used, 1);
    assert_int_equal(f->module.state->counters[1].used, 1);
}

/* The same where the act has a draft of its own, which nobody throws away after a refusal. */
static void acl_use__two_limits_in_a_draft__all_or_nothing(void **state)
{
    struct fixture *f = *state;
    assert_ok(hsm_state_clone(f->module.state, &f->call.draft));
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 5, 8);
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 1, 7);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    assert_ok(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl)));
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN));
    expect_denied(f, KQ_PERM_SIGN, "spent");
    assert_int_equal(f->call.draft->counters[0].used, 1);
    assert_int_equal(f->call.draft->counters[1].used, 1);
    assert_int_equal(f->module.num_changes, 0);
}

static void acl_use__limit_of_unknown_kind_or_name__denied(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, 2, 1000, 0);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    const struct kq_acl_limit nameless = {KQ_LIMIT_GLOBAL, 1000, kq_slice_of(hkm, 19)};
    acl_put_item(&f->acl.limits, &f->acl.num_limits, &kq_acl_limit_type, &nameless);
    acl_permissions(&f->acl, KQ_PERM_DECRYPT);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    expect_denied(f, KQ_PERM_SIGN, "does not allow it");
    expect_denied(f, KQ_PERM_DECRYPT, "does not allow it");
}

/* ---- order of groups ------------------------------------------------------------------------------ */

static void acl_use__groups_in_order__first_that_allows_counts(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 1, 7);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, kq_slice_of(hknso, 32)); /* 1: one use under a quorum */
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 2, 8);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY); /* 2: two uses for anybody */
    finish(f);
    assert_ok(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl)));
    const struct hsm_use_counter *counters = f->module.state->counters;
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN)); /* no quorum: group 2 */
    counters = f->module.state->counters;
    assert_int_equal(counters[0].used, 0);
    assert_int_equal(counters[1].used, 1);
    f->call.has_quorum = true;
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN)); /* group 1 comes first */
    counters = f->module.state->counters;
    assert_int_equal(counters[0].used, 1);
    assert_int_equal(counters[1].used, 1);
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN)); /* group 1 is spent: on to 2 */
    counters = f->module.state->counters;
    assert_int_equal(counters[1].used, 2);
    expect_denied(f, KQ_PERM_SIGN, "spent");
}

/* ---- acts of other kinds ---------------------------------------------------------------------------- */

static kq_status ask(struct fixture *f, enum kq_acl_action_kind kind, uint32_t bits, struct kq_slice hash,
                     const struct kq_acl_transfer *transfer)
{
    const struct hsm_acl_question question = {kind, bits, hash, transfer};
    return hsm_acl_ask(&f->call, &f->key, &question);
}

static void acl_ask__make_blob__only_to_the_named_key(void **state)
{
    struct fixture *f = *state;
    const uint64_t flags = KQ_BLOB_ALLOW_KM_ONLY | KQ_BLOB_KMHASH_PRESENT;
    struct kq_slice own = kq_slice_of(hkm, 32), other = kq_slice_of(other_hash, 32);
    acl_action(&f->acl, KQ_ACTION_MAKE_BLOB, flags, own, KQ_SLICE_EMPTY);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    assert_ok(ask(f, KQ_ACTION_MAKE_BLOB, 0, own, NULL));
    assert_status(ask(f, KQ_ACTION_MAKE_BLOB, 0, other, NULL), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_MAKE_BLOB, 0, KQ_SLICE_EMPTY, NULL), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_MAKE_ARCHIVE_BLOB, 0, own, NULL), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_UNWRAP_FOR_IMPORT, 1, own, NULL), KQ_ERR_DENIED);
    expect_denied(f, KQ_PERM_SIGN, "does not allow it");
}

static void acl_ask__make_archive_blob__only_to_the_named_recovery_key(void **state)
{
    struct fixture *f = *state;
    struct kq_slice own = kq_slice_of(hkm, 32), other = kq_slice_of(other_hash, 32);
    acl_action(&f->acl, KQ_ACTION_MAKE_ARCHIVE_BLOB, 0, own, KQ_SLICE_EMPTY);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    assert_ok(ask(f, KQ_ACTION_MAKE_ARCHIVE_BLOB, 0, own, NULL));
    assert_status(ask(f, KQ_ACTION_MAKE_ARCHIVE_BLOB, 0, other, NULL), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_MAKE_ARCHIVE_BLOB, 0, KQ_SLICE_EMPTY, NULL), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_MAKE_BLOB, 0, own, NULL), KQ_ERR_DENIED);
}

/* Without a hash, or without the flag that says it binds, nothing is allowed. */
static void acl_ask__make_blob_that_names_no_key__denied(void **state)
{
    struct fixture *f = *state;
    struct kq_slice own = kq_slice_of(hkm, 32);
    acl_action(&f->acl, KQ_ACTION_MAKE_BLOB, KQ_BLOB_ALLOW_KM_ONLY, own, KQ_SLICE_EMPTY);
    acl_action(&f->acl, KQ_ACTION_MAKE_BLOB, KQ_BLOB_KMHASH_PRESENT, own, KQ_SLICE_EMPTY);
    acl_action(&f->acl, KQ_ACTION_MAKE_BLOB, KQ_BLOB_ALLOW_KM_ONLY | KQ_BLOB_KMHASH_PRESENT, KQ_SLICE_EMPTY,
               KQ_SLICE_EMPTY);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    assert_status(ask(f, KQ_ACTION_MAKE_BLOB, 0, own, NULL), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_MAKE_BLOB, 0, KQ_SLICE_EMPTY, NULL), KQ_ERR_DENIED);
}

static void acl_ask__unwrap_for_import__only_its_profile(void **state)
{
    struct fixture *f = *state;
    kq_buffer_init(&f->key.acl, KQ_ACL_MAX);
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, kq_slice_of(hkm, 32), &f->key.acl));
    assert_ok(ask(f, KQ_ACTION_UNWRAP_FOR_IMPORT, KQ_PROFILE_KEYQUAY, KQ_SLICE_EMPTY, NULL));
    assert_status(ask(f, KQ_ACTION_UNWRAP_FOR_IMPORT, KQ_PROFILE_AZURE_BYOK, KQ_SLICE_EMPTY, NULL), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_UNWRAP_FOR_IMPORT, 0, KQ_SLICE_EMPTY, NULL), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_UNWRAP_FOR_IMPORT, 3, KQ_SLICE_EMPTY, NULL), KQ_ERR_DENIED);
    /* an exchange key is good for nothing else, quorum or not */
    for (int round = 0; round < 2; round++) {
        f->call.has_quorum = round == 1;
        for (uint32_t right = 1; right < KQ_PERM_ALL_KNOWN; right <<= 1) {
            if (right != KQ_PERM_GET_ACL)
                expect_denied(f, right, "does not allow it");
        }
    }
}

static void acl_ask__transfer_package__each_fact_must_agree(void **state)
{
    struct fixture *f = *state;
    struct kq_slice kek = kq_slice_of(hkm, 32), world = kq_slice_of(hknso, 32), other = kq_slice_of(other_hash, 32);
    const struct kq_acl_transfer allowed = {KQ_PROFILE_KEYQUAY, 1, kek, world, FAKE_NOW + 1000};
    kq_buffer_init(&f->key.acl, KQ_ACL_MAX);
    assert_ok(kq_acl_transfer_copy(&allowed, &f->key.acl));
    struct kq_acl_transfer asked = allowed;
    assert_ok(ask(f, KQ_ACTION_MAKE_TRANSFER_PACKAGE, 0, KQ_SLICE_EMPTY, &asked));
    asked.not_after--;
    assert_ok(ask(f, KQ_ACTION_MAKE_TRANSFER_PACKAGE, 0, KQ_SLICE_EMPTY, &asked));
    const struct kq_acl_transfer wrong[] = {{KQ_PROFILE_AZURE_BYOK, 1, kek, world, allowed.not_after},
                                            {KQ_PROFILE_KEYQUAY, 2, kek, world, 1},
                                            {KQ_PROFILE_KEYQUAY, 1, other, world, allowed.not_after},
                                            {KQ_PROFILE_KEYQUAY, 1, kek, other, 1},
                                            {KQ_PROFILE_KEYQUAY, 1, kek, world, allowed.not_after + 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_status(ask(f, KQ_ACTION_MAKE_TRANSFER_PACKAGE, 0, KQ_SLICE_EMPTY, &wrong[i]), KQ_ERR_DENIED);
    assert_status(ask(f, KQ_ACTION_MAKE_TRANSFER_PACKAGE, 0, KQ_SLICE_EMPTY, NULL), KQ_ERR_DENIED);
    f->call.now = allowed.not_after + 1;
    assert_status(ask(f, KQ_ACTION_MAKE_TRANSFER_PACKAGE, 0, KQ_SLICE_EMPTY, &allowed), KQ_ERR_DENIED);
    /* the copy neither signs nor decrypts, and cannot be sealed again */
    expect_denied(f, KQ_PERM_SIGN, "does not allow it");
    expect_denied(f, KQ_PERM_DECRYPT, "does not allow it");
    assert_status(ask(f, KQ_ACTION_MAKE_BLOB, 0, kek, NULL), KQ_ERR_DENIED);
}

/* Nobody would count it. */
static void acl_ask__group_with_use_limit__denied(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 5, 7);
    acl_action(&f->acl, KQ_ACTION_UNWRAP_FOR_IMPORT, 1, KQ_SLICE_EMPTY, KQ_SLICE_EMPTY);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    assert_ok(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl)));
    assert_status(ask(f, KQ_ACTION_UNWRAP_FOR_IMPORT, 1, KQ_SLICE_EMPTY, NULL), KQ_ERR_DENIED);
}

/* ---- counters --------------------------------------------------------------------------------------- */

static void acl_uses_left__each_limit_in_order__counted_down(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(kq_writer) items = {0};
    size_t num = 0;
    kq_writer_init(&items, 256);
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 300, 7);
    acl_limit(&f->acl, KQ_LIMIT_TIME, 60, 0);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 5, 8);
    acl_permissions(&f->acl, KQ_PERM_DECRYPT);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    f->key.loaded_monotonic_ms = kq_clock_monotonic_ms();
    assert_true(hsm_acl_is_counted(kq_buffer_slice(&f->key.acl)));
    assert_ok(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl)));
    assert_ok(hsm_acl_use(&f->call, &f->key, KQ_PERM_SIGN));
    hsm_acl_uses_left(f->call.state, kq_buffer_slice(&f->key.acl), &items, &num);
    assert_int_equal(num, 2);
    static const uint8_t expected[] = {0x48, 0, 0, 0, 0, 0, 0, 1, 43, 0x48, 0, 0, 0, 0, 0, 0, 0, 5};
    assert_slice_equal(kq_buffer_slice(&items.buffer), kq_slice_of(expected, sizeof expected));
}

static void acl_register__table_full__too_large_and_unchanged(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, KQ_LIMIT_GLOBAL, 3, 7);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    f->module.state->num_counters = HSM_COUNTERS_MAX;
    assert_status(hsm_acl_register(&f->call, kq_buffer_slice(&f->key.acl)), KQ_ERR_TOO_LARGE);
    assert_int_equal(f->module.state->num_counters, HSM_COUNTERS_MAX);
}

static void acl_is_counted__acl_without_use_limit__false(void **state)
{
    struct fixture *f = *state;
    acl_limit(&f->acl, KQ_LIMIT_TIME, 60, 0);
    acl_permissions(&f->acl, KQ_PERM_SIGN);
    acl_end_group(&f->acl, KQ_SLICE_EMPTY);
    finish(f);
    assert_false(hsm_acl_is_counted(kq_buffer_slice(&f->key.acl)));
    assert_false(hsm_acl_is_counted(KQ_SLICE_EMPTY));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(acl_use__each_right_against_each__only_itself), TEST(acl_use__no_groups_or_damaged__denied),
          TEST(acl_use__certifier__only_with_quorum_of_that_world), TEST(acl_use__time_limit__ends_after_it),
          TEST(acl_use__use_limit__exactly_that_many), TEST(acl_use__use_not_durable__not_given),
          TEST(acl_use__two_limits__all_or_nothing), TEST(acl_use__two_limits_in_a_draft__all_or_nothing),
          TEST(acl_use__limit_of_unknown_kind_or_name__denied),
          TEST(acl_use__groups_in_order__first_that_allows_counts), TEST(acl_ask__make_blob__only_to_the_named_key),
          TEST(acl_ask__make_archive_blob__only_to_the_named_recovery_key),
          TEST(acl_ask__make_blob_that_names_no_key__denied), TEST(acl_ask__unwrap_for_import__only_its_profile),
          TEST(acl_ask__transfer_package__each_fact_must_agree), TEST(acl_ask__group_with_use_limit__denied),
          TEST(acl_uses_left__each_limit_in_order__counted_down),
          TEST(acl_register__table_full__too_large_and_unchanged), TEST(acl_is_counted__acl_without_use_limit__false))
