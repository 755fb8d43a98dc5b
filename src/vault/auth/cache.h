#ifndef VAULT_AUTH_CACHE_H
#define VAULT_AUTH_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/status.h"

/* A table of values by a 32-byte hash, each with an end. Its size never
 * changes: a full set gives up what ends first. A look-up or a put costs the
 * same whatever the table holds. Thread-safe; values are wiped when they go. */
struct vault_cache;

#define VAULT_CACHE_WAYS 8u /* places of one set */

/* num_sets  a power of two; the table holds num_sets * VAULT_CACHE_WAYS values of value_len bytes
 * Errors    KQ_ERR_ARGUMENT */
KQ_MUST_CHECK kq_status vault_cache_new(size_t num_sets, size_t value_len, struct vault_cache **out);
void vault_cache_free(struct vault_cache *cache);
KQ_AUTO_DEFINE(vault_cache);

/* Copies the value if it is there and ends after now; false, and out_value
 * untouched, otherwise. out_value may be NULL where values have no bytes. */
bool vault_cache_get(struct vault_cache *cache, const uint8_t hash[32], uint64_t now, void *out_value);
/* Keeps a copy until ends; replaces the value of the same hash. */
void vault_cache_put(struct vault_cache *cache, const uint8_t hash[32], uint64_t ends, const void *value);

#endif
