#ifndef KQ_PUBCRYPTO_X509_H
#define KQ_PUBCRYPTO_X509_H

#include "base/algorithms.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* Warrants and roots are X.509 v3 certificates over P-384 keys, signed ECDSA
 * with SHA-384 (docs/formats/warrant.md). Bodies are built and certificates
 * checked here; only the module signs. */

/* Facts of one certificate. Slices borrow from the DER. */
struct kq_certificate {
    struct kq_slice body;       /* TBSCertificate, the bytes that are signed */
    struct kq_slice signature;  /* DER ECDSA */
    struct kq_slice public_key; /* SubjectPublicKeyInfo */
    char common_name[65];       /* subject CN */
    char serial_number[65];     /* subject serialNumber: the module's ESN; "" in a root */
    bool is_authority;          /* basicConstraints CA */
    bool is_rehearsal;          /* subject organizationalUnit "rehearsal: proves nothing about the operator" */
    uint64_t not_before;
    uint64_t not_after;
};

/* Reads one DER certificate of our profile.  Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kq_certificate_get(struct kq_slice der, struct kq_certificate *out);

/* Facts of an enrolment request (PKCS#10 with the ESN as serialNumber), whose
 * own signature has been verified.  Errors: KQ_ERR_FORMAT, KQ_ERR_SIGNATURE. */
KQ_MUST_CHECK kq_status kq_enrolment_get(struct kq_slice der, char out_esn[KQ_ESN_LEN + 1],
                                         struct kq_slice *out_public_key);

/* Bodies to be signed: the DER of TBSCertificate or CertificationRequestInfo.
 * serial: 16 random bytes. Times unix seconds. */
struct kq_certificate_request {
    struct kq_slice subject_public; /* SPKI, P-384 */
    const char *common_name;
    const char *serial_number; /* NULL for a root */
    bool is_authority;
    bool is_rehearsal;
    const char *issuer_common_name;
    bool issuer_is_rehearsal;
    struct kq_slice issuer_public;
    uint8_t serial[16];
    uint64_t not_before;
    uint64_t not_after;
};
KQ_MUST_CHECK kq_status kq_certificate_body(const struct kq_certificate_request *request, struct kq_buffer *out);
KQ_MUST_CHECK kq_status kq_enrolment_body(struct kq_slice subject_public, const char *esn, struct kq_buffer *out);
/* Wraps body, ecdsa-with-SHA384 and the DER signature into the final DER. */
KQ_MUST_CHECK kq_status kq_x509_assemble(struct kq_slice body, struct kq_slice signature, struct kq_buffer *out);

/* PEM text of DER bytes and back (type "CERTIFICATE", "CERTIFICATE REQUEST", "PUBLIC KEY"). */
KQ_MUST_CHECK kq_status kq_pem_encode(const char *type, struct kq_slice der, struct kq_buffer *out);
KQ_MUST_CHECK kq_status kq_pem_decode(const char *type, struct kq_slice pem, struct kq_buffer *out);

#endif
