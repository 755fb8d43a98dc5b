#ifndef KQ_TRUST_WARRANT_H
#define KQ_TRUST_WARRANT_H

#include "pubcrypto/x509.h"

/* A warrant and its root, once every check has passed. Slices borrow from the DER. */
struct kq_warrant_facts {
    struct kq_certificate warrant;
    struct kq_certificate root;
    uint8_t root_hash[32]; /* SHA-256 of the root's SPKI */
};

/* kq_chain_verify_warrant() with the reason of a refusal in words.
 *
 * out_facts   untouched unless KQ_OK
 * out_reason  what and which field, static storage; set on failure */
KQ_MUST_CHECK kq_status kq_warrant_check(struct kq_slice warrant, struct kq_slice root, uint64_t now,
                                         struct kq_warrant_facts *out_facts, const char **out_reason);

#endif
