#ifndef HSM_PRIVCRYPTO_PKCS8_H
#define HSM_PRIVCRYPTO_PKCS8_H

#include "base/slice.h"
#include "base/status.h"

/* The envelope PrivateKeyInfo, RFC 5208 5. Slices borrow from the DER. */
struct hsm_pkcs8 {
    struct kq_slice algorithm;  /* OID */
    struct kq_slice parameters; /* the element after it, whole; may be empty */
    struct kq_slice key;        /* content of the key octets */
};

/* Errors: KQ_ERR_FORMAT. Attributes are accepted and ignored. */
KQ_MUST_CHECK kq_status hsm_pkcs8_get(struct kq_slice der, struct hsm_pkcs8 *out);

#endif
