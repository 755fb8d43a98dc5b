#include "module/privcrypto/ec.h"

#include "module/privcrypto/oid.h"

/* OpenSSL's key of a point, and of a scalar unless it is NULL. The point is
 * checked to lie on the curve. */
static kq_status make_pkey(const struct hsm_curve *curve, const BIGNUM *scalar, struct kq_slice point, EVP_PKEY **out)
{
    HSM_AUTO(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();
    if (builder == NULL || !OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) ||
        !OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) ||
        (scalar != NULL && !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar)))
        return hsm_failed(KQ_ERR_MEMORY);
    HSM_AUTO(OSSL_PARAM) params = OSSL_PARAM_BLD_to_param(builder);
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *pkey = NULL;
    int selection = scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        return hsm_failed(KQ_ERR_FORMAT);
    *out = pkey;
    return KQ_OK;
}

kq_status hsm_ec_to_pkey(const struct hsm_ec *ec, EVP_PKEY **out)
{
    if (ec->point_len == 0)
        return KQ_ERR_FORMAT;
    return make_pkey(ec->curve, ec->scalar, kq_slice_of(ec->point, ec->point_len), out);
}

kq_status hsm_ec_of_pkey(const EVP_PKEY *pkey, const struct hsm_curve *curve, struct hsm_ec *out)
{
    HSM_AUTO(OSSL_PARAM) params = NULL;
    if (EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    KQ_AUTO_VALUE(hsm_ec) ec = {.curve = curve};
    const OSSL_PARAM *scalar = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY);
    const OSSL_PARAM *point = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
    if (scalar == NULL || point == NULL || OSSL_PARAM_get_BN(scalar, &ec.scalar) != 1 ||
        point->data_size != 1 + 2 * curve->len)
        return hsm_failed(KQ_ERR_INTERNAL);
    BN_set_flags(ec.scalar, BN_FLG_CONSTTIME);
    memcpy(ec.point, point->data, point->data_size);
    ec.point_len = point->data_size;
    *out = ec;
    ec = (struct hsm_ec){0};
    return KQ_OK;
}

kq_status hsm_ec_public_get(struct kq_slice spki, const struct hsm_curve *curve, EVP_PKEY **out)
{
    struct kq_der_reader outer;
    kq_der_reader_init(&outer, spki);
    struct kq_der_reader reader = kq_der_enter(&outer, KQ_DER_SEQUENCE);
    struct kq_der_reader algorithm = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    struct kq_slice key_oid = kq_der_get(&algorithm, KQ_DER_OID);
    struct kq_slice curve_oid = kq_der_get(&algorithm, KQ_DER_OID);
    struct kq_slice point = kq_der_get_bit_string(&reader);
    KQ_TRY(kq_der_finish(&algorithm));
    KQ_TRY(kq_der_finish(&reader));
    KQ_TRY(kq_der_finish(&outer));
    if (!kq_slice_is_equal(key_oid, HSM_OID_EC) || !kq_slice_is_equal(curve_oid, curve->oid) ||
        point.len != 1 + 2 * curve->len || point.data[0] != POINT_CONVERSION_UNCOMPRESSED)
        return KQ_ERR_FORMAT;
    return make_pkey(curve, NULL, point, out);
}
