#include "module/privcrypto/ec.h"

#include <openssl/obj_mac.h>

#include "base/ct.h"
#include "base/size.h"
#include "base/wipe.h"
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
static kq_status get_parameters(struct kq_der_reader *reader, const struct hsm_curve **curve)
{
    const struct hsm_curve *named = *curve;
    if (kq_der_next_is(reader, KQ_DER_CONTEXT_OF(0))) {
        struct kq_der_reader parameters = kq_der_enter(reader, KQ_DER_CONTEXT_OF(0));
        if (!kq_der_next_is(&parameters, KQ_DER_OID))
            return KQ_ERR_UNSUPPORTED;
        named = hsm_curve_of_oid(kq_der_get(&parameters, KQ_DER_OID));
        KQ_TRY(kq_der_finish(&parameters));
    }
    if (named == NULL)
        return KQ_ERR_UNSUPPORTED;
    if (*curve != NULL && *curve != named)
        return KQ_ERR_FORMAT;
    *curve = named;
    return KQ_OK;
}

static kq_status get_point(struct kq_der_reader *reader, struct hsm_ec *ec)
{
    if (!kq_der_next_is(reader, KQ_DER_CONTEXT_OF(1)))
        return KQ_OK;
    struct kq_der_reader inner = kq_der_enter(reader, KQ_DER_CONTEXT_OF(1));
    struct kq_slice point = kq_der_get_bit_string(&inner);
    KQ_TRY(kq_der_finish(&inner));
    if (point.len != 1 + 2 * ec->curve->len)
        return KQ_ERR_FORMAT;
    memcpy(ec->point, point.data, point.len);
    ec->point_len = point.len;
    return KQ_OK;
}

kq_status hsm_ec_get(struct kq_slice der, const struct hsm_curve *curve, struct hsm_ec *out)
{
    struct kq_der_reader outer;
    kq_der_reader_init(&outer, der);
    struct kq_der_reader reader = kq_der_enter(&outer, KQ_DER_SEQUENCE);
    KQ_TRY(kq_der_finish(&outer));
    struct kq_slice version = kq_der_get(&reader, KQ_DER_INTEGER);
    struct kq_slice scalar = kq_der_get(&reader, KQ_DER_OCTET_STRING);
    if (version.len != 1 || version.data[0] != 1)
        return KQ_ERR_FORMAT;
    KQ_TRY(get_parameters(&reader, &curve));
    KQ_AUTO_VALUE(hsm_ec) ec = {.curve = curve};
    KQ_TRY(get_point(&reader, &ec));
    KQ_TRY(kq_der_finish(&reader));
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

void hsm_ec_put(const struct hsm_ec *ec, struct kq_der_writer *writer)
{
    static const uint8_t version[1] = {1};
    uint8_t scalar[HSM_EC_LEN_MAX];
    if (BN_bn2binpad(ec->scalar, scalar, (int)ec->curve->len) != (int)ec->curve->len)
        KQ_BUG("a scalar longer than its curve");
    size_t sequence = kq_der_begin(writer, KQ_DER_SEQUENCE);
    kq_der_put_positive(writer, kq_slice_of(version, sizeof version));
    kq_der_put(writer, KQ_DER_OCTET_STRING, kq_slice_of(scalar, ec->curve->len));
    size_t point = kq_der_begin(writer, KQ_DER_CONTEXT_OF(1));
    kq_der_put_bit_string(writer, kq_slice_of(ec->point, ec->point_len));
    kq_der_end(writer, point);
    kq_der_end(writer, sequence);
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
