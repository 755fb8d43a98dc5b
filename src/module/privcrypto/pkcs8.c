#include "module/privcrypto/pkcs8.h"

#include "module/privcrypto/dsa.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/key_body.h"
#include "module/privcrypto/oid.h"
#include "module/privcrypto/rsa.h"

static const uint8_t version_0[1] = {0};

kq_status hsm_pkcs8_get(struct kq_slice der, struct hsm_pkcs8 *out)
{
    struct kq_reader outer, reader, algorithm;
    struct hsm_pkcs8 parts;
    kq_reader_init(&outer, der);
    hsm_der_enter(&outer, HSM_DER_SEQUENCE, &reader);
    struct kq_slice version = hsm_der_get_unsigned(&reader);
    hsm_der_enter(&reader, HSM_DER_SEQUENCE, &algorithm);
    parts.algorithm = hsm_der_get(&algorithm, HSM_DER_OID);
    parts.parameters = kq_reader_bytes(&algorithm, algorithm.left);
    parts.key = hsm_der_get(&reader, HSM_DER_OCTET_STRING);
    if (hsm_der_is_next(&reader, HSM_DER_CONTEXT_0))
        hsm_der_get(&reader, HSM_DER_CONTEXT_0);
    KQ_TRY(kq_reader_finish(&algorithm));
    KQ_TRY(kq_reader_finish(&reader));
    KQ_TRY(kq_reader_finish(&outer));
    if (version.len != 1 || version.data[0] != 0)
        return KQ_ERR_FORMAT;
    *out = parts;
    return KQ_OK;
}

static kq_status open_dsa(const struct hsm_pkcs8 *parts, struct hsm_key **out)
{
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    uint64_t bits;
    struct kq_reader reader;
    kq_reader_init(&reader, parts->parameters);
    struct kq_slice group = hsm_der_get(&reader, HSM_DER_SEQUENCE);
    KQ_TRY(kq_reader_finish(&reader));
    KQ_TRY(hsm_dsa_get(group, parts->key, &pkey, &bits));
    return hsm_key_of_pkey(KQ_KEY_DSA, bits, &pkey, out);
}

static kq_status open_rsa(const struct hsm_pkcs8 *parts, struct hsm_key **out)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    KQ_TRY(hsm_rsa_get(parts->key, &rsa));
    KQ_TRY(hsm_rsa_to_pkey(&rsa, &pkey));
    return hsm_key_of_pkey(KQ_KEY_RSA, (uint64_t)BN_num_bits(rsa.number[HSM_RSA_N]), &pkey, out);
}

static kq_status open_ec(const struct hsm_pkcs8 *parts, enum kq_key_type type, struct hsm_key **out)
{
    const struct hsm_curve *curve = hsm_curve_of_type(type);
    KQ_AUTO_VALUE(hsm_ec) ec = {0};
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    struct kq_reader reader;
    kq_reader_init(&reader, parts->parameters);
    struct kq_slice oid = hsm_der_get(&reader, HSM_DER_OID);
    KQ_TRY(kq_reader_finish(&reader));
    if (!kq_slice_is_equal(oid, curve->oid))
        return KQ_ERR_FORMAT;
    KQ_TRY(hsm_ec_get(parts->key, curve, &ec));
    KQ_TRY(hsm_ec_to_pkey(&ec, &pkey));
    return hsm_key_of_pkey(type, curve->bits, &pkey, out);
}

kq_status hsm_key_open(enum kq_key_type type, struct kq_slice bytes, struct hsm_key **out)
{
    if (type == KQ_KEY_AES)
        return hsm_key_of_secret(bytes, out);
    struct hsm_pkcs8 parts;
    KQ_TRY(hsm_pkcs8_get(bytes, &parts));
    if (type == KQ_KEY_RSA && kq_slice_is_equal(parts.algorithm, HSM_OID_RSA))
        return open_rsa(&parts, out);
    if (type == KQ_KEY_DSA && kq_slice_is_equal(parts.algorithm, HSM_OID_DSA))
        return open_dsa(&parts, out);
    if (hsm_curve_of_type(type) != NULL && kq_slice_is_equal(parts.algorithm, HSM_OID_EC))
        return open_ec(&parts, type, out);
    return KQ_ERR_FORMAT;
}

/* The three places that differ by kind of key. */
struct contents {
    struct kq_slice algorithm;
    struct kq_writer parameters;
    struct kq_writer key;
};

static void contents_clear(struct contents *contents)
{
    kq_writer_clear(&contents->parameters);
    kq_writer_clear(&contents->key);
}
KQ_AUTO_DEFINE_VALUE(contents);

static kq_status fill_rsa(const struct hsm_key *key, struct contents *contents)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    KQ_TRY(hsm_rsa_of_pkey(key->pkey, &rsa));
    contents->algorithm = HSM_OID_RSA;
    hsm_der_put(&contents->parameters, HSM_DER_NULL, KQ_SLICE_EMPTY);
    hsm_rsa_put(&rsa, &contents->key);
    return KQ_OK;
}

static kq_status fill_ec(const struct hsm_key *key, struct contents *contents)
{
    const struct hsm_curve *curve = hsm_curve_of_type(key->type);
    KQ_AUTO_VALUE(hsm_ec) ec = {0};
    KQ_TRY(hsm_ec_of_pkey(key->pkey, curve, &ec));
    contents->algorithm = HSM_OID_EC;
    hsm_der_put(&contents->parameters, HSM_DER_OID, curve->oid);
    hsm_ec_put(&ec, &contents->key);
    return KQ_OK;
}

static kq_status fill(const struct hsm_key *key, struct contents *contents)
{
    if (key->type == KQ_KEY_RSA)
        return fill_rsa(key, contents);
    if (key->type != KQ_KEY_DSA)
        return fill_ec(key, contents);
    contents->algorithm = HSM_OID_DSA;
    return hsm_dsa_put(key->pkey, &contents->parameters, &contents->key);
}

kq_status hsm_key_bytes(const struct hsm_key *key, struct kq_buffer *out)
{
    if (key->type == KQ_KEY_AES)
        return kq_buffer_append(out, key->secret, key->bits / 8);
    KQ_AUTO_VALUE(contents) contents = {0};
    KQ_AUTO_VALUE(kq_writer) algorithm = {0}, inner = {0}, outer = {0};
    kq_writer_init(&contents.parameters, KQ_PRIVATE_MAX);
    kq_writer_init(&contents.key, KQ_PRIVATE_MAX);
    kq_writer_init(&algorithm, KQ_PRIVATE_MAX);
    kq_writer_init(&inner, KQ_PRIVATE_MAX);
    kq_writer_init(&outer, KQ_PRIVATE_MAX);
    KQ_TRY(fill(key, &contents));
    hsm_der_put(&algorithm, HSM_DER_OID, contents.algorithm);
    KQ_TRY(contents.parameters.failure);
    kq_writer_bytes(&algorithm, kq_buffer_slice(&contents.parameters.buffer));
    hsm_der_put_unsigned(&inner, kq_slice_of(version_0, sizeof version_0));
    hsm_der_put_inner(&inner, HSM_DER_SEQUENCE, &algorithm);
    hsm_der_put_inner(&inner, HSM_DER_OCTET_STRING, &contents.key);
    hsm_der_put_inner(&outer, HSM_DER_SEQUENCE, &inner);
    struct kq_slice der;
    KQ_TRY(kq_writer_finish(&outer, &der));
    return kq_buffer_append(out, der.data, der.len);
}
