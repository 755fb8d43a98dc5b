#include "module/privcrypto/dsa.h"

#include "base/size.h"
#include "base/wipe.h"

#define DSA_NUMBER_MAX_LEN 512u

enum { NUMBER_P, NUMBER_Q, NUMBER_G, NUMBER_X, NUMBER_Y, NUM_NUMBERS };

static const char *const number_names[NUM_NUMBERS] = {
    OSSL_PKEY_PARAM_FFC_P,    OSSL_PKEY_PARAM_FFC_Q,   OSSL_PKEY_PARAM_FFC_G,
    OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_PUB_KEY,
};

struct hsm_dsa {
    BIGNUM *number[NUM_NUMBERS];
};

static void hsm_dsa_clear(struct hsm_dsa *dsa)
{
    for (size_t i = 0; i < NUM_NUMBERS; i++)
        BN_clear_free(dsa->number[i]);
}
KQ_AUTO_DEFINE_VALUE(hsm_dsa);

static kq_status to_pkey(const struct hsm_dsa *dsa, EVP_PKEY **out)
{
    HSM_AUTO(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();
    if (builder == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    for (size_t i = 0; i < NUM_NUMBERS; i++) {
        if (OSSL_PARAM_BLD_push_BN(builder, number_names[i], dsa->number[i]) != 1)
            return hsm_failed(KQ_ERR_MEMORY);
    }
    HSM_AUTO(OSSL_PARAM) params = OSSL_PARAM_BLD_to_param(builder);
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_PKEY *pkey = NULL;
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        return hsm_failed(KQ_ERR_FORMAT);
    *out = pkey;
    return KQ_OK;
}

/* y = g^x mod p */
static kq_status compute_public(struct hsm_dsa *dsa)
{
    HSM_AUTO(BN_CTX) ctx = BN_CTX_secure_new();
    dsa->number[NUMBER_Y] = BN_new();
    if (ctx == NULL || dsa->number[NUMBER_Y] == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    BN_set_flags(dsa->number[NUMBER_X], BN_FLG_CONSTTIME);
    int done =
        BN_mod_exp(dsa->number[NUMBER_Y], dsa->number[NUMBER_G], dsa->number[NUMBER_X], dsa->number[NUMBER_P], ctx);
    return done == 1 ? KQ_OK : hsm_failed(KQ_ERR_FORMAT);
}

kq_status hsm_dsa_get(struct kq_slice parameters, struct kq_slice key, EVP_PKEY **out, uint64_t *out_bits)
{
    struct kq_der_reader group, reader;
    kq_der_reader_init(&group, parameters);
    kq_der_reader_init(&reader, key);
    struct kq_slice bytes[NUM_NUMBERS] = {{NULL, 0}};
    for (size_t i = NUMBER_P; i <= NUMBER_G; i++)
        bytes[i] = kq_der_get_positive(&group);
    bytes[NUMBER_X] = kq_der_get_positive(&reader);
    KQ_TRY(kq_der_finish(&group));
    KQ_TRY(kq_der_finish(&reader));
    KQ_AUTO_VALUE(hsm_dsa) dsa = {0};
    for (size_t i = NUMBER_P; i <= NUMBER_X; i++) {
        if (bytes[i].len > DSA_NUMBER_MAX_LEN)
            return KQ_ERR_FORMAT;
        dsa.number[i] = BN_bin2bn(bytes[i].data, (int)bytes[i].len, NULL);
        if (dsa.number[i] == NULL)
            return hsm_failed(KQ_ERR_MEMORY);
    }
    KQ_TRY(compute_public(&dsa));
    KQ_TRY(to_pkey(&dsa, out));
    *out_bits = (uint64_t)BN_num_bits(dsa.number[NUMBER_P]);
    return KQ_OK;
}

static void put_number(const BIGNUM *number, struct kq_der_writer *writer)
{
    uint8_t bytes[DSA_NUMBER_MAX_LEN];
    int len = BN_num_bytes(number);
    if ((size_t)len > sizeof bytes || BN_bn2binpad(number, bytes, len) != len)
        KQ_BUG("a DSA number longer than 4096 bits");
    kq_der_put_positive(writer, kq_slice_of(bytes, (size_t)len));
    kq_wipe(bytes, sizeof bytes);
}

kq_status hsm_dsa_put(const EVP_PKEY *pkey, struct kq_der_writer *parameters, struct kq_der_writer *key)
{
    HSM_AUTO(OSSL_PARAM) params = NULL;
    if (EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    KQ_AUTO_VALUE(hsm_dsa) dsa = {0};
    for (size_t i = NUMBER_P; i <= NUMBER_X; i++) {
        const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, number_names[i]);
        if (param == NULL || OSSL_PARAM_get_BN(param, &dsa.number[i]) != 1)
            return hsm_failed(KQ_ERR_INTERNAL);
    }
    size_t group = kq_der_begin(parameters, KQ_DER_SEQUENCE);
    for (size_t i = NUMBER_P; i <= NUMBER_G; i++)
        put_number(dsa.number[i], parameters);
    kq_der_end(parameters, group);
    put_number(dsa.number[NUMBER_X], key);
    return KQ_OK;
}
