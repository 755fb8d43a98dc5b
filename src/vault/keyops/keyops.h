#ifndef VAULT_KEYOPS_KEYOPS_H
#define VAULT_KEYOPS_KEYOPS_H

#include "base/buffer.h"
#include "base/cleanup.h"
#include "trust/regions.h"
#include "vault/core/algorithms.h"

/* The vault's road to its modules: one for each region (DIR/regions/<Name>),
 * and one for the service's own keys (DIR/platform). Private-key operations run
 * there, with a bounded number of keys loaded; public-key operations run here.
 * Thread-safe; a module's restart is not seen by callers within retry_ms. */
struct vault_keyops;

struct vault_keyops_options {
    const char *data;  /* DIR */
    size_t max_loaded; /* handles kept for each region, 1..1000 */
    uint64_t retry_ms; /* for a module that is restarting */
};
KQ_MUST_CHECK kq_status vault_keyops_open(const struct vault_keyops_options *options, struct vault_keyops **out);
void vault_keyops_free(struct vault_keyops *keyops);
KQ_AUTO_DEFINE(vault_keyops);

/* Where a function says why it failed: the module's words, never a secret. */
#define VAULT_WHY_SIZE 600

/* ---- regions ----------------------------------------------------------------------- */

struct vault_region_facts {
    const struct kq_region *region;
    char label[KQ_REGION_LABEL_SIZE]; /* NA-1 */
    uint64_t generation;              /* newest exchange key */
    uint8_t hknso[32];
    char toolset_path[4096]; /* the zip on this host; "" if there is none */
};
/* Reads DIR/regions again.  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status vault_keyops_refresh(struct vault_keyops *keyops);
/* The i-th region that has an exchange key; KQ_ERR_NOT_FOUND after the last. */
KQ_MUST_CHECK kq_status vault_keyops_region(struct vault_keyops *keyops, size_t i, struct vault_region_facts *out);
KQ_MUST_CHECK kq_status vault_keyops_find_region(struct vault_keyops *keyops, const char *name,
                                                 struct vault_region_facts *out);
/* Keys of a region that its module has loaded for us; 0 for a region that is not here. */
size_t vault_keyops_num_loaded(struct vault_keyops *keyops, const char *region);
/* KQ_OK if the module answers now, or did when another thread that is asking asked before.
 * Errors: KQ_ERR_CONNECT, KQ_ERR_DENIED, KQ_ERR_STATE (no world), KQ_ERR_WAIT (another thread is the first to ask) */
KQ_MUST_CHECK kq_status vault_keyops_ping(struct vault_keyops *keyops, const char *region_or_null_for_platform);

/* ---- keys of vaults ------------------------------------------------------------------ */

/* A key version and where it lives. The module is told the place by this, not
 * by what a stored row says of itself. */
struct vault_key_ref {
    const char *region; /* toolset name */
    const char *subscription;
    const char *vault;
    const char *name;
    const char *version;
    struct kq_slice blob;       /* for use; empty for making */
    struct kq_slice public_key; /* for use: DER SubjectPublicKeyInfo */
};

struct vault_made_key {
    struct kq_buffer blob;
    struct kq_buffer public_key;
    struct kq_buffer receipt; /* import receipt file, or key-generation certificate */
    enum kq_key_type type;
    uint64_t bits;
    uint64_t origin; /* kq_origin */
};
void vault_made_key_clear(struct vault_made_key *made);
KQ_AUTO_DEFINE_VALUE(vault_made_key);

/* Errors of all below: KQ_ERR_CONNECT (module away), KQ_ERR_OUTCOME_UNKNOWN,
 * and the module's own; why says more. */
KQ_MUST_CHECK kq_status vault_keyops_generate(struct vault_keyops *keyops, const struct vault_key_ref *where,
                                              enum kq_key_type type, uint64_t bits, uint64_t public_exponent,
                                              uint64_t purpose, struct vault_made_key *out, char why[VAULT_WHY_SIZE]);
/* A transfer package (.byok) for one of the region's exchange keys: the right
 * generation is found by the package's own header.
 * origin_policy  kq_origin_policy */
