#ifndef VAULT_HTTP_TARGET_H
#define VAULT_HTTP_TARGET_H

#include "vault/http/message.h"

/* Request targets (origin form only), decoded once and strictly.
 *
 * Path: decoded segment by segment after it was cut at '/', so that %2F never
 * becomes a border; empty segments are dropped. Query: cut at '&' and the
 * first '=', then names and values are decoded; there '+' is a space, as
 * clients written in Go and forms write it.
 * Refused: an escape that is none, %2F in the path, NUL, control characters,
 * bytes that are not UTF-8, "." and ".." (however written), anything outside
 * visible ASCII in the target itself, '#'. */
#define VAULT_TARGET_MAX 8192u
/* What decoding a target of len bytes writes at most. */
#define VAULT_TARGET_STORAGE(len) ((len) + 2)

/* Fills segments and parameters of the request; they lie in storage.
 * storage  VAULT_TARGET_STORAGE(target.len) bytes, of the caller
 * out_why  a sentence, set on failure
 * Errors   KQ_ERR_FORMAT; KQ_ERR_TOO_LARGE (too many segments or parameters, too long) */
KQ_MUST_CHECK kq_status vault_http_target_parse(struct kq_slice target, char *storage,
                                                struct vault_http_request *request, const char **out_why);

/* Reads the value of a Host header.
 * out_host  lower case, without port; an IPv6 address keeps its brackets; at least VAULT_HOST_SIZE bytes
 * Errors    KQ_ERR_FORMAT */
#define VAULT_HOST_SIZE 256u
KQ_MUST_CHECK kq_status vault_http_host_parse(struct kq_slice value, char *out_host, uint16_t *out_port);

#endif
