#include "module/privcrypto/pkcs8.h"

#include "module/privcrypto/dsa.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/key_body.h"
#include "module/privcrypto/oid.h"
#include "module/privcrypto/rsa.h"

kq_status hsm_pkcs8_get(struct kq_slice der, struct hsm_pkcs8 *out)
{
    struct kq_der_reader outer;
    struct hsm_pkcs8 parts;
    kq_der_reader_init(&outer, der);
    struct kq_der_reader reader = kq_der_enter(&outer, KQ_DER_SEQUENCE);
    struct kq_slice version = kq_der_get(&reader, KQ_DER_INTEGER);
    struct kq_der_reader algorithm = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    parts.algorithm = kq_der_get(&algorithm, KQ_DER_OID);
    parts.parameters = kq_slice_of(algorithm.at, algorithm.left);
    parts.key = kq_der_get(&reader, KQ_DER_OCTET_STRING);
    if (kq_der_next_is(&reader, KQ_DER_CONTEXT_OF(0)))
        kq_der_get(&reader, KQ_DER_CONTEXT_OF(0));
    KQ_TRY(kq_der_finish(&reader));
    KQ_TRY(kq_der_finish(&outer));
    if (algorithm.failed || version.len != 1 || version.data[0] != 0)
        return KQ_ERR_FORMAT;
    *out = parts;
    return KQ_OK;
}

static kq_status open_dsa(const struct hsm_pkcs8 *parts, struct hsm_key **out)
{
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    uint64_t bits;
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, parts->parameters);
    struct kq_slice group = kq_der_get(&reader, KQ_DER_SEQUENCE);
    KQ_TRY(kq_der_finish(&reader));
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
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, parts->parameters);
    struct kq_slice oid = kq_der_get(&reader, KQ_DER_OID);
    KQ_TRY(kq_der_finish(&reader));
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

/* Writers of what differs by kind of key: the algorithm, and the content of
 * the key octets. */

static void put_algorithm(struct kq_der_writer *writer, struct kq_slice oid, const struct kq_der_writer *parameters)
{
    size_t sequence = kq_der_begin(writer, KQ_DER_SEQUENCE);
    kq_der_put(writer, KQ_DER_OID, oid);
    if (parameters->failure != KQ_OK)
        writer->failure = parameters->failure;
    kq_der_put_raw(writer, kq_buffer_slice(&parameters->buffer));
    kq_der_end(writer, sequence);
}

static kq_status put_rsa(const struct hsm_key *key, struct kq_der_writer *parameters, struct kq_der_writer *content)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    KQ_TRY(hsm_rsa_of_pkey(key->pkey, &rsa));
    kq_der_put(parameters, KQ_DER_NULL, KQ_SLICE_EMPTY);
    hsm_rsa_put(&rsa, content);
    return KQ_OK;
}

static kq_status put_ec(const struct hsm_key *key, struct kq_der_writer *parameters, struct kq_der_writer *content)
{
    const struct hsm_curve *curve = hsm_curve_of_type(key->type);
    KQ_AUTO_VALUE(hsm_ec) ec = {0};
    KQ_TRY(hsm_ec_of_pkey(key->pkey, curve, &ec));
    kq_der_put(parameters, KQ_DER_OID, curve->oid);
    hsm_ec_put(&ec, content);
    return KQ_OK;
}

static kq_status put_contents(const struct hsm_key *key, struct kq_slice *out_oid, struct kq_der_writer *parameters,
                              struct kq_der_writer *content)
{
    *out_oid = key->type == KQ_KEY_RSA ? HSM_OID_RSA : key->type == KQ_KEY_DSA ? HSM_OID_DSA : HSM_OID_EC;
    if (key->type == KQ_KEY_RSA)
        return put_rsa(key, parameters, content);
    if (key->type == KQ_KEY_DSA)
        return hsm_dsa_put(key->pkey, parameters, content);
    return put_ec(key, parameters, content);
}

kq_status hsm_key_bytes(const struct hsm_key *key, struct kq_buffer *out)
{
    if (key->type == KQ_KEY_AES)
        return kq_buffer_append(out, key->secret, key->bits / 8);
    KQ_AUTO_VALUE(kq_der_writer) parameters = {0}, content = {0}, der = {0};
    struct kq_slice oid;
    kq_der_writer_init(&parameters, KQ_PRIVATE_MAX);
    kq_der_writer_init(&content, KQ_PRIVATE_MAX);
    kq_der_writer_init(&der, KQ_PRIVATE_MAX);
    KQ_TRY(put_contents(key, &oid, &parameters, &content));
    KQ_TRY(content.failure);
    size_t sequence = kq_der_begin(&der, KQ_DER_SEQUENCE);
    kq_der_put_positive(&der, KQ_SLICE_EMPTY); /* version 0 */
    put_algorithm(&der, oid, &parameters);
    kq_der_put(&der, KQ_DER_OCTET_STRING, kq_buffer_slice(&content.buffer));
    kq_der_end(&der, sequence);
    return kq_der_writer_finish(&der, out);
}
