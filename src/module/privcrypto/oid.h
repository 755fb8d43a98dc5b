#ifndef HSM_PRIVCRYPTO_OID_H
#define HSM_PRIVCRYPTO_OID_H

#include "base/slice.h"

/* Contents of object identifiers: RFC 8017 A.1, RFC 5480 2.1, RFC 3279 2.3.2. */
#define HSM_OID_RSA kq_slice_of("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9)
#define HSM_OID_EC kq_slice_of("\x2a\x86\x48\xce\x3d\x02\x01", 7)
#define HSM_OID_DSA kq_slice_of("\x2a\x86\x48\xce\x38\x04\x01", 7)

#endif
