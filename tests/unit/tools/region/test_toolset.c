#include <zip.h>

#include "harness/chain_factory.h"
#include "pubcrypto/hash.h"
#include "tools/region/toolset.h"
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

static kq_status make(const struct chain_packages *packages, struct kq_buffer *out, struct kq_toolset_facts *facts,
                      char why[256])
{
    kq_buffer_init(out, KQ_TOOLSET_MAX);
    return kq_toolset_make(&kq_regions[0], kq_buffer_slice(&packages->kek_package),
                           kq_buffer_slice(&packages->world_package), CHAIN_NOW, out, facts, why, 256);
}

static void toolset__same_packages__same_bytes(void **state)
{
    (void)state;
    struct chain_facts chain;
    KQ_AUTO_VALUE(chain_packages) packages = {0};
    KQ_AUTO_VALUE(kq_buffer) first = {0};
    KQ_AUTO_VALUE(kq_buffer) second = {0};
    struct kq_toolset_facts facts;
    char why[256];
    chain_facts_init(&chain, &keys);
    chain_build_packages(&chain, &packages);
    assert_int_equal(setenv("TZ", "Pacific/Auckland", 1), 0);
    assert_ok(make(&packages, &first, &facts, why));
    assert_int_equal(setenv("TZ", "America/Los_Angeles", 1), 0);
    assert_ok(make(&packages, &second, &facts, why));
    assert_slice_equal(kq_buffer_slice(&first), kq_buffer_slice(&second));
    uint8_t hash[32];
    kq_sha256(kq_buffer_slice(&first), hash);
    assert_memory_equal(facts.sha256, hash, 32);
    assert_memory_equal(facts.hknso, chain.hknso, 32);
    assert_memory_equal(facts.root_hash, chain.root_hash, 32);
}

static void toolset__zip__holds_the_five_files_sorted(void **state)
{
    (void)state;
    static const char *const names[] = {"BYOK-KEK-pkg-NA-1", "BYOK-SecurityWorld-pkg-NA-1", "KeyTransferRemote.exe",
                                        "README.txt", "verifykeypackage.py"};
    struct chain_facts chain;
    KQ_AUTO_VALUE(chain_packages) packages = {0};
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_toolset_facts facts;
    char why[256];
    chain_facts_init(&chain, &keys);
    chain_build_packages(&chain, &packages);
    assert_ok(make(&packages, &bytes, &facts, why));
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes.data, bytes.len, 0, &error);
    zip_t *archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    assert_non_null(archive);
    assert_int_equal(zip_get_num_entries(archive, 0), 5);
    for (zip_uint64_t i = 0; i < 5; i++)
        assert_string_equal(zip_get_name(archive, i, 0), names[i]);
    uint8_t package[KQ_PACKAGE_MAX];
    zip_file_t *file = zip_fopen_index(archive, 0, 0);
    zip_int64_t len = zip_fread(file, package, sizeof package);
    assert_slice_equal(kq_slice_of(package, (size_t)len), kq_buffer_slice(&packages.kek_package));
    zip_fclose(file);
    zip_discard(archive);
}

static void toolset__packages_that_do_not_verify__are_named_and_refused(void **state)
{
    (void)state;
    struct chain_facts chain;
    KQ_AUTO_VALUE(chain_packages) packages = {0};
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_toolset_facts facts;
    char why[256] = "";
    chain_facts_init(&chain, &keys);
    chain.signers[CHAIN_STATEMENT] = keys.stranger;
    chain_build_packages(&chain, &packages);
    assert_status(make(&packages, &bytes, &facts, why), KQ_ERR_SIGNATURE);
    assert_non_null(strstr(why, "region statement"));
    assert_int_equal(bytes.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(toolset__same_packages__same_bytes),
        cmocka_unit_test(toolset__zip__holds_the_five_files_sorted),
        cmocka_unit_test(toolset__packages_that_do_not_verify__are_named_and_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
