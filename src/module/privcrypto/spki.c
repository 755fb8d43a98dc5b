#include "module/privcrypto/spki.h"

#include "base/size.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/oid.h"
#include "pubcrypto/der.h"

#define NUMBER_MAX_LEN 2048u /* bytes of 16384 bits */

static kq_status put_number(const EVP_PKEY *pkey, const char *name, struct kq_der_writer *writer)
{
    HSM_AUTO(BIGNUM) number = NULL;
    uint8_t bytes[NUMBER_MAX_LEN];
    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    int len = BN_num_bytes(number);
    if ((size_t)len > sizeof bytes || BN_bn2binpad(number, bytes, len) != len)
        return hsm_failed(KQ_ERR_INTERNAL);
    kq_der_put_positive(writer, kq_slice_of(bytes, (size_t)len));
    return KQ_OK;
}

static kq_status put_numbers(const EVP_PKEY *pkey, const char *const *names, size_t num_names,
                             struct kq_der_writer *writer)
{
    size_t sequence = kq_der_begin(writer, KQ_DER_SEQUENCE);
    for (size_t i = 0; i < num_names; i++)
        KQ_TRY(put_number(pkey, names[i], writer));
    kq_der_end(writer, sequence);
    return KQ_OK;
}

static kq_status put_rsa(const EVP_PKEY *pkey, struct kq_der_writer *algorithm, struct kq_der_writer *key)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E};
    kq_der_put(algorithm, KQ_DER_OID, HSM_OID_RSA);
    kq_der_put(algorithm, KQ_DER_NULL, KQ_SLICE_EMPTY);
    return put_numbers(pkey, names, KQ_COUNT_OF(names), key);
}

static kq_status put_dsa(const EVP_PKEY *pkey, struct kq_der_writer *algorithm, struct kq_der_writer *key)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G};
    kq_der_put(algorithm, KQ_DER_OID, HSM_OID_DSA);
    KQ_TRY(put_numbers(pkey, names, KQ_COUNT_OF(names), algorithm));
    return put_number(pkey, OSSL_PKEY_PARAM_PUB_KEY, key);
}

static kq_status put_ec(const struct hsm_curve *curve, const EVP_PKEY *pkey, struct kq_der_writer *algorithm,
                        struct kq_der_writer *key)
{
    uint8_t point[HSM_EC_POINT_MAX];
    size_t len = 0;
    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) != 1 ||
        len != 1 + 2 * curve->len || point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return hsm_failed(KQ_ERR_INTERNAL);
    kq_der_put(algorithm, KQ_DER_OID, HSM_OID_EC);
    kq_der_put(algorithm, KQ_DER_OID, curve->oid);
    kq_der_put_raw(key, kq_slice_of(point, len));
    return KQ_OK;
}

static kq_status put_parts(enum kq_key_type type, const EVP_PKEY *pkey, struct kq_der_writer *algorithm,
                           struct kq_der_writer *key)
{
    const struct hsm_curve *curve = hsm_curve_of_type(type);
    if (type == KQ_KEY_RSA)
        return put_rsa(pkey, algorithm, key);
    if (type == KQ_KEY_DSA)
        return put_dsa(pkey, algorithm, key);
    return curve != NULL ? put_ec(curve, pkey, algorithm, key) : KQ_ERR_INTERNAL;
}

kq_status hsm_spki_put(enum kq_key_type type, const EVP_PKEY *pkey, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) algorithm = {0}, key = {0}, der = {0};
    kq_der_writer_init(&algorithm, KQ_PUBLIC_MAX);
    kq_der_writer_init(&key, KQ_PUBLIC_MAX);
    kq_der_writer_init(&der, KQ_PUBLIC_MAX);
    KQ_TRY(put_parts(type, pkey, &algorithm, &key));
    KQ_TRY(algorithm.failure);
    KQ_TRY(key.failure);
    size_t outer = kq_der_begin(&der, KQ_DER_SEQUENCE);
    kq_der_put(&der, KQ_DER_SEQUENCE, kq_buffer_slice(&algorithm.buffer));
    kq_der_put_bit_string(&der, kq_buffer_slice(&key.buffer));
    kq_der_end(&der, outer);
    return kq_der_writer_finish(&der, out);
}
