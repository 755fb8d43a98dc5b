#ifndef HSM_WORLD_SUITES_H
#define HSM_WORLD_SUITES_H

#include <stdbool.h>

#include "module/privcrypto/key.h"

/* Cipher suites: the key types of a world's own KNSO and recovery key
 * (docs/formats/world.md 2). Nothing that crosses a border depends on them. */

enum hsm_suite_flag {
    HSM_SUITE_WEAK = 0x1,          /* 80 bits; owners' worlds only, by name, with a warning */
    HSM_SUITE_APPROVED_ONLY = 0x2, /* keys of types outside SP 800-131A are refused */
};

struct hsm_suite {
    const char *name;
    enum kq_key_type knso_type;
    uint64_t knso_bits; /* DSA: size of the field */
    enum kq_key_type recovery_type;
    uint64_t recovery_bits;
    unsigned flags;
};

/* NULL for a name we do not know. */
const struct hsm_suite *hsm_suite_find(struct kq_slice name);

KQ_MUST_CHECK kq_status hsm_suite_make_knso(const struct hsm_suite *suite, struct hsm_key **out);
KQ_MUST_CHECK kq_status hsm_suite_make_recovery(const struct hsm_suite *suite, struct hsm_key **out);

/* False for a key that a world of this suite may not hold. */
bool hsm_suite_allows_key(const char *suite, enum kq_key_type type, uint64_t bits);

#endif
