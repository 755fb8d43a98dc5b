#ifndef KQ_PUBCRYPTO_X509_PARTS_H
#define KQ_PUBCRYPTO_X509_PARTS_H

#include "pubcrypto/der.h"
#include "pubcrypto/x509.h"

/* What certificates and enrolment requests have in common; for pubcrypto's own files. */

#define KQ_X509_MAX 4096u
#define KQ_ENROLMENT_NAME "Keyquay module"

/* A Name of our profile: CN, then serialNumber and OU where present. */
struct kq_x509_name {
    char common_name[65];
    char serial_number[KQ_ESN_LEN + 1]; /* "" for none */
    bool is_rehearsal;
};
void kq_x509_put_name(struct kq_der_writer *writer, const struct kq_x509_name *name);
/* Reads a Name; not every one that is read is of the profile, so the caller
 * writes it again and compares. */
void kq_x509_get_name(struct kq_der_reader *reader, struct kq_x509_name *out);
/* Printable, within length, an ESN where there is one. */
bool kq_x509_name_is_valid(const struct kq_x509_name *name);

/* AlgorithmIdentifier ecdsa-with-SHA384. */
void kq_x509_put_algorithm(struct kq_der_writer *writer);
bool kq_x509_get_algorithm(struct kq_der_reader *reader);

/* Takes SEQUENCE { body, algorithm, signature } apart. */
KQ_MUST_CHECK kq_status kq_x509_split(struct kq_slice der, struct kq_slice *out_body, struct kq_slice *out_signature);

/* KQ_OK if the SPKI is a P-384 key, else KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kq_x509_check_public(struct kq_slice public_key);

#endif
