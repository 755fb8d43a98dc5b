#ifndef KQ_TESTS_HARNESS_CHAIN_FACTORY_H
#define KQ_TESTS_HARNESS_CHAIN_FACTORY_H

#include "harness/test_keys.h"
#include "pubcrypto/x509.h"
#include "wire/formats.h"

/* Complete chains of trust with test keys: a root, warrants, a region's world
 * and its packages, a transfer package, receipts. chain_facts_init() states a
 * valid chain in plain values; a test changes the one it is about, and
 * chain_build_*() encodes and signs everything anew, so that exactly that one
 * thing is wrong. */

#define CHAIN_NOW UINT64_C(1800000000)
#define CHAIN_REGION "NA-1"
#define CHAIN_ESN "0A1B-2C3D-4E5F"
#define CHAIN_SOURCE_ESN "5EA1-0001-BEEF"
#define CHAIN_SUBSCRIPTION "3a1b5f7c-0000-4111-8222-abcdefabcdef"

/* Made once per test program. */
struct chain_keys {
    struct test_key *root;
    struct test_key *module;   /* the destination's signing key */
    struct test_key *knso;     /* P-521 */
    struct test_key *exchange; /* RSA-2048 */
    struct test_key *source;   /* the owner's module */
    struct test_key *payload;  /* P-256, the key that travels */
    struct test_key *stranger; /* P-384, belongs nowhere */
};
void chain_keys_init(struct chain_keys *keys);
void chain_keys_clear(struct chain_keys *keys);

/* What is signed, in the order of docs/protocols/transfer.md. */
enum chain_part {
    CHAIN_ROOT,
    CHAIN_WARRANT,
    CHAIN_STATE,
    CHAIN_BINDING,
    CHAIN_STATEMENT,
    CHAIN_KEYGEN,
    CHAIN_SOURCE_WARRANT,
    CHAIN_TRANSFER,
    CHAIN_EXPORT_RECEIPT,
    CHAIN_IMPORT_RECEIPT,
    CHAIN_NUM_PARTS
};

struct chain_facts {
    struct chain_keys *keys;
    struct test_key *signers[CHAIN_NUM_PARTS];
    struct kq_certificate_request root;
    struct kq_certificate_request warrant;
    struct kq_module_state state;
    struct kq_world_binding binding;
    struct kq_region_statement statement;
    struct kq_place exchange_place;
    struct kq_keygen keygen; /* place empty: exchange_place; acl empty: the template under binding.hkm */
    const char *kek_region;
    const char *world_region;
    struct kq_slice other_warrant; /* of the world package; empty: the same as the KEK package's */
    struct kq_slice other_root;
    /* the transfer */
    struct kq_certificate_request source_warrant;
    struct kq_transfer_header header; /* kek_keygen_hash empty: of the exchange key's certificate */
    struct kq_slice ciphertext;       /* empty: keys->payload wrapped under keys->exchange for header */
    struct test_key *source_public;
    bool without_warrant;
    /* receipts; package_hash empty: of the transfer package; header empty: the encoded one */
    struct kq_export_receipt exported;
    struct kq_import_receipt imported;
    struct kq_place imported_place;
    /* changes a body before it is signed, or a signature after; may be NULL */
    void (*on_body)(enum chain_part part, struct kq_buffer *body);
    void (*on_signature)(enum chain_part part, struct kq_buffer *signature);
    /* hashes the records above point into */
    uint8_t module_hash[32], hknso[32], hkm[32], kek_hash[32];
    uint8_t source_hash[32], payload_hash[32], source_hknso[32], root_hash[32];
};
void chain_facts_init(struct chain_facts *facts, struct chain_keys *keys);

struct chain_packages {
    struct kq_buffer root, warrant, kek_package, world_package;
    struct kq_buffer keygen_body; /* of the exchange key's certificate */
};
void chain_build_packages(const struct chain_facts *facts, struct chain_packages *out);
void chain_packages_clear(struct chain_packages *packages);
KQ_AUTO_DEFINE_VALUE(chain_packages);

struct chain_transfer {
    struct kq_buffer package, header, source_warrant, export_receipt, import_receipt;
};
/* A transfer package and both receipts (kq_receipt_file each). */
void chain_build_transfer(const struct chain_facts *facts, struct chain_transfer *out);
void chain_transfer_clear(struct chain_transfer *transfer);
KQ_AUTO_DEFINE_VALUE(chain_transfer);

/* One certificate, signed by the part's signer. */
void chain_build_certificate(const struct chain_facts *facts, enum chain_part part,
                             const struct kq_certificate_request *request, struct kq_buffer *out);

#endif
