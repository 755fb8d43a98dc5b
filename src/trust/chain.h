#ifndef KQ_TRUST_CHAIN_H
#define KQ_TRUST_CHAIN_H

#include "pubcrypto/x509.h"
#include "wire/formats.h"

/* The rules of architecture section 4, used by module, tools and vault alike.
 * Every check has a name (docs/protocols/transfer.md 3); a failing one stops
 * the walk, and its name and reason stand in the report. */

enum kq_step_outcome { KQ_STEP_NOT_RUN, KQ_STEP_PASSED, KQ_STEP_FAILED };
struct kq_chain_step {
    const char *name; /* "warrant to root", ...; static storage */
    enum kq_step_outcome outcome;
    char reason[160]; /* of a failure: what and which field; else a fact worth printing */
};
#define KQ_CHAIN_STEPS_MAX 8
struct kq_chain_report {
    struct kq_chain_step steps[KQ_CHAIN_STEPS_MAX];
    size_t num_steps;
};

/* What a verified pair of packages says. Slices borrow from the packages. */
struct kq_destination {
    uint8_t root_hash[32];
    bool root_is_rehearsal;
    char root_name[65];
    char esn[KQ_ESN_LEN + 1];
    struct kq_slice module_public;
    uint8_t hknso[32];
    uint8_t kek_hash[32];
    uint8_t kek_keygen_hash[32]; /* SHA-256 of the kq_keygen body */
    struct kq_slice kek_public;
    uint64_t kek_bits;
    uint64_t profile;
    struct kq_world_binding binding;
    struct kq_module_state module_state;
    struct kq_region_statement region;
};

/* Checks both packages of a region, in this order: warrant to root; module
 * state; world binding (kind region, no recovery); region statement;
 * key-generation certificate; KEK and world belong together; ACL equals the
 * exchange-key template byte for byte.
 *
 * now         unix seconds, for end dates
 * out_report  always filled
 * Errors      KQ_ERR_FORMAT, KQ_ERR_VERSION, KQ_ERR_SIGNATURE, KQ_ERR_EXPIRED, KQ_ERR_MISMATCH */
KQ_MUST_CHECK kq_status kq_chain_verify_packages(struct kq_slice kek_package, struct kq_slice world_package,
                                                 uint64_t now, struct kq_destination *out,
                                                 struct kq_chain_report *out_report);

/* Checks a warrant: self-signed root of our profile, warrant signed by it,
 * authority bit, dates, ESN present.  out_root_hash: SHA-256 of the root's SPKI. */
KQ_MUST_CHECK kq_status kq_chain_verify_warrant(struct kq_slice warrant, struct kq_slice root, uint64_t now,
                                                struct kq_certificate *out_warrant, struct kq_certificate *out_root,
                                                uint8_t out_root_hash[32]);

/* Opens a kq_signed, verifies it under an SPKI and hands out the body.
 * Errors: KQ_ERR_FORMAT, KQ_ERR_SIGNATURE. */
KQ_MUST_CHECK kq_status kq_signed_verify(struct kq_slice encoded, struct kq_slice public_key,
                                         struct kq_slice *out_body);

/* A transfer package up to and without the private key: form, signature of
 * the source, its warrant if there is one.
 * out_root_hash_len 32, or 0 for self-asserted origin. */
struct kq_transfer_facts {
    struct kq_transfer_header header;
    struct kq_slice header_bytes;
    struct kq_slice ciphertext;
    struct kq_slice source_public;
    uint8_t root_hash[32];
    bool is_attested;
    bool root_is_rehearsal;
};
/* Parses only; nothing is verified. */
KQ_MUST_CHECK kq_status kq_transfer_parse(struct kq_slice package, struct kq_transfer_facts *out,
                                          const char **out_field);
/* Verifies the source's signature, that H names that signer, and the warrant
 * if present (ESN of the warrant equals H's). Fills root_hash, is_attested. */
KQ_MUST_CHECK kq_status kq_transfer_verify_source(struct kq_slice package, uint64_t now,
                                                  struct kq_transfer_facts *facts);

#endif
