#include "pubcrypto/public_key.h"

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/size.h"
#include "pubcrypto/der.h"
#include "pubcrypto/public_key_body.h"

/* A SubjectPublicKeyInfo is read by our own strict reader, which knows one
 * encoding for each key, and handed to the library as numbers. */

#define RSA_MIN_BITS 1024
#define RSA_MAX_BITS 16384
#define RSA_EXPONENT_MAX_LEN 8u /* bounds the work of one verification */

static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_dsa[] = {0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

struct curve {
    enum kq_key_type type;
    const char *name;
    uint64_t bits;
    uint8_t oid[8];
    size_t oid_len;
};
static const struct curve curves[] = {
    {KQ_KEY_EC_P256, "P-256", 256, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 8},
    {KQ_KEY_EC_P384, "P-384", 384, {0x2b, 0x81, 0x04, 0x00, 0x22}, 5},
    {KQ_KEY_EC_P521, "P-521", 521, {0x2b, 0x81, 0x04, 0x00, 0x23}, 5},
    {KQ_KEY_EC_SECP256K1, "secp256k1", 256, {0x2b, 0x81, 0x04, 0x00, 0x0a}, 5},
};

static bool push_number(OSSL_PARAM_BLD *build, const char *name, struct kq_slice magnitude, BIGNUM **out_number)
{
    *out_number = BN_bin2bn(magnitude.data, (int)magnitude.len, NULL);
    return *out_number != NULL && OSSL_PARAM_BLD_push_BN(build, name, *out_number) == 1;
}

/* The parameters refer to build's numbers only until they are made. */
static kq_status make_key(const char *algorithm, OSSL_PARAM_BLD *build, EVP_PKEY **out)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    bool able = params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1;
    bool good = able && EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) == 1;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!able)
        return KQ_ERR_MEMORY;
    return good ? KQ_OK : KQ_ERR_FORMAT;
}

struct named_number {
    const char *name;
    struct kq_slice magnitude;
};
#define NUMBERS_MAX 4

static kq_status make_key_from_numbers(const char *algorithm, const struct named_number *numbers, size_t num_numbers,
                                       EVP_PKEY **out)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *values[NUMBERS_MAX] = {NULL};
    bool able = build != NULL;
    for (size_t i = 0; able && i < num_numbers; i++)
        able = push_number(build, numbers[i].name, numbers[i].magnitude, &values[i]);
    kq_status status = able ? make_key(algorithm, build, out) : KQ_ERR_MEMORY;
    for (size_t i = 0; i < NUMBERS_MAX; i++)
        BN_free(values[i]);
    OSSL_PARAM_BLD_free(build);
    return status;
}

static uint64_t bits_of(struct kq_slice magnitude)
{
    uint64_t bits = magnitude.len * 8;
    for (uint8_t top = magnitude.data[0]; top < 0x80; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static bool is_odd(struct kq_slice magnitude)
{
    return (magnitude.data[magnitude.len - 1] & 1) != 0;
}

static kq_status read_rsa(struct kq_der_reader *algorithm, struct kq_slice key_bits, struct kq_public_key *out)
{
    bool has_null = kq_der_get(algorithm, KQ_DER_NULL).len == 0;
    KQ_TRY(kq_der_finish(algorithm));
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, key_bits);
    struct kq_der_reader pair = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    struct kq_slice n = kq_der_get_positive(&pair);
    struct kq_slice e = kq_der_get_positive(&pair);
    KQ_TRY(kq_der_finish(&pair));
    KQ_TRY(kq_der_finish(&reader));
    if (!has_null || !is_odd(n) || !is_odd(e) || bits_of(e) < 2)
        return KQ_ERR_FORMAT;
    if (bits_of(n) < RSA_MIN_BITS || bits_of(n) > RSA_MAX_BITS || e.len > RSA_EXPONENT_MAX_LEN)
        return KQ_ERR_UNSUPPORTED;
    out->type = KQ_KEY_RSA;
    out->bits = bits_of(n);
    const struct named_number numbers[] = {{OSSL_PKEY_PARAM_RSA_N, n}, {OSSL_PKEY_PARAM_RSA_E, e}};
    return make_key_from_numbers("RSA", numbers, KQ_COUNT_OF(numbers), &out->pkey);
}

/* True if 1 < y < p and y has order q. */
static bool dsa_key_is_valid(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool valid = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return valid;
}

static kq_status read_dsa(struct kq_der_reader *algorithm, struct kq_slice key_bits, struct kq_public_key *out)
{
    struct kq_der_reader domain = kq_der_enter(algorithm, KQ_DER_SEQUENCE);
    struct kq_slice p = kq_der_get_positive(&domain);
    struct kq_slice q = kq_der_get_positive(&domain);
    struct kq_slice g = kq_der_get_positive(&domain);
    KQ_TRY(kq_der_finish(&domain));
    KQ_TRY(kq_der_finish(algorithm));
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, key_bits);
    struct kq_slice y = kq_der_get_positive(&reader);
    KQ_TRY(kq_der_finish(&reader));
    bool short_pair = bits_of(p) == 1024 && bits_of(q) == 160;
    bool long_pair = (bits_of(p) == 2048 || bits_of(p) == 3072) && bits_of(q) == 256;
    if (!short_pair && !long_pair)
        return KQ_ERR_UNSUPPORTED;
    if (!is_odd(p) || !is_odd(q))
        return KQ_ERR_FORMAT;
    out->type = KQ_KEY_DSA;
    out->bits = bits_of(p);
    const struct named_number numbers[] = {{OSSL_PKEY_PARAM_FFC_P, p},
                                           {OSSL_PKEY_PARAM_FFC_Q, q},
                                           {OSSL_PKEY_PARAM_FFC_G, g},
                                           {OSSL_PKEY_PARAM_PUB_KEY, y}};
    KQ_TRY(make_key_from_numbers("DSA", numbers, KQ_COUNT_OF(numbers), &out->pkey));
    return dsa_key_is_valid(out->pkey) ? KQ_OK : KQ_ERR_FORMAT;
}

