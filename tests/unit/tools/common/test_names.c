#include "unit.h"

#include "base/size.h"
#include "tools/common/names.h"

static void parse_key__what_people_write(void **state)
{
    (void)state;
    static const struct {
        const char *type, *size;
        uint64_t key_type, bits; /* 0: refused */
    } cases[] = {
        {"RSA", NULL, KQ_KEY_RSA, 2048},
        {"rsa", "4096", KQ_KEY_RSA, 4096},
        {"RSA", "", KQ_KEY_RSA, 2048},
        {"RSA", "1024", 0, 0},
        {"RSA", "2048x", 0, 0},
        {"EC", NULL, KQ_KEY_EC_P256, 256},
        {"ECDSA", "384", KQ_KEY_EC_P384, 384},
        {"EC", "P-521", KQ_KEY_EC_P521, 521},
        {"EC", "secp256k1", KQ_KEY_EC_SECP256K1, 256},
        {"P-256K", NULL, KQ_KEY_EC_SECP256K1, 256},
        {"NISTP384", NULL, KQ_KEY_EC_P384, 384},
        {"EC", "2048", 0, 0},
        {"AES", NULL, KQ_KEY_AES, 256},
        {"Rijndael", "128", KQ_KEY_AES, 128},
        {"AES", "512", 0, 0},
        {"DES3", NULL, 0, 0},
        {"DSA", NULL, 0, 0},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        uint64_t key_type = 0, bits = 0;
        bool good = kq_name_parse_key(cases[i].type, cases[i].size, &key_type, &bits);
        assert_int_equal(good, cases[i].key_type != 0);
        if (good) {
            assert_int_equal(key_type, cases[i].key_type);
            assert_int_equal(bits, cases[i].bits);
        }
    }
}

static void name_key__every_type(void **state)
{
    (void)state;
    char text[KQ_KEY_TYPE_TEXT_SIZE];
    kq_name_key(KQ_KEY_RSA, 3072, text);
    assert_string_equal(text, "RSA 3072");
    kq_name_key(KQ_KEY_EC_P521, 521, text);
    assert_string_equal(text, "EC P-521");
    kq_name_key(KQ_KEY_AES, 192, text);
    assert_string_equal(text, "AES 192");
}

static void mechanism__names_and_digests(void **state)
{
    (void)state;
    assert_int_equal(kq_name_mechanism("RS256")->mechanism, KQ_MECH_RSA_PKCS1_SHA256);
    assert_int_equal(kq_name_mechanism("es512")->hash_bits, 512);
    assert_int_equal(kq_name_mechanism("rsa-oaep")->hash_bits, 0);
    assert_null(kq_name_mechanism("rs1"));
}

static void numbers_outside__unknown(void **state)
{
    (void)state;
    assert_string_equal(kq_name_world_kind(4), "unknown");
    assert_string_equal(kq_name_origin(UINT64_MAX), "unknown");
    assert_string_equal(kq_name_audit_class(5), "unknown");
    assert_string_equal(kq_name_profile(3), "unknown");
}

UNIT_MAIN(cmocka_unit_test(parse_key__what_people_write), cmocka_unit_test(name_key__every_type),
          cmocka_unit_test(mechanism__names_and_digests), cmocka_unit_test(numbers_outside__unknown))