KQ_MUST_CHECK kq_status vault_keyops_import_package(struct vault_keyops *keyops, const struct vault_key_ref *where,
                                                    struct kq_slice package, uint64_t origin_policy,
                                                    struct vault_made_key *out, char why[VAULT_WHY_SIZE]);
/* The members of a private JWK as they came, undecoded. type: what kty and crv say. */
struct vault_clear_jwk {
    enum kq_key_type type;
    const char *n, *e, *d, *p, *q, *dp, *dq, *qi, *x, *y; /* NULL: absent */
};
KQ_MUST_CHECK kq_status vault_keyops_import_clear(struct vault_keyops *keyops, const struct vault_key_ref *where,
                                                  const struct vault_clear_jwk *jwk, struct vault_made_key *out,
                                                  char why[VAULT_WHY_SIZE]);
/* where: the place it comes back to; from_vault: the vault it was backed up from. */
KQ_MUST_CHECK kq_status vault_keyops_restore(struct vault_keyops *keyops, const struct vault_key_ref *where,
                                             const char *from_vault, struct vault_made_key *out,
                                             char why[VAULT_WHY_SIZE]);

/* Sign, decrypt, unwrap in the module; encrypt, wrap here. Appends to out.
 * The digest's or ciphertext's length has been checked by the caller. A failed
 * decryption is KQ_ERR_AUTH, one error whatever the cause. */
KQ_MUST_CHECK kq_status vault_keyops_use(struct vault_keyops *keyops, const struct vault_key_ref *key,
                                         enum vault_key_op op, const struct vault_algorithm *algorithm,
                                         struct kq_slice value, struct kq_buffer *out, char why[VAULT_WHY_SIZE]);
/* KQ_OK with *out_is_valid, whatever the signature's bytes are. */
KQ_MUST_CHECK kq_status vault_keyops_verify(struct kq_slice public_key, const struct vault_algorithm *algorithm,
                                            struct kq_slice digest, struct kq_slice signature, bool *out_is_valid);
/* A key's handle is given back: it was deleted or purged. */
void vault_keyops_unload(struct vault_keyops *keyops, const struct vault_key_ref *key);

/* The public numbers of a key, big-endian without leading zeros (RSA: n, e) or as long as the curve (EC: x, y). */
struct vault_public_numbers {
    struct kq_buffer first;  /* n or x */
    struct kq_buffer second; /* e or y */
};
void vault_public_numbers_clear(struct vault_public_numbers *numbers);
KQ_AUTO_DEFINE_VALUE(vault_public_numbers);
KQ_MUST_CHECK kq_status vault_public_numbers_get(struct kq_slice public_key, struct vault_public_numbers *out);

/* An administrative act of the vault joins the region's audit log before it is
 * answered.
 * event   "vault.key.delete"
 * caller  who, as the token said
 * where   region, and the place as far as it goes (vault, name, version may be NULL) */
KQ_MUST_CHECK kq_status vault_keyops_audit(struct vault_keyops *keyops, const char *event, const char *caller,
                                           const struct vault_key_ref *where, const char *detail);

/* ---- the service's own keys ------------------------------------------------------------ */

/* Names: "ca", "tls" (P-256), "token" (RSA-2048). What is stored of one is an
 * encoded kq_vault_key_file; it holds no secret. */
struct vault_platform_key {
    const char *name;
    struct kq_slice stored;
};
/* Makes one (first run; needs the role for it at the platform's module). */
KQ_MUST_CHECK kq_status vault_keyops_platform_make(struct vault_keyops *keyops, const char *name, enum kq_key_type type,
                                                   uint64_t bits, struct kq_buffer *out_stored,
                                                   char why[VAULT_WHY_SIZE]);
/* Borrows from stored.  Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status vault_keyops_platform_public(const struct vault_platform_key *key, struct kq_slice *out_spki);
/* Appends the signature (ECDSA: r and s). */
KQ_MUST_CHECK kq_status vault_keyops_platform_sign(struct vault_keyops *keyops, const struct vault_platform_key *key,
                                                   uint64_t mechanism, struct kq_slice digest, struct kq_buffer *out);

#endif
