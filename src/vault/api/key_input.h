#ifndef VAULT_API_KEY_INPUT_H
#define VAULT_API_KEY_INPUT_H

#include "vault/api/call.h"
#include "vault/core/algorithms.h"

/* Members of key requests, checked. Each function answers VAULT_OK or a problem
 * whose words name the member and what it should be. */

/* attributes and tags of create, import and update. What is absent stays as it
 * is in the version. Times that are null count as absent. */
enum vault_problem vault_read_attributes(struct vault_call *call, const json_t *body,
                                         struct vault_key_version *version);
/* tags of the body; replaced as a whole where present. */
enum vault_problem vault_read_tags(struct vault_call *call, const json_t *body, struct vault_key_version *version);
/* key_ops of an object (the body, or the JWK of an import); *out untouched if absent. */
enum vault_problem vault_read_key_ops(struct vault_call *call, const json_t *object, uint32_t *out);
/* Do the operations fit the type and the purpose of a key? purpose: kq_vault_purpose. */
enum vault_problem vault_check_key_ops(struct vault_call *call, uint32_t ops, enum vault_kty kty, uint32_t purpose);
/* kty of an object; must be RSA, RSA-HSM, EC or EC-HSM. */
enum vault_problem vault_read_kty(struct vault_call *call, const json_t *object, enum vault_kty *out);
/* crv of an object, to a type; a missing one is *out as it stands. */
enum vault_problem vault_read_curve(struct vault_call *call, const json_t *object, enum kq_key_type *out);
/* A hardware kind wants a premium vault. */
enum vault_problem vault_check_sku(struct vault_call *call, enum vault_kty kty);
/* release_policy must be absent and exportable not true: keys never leave here. */
enum vault_problem vault_refuse_release(struct vault_call *call, const json_t *body);
/* The name of a key in the path. */
enum vault_problem vault_check_key_name(struct vault_call *call, const char *name);

bool vault_kty_is_hsm(enum vault_kty kty);
bool vault_kty_is_rsa(enum vault_kty kty);

/* Either alphabet of base64, padded or not, never mixed. Errors: KQ_ERR_FORMAT, KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status vault_base64_decode(struct kq_slice text, struct kq_buffer *out);

#endif
