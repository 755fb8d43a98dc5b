#ifndef KQ_TOOLS_CLOUD_ENDPOINTS_H
#define KQ_TOOLS_CLOUD_ENDPOINTS_H

#include <stddef.h>

#include "base/status.h"

/* What a running vault says about itself in endpoints.json (KEYQUAY_ENDPOINTS). */
struct kq_endpoints;

struct kq_endpoint_region {
    const char *name; /* borrowed from the endpoints */
    const char *code;
    const char *toolset_sha256;
};

/* Reads the file.  out_error: one sentence.  Errors: KQ_ERR_NOT_FOUND,
 * KQ_ERR_FORMAT, KQ_ERR_TOO_LARGE, KQ_ERR_IO, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status kq_endpoints_read(const char *path, struct kq_endpoints **out, char *out_error, size_t size);
void kq_endpoints_free(struct kq_endpoints *endpoints);

/* A member that is text ("login", "vaultSuffix", "ca", ...); NULL if absent. */
const char *kq_endpoints_text(const struct kq_endpoints *endpoints, const char *name);

/* The addresses that the vault listens on, borrowed; returns how many, at most max. */
size_t kq_endpoints_addresses(const struct kq_endpoints *endpoints, const char **out, size_t max);

/* The region whose toolset has this SHA-256 (hex, any case); NULL if none, or
 * if endpoints is NULL. */
const struct kq_endpoint_region *kq_endpoints_find_toolset(struct kq_endpoints *endpoints, const char *sha256);

#endif
