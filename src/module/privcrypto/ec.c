#include "module/privcrypto/ec.h"

#include <openssl/obj_mac.h>

#include "base/ct.h"
#include "base/size.h"
#include "base/wipe.h"
#include "module/privcrypto/der.h"
#include "module/privcrypto/oid.h"

/* RFC 5480 2.1.1.1, SEC 2 A.2 */
static const uint8_t oid_p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t oid_p521[] = {0x2b, 0x81, 0x04, 0x00, 0x23};
static const uint8_t oid_secp256k1[] = {0x2b, 0x81, 0x04, 0x00, 0x0a};

static const struct hsm_curve curves[] = {
    {KQ_KEY_EC_P256, 256, "P-256", NID_X9_62_prime256v1, 32, {oid_p256, sizeof oid_p256}},
    {KQ_KEY_EC_P384, 384, "P-384", NID_secp384r1, 48, {oid_p384, sizeof oid_p384}},
    {KQ_KEY_EC_P521, 521, "P-521", NID_secp521r1, 66, {oid_p521, sizeof oid_p521}},
    {KQ_KEY_EC_SECP256K1, 256, "secp256k1", NID_secp256k1, 32, {oid_secp256k1, sizeof oid_secp256k1}},
};

const struct hsm_curve *hsm_curve_of_type(enum kq_key_type type)
{
    for (size_t i = 0; i < KQ_COUNT_OF(curves); i++) {
        if (curves[i].type == type)
            return &curves[i];
    }
    return NULL;
}

const struct hsm_curve *hsm_curve_of_oid(struct kq_slice oid)
{
    for (size_t i = 0; i < KQ_COUNT_OF(curves); i++) {
        if (kq_slice_is_equal(curves[i].oid, oid))
            return &curves[i];
    }
    return NULL;
}

void hsm_ec_clear(struct hsm_ec *ec)
{
    BN_clear_free(ec->scalar);
    *ec = (struct hsm_ec){0};
}

/* The optional curve inside ECPrivateKey. */
static kq_status get_parameters(struct kq_reader *reader, const struct hsm_curve **curve)
{
    const struct hsm_curve *named = *curve;
    if (hsm_der_is_next(reader, HSM_DER_CONTEXT_0)) {
        struct kq_reader parameters;
        hsm_der_enter(reader, HSM_DER_CONTEXT_0, &parameters);
        if (!hsm_der_is_next(&parameters, HSM_DER_OID))
            return KQ_ERR_UNSUPPORTED;
        named = hsm_curve_of_oid(hsm_der_get(&parameters, HSM_DER_OID));
        KQ_TRY(kq_reader_finish(&parameters));
    }
    if (named == NULL)
        return KQ_ERR_UNSUPPORTED;
    if (*curve != NULL && *curve != named)
        return KQ_ERR_FORMAT;
    *curve = named;
    return KQ_OK;
}

static kq_status get_point(struct kq_reader *reader, struct hsm_ec *ec)
{
    if (!hsm_der_is_next(reader, HSM_DER_CONTEXT_1))
        return KQ_OK;
    struct kq_reader inner;
    hsm_der_enter(reader, HSM_DER_CONTEXT_1, &inner);
    struct kq_slice point = hsm_der_get_bits(&inner);
    KQ_TRY(kq_reader_finish(&inner));
    if (point.len != 1 + 2 * ec->curve->len)
        return KQ_ERR_FORMAT;
    memcpy(ec->point, point.data, point.len);
    ec->point_len = point.len;
    return KQ_OK;
}

kq_status hsm_ec_get(struct kq_slice der, const struct hsm_curve *curve, struct hsm_ec *out)
{
    struct kq_reader outer, reader;
    kq_reader_init(&outer, der);
    hsm_der_enter(&outer, HSM_DER_SEQUENCE, &reader);
    KQ_TRY(kq_reader_finish(&outer));
    struct kq_slice version = hsm_der_get_unsigned(&reader);
    struct kq_slice scalar = hsm_der_get(&reader, HSM_DER_OCTET_STRING);
    if (version.len != 1 || version.data[0] != 1)
        return KQ_ERR_FORMAT;
    KQ_TRY(get_parameters(&reader, &curve));
    KQ_AUTO_VALUE(hsm_ec) ec = {.curve = curve};
    KQ_TRY(get_point(&reader, &ec));
    KQ_TRY(kq_reader_finish(&reader));
    if (scalar.len != curve->len)
        return KQ_ERR_FORMAT;
    ec.scalar = BN_bin2bn(scalar.data, (int)scalar.len, NULL);
    if (ec.scalar == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    BN_set_flags(ec.scalar, BN_FLG_CONSTTIME);
    *out = ec;
    ec = (struct hsm_ec){0};
    return KQ_OK;
}

void hsm_ec_put(const struct hsm_ec *ec, struct kq_writer *writer)
{
    static const uint8_t version[1] = {1};
    uint8_t scalar[HSM_EC_LEN_MAX];
    KQ_AUTO_VALUE(kq_writer) inner = {0}, point = {0};
    kq_writer_init(&inner, writer->buffer.max);
    kq_writer_init(&point, writer->buffer.max);
    if (BN_bn2binpad(ec->scalar, scalar, (int)ec->curve->len) != (int)ec->curve->len)
        KQ_BUG("a scalar longer than its curve");
    hsm_der_put_unsigned(&inner, kq_slice_of(version, sizeof version));
    hsm_der_put(&inner, HSM_DER_OCTET_STRING, kq_slice_of(scalar, ec->curve->len));
    hsm_der_put_bits(&point, kq_slice_of(ec->point, ec->point_len));
    hsm_der_put_inner(&inner, HSM_DER_CONTEXT_1, &point);
    hsm_der_put_inner(writer, HSM_DER_SEQUENCE, &inner);
    kq_wipe(scalar, sizeof scalar);
}

/* Computes scalar * G, uncompressed. */
static bool multiply(const struct hsm_ec *ec, const EC_GROUP *group, uint8_t point[HSM_EC_POINT_MAX])
{
    HSM_AUTO(EC_POINT) product = EC_POINT_new(group);
    size_t len = 1 + 2 * ec->curve->len;
    return product != NULL && EC_POINT_mul(group, product, ec->scalar, NULL, NULL, NULL) == 1 &&
           EC_POINT_point2oct(group, product, POINT_CONVERSION_UNCOMPRESSED, point, len, NULL) == len;
}

kq_status hsm_ec_check(struct hsm_ec *ec)
{
    HSM_AUTO(EC_GROUP) group = EC_GROUP_new_by_curve_name(ec->curve->nid);
    if (group == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    if (BN_is_zero(ec->scalar) || BN_ucmp(ec->scalar, EC_GROUP_get0_order(group)) >= 0)
        return KQ_ERR_ARGUMENT;
    uint8_t point[HSM_EC_POINT_MAX];
    if (!multiply(ec, group, point))
        return hsm_failed(KQ_ERR_ARGUMENT);
    size_t len = 1 + 2 * ec->curve->len;
    if (ec->point_len != 0 && !kq_ct_bytes_are_equal(point, ec->point, len))
        return KQ_ERR_ARGUMENT;
    memcpy(ec->point, point, len);
    ec->point_len = len;
    return KQ_OK;
}
