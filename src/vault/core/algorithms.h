#ifndef VAULT_CORE_ALGORITHMS_H
#define VAULT_CORE_ALGORITHMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algorithms.h"

/* The REST API's algorithm names, key types and curves, and what fits what
 * (docs/protocols/rest.md). One const table; nothing else knows. */

/* Bits: key_ops of a key, and what a route does. */
enum vault_key_op {
    VAULT_OP_ENCRYPT = 0x1,
    VAULT_OP_DECRYPT = 0x2,
    VAULT_OP_SIGN = 0x4,
    VAULT_OP_VERIFY = 0x8,
    VAULT_OP_WRAP = 0x10,
    VAULT_OP_UNWRAP = 0x20,
    VAULT_OP_IMPORT = 0x40,
};
#define VAULT_OPS_RSA 0x3fu /* default key_ops of an RSA key */
#define VAULT_OPS_EC 0x0cu

struct vault_algorithm {
    const char *name;      /* "RS256" */
    uint64_t mechanism;    /* kq_mechanism */
    uint32_t ops;          /* vault_key_op bits it can be used with */
    bool for_rsa;          /* else for EC, on the one curve below */
    enum kq_key_type type; /* EC: the curve; RSA: KQ_KEY_RSA */
    size_t digest_len;     /* signatures: what the digest must measure; 0: not fixed (RSNULL, encryption) */
};
/* NULL for an unknown name. Names compare as they stand. */
const struct vault_algorithm *vault_algorithm_find(const char *name);

/* kty of the wire: RSA, RSA-HSM, EC, EC-HSM (oct kinds are known, to be refused by name). */
enum vault_kty {
    VAULT_KTY_UNKNOWN = 0,
    VAULT_KTY_RSA,
    VAULT_KTY_RSA_HSM,
    VAULT_KTY_EC,
    VAULT_KTY_EC_HSM,
    VAULT_KTY_OCT
};
enum vault_kty vault_kty_find(const char *text);
const char *vault_kty_text(enum vault_kty kty);
/* Curves: P-256, P-384, P-521, P-256K (also SECP256K1). false: unknown. */
bool vault_curve_find(const char *text, enum kq_key_type *out);
/* The newer of its names; NULL for what is no curve. */
const char *vault_curve_text(enum kq_key_type type);

/* key_ops names: encrypt decrypt sign verify wrapKey unwrapKey import. 0: unknown. */
uint32_t vault_key_op_find(const char *text);
/* The i-th name and bit, NULL after the last; in the order Azure lists them. */
const char *vault_key_op_name(size_t i, uint32_t *out_bit);

#endif
