#ifndef VAULT_HTTP_CERTIFICATE_H
#define VAULT_HTTP_CERTIFICATE_H

#include "vault/http/server.h"

/* The private CA's certificate and the server's, made with GnuTLS over keys
 * that lie in a module (vault_http_sign). P-256, SHA-256. */
struct vault_http_certificate_request {
    const char *common_name;
    struct kq_slice subject_public; /* DER SubjectPublicKeyInfo, P-256 */
    const char *const *names;       /* DNS names and IP addresses of a server, NULL-terminated; NULL: an authority */
    uint64_t not_before;            /* unix seconds */
    uint64_t not_after;
    struct kq_slice issuer_pem; /* empty: self-signed */
    vault_http_sign *sign;      /* the issuer's key */
    void *sign_context;
};
/* Appends PEM.  Errors: KQ_ERR_ARGUMENT, KQ_ERR_INTERNAL, those of sign. */
KQ_MUST_CHECK kq_status vault_http_certificate_make(const struct vault_http_certificate_request *request,
                                                    struct kq_buffer *out_pem);
/* When a certificate ends; KQ_ERR_FORMAT if it is none. */
KQ_MUST_CHECK kq_status vault_http_certificate_end(struct kq_slice pem, uint64_t *out_not_after);

#endif
