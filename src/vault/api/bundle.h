#ifndef VAULT_API_BUNDLE_H
#define VAULT_API_BUNDLE_H

#include "vault/api/call.h"

/* Keys as JSON: what responses show, and no more than the api-version that was
 * asked for declares. NULL: out of memory, or a stored row that is damaged. */

/* 2015-06-01 and 2016-10-01 came before 7.0; newer ones than we know show all. */
enum vault_api_level { VAULT_API_2016 = 60, VAULT_API_7_0 = 70, VAULT_API_NEWEST = 1000 };
unsigned vault_api_level(const char *api_version);
/* Of a call. */
unsigned vault_call_level(const struct vault_call *call);

/* KeyBundle; DeletedKeyBundle for a deleted key. */
json_t *vault_bundle(const struct vault_call *call, const struct vault_key *key,
                     const struct vault_key_version *version);
/* KeyItem and DeletedKeyItem of a list of keys: the kid without version. */
json_t *vault_item(const struct vault_call *call, const struct vault_key *key, const struct vault_key_version *newest);
/* KeyItem of a list of versions. */
json_t *vault_version_item(const struct vault_call *call, const char *key_name,
                           const struct vault_key_version *version);
/* https://host/keys/NAME[/VERSION]; tree is "keys" or "deletedkeys", version may be NULL. */
json_t *vault_kid(const struct vault_call *call, const char *tree, const char *name, const char *version);

/* Base64url without padding; NULL: out of memory. Borrowed bytes are not kept. */
json_t *vault_base64url(struct kq_slice bytes);

#endif
