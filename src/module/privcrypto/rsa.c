#include "module/privcrypto/rsa.h"

#include "base/size.h"
#include "base/wipe.h"

#define RSA_NUMBER_MAX_LEN 2048u /* bytes of a 16384-bit modulus */

/* OpenSSL's names, in the order of enum hsm_rsa_number. */
static const char *const number_names[HSM_RSA_NUM_NUMBERS] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

void hsm_rsa_clear(struct hsm_rsa *rsa)
{
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        BN_clear_free(rsa->number[i]);
        rsa->number[i] = NULL;
    }
}

static void mark_secret(struct hsm_rsa *rsa)
{
    for (size_t i = HSM_RSA_D; i < HSM_RSA_NUM_NUMBERS; i++)
        BN_set_flags(rsa->number[i], BN_FLG_CONSTTIME);
}

kq_status hsm_rsa_get(struct kq_slice der, struct hsm_rsa *out)
{
    struct kq_der_reader outer;
    kq_der_reader_init(&outer, der);
    struct kq_der_reader reader = kq_der_enter(&outer, KQ_DER_SEQUENCE);
    struct kq_slice version = kq_der_get(&reader, KQ_DER_INTEGER);
    bool has_two_primes = version.len == 1 && version.data[0] == 0;
    struct kq_slice bytes[HSM_RSA_NUM_NUMBERS];
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        bytes[i] = kq_der_get_positive(&reader);
        if (bytes[i].len > RSA_NUMBER_MAX_LEN)
            return KQ_ERR_FORMAT;
    }
    KQ_TRY(kq_der_finish(&reader));
    KQ_TRY(kq_der_finish(&outer));
    if (!has_two_primes)
        return KQ_ERR_FORMAT;
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        rsa.number[i] = BN_bin2bn(bytes[i].data, (int)bytes[i].len, NULL);
        if (rsa.number[i] == NULL)
            return hsm_failed(KQ_ERR_MEMORY);
    }
    mark_secret(&rsa);
    *out = rsa;
    rsa = (struct hsm_rsa){0};
    return KQ_OK;
}

void hsm_rsa_put(const struct hsm_rsa *rsa, struct kq_der_writer *writer)
{
    uint8_t bytes[RSA_NUMBER_MAX_LEN];
    size_t sequence = kq_der_begin(writer, KQ_DER_SEQUENCE);
    kq_der_put_positive(writer, KQ_SLICE_EMPTY); /* version 0: two primes */
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        int len = BN_num_bytes(rsa->number[i]);
        if (BN_bn2binpad(rsa->number[i], bytes, len) != len)
            KQ_BUG("an RSA number longer than 16384 bits");
        kq_der_put_positive(writer, kq_slice_of(bytes, (size_t)len));
    }
    kq_der_end(writer, sequence);
    kq_wipe(bytes, sizeof bytes);
}

static kq_status build_params(const struct hsm_rsa *rsa, OSSL_PARAM **out)
{
    HSM_AUTO(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();
    if (builder == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        if (OSSL_PARAM_BLD_push_BN(builder, number_names[i], rsa->number[i]) != 1)
            return hsm_failed(KQ_ERR_MEMORY);
    }
    *out = OSSL_PARAM_BLD_to_param(builder);
    return *out == NULL ? hsm_failed(KQ_ERR_MEMORY) : KQ_OK;
}

kq_status hsm_rsa_to_pkey(const struct hsm_rsa *rsa, EVP_PKEY **out)
{
    HSM_AUTO(OSSL_PARAM) params = NULL;
    KQ_TRY(build_params(rsa, &params));
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        return hsm_failed(KQ_ERR_FORMAT);
    *out = pkey;
    return KQ_OK;
}

kq_status hsm_rsa_of_pkey(const EVP_PKEY *pkey, struct hsm_rsa *out)
{
    HSM_AUTO(OSSL_PARAM) params = NULL;
    if (EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, number_names[i]);
        if (param == NULL || OSSL_PARAM_get_BN(param, &rsa.number[i]) != 1)
            return hsm_failed(KQ_ERR_INTERNAL);
    }
    mark_secret(&rsa);
    *out = rsa;
    rsa = (struct hsm_rsa){0};
    return KQ_OK;
}
