#include "harness/chain_factory.h"
#include "tools/factory/certificates.h"
#include "tools/factory/factory.h"
#include "unit.h"

static struct chain_keys keys;

static int set_up(void **state)
{
    (void)state;
    chain_keys_init(&keys);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    chain_keys_clear(&keys);
    return 0;
}

static void put_pem(struct kq_slice der, struct kq_buffer *out)
{
    assert_ok(kq_pem_encode("CERTIFICATE", der, out));
}

static void warrant_split__warrant_and_root__come_back(void **state)
{
    (void)state;
    struct chain_facts chain;
    KQ_AUTO_VALUE(chain_packages) packages = {0};
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    KQ_AUTO_VALUE(kq_buffer) root = {0};
    chain_facts_init(&chain, &keys);
    chain_build_packages(&chain, &packages);
    kq_buffer_init(&pem, KQ_PEM_MAX);
    put_pem(kq_buffer_slice(&packages.warrant), &pem);
    put_pem(kq_buffer_slice(&packages.root), &pem);
    assert_ok(kq_warrant_split(kq_buffer_slice(&pem), &warrant, &root));
    assert_slice_equal(kq_buffer_slice(&warrant), kq_buffer_slice(&packages.warrant));
    assert_slice_equal(kq_buffer_slice(&root), kq_buffer_slice(&packages.root));
}

static void warrant_split__root_missing__is_refused(void **state)
{
    (void)state;
    struct chain_facts chain;
    KQ_AUTO_VALUE(chain_packages) packages = {0};
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    KQ_AUTO_VALUE(kq_buffer) root = {0};
    chain_facts_init(&chain, &keys);
    chain_build_packages(&chain, &packages);
    kq_buffer_init(&pem, KQ_PEM_MAX);
    put_pem(kq_buffer_slice(&packages.warrant), &pem);
    assert_int_not_equal(kq_warrant_split(kq_buffer_slice(&pem), &warrant, &root), KQ_OK);
}

static void warrant_split__empty_or_text__is_refused(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    KQ_AUTO_VALUE(kq_buffer) root = {0};
    assert_status(kq_warrant_split(KQ_SLICE_EMPTY, &warrant, &root), KQ_ERR_FORMAT);
    assert_status(kq_warrant_split(kq_slice_text("hello"), &warrant, &root), KQ_ERR_FORMAT);
}

static void certificate_facts__root__gives_name_and_hash(void **state)
{
    (void)state;
    struct chain_facts chain;
    KQ_AUTO_VALUE(chain_packages) packages = {0};
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    struct kq_certificate_facts facts;
    chain_facts_init(&chain, &keys);
    chain_build_packages(&chain, &packages);
    kq_buffer_init(&pem, KQ_PEM_MAX);
    put_pem(kq_buffer_slice(&packages.root), &pem);
    assert_ok(kq_certificate_facts(kq_buffer_slice(&pem), &facts));
    assert_string_equal(facts.common_name, chain.root.common_name);
    assert_string_equal(facts.serial_number, "");
    assert_memory_equal(facts.public_hash, chain.root_hash, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warrant_split__warrant_and_root__come_back),
        cmocka_unit_test(warrant_split__root_missing__is_refused),
        cmocka_unit_test(warrant_split__empty_or_text__is_refused),
        cmocka_unit_test(certificate_facts__root__gives_name_and_hash),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
