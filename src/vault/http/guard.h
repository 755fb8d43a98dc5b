#ifndef VAULT_HTTP_GUARD_H
#define VAULT_HTTP_GUARD_H

#include <stdbool.h>

#include "vault/http/target.h"

/* What libmicrohttpd lets through and we do not: judged on a request's head
 * before a byte of its body is taken.
 *
 * The library parses a head in place: it overwrites line ends with NUL and
 * hands out pointers into its buffer. So where parts lie tells how they were
 * separated: after "name: value" CR LF the next name begins two bytes past the
 * value. One byte (a bare LF), a continued line, a NUL inside a line or a
 * second space in the request line put it elsewhere. docs/decisions/0018. */

struct vault_http_refusal {
    unsigned status;
    const char *code;
    const char *message; /* ASCII without quotes and backslashes */
};

/* Headers that may stand once at most. */
enum vault_http_single {
    HTTP_HOST,
    HTTP_LENGTH,
    HTTP_ENCODING,
    HTTP_AUTHORIZATION,
    HTTP_TYPE,
    HTTP_EXPECT,
    HTTP_SINGLES
};

struct vault_http_guard {
    const char *start; /* of the request line */
    const char *next;  /* where the next header's name must begin */
    bool is_http_1_0;
    size_t num_headers;
    struct kq_slice single[HTTP_SINGLES]; /* their values; data is NULL where absent */
    struct vault_http_refusal refusal;    /* the first; status 0: none */
};

#define VAULT_HEADERS_MAX 64u

/* The request line as the library cut it; target is the raw one, before decoding. */
void vault_http_guard_begin(struct vault_http_guard *guard, const char *method, struct kq_slice target,
                            const char *version);
/* Each header in the order it was sent. */
void vault_http_guard_header(struct vault_http_guard *guard, struct kq_slice name, struct kq_slice value);

struct vault_http_head {
    enum vault_method method;
    char host[VAULT_HOST_SIZE];
    uint16_t port;
    bool is_chunked;
    uint64_t length; /* of the body; 0 where none is announced */
};
/* head_size  from the first byte of the request line to the last of the empty line
 * Returns false, with guard->refusal set, unless the head is sound. */
bool vault_http_guard_finish(struct vault_http_guard *guard, size_t head_size, struct vault_http_head *out);

#endif
