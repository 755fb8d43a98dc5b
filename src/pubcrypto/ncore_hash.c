#include "pubcrypto/ncore_hash.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/buffer.h"
#include "base/size.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key_body.h"

#define NUMBER_BLOCK 64u /* numbers are padded to a multiple of this */
#define DATA_MAX 8192u

void kq_ncore_hash(const char *key_type, struct kq_slice data, uint8_t out[20])
{
    static const char head[] = "nFast KeyHash";
    static const char tail[] = "invented by nCipher 1997";
    const struct kq_slice parts[] = {
        kq_slice_of(head, sizeof head),
        kq_slice_of(key_type, strlen(key_type) + 1),
        data,
        kq_slice_of(tail, sizeof tail),
    };
    uint8_t digest[KQ_HASH_MAX_LEN];
    kq_hash_parts(KQ_HASH_SHA1, parts, KQ_COUNT_OF(parts), digest);
    memcpy(out, digest, 20);
}

/* Little-endian, padded with zeros. */
static kq_status put_number(const BIGNUM *number, struct kq_buffer *out)
{
    size_t len = ((size_t)BN_num_bytes(number) + NUMBER_BLOCK - 1) / NUMBER_BLOCK * NUMBER_BLOCK;
    if (len == 0)
        len = NUMBER_BLOCK;
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, len, &room));
    if (BN_bn2lebinpad(number, room, (int)len) != (int)len)
        return KQ_ERR_INTERNAL;
    out->len += len;
    return KQ_OK;
}

static kq_status put_numbers(const struct kq_public_key *key, const char *const *names, size_t num_names,
                             struct kq_buffer *out)
{
    for (size_t i = 0; i < num_names; i++) {
        BIGNUM *number = NULL;
        if (EVP_PKEY_get_bn_param(key->pkey, names[i], &number) != 1)
            return KQ_ERR_MEMORY;
        kq_status status = put_number(number, out);
        BN_free(number);
        KQ_TRY(status);
    }
    return KQ_OK;
}

/* The generator is known as an encoded point, 04 x y. */
static kq_status put_generator(const struct kq_public_key *key, struct kq_buffer *out)
{
    uint8_t point[1 + 2 * 66];
    size_t len = 0;
    if (EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_EC_GENERATOR, point, sizeof point, &len) != 1)
        return KQ_ERR_MEMORY;
    size_t half = (len - 1) / 2;
    kq_status status = KQ_OK;
    for (size_t i = 0; status == KQ_OK && i < 2; i++) {
        BIGNUM *coordinate = BN_bin2bn(point + 1 + i * half, (int)half, NULL);
        status = coordinate == NULL ? KQ_ERR_MEMORY : put_number(coordinate, out);
        BN_free(coordinate);
    }
    return status;
}

static kq_status put_curve_key(const struct kq_public_key *key, struct kq_buffer *out)
{
    static const char *const field[] = {OSSL_PKEY_PARAM_EC_P, OSSL_PKEY_PARAM_EC_A, OSSL_PKEY_PARAM_EC_B};
    static const char *const rest[] = {OSSL_PKEY_PARAM_EC_ORDER, OSSL_PKEY_PARAM_EC_COFACTOR, OSSL_PKEY_PARAM_EC_PUB_X,
                                       OSSL_PKEY_PARAM_EC_PUB_Y};
    const uint8_t head[12] = {[8] = (uint8_t)key->bits, [9] = (uint8_t)(key->bits >> 8)};
    KQ_TRY(kq_buffer_append(out, head, sizeof head));
    KQ_TRY(put_numbers(key, field, KQ_COUNT_OF(field), out));
    KQ_TRY(put_generator(key, out));
    return put_numbers(key, rest, KQ_COUNT_OF(rest), out);
}

kq_status kq_public_key_ncore_hash(const struct kq_public_key *key, uint8_t out[20])
{
    static const char *const rsa[] = {OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_N};
    static const char *const dsa[] = {OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G,
                                      OSSL_PKEY_PARAM_PUB_KEY};
    KQ_AUTO_VALUE(kq_buffer) data = {0};
    kq_buffer_init(&data, DATA_MAX);
    if (key->type == KQ_KEY_RSA)
        KQ_TRY(put_numbers(key, rsa, KQ_COUNT_OF(rsa), &data));
    else if (key->type == KQ_KEY_DSA)
        KQ_TRY(put_numbers(key, dsa, KQ_COUNT_OF(dsa), &data));
    else
        KQ_TRY(put_curve_key(key, &data));
    const char *prefix = key->type == KQ_KEY_RSA ? "RSA00" : key->type == KQ_KEY_DSA ? "DSA00" : "ECDSA00";
    kq_ncore_hash(prefix, kq_buffer_slice(&data), out);
    return KQ_OK;
}
