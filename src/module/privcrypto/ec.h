#ifndef HSM_PRIVCRYPTO_EC_H
#define HSM_PRIVCRYPTO_EC_H

#include "base/algorithms.h"
#include "base/cleanup.h"
#include "module/privcrypto/openssl.h"
#include "pubcrypto/der.h"

struct hsm_curve {
    enum kq_key_type type;
    uint64_t bits;
    const char *name; /* OpenSSL's */
    int nid;
    size_t len; /* of a scalar and of a coordinate, bytes */
    struct kq_slice oid;
};

/* The curves we know; NULL for others. */
const struct hsm_curve *hsm_curve_of_type(enum kq_key_type type);
const struct hsm_curve *hsm_curve_of_oid(struct kq_slice oid);

#define HSM_EC_LEN_MAX 66u
#define HSM_EC_POINT_MAX (1 + 2 * HSM_EC_LEN_MAX)

/* A private key on a named curve; the point is uncompressed. */
struct hsm_ec {
    const struct hsm_curve *curve;
    BIGNUM *scalar;
    uint8_t point[HSM_EC_POINT_MAX];
    size_t point_len; /* 0: the encoding had none */
};
void hsm_ec_clear(struct hsm_ec *ec);
KQ_AUTO_DEFINE_VALUE(hsm_ec);

/* Reads ECPrivateKey (SEC 1 C.4, RFC 5915).
 *
 * curve   as the envelope names it; NULL if there is none, then the structure must name it. Named twice, they agree
 * Errors  KQ_ERR_FORMAT, KQ_ERR_UNSUPPORTED (another curve, explicit parameters), KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status hsm_ec_get(struct kq_slice der, const struct hsm_curve *curve, struct hsm_ec *out);
/* Writes it without parameters (the envelope has them), with the point. */
void hsm_ec_put(const struct hsm_ec *ec, struct kq_der_writer *writer);

/* Checks that 0 < scalar < order and that the point is scalar * G; fills in
 * the point where there was none.  Errors: KQ_ERR_ARGUMENT, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_ec_check(struct hsm_ec *ec);

KQ_MUST_CHECK kq_status hsm_ec_to_pkey(const struct hsm_ec *ec, EVP_PKEY **out);
KQ_MUST_CHECK kq_status hsm_ec_of_pkey(const EVP_PKEY *pkey, const struct hsm_curve *curve, struct hsm_ec *out);
/* Reads a SubjectPublicKeyInfo of exactly this curve, point on the curve.  Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status hsm_ec_public_get(struct kq_slice spki, const struct hsm_curve *curve, EVP_PKEY **out);

#endif
