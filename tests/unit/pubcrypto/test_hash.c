#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "unit.h"

static void assert_digest(const uint8_t *digest, size_t len, const char *hex)
{
    char text[2 * KQ_HASH_MAX_LEN + 1];
    kq_hex_encode(kq_slice_of(digest, len), text);
    assert_string_equal(text, hex);
}

/* FIPS 180-4 example "abc" */
static void sha256__abc__is_the_published_digest(void **state)
{
    (void)state;
    uint8_t digest[32];
    kq_sha256(kq_slice_text("abc"), digest);
    assert_digest(digest, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void sha256__nothing__is_the_published_digest(void **state)
{
    (void)state;
    uint8_t digest[32];
    kq_sha256(KQ_SLICE_EMPTY, digest);
    assert_digest(digest, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha256_parts__several_slices__hashes_them_as_one(void **state)
{
    (void)state;
    const struct kq_slice parts[] = {kq_slice_text("a"), KQ_SLICE_EMPTY, kq_slice_text("bc")};
    uint8_t digest[32];
    uint8_t whole[32];
    kq_sha256_parts(parts, KQ_COUNT_OF(parts), digest);
    kq_sha256(kq_slice_text("abc"), whole);
    assert_memory_equal(digest, whole, 32);
}

static void hash_parts__each_hash_of_abc__is_the_published_digest(void **state)
{
    (void)state;
    static const struct {
        enum kq_hash hash;
        const char *hex;
    } rows[] = {
        {KQ_HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {KQ_HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {KQ_HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134"
                         "c825a7"},
        {KQ_HASH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3"
                         "feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    };
    struct kq_slice abc = kq_slice_text("abc");
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        uint8_t digest[KQ_HASH_MAX_LEN];
        size_t len = kq_hash_parts(rows[i].hash, &abc, 1, digest);
        assert_int_equal(len, kq_hash_len(rows[i].hash));
        assert_digest(digest, len, rows[i].hex);
    }
}

UNIT_MAIN(cmocka_unit_test(sha256__abc__is_the_published_digest),
          cmocka_unit_test(sha256__nothing__is_the_published_digest),
          cmocka_unit_test(sha256_parts__several_slices__hashes_them_as_one),
          cmocka_unit_test(hash_parts__each_hash_of_abc__is_the_published_digest))
