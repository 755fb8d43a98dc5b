#ifndef HSM_PRIVCRYPTO_JWK_H
#define HSM_PRIVCRYPTO_JWK_H

#include "module/privcrypto/key.h"

/* The members of a private JSON Web Key, base64url as they came; empty where
 * there was none.  Source: RFC 7518 6.2.2, 6.3.2 */
enum hsm_jwk_member {
    HSM_JWK_N,
    HSM_JWK_E,
    HSM_JWK_D, /* of both families */
    HSM_JWK_P,
    HSM_JWK_Q,
    HSM_JWK_DP,
    HSM_JWK_DQ,
    HSM_JWK_QI,
    HSM_JWK_X,
    HSM_JWK_Y,
    HSM_JWK_NUM_MEMBERS
};
struct hsm_jwk {
    struct kq_slice member[HSM_JWK_NUM_MEMBERS];
};

/* Reads a clear key with the same validation as hsm_key_open_clear(). RSA
 * needs n, e, d, p, q; dp, dq, qi are computed where they are empty and have to
 * be right where not. A curve needs x, y, d. Zeros in front of a number may be
 * missing or too many.
 *
 * out_member  on KQ_ERR_FORMAT and KQ_ERR_NOT_FOUND the member's name; static storage
 * Timing      of a sound key depends on the lengths of the members; of a bad one also on what is wrong
 * Errors      KQ_ERR_NOT_FOUND   a member is missing
 *             KQ_ERR_FORMAT      a member is not base64url, or belongs to keys of the other family
 *             KQ_ERR_UNSUPPORTED another kind of key, or size of RSA
 *             KQ_ERR_ARGUMENT    the numbers do not make a valid key */
KQ_MUST_CHECK kq_status hsm_key_open_jwk(enum kq_key_type type, const struct hsm_jwk *jwk, struct hsm_key **out,
                                         const char **out_member);

#endif
