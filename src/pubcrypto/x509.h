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
    struct kq_slice subject;    /* the encoded names */
    struct kq_slice issuer;
    struct kq_slice issuer_key_id; /* of the signer's key, see kq_key_id() */
    char common_name[65];          /* subject CN */
    char serial_number[65];        /* subject serialNumber: the module's ESN; "" in a root */
    bool is_authority;             /* basicConstraints CA */
    bool is_rehearsal;             /* subject organizationalUnit "rehearsal: proves nothing about the operator" */
    uint64_t not_before;
    uint64_t not_after;
};

/* Reads one DER certificate of our profile, which knows one encoding for each
 * set of facts: another algorithm, extension, order or form is refused.
 * Nothing is verified.  Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kq_certificate_get(struct kq_slice der, struct kq_certificate *out);

/* The key identifier of extensions: the first 20 bytes of SHA-256 over the
 * public key's bits (RFC 7093 2, method 1).  Errors: KQ_ERR_FORMAT (not an SPKI). */
#define KQ_KEY_ID_LEN 20u
KQ_MUST_CHECK kq_status kq_key_id(struct kq_slice public_key, uint8_t out[KQ_KEY_ID_LEN]);

/* Facts of an enrolment request (PKCS#10 with the ESN as serialNumber), whose
 * own signature has been verified.  Errors: KQ_ERR_FORMAT, KQ_ERR_SIGNATURE. */
KQ_MUST_CHECK kq_status kq_enrolment_get(struct kq_slice der, char out_esn[KQ_ESN_LEN + 1],
                                         struct kq_slice *out_public_key);

/* Bodies to be signed: the DER of TBSCertificate or CertificationRequestInfo.
 * serial: 16 random bytes (the two highest bits are set aside to keep the
 * number positive and its length constant). Times unix seconds.
 * Errors: KQ_ERR_ARGUMENT (a name that is empty, too long or not printable; an
 * ESN in an authority or none in a warrant), KQ_ERR_FORMAT (a key that is not P-384). */
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

/* PEM text of DER bytes and back (type "CERTIFICATE", "CERTIFICATE REQUEST", "PUBLIC KEY").
 * Decoding wants exactly one block of the type, with nothing but white space
 * around it.  Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kq_pem_encode(const char *type, struct kq_slice der, struct kq_buffer *out);
KQ_MUST_CHECK kq_status kq_pem_decode(const char *type, struct kq_slice pem, struct kq_buffer *out);

#endif
