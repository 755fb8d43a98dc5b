#ifndef HSM_PRIVCRYPTO_OPENSSL_H
#define HSM_PRIVCRYPTO_OPENSSL_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>

#include "base/status.h"

/* OpenSSL's objects join the cleanup convention: HSM_AUTO(BIGNUM) p = NULL; */
#define HSM_AUTO_OPENSSL(type, free_function)                                                                          \
    static inline void type##_auto_free_(type **p)                                                                     \
    {                                                                                                                  \
        free_function(*p);                                                                                             \
    }                                                                                                                  \
    struct hsm_openssl_##type /* swallow the semicolon */

#define HSM_AUTO(type) __attribute__((cleanup(type##_auto_free_))) type *

HSM_AUTO_OPENSSL(BIGNUM, BN_clear_free);
HSM_AUTO_OPENSSL(BN_CTX, BN_CTX_free);
HSM_AUTO_OPENSSL(EVP_PKEY, EVP_PKEY_free);
HSM_AUTO_OPENSSL(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
HSM_AUTO_OPENSSL(EVP_CIPHER, EVP_CIPHER_free);
HSM_AUTO_OPENSSL(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);
HSM_AUTO_OPENSSL(EVP_KDF, EVP_KDF_free);
HSM_AUTO_OPENSSL(EVP_KDF_CTX, EVP_KDF_CTX_free);
HSM_AUTO_OPENSSL(EC_GROUP, EC_GROUP_free);
HSM_AUTO_OPENSSL(EC_POINT, EC_POINT_clear_free);
HSM_AUTO_OPENSSL(OSSL_PARAM, OSSL_PARAM_free);
HSM_AUTO_OPENSSL(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);

/* Drops what OpenSSL noted about a failure (it never leaves this folder) and
 * returns the status, so that a failing call reads `return hsm_failed(KQ_ERR_AUTH);`. */
static inline kq_status hsm_failed(kq_status status)
{
    ERR_clear_error();
    return status;
}

#endif
