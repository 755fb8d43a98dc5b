#ifndef KQ_TOOLS_COMMON_NAMES_H
#define KQ_TOOLS_COMMON_NAMES_H

#include "base/text.h"
#include "wire/formats.h"

/* Words for the numbers of the formats. "unknown" outside the enums; static storage. */
const char *kq_name_world_kind(uint64_t kind);
const char *kq_name_origin(uint64_t origin);
const char *kq_name_profile(uint64_t profile);
const char *kq_name_audit_class(uint64_t audit_class);

/* "RSA 2048", "EC P-256", "AES 256". */
#define KQ_KEY_TYPE_TEXT_SIZE 32
void kq_name_key(uint64_t key_type, uint64_t bits, char out[KQ_KEY_TYPE_TEXT_SIZE]);

/* Reads a key type and size as people write them: type RSA, EC, ECDSA, AES, or
 * with the curve ("P-256", "secp256k1", "NISTP256", "P256K"); size bits or a
 * curve name, NULL or "" for the type's default (RSA 2048, EC P-256, AES 256).
 * False if there is no such key. */
bool kq_name_parse_key(const char *type, const char *size, uint64_t *out_key_type, uint64_t *out_bits);

/* One mechanism by its short name (rs256, ps384, es256, rsa-oaep, ...). */
struct kq_mechanism_name {
    const char *name;
    uint64_t mechanism;
    uint64_t hash_bits; /* of the digest a signature covers; 0: encryption */
};
/* NULL if unknown. Case does not matter. */
const struct kq_mechanism_name *kq_name_mechanism(const char *name);
/* "rs256, rs384, ..." for error messages. */
extern const char kq_mechanism_names[];

#endif
