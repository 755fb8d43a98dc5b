#include "unit.h"

#include "base/text.h"
#include "module/audit/tree.h"
#include "pubcrypto/hash.h"

#define NUM_RECORDS 300

/* RFC 9162 2.1.1 as it is written: split at the largest power of two below n. */
static void naive_root(const uint8_t leaves[][32], size_t num, uint8_t out[32])
{
    if (num == 1) {
        memcpy(out, leaves[0], 32);
        return;
    }
    size_t split = 1;
    while (split * 2 < num)
        split *= 2;
    uint8_t left[32], right[32];
    naive_root(leaves, split, left);
    naive_root(leaves + split, num - split, right);
    static const uint8_t node = 1;
    kq_sha256_parts((struct kq_slice[]){kq_slice_of(&node, 1), kq_slice_of(left, 32), kq_slice_of(right, 32)}, 3, out);
}

static void root__every_size__equals_the_definition(void **state)
{
    (void)state;
    static uint8_t leaves[NUM_RECORDS][32];
    struct hsm_audit_tree tree = {0};
    for (size_t i = 0; i < NUM_RECORDS; i++) {
        uint8_t record[3] = {(uint8_t)i, (uint8_t)(i >> 8), 7};
        static const uint8_t leaf = 0;
        kq_sha256_parts((struct kq_slice[]){kq_slice_of(&leaf, 1), kq_slice_of(record, sizeof record)}, 2, leaves[i]);
        hsm_audit_tree_add(&tree, kq_slice_of(record, sizeof record));
        uint8_t expected[32], root[32];
        naive_root((const uint8_t(*)[32])leaves, i + 1, expected);
        hsm_audit_tree_root(&tree, root);
        assert_int_equal(tree.num_records, i + 1);
        assert_memory_equal(root, expected, 32);
    }
}

static void root__empty__hash_of_nothing(void **state)
{
    (void)state;
    struct hsm_audit_tree tree = {0};
    uint8_t root[32], expected[32];
    hsm_audit_tree_root(&tree, root);
    assert_true(
        kq_hex_decode(kq_slice_text("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), expected, 32));
    assert_memory_equal(root, expected, 32);
}

/* The eight leaves and roots that implementations of RFC 6962 and 9162 check themselves against. */
static void root__published_leaves__published_roots(void **state)
{
    (void)state;
    static const struct {
        const char *leaf;
        const char *root;
    } steps[] = {
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct hsm_audit_tree tree = {0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        uint8_t leaf[16], root[32], expected[32];
        size_t len = strlen(steps[i].leaf) / 2;
        assert_true(kq_hex_decode(kq_slice_text(steps[i].leaf), leaf, len));
        assert_true(kq_hex_decode(kq_slice_text(steps[i].root), expected, 32));
        hsm_audit_tree_add(&tree, kq_slice_of(leaf, len));
        hsm_audit_tree_root(&tree, root);
        assert_memory_equal(root, expected, 32);
    }
}

UNIT_MAIN(cmocka_unit_test(root__every_size__equals_the_definition), cmocka_unit_test(root__empty__hash_of_nothing),
          cmocka_unit_test(root__published_leaves__published_roots))
