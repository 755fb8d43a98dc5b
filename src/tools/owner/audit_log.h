#ifndef KQ_TOOLS_OWNER_AUDIT_LOG_H
#define KQ_TOOLS_OWNER_AUDIT_LOG_H

#include "wire/formats.h"

/* Checks an audit log without its module (docs/formats/audit.md 3): the form
 * of every frame, the numbers of the records, each signed head against the
 * hash tree of RFC 9162 2.1 over the records before it. */

/* A head known from elsewhere: the log must begin with what it covers. */
struct kq_audit_witness {
    uint64_t num_records;
    uint8_t root[32];
    char esn[KQ_ESN_LEN + 1];
};

/* Called for each record that is in order. */
typedef void kq_audit_visitor(void *context, const struct kq_audit_record *record);

struct kq_audit_facts {
    char esn[KQ_ESN_LEN + 1]; /* "" while no head was met */
    uint8_t signer_hash[32];
    struct kq_buffer signer; /* SPKI */
    uint64_t num_records;
    uint64_t num_heads;
    uint64_t num_covered; /* records under the last head */
    uint64_t num_unclean; /* restarts after which up to 100 ms of uses may be missing */
    uint64_t num_cuts;    /* times the module itself found its log cut */
    uint64_t torn_bytes;  /* of an incomplete frame at the very end */
    bool witness_seen;    /* the witness's head fits */
    char failure[256];    /* what is wrong; "" if nothing */
};
void kq_audit_facts_clear(struct kq_audit_facts *facts);
KQ_AUTO_DEFINE_VALUE(kq_audit_facts);

/* Reads the log from fd to its end.
 *
 * witness   may be NULL
 * visitor   may be NULL
 * Errors    KQ_ERR_FORMAT (damage), KQ_ERR_SIGNATURE (a head does not verify or does not fit),
 *           KQ_ERR_ROLLBACK (shorter than the witness says, or another history), KQ_ERR_IO;
 *           out is filled as far as the log was good, failure says what and where */
KQ_MUST_CHECK kq_status kq_audit_log_check(int fd, const struct kq_audit_witness *witness, kq_audit_visitor *visitor,
                                           void *context, struct kq_audit_facts *out);

/* Reads a signed head (kq_signed over kq_audit_head) and verifies it under signer.
 * Errors: KQ_ERR_FORMAT, KQ_ERR_SIGNATURE. */
KQ_MUST_CHECK kq_status kq_audit_witness_get(struct kq_slice head, struct kq_slice signer,
                                             struct kq_audit_witness *out);

/* The SPKI that the log's first signer entry names, appended to out. */
KQ_MUST_CHECK kq_status kq_audit_log_signer(int fd, struct kq_buffer *out);

#endif
