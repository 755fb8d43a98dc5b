#include <openssl/pem.h>

#include "module/privcrypto/ec.h"
#include "module/privcrypto/key_body.h"
#include "module/privcrypto/oid.h"
#include "module/privcrypto/pkcs8.h"
#include "module/privcrypto/rsa.h"

/* Keys that come from outside. They are read by our own strict reader, every
 * number is checked, and only then does OpenSSL see them: its own decoder and
 * signer accept a modulus of three primes, among other things. */

#define CLEAR_KEY_MAX 16384u /* bytes, PEM included */

static bool size_is_offered(uint64_t bits)
{
    return bits == 2048 || bits == 3072 || bits == 4096;
}

static kq_status read_rsa(struct kq_slice der, struct hsm_key **out)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    KQ_TRY(hsm_rsa_get(der, &rsa));
    uint64_t bits = (uint64_t)BN_num_bits(rsa.number[HSM_RSA_N]);
    if (!size_is_offered(bits))
        return KQ_ERR_UNSUPPORTED;
    KQ_TRY(hsm_rsa_check(&rsa, bits, HSM_RSA_PRIMES));
    KQ_TRY(hsm_rsa_to_pkey(&rsa, &pkey));
    return hsm_key_of_pkey(KQ_KEY_RSA, bits, &pkey, out);
}

static kq_status read_ec(struct kq_slice der, const struct hsm_curve *curve, struct hsm_key **out)
{
    KQ_AUTO_VALUE(hsm_ec) ec = {0};
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    KQ_TRY(hsm_ec_get(der, curve, &ec));
    KQ_TRY(hsm_ec_check(&ec));
    KQ_TRY(hsm_ec_to_pkey(&ec, &pkey));
    return hsm_key_of_pkey(ec.curve->type, ec.curve->bits, &pkey, out);
}

static kq_status read_ec_envelope(const struct hsm_pkcs8 *parts, struct hsm_key **out)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, parts->parameters);
    if (!kq_der_next_is(&reader, KQ_DER_OID))
        return KQ_ERR_UNSUPPORTED; /* explicit curve parameters */
    const struct hsm_curve *curve = hsm_curve_of_oid(kq_der_get(&reader, KQ_DER_OID));
    KQ_TRY(kq_der_finish(&reader));
    if (curve == NULL)
        return KQ_ERR_UNSUPPORTED;
    return read_ec(parts->key, curve, out);
}

/* RFC 8017 A.1: the parameters are NULL; some writers leave them out. */
static bool rsa_parameters_are_right(struct kq_slice parameters)
{
    static const uint8_t null_element[] = {KQ_DER_NULL, 0};
    return parameters.len == 0 || kq_slice_is_equal(parameters, kq_slice_of(null_element, sizeof null_element));
}

static kq_status read_pkcs8(struct kq_slice der, struct hsm_key **out)
{
    struct hsm_pkcs8 parts;
    KQ_TRY(hsm_pkcs8_get(der, &parts));
    if (kq_slice_is_equal(parts.algorithm, HSM_OID_EC))
        return read_ec_envelope(&parts, out);
    if (!kq_slice_is_equal(parts.algorithm, HSM_OID_RSA))
        return KQ_ERR_UNSUPPORTED;
    if (!rsa_parameters_are_right(parts.parameters))
        return KQ_ERR_FORMAT;
    return read_rsa(parts.key, out);
}

kq_status hsm_key_open_untrusted(enum kq_key_type type, uint64_t bits, struct kq_slice pkcs8, struct hsm_key **out)
{
    KQ_AUTO(hsm_key) key = NULL;
    kq_status status = read_pkcs8(pkcs8, &key);
    if (status != KQ_OK || key->type != type || key->bits != bits)
        return KQ_ERR_AUTH;
    *out = KQ_TAKE(key);
    return KQ_OK;
}

/* DER of unknown kind, told apart by the element after the version: PKCS#8
 * has a sequence, SEC 1 an octet string, PKCS#1 an integer. */
static kq_status read_der(struct kq_slice der, struct hsm_key **out)
{
    struct kq_der_reader outer;
    kq_der_reader_init(&outer, der);
    struct kq_der_reader reader = kq_der_enter(&outer, KQ_DER_SEQUENCE);
    kq_der_get(&reader, KQ_DER_INTEGER);
    KQ_TRY(kq_der_finish(&outer));
    if (kq_der_next_is(&reader, KQ_DER_SEQUENCE))
        return read_pkcs8(der, out);
    if (kq_der_next_is(&reader, KQ_DER_OCTET_STRING))
        return read_ec(der, NULL, out);
    if (kq_der_next_is(&reader, KQ_DER_INTEGER))
        return read_rsa(der, out);
    return KQ_ERR_FORMAT;
}

/* One PEM block; everything in it is OpenSSL's memory and wiped with it. */
struct pem_block {
    char *name;
    char *header;
    unsigned char *data;
    long len;
};

static void pem_block_clear(struct pem_block *block)
{
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->data, (size_t)block->len);
    *block = (struct pem_block){0};
}
KQ_AUTO_DEFINE_VALUE(pem_block);

static kq_status read_block(const struct pem_block *block, struct hsm_key **out)
{
    struct kq_slice der = kq_slice_of(block->data, (size_t)block->len);
    struct kq_slice name = kq_slice_text(block->name);
    if (block->header[0] != '\0' || kq_slice_is_text(name, "ENCRYPTED PRIVATE KEY"))
        return KQ_ERR_UNSUPPORTED; /* encrypted under a passphrase */
    if (kq_slice_is_text(name, "PRIVATE KEY"))
        return read_pkcs8(der, out);
    if (kq_slice_is_text(name, "RSA PRIVATE KEY"))
        return read_rsa(der, out);
    if (kq_slice_is_text(name, "EC PRIVATE KEY"))
        return read_ec(der, NULL, out);
    return KQ_ERR_UNSUPPORTED;
}

/* Blocks before the key that say nothing we need: openssl ecparam writes one. */
static bool is_skipped(const struct pem_block *block)
{
    return kq_slice_is_text(kq_slice_text(block->name), "EC PARAMETERS");
}

static kq_status read_pem(BIO *in, struct hsm_key **out)
{
    for (int num_blocks = 0; num_blocks < 2; num_blocks++) {
        KQ_AUTO_VALUE(pem_block) block = {0};
        if (PEM_read_bio(in, &block.name, &block.header, &block.data, &block.len) != 1)
            return hsm_failed(KQ_ERR_FORMAT);
        if (!is_skipped(&block))
            return read_block(&block, out);
    }
    return KQ_ERR_FORMAT;
}

kq_status hsm_key_open_clear(struct kq_slice clear, struct hsm_key **out)
{
    if (clear.len == 0 || clear.len > CLEAR_KEY_MAX)
        return KQ_ERR_FORMAT;
    if (clear.data[0] == KQ_DER_SEQUENCE)
        return read_der(clear, out);
    BIO *in = BIO_new_mem_buf(clear.data, (int)clear.len);
    if (in == NULL)
        return hsm_failed(KQ_ERR_MEMORY);
    kq_status status = read_pem(in, out);
    BIO_free(in);
    return status;
}
