#ifndef VAULT_JSON_JSON_H
#define VAULT_JSON_JSON_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/cleanup.h"

/* JSON of strangers: depth, size and number of values limited, duplicate members
 * refused, UTF-8 checked, one value and nothing after it. */
#define VAULT_JSON_DEPTH_MAX 16u
#define VAULT_JSON_VALUES_MAX 131072u /* twice what 1024 access policies with all permissions need */

static inline void vault_json_free(json_t *value)
{
    json_decref(value);
}

/* out_error  one sentence with the place (line, column); size at least 160
 * Errors     KQ_ERR_FORMAT, KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status vault_json_parse(struct kq_slice text, json_t **out, char *out_error, size_t out_error_size);
/* Compact, members in the order they were set.  Errors: KQ_ERR_TOO_LARGE, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status vault_json_write(const json_t *value, struct kq_buffer *out);

/* Members of an object. A member that is null counts as absent. false and
 * *out untouched when present with another type; true and *out untouched when absent. */
bool vault_json_string(const json_t *object, const char *name, const char **out);
bool vault_json_bool(const json_t *object, const char *name, bool *out);
bool vault_json_integer(const json_t *object, const char *name, int64_t *out);
bool vault_json_object(const json_t *object, const char *name, const json_t **out);
bool vault_json_array(const json_t *object, const char *name, const json_t **out);

#endif
