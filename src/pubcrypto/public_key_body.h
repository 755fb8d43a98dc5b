#ifndef KQ_PUBCRYPTO_PUBLIC_KEY_BODY_H
#define KQ_PUBCRYPTO_PUBLIC_KEY_BODY_H

#include "pubcrypto/public_key.h"

/* Inside of struct kq_public_key, for pubcrypto's own files. Nothing of it
 * changes after kq_public_key_new(), so threads may share one. */
struct kq_public_key {
    enum kq_key_type type;
    uint64_t bits;
    struct evp_pkey_st *pkey; /* owned */
};

#endif
