#include "vault/core/algorithms.h"

#include <string.h>

#include "base/size.h"

#define SIGN (VAULT_OP_SIGN | VAULT_OP_VERIFY)
#define HIDE (VAULT_OP_ENCRYPT | VAULT_OP_DECRYPT | VAULT_OP_WRAP | VAULT_OP_UNWRAP)

static const struct vault_algorithm algorithms[] = {
    {"RS256", KQ_MECH_RSA_PKCS1_SHA256, SIGN, true, KQ_KEY_RSA, 32},
    {"RS384", KQ_MECH_RSA_PKCS1_SHA384, SIGN, true, KQ_KEY_RSA, 48},
    {"RS512", KQ_MECH_RSA_PKCS1_SHA512, SIGN, true, KQ_KEY_RSA, 64},
    {"PS256", KQ_MECH_RSA_PSS_SHA256, SIGN, true, KQ_KEY_RSA, 32},
    {"PS384", KQ_MECH_RSA_PSS_SHA384, SIGN, true, KQ_KEY_RSA, 48},
    {"PS512", KQ_MECH_RSA_PSS_SHA512, SIGN, true, KQ_KEY_RSA, 64},
    {"RSNULL", KQ_MECH_RSA_PKCS1_RAW, SIGN, true, KQ_KEY_RSA, 0},
    {"ES256", KQ_MECH_ECDSA, SIGN, false, KQ_KEY_EC_P256, 32},
    {"ES384", KQ_MECH_ECDSA, SIGN, false, KQ_KEY_EC_P384, 48},
    {"ES512", KQ_MECH_ECDSA, SIGN, false, KQ_KEY_EC_P521, 64},
    {"ES256K", KQ_MECH_ECDSA, SIGN, false, KQ_KEY_EC_SECP256K1, 32},
    {"ECDSA256", KQ_MECH_ECDSA, SIGN, false, KQ_KEY_EC_SECP256K1, 32}, /* api-version 2016-10-01's word for ES256K */
    {"RSA-OAEP", KQ_MECH_RSA_OAEP_SHA1, HIDE, true, KQ_KEY_RSA, 0},
    {"RSA-OAEP-256", KQ_MECH_RSA_OAEP_SHA256, HIDE, true, KQ_KEY_RSA, 0},
    {"RSA1_5", KQ_MECH_RSA_PKCS1, HIDE, true, KQ_KEY_RSA, 0},
};

const struct vault_algorithm *vault_algorithm_find(const char *name)
{
    for (size_t i = 0; i < KQ_COUNT_OF(algorithms); i++) {
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    }
    return NULL;
}

static const struct {
    const char *text;
    enum vault_kty kty;
} ktys[] = {
    {"RSA", VAULT_KTY_RSA},       {"RSA-HSM", VAULT_KTY_RSA_HSM}, {"EC", VAULT_KTY_EC},
    {"EC-HSM", VAULT_KTY_EC_HSM}, {"oct", VAULT_KTY_OCT},         {"oct-HSM", VAULT_KTY_OCT},
};

enum vault_kty vault_kty_find(const char *text)
{
    for (size_t i = 0; i < KQ_COUNT_OF(ktys); i++) {
        if (strcmp(ktys[i].text, text) == 0)
            return ktys[i].kty;
    }
    return VAULT_KTY_UNKNOWN;
}

const char *vault_kty_text(enum vault_kty kty)
{
    for (size_t i = 0; i < KQ_COUNT_OF(ktys); i++) {
        if (ktys[i].kty == kty)
            return ktys[i].text;
    }
    return "unknown";
}

/* The first name of a curve is the one shown. */
static const struct {
    const char *text;
    enum kq_key_type type;
} curves[] = {
    {"P-256", KQ_KEY_EC_P256},       {"P-384", KQ_KEY_EC_P384},          {"P-521", KQ_KEY_EC_P521},
    {"P-256K", KQ_KEY_EC_SECP256K1}, {"SECP256K1", KQ_KEY_EC_SECP256K1},
};

bool vault_curve_find(const char *text, enum kq_key_type *out)
{
    for (size_t i = 0; i < KQ_COUNT_OF(curves); i++) {
        if (strcmp(curves[i].text, text) == 0) {
            *out = curves[i].type;
            return true;
        }
    }
    return false;
}

const char *vault_curve_text(enum kq_key_type type)
{
    for (size_t i = 0; i < KQ_COUNT_OF(curves); i++) {
        if (curves[i].type == type)
            return curves[i].text;
    }
    return NULL;
}

/* In the order in which an answer lists them. */
static const struct {
    const char *name;
    uint32_t bit;
} key_ops[] = {
    {"encrypt", VAULT_OP_ENCRYPT}, {"decrypt", VAULT_OP_DECRYPT}, {"sign", VAULT_OP_SIGN},
    {"verify", VAULT_OP_VERIFY},   {"wrapKey", VAULT_OP_WRAP},    {"unwrapKey", VAULT_OP_UNWRAP},
    {"import", VAULT_OP_IMPORT},
};

uint32_t vault_key_op_find(const char *text)
{
    for (size_t i = 0; i < KQ_COUNT_OF(key_ops); i++) {
        if (strcmp(key_ops[i].name, text) == 0)
            return key_ops[i].bit;
    }
    return 0;
}

const char *vault_key_op_name(size_t i, uint32_t *out_bit)
{
    if (i >= KQ_COUNT_OF(key_ops))
        return NULL;
    *out_bit = key_ops[i].bit;
    return key_ops[i].name;
}
