#ifndef VAULT_AUTH_CLIENT_CERTIFICATE_H
#define VAULT_AUTH_CLIENT_CERTIFICATE_H

#include "base/buffer.h"

/* The certificate of a client: a name for an RSA key with an end. Who signed
 * it does not matter, for it counts only after an operator has registered it. */
#define VAULT_CLIENT_CERTIFICATE_MAX 8192u /* bytes of the DER */

struct vault_certificate_facts {
    struct kq_slice public_key; /* SubjectPublicKeyInfo, borrows from the DER; RSA of 2048 bits or more */
    uint64_t not_before;
    uint64_t not_after;
    uint8_t sha256[32];
    uint8_t sha1[20];
};

/* Reads one X.509 certificate.
 * out_why  static: what is wrong with it, as the end of a sentence
 * Errors   KQ_ERR_FORMAT, KQ_ERR_TOO_LARGE, KQ_ERR_UNSUPPORTED (its key) */
KQ_MUST_CHECK kq_status vault_client_certificate_read(struct kq_slice der, struct vault_certificate_facts *out,
                                                      const char **out_why);

#endif