static const struct curve *find_curve(struct kq_slice oid)
{
    for (size_t i = 0; i < KQ_COUNT_OF(curves); i++)
        if (kq_slice_is_equal(oid, kq_slice_of(curves[i].oid, curves[i].oid_len)))
            return &curves[i];
    return NULL;
}

static kq_status read_ec(struct kq_der_reader *algorithm, struct kq_slice key_bits, struct kq_public_key *out)
{
    if (!kq_der_next_is(algorithm, KQ_DER_OID))
        return KQ_ERR_UNSUPPORTED; /* curves by their numbers */
    struct kq_slice oid = kq_der_get(algorithm, KQ_DER_OID);
    KQ_TRY(kq_der_finish(algorithm));
    const struct curve *curve = find_curve(oid);
    if (curve == NULL)
        return KQ_ERR_UNSUPPORTED;
    size_t field_len = (size_t)(curve->bits + 7) / 8;
    if (key_bits.len != 1 + 2 * field_len || key_bits.data[0] != 4) /* uncompressed */
        return KQ_ERR_FORMAT;
    out->type = curve->type;
    out->bits = curve->bits;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool able = build != NULL &&
                OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) == 1 &&
                OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, key_bits.data, key_bits.len) == 1;
    /* refuses points off the curve; the cofactor of each is 1 */
    kq_status status = able ? make_key("EC", build, &out->pkey) : KQ_ERR_MEMORY;
    OSSL_PARAM_BLD_free(build);
    return status;
}

static kq_status read_key(struct kq_slice spki, struct kq_public_key *out)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, spki);
    struct kq_der_reader info = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    struct kq_der_reader algorithm = kq_der_enter(&info, KQ_DER_SEQUENCE);
    struct kq_slice oid = kq_der_get(&algorithm, KQ_DER_OID);
    struct kq_slice key_bits = kq_der_get_bit_string(&info);
    KQ_TRY(kq_der_finish(&info));
    KQ_TRY(kq_der_finish(&reader));
    if (algorithm.failed)
        return KQ_ERR_FORMAT;
    if (kq_slice_is_equal(oid, kq_slice_of(oid_rsa, sizeof oid_rsa)))
        return read_rsa(&algorithm, key_bits, out);
    if (kq_slice_is_equal(oid, kq_slice_of(oid_dsa, sizeof oid_dsa)))
        return read_dsa(&algorithm, key_bits, out);
    if (kq_slice_is_equal(oid, kq_slice_of(oid_ec, sizeof oid_ec)))
        return read_ec(&algorithm, key_bits, out);
    return KQ_ERR_UNSUPPORTED;
}

kq_status kq_public_key_new(struct kq_slice spki, struct kq_public_key **out)
{
    KQ_AUTO(kq_public_key) key = calloc(1, sizeof *key);
    if (key == NULL)
        return KQ_ERR_MEMORY;
    KQ_TRY(read_key(spki, key));
    *out = KQ_TAKE(key);
    return KQ_OK;
}

void kq_public_key_free(struct kq_public_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

enum kq_key_type kq_public_key_type(const struct kq_public_key *key)
{
    return key->type;
}

uint64_t kq_public_key_bits(const struct kq_public_key *key)
{
    return key->bits;
}
