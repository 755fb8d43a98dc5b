#include "harness/chain_factory.h"
#include "trust/chain.h"
#include "unit.h"

/* What can be wrong with a warrant is tested row by row in test_packages.c. */

static struct chain_keys keys;

static int make_keys(void **state)
{
    (void)state;
    chain_keys_init(&keys);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    chain_keys_clear(&keys);
    return 0;
}

static kq_status verify_at(const struct chain_facts *facts, uint64_t now, uint8_t root_hash[32])
{
    KQ_AUTO_VALUE(chain_packages) packages = {.root = {0}};
    struct kq_certificate warrant;
    struct kq_certificate root;
    chain_build_packages(facts, &packages);
    return kq_chain_verify_warrant(kq_buffer_slice(&packages.warrant), kq_buffer_slice(&packages.root), now, &warrant,
                                   &root, root_hash);
}

static void verify_warrant__valid__gives_the_hash_of_the_roots_key(void **state)
{
    (void)state;
    struct chain_facts facts;
    uint8_t root_hash[32];
    chain_facts_init(&facts, &keys);
    assert_ok(verify_at(&facts, CHAIN_NOW, root_hash));
    assert_memory_equal(root_hash, facts.root_hash, 32);
}

static void verify_warrant__root_made_anew_for_the_same_key__keeps_its_hash(void **state)
{
    (void)state;
    struct chain_facts facts;
    uint8_t root_hash[32];
    chain_facts_init(&facts, &keys);
    facts.root.serial[9] = 77;
    facts.root.not_after += 1000;
    assert_ok(verify_at(&facts, CHAIN_NOW, root_hash));
    assert_memory_equal(root_hash, facts.root_hash, 32);
}

static void verify_warrant__at_each_end_of_its_dates__is_valid_up_to_and_including(void **state)
{
    (void)state;
    struct chain_facts facts;
    uint8_t root_hash[32];
    chain_facts_init(&facts, &keys);
    facts.warrant.not_before = CHAIN_NOW - 5;
    facts.warrant.not_after = CHAIN_NOW + 5;
    assert_status(verify_at(&facts, CHAIN_NOW - 6, root_hash), KQ_ERR_EXPIRED);
    assert_ok(verify_at(&facts, CHAIN_NOW - 5, root_hash));
    assert_ok(verify_at(&facts, CHAIN_NOW + 5, root_hash));
    assert_status(verify_at(&facts, CHAIN_NOW + 6, root_hash), KQ_ERR_EXPIRED);
}

static void verify_warrant__warrant_in_the_place_of_the_root__is_refused(void **state)
{
    (void)state;
    struct chain_facts facts;
    KQ_AUTO_VALUE(chain_packages) packages = {.root = {0}};
    struct kq_certificate warrant;
    struct kq_certificate root;
    uint8_t root_hash[32];
    chain_facts_init(&facts, &keys);
    chain_build_packages(&facts, &packages);
    assert_status(kq_chain_verify_warrant(kq_buffer_slice(&packages.warrant), kq_buffer_slice(&packages.warrant),
                                          CHAIN_NOW, &warrant, &root, root_hash),
                  KQ_ERR_MISMATCH);
    assert_status(kq_chain_verify_warrant(kq_buffer_slice(&packages.root), kq_buffer_slice(&packages.root), CHAIN_NOW,
                                          &warrant, &root, root_hash),
                  KQ_ERR_MISMATCH);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(verify_warrant__valid__gives_the_hash_of_the_roots_key),
    cmocka_unit_test(verify_warrant__root_made_anew_for_the_same_key__keeps_its_hash),
    cmocka_unit_test(verify_warrant__at_each_end_of_its_dates__is_valid_up_to_and_including),
    cmocka_unit_test(verify_warrant__warrant_in_the_place_of_the_root__is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
