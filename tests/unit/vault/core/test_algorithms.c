#include "vault/core/algorithms.h"

#include "base/size.h"
#include "unit.h"

#define SIGN (VAULT_OP_SIGN | VAULT_OP_VERIFY)
#define HIDE (VAULT_OP_ENCRYPT | VAULT_OP_DECRYPT | VAULT_OP_WRAP | VAULT_OP_UNWRAP)

static void vault_algorithm_find__each_name__its_row(void **state)
{
    (void)state;
    static const struct vault_algorithm expected[] = {
        {"RS256", 1, SIGN, true, KQ_KEY_RSA, 32},
        {"RS384", 2, SIGN, true, KQ_KEY_RSA, 48},
        {"RS512", 3, SIGN, true, KQ_KEY_RSA, 64},
        {"PS256", 4, SIGN, true, KQ_KEY_RSA, 32},
        {"PS384", 5, SIGN, true, KQ_KEY_RSA, 48},
        {"PS512", 6, SIGN, true, KQ_KEY_RSA, 64},
        {"RSNULL", 8, SIGN, true, KQ_KEY_RSA, 0},
        {"ES256", 7, SIGN, false, KQ_KEY_EC_P256, 32},
        {"ES384", 7, SIGN, false, KQ_KEY_EC_P384, 48},
        {"ES512", 7, SIGN, false, KQ_KEY_EC_P521, 64},
        {"ES256K", 7, SIGN, false, KQ_KEY_EC_SECP256K1, 32},
        {"ECDSA256", 7, SIGN, false, KQ_KEY_EC_SECP256K1, 32},
        {"RSA-OAEP", 16, HIDE, true, KQ_KEY_RSA, 0},
        {"RSA-OAEP-256", 17, HIDE, true, KQ_KEY_RSA, 0},
        {"RSA1_5", 18, HIDE, true, KQ_KEY_RSA, 0},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(expected); i++) {
        const struct vault_algorithm *found = vault_algorithm_find(expected[i].name);
        assert_non_null(found);
        assert_string_equal(found->name, expected[i].name);
        assert_int_equal(found->mechanism, expected[i].mechanism);
        assert_int_equal(found->ops, expected[i].ops);
        assert_int_equal(found->for_rsa, expected[i].for_rsa);
        assert_int_equal(found->type, expected[i].type);
        assert_int_equal(found->digest_len, expected[i].digest_len);
    }
}

static void vault_algorithm_find__other_names__none(void **state)
{
    (void)state;
    static const char *const names[] = {"", "rs256", "RS256 ", "RS1", "HS256", "A256GCM", "none", "RSA-OAEP-512"};
    for (size_t i = 0; i < KQ_COUNT_OF(names); i++)
        assert_null(vault_algorithm_find(names[i]));
}

static void vault_kty_find__each_name__there_and_back(void **state)
{
    (void)state;
    static const char *const names[] = {"RSA", "RSA-HSM", "EC", "EC-HSM", "oct"};
    for (size_t i = 0; i < KQ_COUNT_OF(names); i++)
        assert_string_equal(vault_kty_text(vault_kty_find(names[i])), names[i]);
    assert_int_equal(vault_kty_find("oct-HSM"), VAULT_KTY_OCT);
    assert_int_equal(vault_kty_find("rsa"), VAULT_KTY_UNKNOWN);
    assert_int_equal(vault_kty_find(""), VAULT_KTY_UNKNOWN);
    assert_string_equal(vault_kty_text(VAULT_KTY_UNKNOWN), "unknown");
}

static void vault_curve_find__each_name__its_curve(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
        enum kq_key_type type;
    } cases[] = {
        {"P-256", "P-256", KQ_KEY_EC_P256},           {"P-384", "P-384", KQ_KEY_EC_P384},
        {"P-521", "P-521", KQ_KEY_EC_P521},           {"P-256K", "P-256K", KQ_KEY_EC_SECP256K1},
        {"SECP256K1", "P-256K", KQ_KEY_EC_SECP256K1},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        enum kq_key_type type;
        assert_true(vault_curve_find(cases[i].text, &type));
        assert_int_equal(type, cases[i].type);
        assert_string_equal(vault_curve_text(type), cases[i].shown);
    }
    enum kq_key_type type = KQ_KEY_AES;
    assert_false(vault_curve_find("p-256", &type));
    assert_int_equal(type, KQ_KEY_AES);
    assert_null(vault_curve_text(KQ_KEY_RSA));
}

static void vault_key_op_name__all__in_the_order_of_answers(void **state)
{
    (void)state;
    static const char *const names[] = {"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import"};
    uint32_t all = 0, bit = 0;
    for (size_t i = 0; i < KQ_COUNT_OF(names); i++) {
        assert_string_equal(vault_key_op_name(i, &bit), names[i]);
        assert_int_equal(vault_key_op_find(names[i]), bit);
        assert_int_equal(all & bit, 0);
        all |= bit;
    }
    assert_null(vault_key_op_name(KQ_COUNT_OF(names), &bit));
    assert_int_equal(all, VAULT_OPS_RSA | VAULT_OP_IMPORT);
    assert_int_equal(VAULT_OPS_EC, SIGN);
    assert_int_equal(vault_key_op_find("wrapkey"), 0);
    assert_int_equal(vault_key_op_find(""), 0);
}

UNIT_MAIN(cmocka_unit_test(vault_algorithm_find__each_name__its_row),
          cmocka_unit_test(vault_algorithm_find__other_names__none),
          cmocka_unit_test(vault_kty_find__each_name__there_and_back),
          cmocka_unit_test(vault_curve_find__each_name__its_curve),
          cmocka_unit_test(vault_key_op_name__all__in_the_order_of_answers))
